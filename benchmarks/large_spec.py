"""A spec of any size: a smaller one, copied under new names until it is as large as asked for.

The first copy keeps its names, so what can be asked of the small one can be asked of the large one.
`python -m benchmarks.large_spec SPEC BYTES` writes one to standard output, of a file in the v2 form.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

type Json = dict[str, Any]

COPIED = ("feature_gates", "dynamic_configs", "layer_configs", "condition_map")
COPIED_TOO = ("overrides", "override_rules", "cmab_configs")  # where a spec has them


def multiply_spec(spec: Json, size: int) -> bytes:
    """Return a v2 document of at least so many bytes, made of copies of a smaller one."""
    copied = (*COPIED, *(part for part in COPIED_TOO if part in spec))
    names = frozenset(name for part in copied for name in spec[part])
    one = len(encode({part: spec[part] for part in copied}))
    parts: Json = {part: dict(spec[part]) for part in copied}
    for number in range(1, size // one + 1):
        for part in copied:
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


def main() -> None:
    """Write a large spec to standard output."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.large_spec", description=__doc__)
    parser.add_argument("spec", type=Path)
    parser.add_argument("bytes", type=int)
    arguments = parser.parse_args()
    sys.stdout.buffer.write(multiply_spec(json.loads(arguments.spec.read_bytes()), arguments.bytes))


if __name__ == "__main__":
    main()
