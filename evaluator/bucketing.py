"""Hashing: buckets by SHA-256, names in client responses by djb2 or SHA-256."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from struct import Struct
from typing import TYPE_CHECKING, Final, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Callable

# Of a digest, the first 8 bytes as a big-endian unsigned number.
unpack_number: Final = Struct(">Q").unpack_from
PASS_BUCKETS: Final = 10_000
USER_BUCKETS: Final = 1_000


class Hasher(Protocol):
    """What `hashlib` returns."""

    def copy(self) -> Self:
        """Return another one that has seen the same."""

    def update(self, data: bytes, /) -> None:
        """See more."""

    def digest(self) -> bytes:
        """Return the hash of everything seen."""


def to_bytes(text: str) -> bytes:
    """Encode for hashing; a lone surrogate, which JSON can carry and UTF-8 cannot, becomes `?`."""
    return text.encode() if text.isascii() else text.encode("utf-8", "replace")


def hash_text(text: bytes) -> int:
    """Return the first 8 bytes of SHA-256 as a number."""
    number: int = unpack_number(sha256(text).digest())[0]
    return number


def start_hash(prefix: bytes) -> Hasher:
    """Return a SHA-256 hasher that has seen the prefix."""
    return sha256(prefix)


def hash_djb2_number(text: str) -> int:
    """Return the 32-bit hash over Unicode code points."""
    number = 0
    for point in map(ord, text):
        number = number * 31 + point & 0xFFFFFFFF
    return number


def hash_djb2(text: str) -> str:
    """Return djb2 as decimal text, the form names take in client responses."""
    return str(hash_djb2_number(text))


def hash_sha256(text: str) -> str:
    """Return SHA-256 as padded base64."""
    return b64encode(sha256(to_bytes(text)).digest()).decode()


def hash_unit_id(text: str) -> str:
    """Return what an ID list holds of a unit ID: the first 8 characters of its base64 SHA-256."""
    return hash_sha256(text)[:8]


@cache
def find_name_hash(algorithm: str) -> Callable[[str], str]:
    """Return the function that hashes names; an unknown algorithm means djb2, the clients' default."""
    hashes: dict[str, Callable[[str], str]] = {"none": str, "sha256": hash_sha256}
    return hashes.get(algorithm, hash_djb2)
