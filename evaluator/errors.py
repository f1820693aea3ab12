"""Errors, named by whose fault they are."""

from __future__ import annotations


class InvalidSpec(ValueError):
    """A document that is not a config spec; `faults` names every misfit as "path: what is wrong"."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(faults))


class InvalidUser(ValueError):
    """A value that cannot be read as a Statsig user."""


class EvaluationDepthExceeded(RuntimeError):
    """Gates refer to each other in a circle, or more than 300 deep; the text is the official core's."""

    def __init__(self) -> None:
        super().__init__("Statsig Evaluation Depth Exceeded")
