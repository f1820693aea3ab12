"""What a request wants to know of a spec: some names, or everything."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(slots=True)
class Wanted:
    """One spec asked for; the kind is gate, config, experiment or layer, as the evaluator has it."""

    kind: str
    name: str
    client_key: str = ""  # of a client that may see only a part of the specs; empty for who may see all


type Questions = Sequence[Wanted] | None  # None asks for the whole spec
