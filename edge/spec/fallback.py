"""The fallback: a spec built into the component with `make build FALLBACK=spec.json`, for when no store answers.

It lies in the generated module `baked_spec` as the document's text, because the component has no files, and is decoded
when it is first needed: a sandbox whose store answers never pays for it.
"""

from edge.spec.raw import RawSpec

try:
    from edge.spec.baked_spec import DOCUMENT
except ImportError:  # built without one
    DOCUMENT = b""


class Fallback:
    """The fallback of a sandbox."""

    __slots__ = ("_document", "_spec")

    def __init__(self, document: bytes = DOCUMENT) -> None:
        self._document = document
        self._spec: RawSpec | None = None

    def find(self) -> RawSpec | None:
        """Return the fallback, or None when the component was built without one; raises InvalidSpec."""
        if self._spec is None and self._document:
            self._spec = RawSpec(lambda: self._document, 0)
        return self._spec
