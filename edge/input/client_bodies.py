"""Bodies as Statsig's client SDKs send them.

The browser client sends JSON as base64 written backwards and says so with `se=1` in the query. It makes the base64 of
one byte per character, so the bytes are Latin-1 and not UTF-8; a text that does not fit stays plain JSON, and then the
first character tells. Events may be gzip, said by `gz=1` and not by content-encoding; the first two bytes tell.
"""

from binascii import Error, a2b_base64
from collections.abc import Mapping
from typing import Final

from edge.input.reading import decode_json_object, read_within
from edge.messages import Request, refuse_input

GZIP_START: Final = b"\x1f\x8b"


def read_client_object(request: Request, limit: int) -> Mapping[str, object]:
    """Read the body of `initialize`; raises a refusal."""
    body = read_within(request, limit).strip()
    return decode_json_object(body if body.startswith((b"{", b"[")) else undo_encoding(body))


def undo_encoding(body: bytes) -> bytes:
    """Turn a body written backwards in base64 into JSON in UTF-8; what is not base64 is left to the JSON decoder."""
    try:
        return a2b_base64(body[::-1], strict_mode=True).decode("latin-1").encode()
    except Error:
        raise refuse_input("the body is neither a JSON object nor base64 written backwards") from None


def find_encoding(body: bytes, stated: str) -> str:
    """Return the encoding of a body of events: the one stated, else gzip when it begins like that."""
    stated = stated.strip().lower()
    if stated and stated != "identity":
        return stated
    return "gzip" if body.startswith(GZIP_START) else ""
