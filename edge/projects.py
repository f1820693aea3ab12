"""Several projects behind one service: which spec an API key asks.

The table stands in the setting `projects` as `fingerprint=spec_key` pairs separated by white space, so that no key
stands where settings are shown. A key that is not in it asks the spec of the setting `spec_key`; without a table every
key does, and nothing is hashed.
"""

from hashlib import sha256
from typing import Final

FINGERPRINT_LENGTH: Final = 16


def find_spec_key(table: str, api_key: str, otherwise: str) -> str:
    """Return the KV key of the spec that an API key asks."""
    if not table:
        return otherwise
    wanted = fingerprint(api_key) + "="
    return next((pair[len(wanted) :] for pair in table.split() if pair.startswith(wanted)), otherwise)


def fingerprint(api_key: str) -> str:
    """Return what stands for an API key in the table: the first 16 hexadecimal digits of its SHA-256."""
    return sha256(api_key.encode()).hexdigest()[:FINGERPRINT_LENGTH]
