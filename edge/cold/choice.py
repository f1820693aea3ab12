"""Which measures a build takes: `make build WITHOUT=packing,listing` leaves some out."""

from typing import Final

try:
    from edge.cold.left_out import LEFT_OUT
except ImportError:  # built with everything
    LEFT_OUT: frozenset[str] = frozenset()  # type: ignore[no-redef]

MEASURES: Final = ("compiling", "gathering", "plain_runtime", "rehearsal", "packing", "listing", "freezing")


def is_chosen(measure: str) -> bool:
    """Tell whether the build takes a measure."""
    return measure not in LEFT_OUT
