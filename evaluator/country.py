"""The country of an IPv4 address, by bisection over a table packed when the project is set up.

The table (`country_table.py`, written by `devhost/country_table.py`) cuts the address space into ranges of whole blocks
of 256 addresses: `RANGE_ENDS` holds where each range ends (exclusive, counted in blocks, rising), `RANGE_COUNTRIES` one
byte for each range, an index into `COUNTRIES`. The bytes are read where they lie; nothing is unpacked.

The official core is lenient about addresses, and so are we: a part is any signed 64-bit integer, `8.8.8.300` carries
over into the next block, and sums wrap around at 64 bits as the core's do. Where the core would crash (a sum beyond
the last range) the country is unknown.
"""

import re
import sys
from array import array
from bisect import bisect_right
from collections.abc import Sequence

from evaluator.country_table import COUNTRIES, RANGE_COUNTRIES, RANGE_ENDS

# How the parts of nearly every address are written: read so, the component takes 27,000 instructions, not 60,000.
_OCTETS = frozenset(map(str, range(256)))
# Leading zeros are cut off first: a part may have any number of them, while int() refuses very long texts.
_PART = re.compile(r"([+-]?)0*([0-9]{1,19})")


def find_country(ip: str) -> str | None:
    """Find the two-letter code of the country that an IPv4 address in text belongs to."""
    texts = ip.split(".")
    if len(texts) != 4:
        return None
    block = int.from_bytes(map(int, texts)) >> 8 if _OCTETS.issuperset(texts) else _find_odd_block(texts)
    if block is None:
        return None
    index = bisect_right(_ENDS, block)
    return COUNTRIES[RANGE_COUNTRIES[index]] if index < len(RANGE_COUNTRIES) else None


def _find_odd_block(texts: Sequence[str]) -> int | None:
    """Return the block of an address that is not written as everybody does; None where a part is no number."""
    parts = [number for text in texts if (number := _parse_part(text)) is not None]
    if len(parts) != 4:
        return None
    first, second, third, fourth = parts
    return _wrap_int64((first << 24) + (second << 16) + (third << 8) + fourth) >> 8


def _parse_part(text: str) -> int | None:
    match = _PART.fullmatch(text)
    if match is None:
        return None
    number = int(match[1] + match[2])
    return number if -(1 << 63) <= number < 1 << 63 else None


def _wrap_int64(number: int) -> int:
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)


def _view_uint32(packed: bytes) -> Sequence[int]:
    """Read little-endian 32-bit numbers in place where the machine counts that way, from a copy elsewhere."""
    if sys.byteorder == "little":
        return memoryview(packed).cast("I")
    numbers = array("I", packed)
    numbers.byteswap()
    return numbers


_ENDS = _view_uint32(RANGE_ENDS)
