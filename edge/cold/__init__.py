"""What the build does once so that a fresh sandbox need not: `docs/cold-request.md` has what each part is worth.

A component is a snapshot of the interpreter after the import of its entry module. Everything here runs at the end of
that import and never afterwards; the service gives the same replies without any of it, only later.
"""
