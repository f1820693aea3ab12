"""ID lists for Statsig's server SDKs: what lists there are, and each as a file.

The store keeps a list as sorted shards, from which the file is written again: one line for each member, in their order.
Such a file does not grow at its end, so its ID changes with its content, and SDKs fetch it anew. They ask for the file
without their key; the address they are given is signed with it.
"""

import re
from binascii import b2a_base64
from hashlib import sha256
from hmac import compare_digest, digest
from typing import Final

from edge.callers.keys import Access, KeyPlace
from edge.calls import Call, Route
from edge.input.reading import find_origin, parse_query
from edge.messages import Refusal, Reply, json_reply
from edge.ports import StoreFault
from edge.questions import Questions
from edge.routes.schemas import ERROR, INTEGER, TEXT, a_map, an_object
from specstore.idlists import MEMBER_BYTES, MEMBER_TEXT, IdList

# Some 350,000 members, whose file takes 420 million instructions, near the 50 ms of CPU time that Fastly gives.
MOST_SHARDS: Final = 256
LINE: Final = b"+" + bytes(MEMBER_TEXT) + b"\n"
_FROM: Final = re.compile(r"bytes=([0-9]{1,12})-")


def list_lists(call: Call) -> Reply:
    """Name the ID lists, with the size and the address of each as a file."""
    lists = begin(call, call.caller.key).lists.find_index() or {}
    return json_reply(200, {name: describe_list(call, name, about) for name, about in lists.items()})


def begin(call: Call, key: str) -> Questions:
    """Return the questions of a call that asks for lists and no entity."""
    return call.sandbox.begin_questions((), key)


def describe_list(call: Call, name: str, about: IdList) -> dict[str, object]:
    """Return the entry of one list."""
    file = name_file(name)
    return {
        "name": name,
        "size": about.members * len(LINE),
        "url": f"{find_origin(call.request.uri)}/v1/id_lists/{file}?sig={sign(call.caller.key.encode(), file)}",
        "creationTime": about.creation_time,
        "fileID": f"{about.file_id}-{about.size}-{about.members}",
    }


def name_file(name: str) -> str:
    """Return what stands for a list in an address: names may hold anything."""
    return sha256(name.encode("utf-8", "replace")).hexdigest()[:16]


def sign(key: bytes, file: str) -> str:
    """Return what shows that an address was given out to the holder of a key."""
    return digest(key, f"id_lists/{file}".encode(), "sha256").hex()[:32]


def get_list(call: Call) -> Reply:
    """Return an ID list as a file, from the byte that the range asks for."""
    key = require_signature(call)
    lists = begin(call, key).lists
    index = lists.find_index() or {}
    found = next((one for one in index.items() if name_file(one[0]) == call.parameter), None)
    if found is None:
        raise Refusal(404, "unknown_list", "there is no ID list at this address")
    if found[1].shards > MOST_SHARDS:
        raise Refusal(503, "list_too_long", f"the list has more than {MOST_SHARDS} shards; fetch it from Statsig")
    try:
        content = write_lines(lists.read_members(*found))
    except StoreFault as problem:
        raise Refusal(503, "unreadable_list", str(problem)) from None
    return cut_range(content, call.request.find_header("range") or "")


def require_signature(call: Call) -> str:
    """Return the key that an address was signed with; raises a refusal."""
    signature = parse_query(call.request.query).get("sig", "").encode()
    keys = call.sandbox.keys.server
    signers = [key for key in keys if compare_digest(sign(key, call.parameter).encode(), signature)]
    if not signers:
        raise Refusal(401, "unauthorized", "the address is not one that /v1/get_id_lists gave out")
    return signers[0].decode("utf-8", "replace")


def write_lines(members: bytes) -> bytes:
    """Return the lines of all members: 6 bytes each are 8 characters, put into their columns together."""
    texts = b2a_base64(members, newline=False)
    lines = bytearray(LINE * (len(members) // MEMBER_BYTES))
    for column in range(MEMBER_TEXT):
        lines[1 + column :: len(LINE)] = texts[column::MEMBER_TEXT]
    return bytes(lines)


def cut_range(content: bytes, asked: str) -> Reply:
    """Return a file, or its end from a byte on."""
    headers = (("content-type", b"text/plain"), ("accept-ranges", b"bytes"))
    match = _FROM.fullmatch(asked.strip())
    start = int(match[1]) if match else 0
    if match is None:
        return Reply(200, content, headers)
    if start >= len(content):
        return Reply(416, b"", (*headers, ("content-range", b"bytes */%d" % len(content))))
    span = b"bytes %d-%d/%d" % (start, len(content) - 1, len(content))
    return Reply(206, content[start:], (*headers, ("content-range", span)))


_LIST: Final = an_object({"name": TEXT, "size": INTEGER, "url": TEXT, "creationTime": INTEGER, "fileID": TEXT})
_REPLIES: Final = {200: a_map(_LIST), 401: ERROR, 403: ERROR}
ROUTES: Final = (
    Route("POST", "/v1/get_id_lists", list_lists, Access.SERVER, replies=_REPLIES),
    Route(
        "GET",
        "/v1/get_id_lists/{key}",
        list_lists,
        Access.SERVER,
        (KeyPlace.PATH, KeyPlace.HEADER),
        replies=_REPLIES,
    ),
    Route(
        "GET",
        "/v1/id_lists/{file}",
        get_list,
        Access.NONE,
        replies={200: None, 206: None, 401: ERROR, 404: ERROR, 416: None, 503: ERROR},
        query={"sig": TEXT},
        headers=("accept-ranges",),
    ),
)
