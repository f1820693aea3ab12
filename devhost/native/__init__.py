"""Run the service's source on this Python: the same code without a build, with a debugger, coverage and microseconds.

What the component imports as `wit_world` stands on the objects of `devhost/fastly`, as it does in the embedded host.
docs/hosts.md lists what differs.
"""
