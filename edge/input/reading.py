"""What a client sent, read strictly: target, query, JSON body.

Own code instead of `urllib.parse`: measured, its import and use cost a fresh sandbox more than the gate check. Every
fault of the input is a refusal with a sentence that helps; nothing here fails in another way.
"""

from json import JSONDecodeError, JSONDecoder, JSONEncoder
from typing import Final, Never

from edge.messages import BodyTooLarge, Refusal, Request, refuse_input
from evaluator.nesting import NESTING_LIMIT, is_nested_too_deeply

MANY_NAMES: Final = 100
LONGEST_NAME: Final = 500  # characters; Statsig's console takes 100


def split_target(uri: str) -> tuple[str, str]:
    """Split an absolute or relative URI into its path and its query."""
    head, _, query = uri.partition("?")
    scheme_end = head.find("://")
    if scheme_end < 0:
        return head or "/", query
    slash = head.find("/", scheme_end + 3)
    return (head[slash:] if slash >= 0 else "/"), query


def find_origin(uri: str) -> str:
    """Return the scheme and host of an absolute URI, or an empty text."""
    scheme_end = uri.find("://")
    if scheme_end < 0:
        return ""
    return uri[: scheme_end + 3] + uri[scheme_end + 3 :].partition("?")[0].partition("/")[0]


def parse_query(query: str) -> dict[str, str]:
    """Decode a query; the first of equal names counts. Raises a refusal."""
    fields: dict[str, str] = {}
    for part in query.split("&"):
        name, _, value = part.partition("=")
        fields.setdefault(decode_percent(name), decode_percent(value))
    return fields


def decode_percent(text: str) -> str:
    """Undo the percent encoding of a query part; raises a refusal when the bytes are not UTF-8."""
    text = text.replace("+", " ")
    if "%" not in text:
        return text
    first, *rest = text.encode().split(b"%")
    out = bytearray(first)
    for piece in rest:
        out += decode_escape(piece)
    try:
        return out.decode()
    except UnicodeDecodeError:
        raise refuse_input("the query is not UTF-8") from None


def decode_escape(piece: bytes) -> bytes:
    """Decode what follows a percent sign; anything but two hex digits stays as it is."""
    try:
        return bytes.fromhex(piece[:2].decode("ascii")) + piece[2:] if len(piece) >= 2 else b"%" + piece
    except ValueError:
        return b"%" + piece


def decode_percent_path(text: str) -> str:
    """Undo the percent encoding of a path's last part, where a plus sign is a plus sign; raises a refusal."""
    return decode_percent(text.replace("+", "%2B")) if "%" in text or "+" in text else text


def read_name(value: object, field: str) -> str:
    """Read the name of an entity; raises a refusal."""
    if value is None:
        raise refuse_input(f"{field} is missing")
    if not isinstance(value, str) or not value:
        raise refuse_input(f"{field} must be a text that is not empty")
    if len(value) > LONGEST_NAME:
        raise refuse_input(f"{field} is longer than {LONGEST_NAME} characters")
    return value


def read_names(value: object, field: str) -> list[str]:
    """Read a list of names, each kept once; raises a refusal."""
    if not isinstance(value, list) or not 1 <= len(value) <= MANY_NAMES:
        raise refuse_input(f"{field} must be a list of 1 to {MANY_NAMES} names")
    if not all(isinstance(name, str) and name for name in value):
        raise refuse_input(f"{field} must hold texts that are not empty")
    return list(dict.fromkeys(read_name(name, f"each of {field}") for name in value))


def read_json_object(request: Request, limit: int) -> dict[str, object]:
    """Read the body as one JSON object; raises a refusal."""
    return decode_json_object(read_plain_body(request, limit))


def decode_json_object(body: bytes) -> dict[str, object]:
    """Decode a JSON object that came from outside; raises a refusal."""
    value = decode_json(body)
    if not isinstance(value, dict):
        raise refuse_input("the body must be a JSON object")
    return value


def read_plain_body(request: Request, limit: int) -> bytes:
    """Read a body that must not be compressed; raises a refusal."""
    encoding = request.find_header("content-encoding")
    if encoding and encoding.strip().lower() != "identity":
        raise Refusal(415, "unsupported_encoding", "send the body without content-encoding")
    return read_within(request, limit)


def read_within(request: Request, limit: int) -> bytes:
    """Read a body as it came; raises a refusal when it is too long."""
    try:
        return request.read_body(limit)
    except BodyTooLarge:
        raise Refusal(413, "body_too_large", f"the body is longer than {limit} bytes") from None


def decode_json(body: bytes) -> object:
    """Decode a JSON text that came from outside; raises a refusal."""
    if is_nested_too_deeply(body):
        raise refuse_input(f"malformed JSON: nested more than {NESTING_LIMIT} deep")
    try:
        value = read_value(body.decode())
        if b"\\ud" in body or b"\\uD" in body:
            refuse_lone_surrogates(value)
        return value
    except UnicodeDecodeError as problem:
        raise refuse_input(f"the body is not UTF-8: byte {problem.start}") from None
    except JSONDecodeError as problem:
        raise refuse_input(f"malformed JSON: {problem.msg}, line {problem.lineno} column {problem.colno}") from None
    except ValueError as problem:
        raise refuse_input(f"malformed JSON: {problem}") from None


def read_value(text: str) -> object:
    """Decode a JSON text; raises ValueError. Blanks around the value are looked for only where there are some.

    The scanner in C is asked at once (`evaluator.json_text`); it raises StopIteration where no value begins.
    """
    try:
        value, end = _scan(text, 0)
    except (JSONDecodeError, StopIteration):
        return _decoder.decode(text)
    return value if end == len(text) else _decoder.decode(text)


def refuse_lone_surrogates(value: object) -> None:
    """Raise ValueError when a text holds half a character, which has no UTF-8 form and so no hash."""
    try:
        _plain_encoder.encode(value).encode()
    except UnicodeEncodeError:
        raise ValueError("a \\u escape is half of a pair") from None


def refuse_constant(name: str) -> Never:
    """Refuse NaN and the infinities, which Python's decoder takes and JSON does not know."""
    raise ValueError(f"{name} is not JSON")


_decoder = JSONDecoder(parse_constant=refuse_constant)
_scan = _decoder.scan_once  # type: ignore[attr-defined]  # typeshed does not know it
_plain_encoder = JSONEncoder(ensure_ascii=False, check_circular=False)
