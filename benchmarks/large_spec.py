"""A spec of any size: the example spec, copied under new names until it is as large as asked for.

The first copy keeps its names, so what can be asked of the example can be asked of the large one.
"""

import json
from typing import Any

type Json = dict[str, Any]

COPIED = ("feature_gates", "dynamic_configs", "layer_configs", "condition_map")


def multiply_spec(spec: Json, size: int) -> bytes:
    """Return a v2 document of at least so many bytes, made of copies of a smaller one."""
    names = frozenset(name for part in COPIED for name in spec[part])
    one = len(encode({part: spec[part] for part in COPIED}))
    parts: Json = {part: dict(spec[part]) for part in COPIED}
    for number in range(1, size // one + 1):
        for part in COPIED:
            parts[part] |= rename(spec[part], names, f"_{number}")
    return encode(spec | parts)


def rename(value: Any, names: frozenset[str], suffix: str) -> Any:
    """Return a part of a spec in which everything that has one of these names has a new one."""
    if isinstance(value, dict):
        return {rename(key, names, suffix): rename(inner, names, suffix) for key, inner in value.items()}
    if isinstance(value, list):
        return [rename(inner, names, suffix) for inner in value]
    return f"{value}{suffix}" if isinstance(value, str) and value in names else value


def encode(document: Json) -> bytes:
    """Write a document as it lies in a KV store: without blanks."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
