"""A whole client response: its parts, each a JSON text, joined."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

from evaluator.bucketing import hash_djb2_number
from evaluator.client_response import init_v2, v1, v2
from evaluator.client_response.kept import find_kept, identify
from evaluator.client_response.param_stores import write_param_stores
from evaluator.client_response.sections import Sections
from evaluator.client_response.session_replay import write_session_replay
from evaluator.client_response.texts import encode
from evaluator.coerce import find_text
from evaluator.errors import EvaluationDepthExceeded
from evaluator.evaluate import LAYER

if TYPE_CHECKING:
    from evaluator.client_response.options import ResponseOptions
    from evaluator.client_response.texts import Piece, Text
    from evaluator.view import UserView

type Parts = dict[str, Text]

_WRITERS: Final[dict[str, type[v1.Writer]]] = {"v1": v1.Writer, "v2": v2.Writer, "init-v2": init_v2.Writer}
_SECTIONS: Final = ("feature_gates", "dynamic_configs", "layer_configs", "param_stores")


def write_client_response(view: UserView, options: ResponseOptions, sdk_info: Mapping[str, str]) -> dict[str, Any]:
    """Evaluate everything for the user of the view, and return the response as JSON values."""
    parts = write_response_parts(view, options)
    response: dict[str, Any] = json.loads(
        join_parts({**parts, "user": encode(view.loggable_user()), "sdkInfo": encode(sdk_info)})
    )
    return response


def write_response_parts(view: UserView, options: ResponseOptions) -> Parts:
    """Evaluate everything for the user of the view, and return {top-level key: JSON text, or its pieces}.

    The `user` and the `sdkInfo` are for the caller to add, who knows how to write them. The view must have been made
    with `find_target_app` as its app.
    """
    kept = find_kept(view.project, options.hash)
    writer = _WRITERS.get(options.response_format, v1.Writer)(kept, options)
    try:
        parts = _write(view, options, writer)
    except EvaluationDepthExceeded:
        view.come_up()
        return blank_parts()
    if options.previous_response_hash is not None:
        checksum = hash_stored(writer, parts)
        if checksum == options.previous_response_hash:
            return blank_parts()
        parts["full_checksum"] = encode(checksum)
    return parts


def join_parts(parts: Mapping[str, Text]) -> bytes:
    """Return the text of a response; it is ASCII."""
    pieces: list[Piece] = []
    for key, text in parts.items():
        pieces.append(write_key(key))
        pieces += (text,) if isinstance(text, bytes) else text
    pieces[0] = b"{" + pieces[0][1:]
    pieces.append(b"}")
    return b"".join(pieces)


@cache
def write_key(key: str) -> bytes:
    """Return `,"key":` for one of the few keys of responses."""
    return f',"{key}":'.encode("ascii")


def write_client_entry(view: UserView, kind: str, name: str, options: ResponseOptions) -> dict[str, object] | None:
    """Return the entry of one spec as a v1 response has it; None when the response does not hold it."""
    writer = v1.Writer(find_kept(view.project, options.hash), options)
    try:
        found = Sections(view, options, writer.form.listing).find_one(kind, name)
    except EvaluationDepthExceeded:
        view.come_up()
        return None
    entries = json.loads(b"".join(writer.write_layers(found) if kind == LAYER else writer.write_section(found)))
    return next(iter(entries.values()), None)


def blank_parts() -> Parts:
    """Return the response that says nothing is new, which the core also gives when one spec cannot be evaluated."""
    return {
        **dict.fromkeys(_SECTIONS, b"{}"),
        "time": b"0",
        "has_updates": b"false",
        "hash_used": b'""',
        "sdkParams": b"{}",
        "evaluated_keys": b"{}",
    }


def _write(view: UserView, options: ResponseOptions, writer: v1.Writer) -> Parts:
    kept = writer.kept
    sections = Sections(view, options, writer.form.listing)
    parts: Parts = {
        "feature_gates": writer.write_section(sections.gates()),
        "dynamic_configs": writer.write_section(sections.configs()),
        "layer_configs": writer.write_layers(sections.layers()),
        "param_stores": write_param_stores(view.project, sections, options.param_stores, kept),
        "time": b"%d" % view.project.time,
        "has_updates": b"true",
        "hash_used": encode(options.hash),
        "sdkParams": b"{}",
        "evaluated_keys": encode(view.user.evaluated_keys()),
        **writer.tables(),
        **write_session_replay(view, kept),
    }
    attributes = hash_private_attributes(view.user.private_attributes)
    if attributes is not None:
        parts["pa_hash"] = encode(attributes)
    return parts


def hash_private_attributes(attributes: Mapping[str, object]) -> str | None:
    """Return the sum of djb2("key:text") over the private attributes, in 32 bits."""
    if not attributes:
        return None
    total = sum(hash_djb2_number(f"{key}:{find_text(value) or ''}") for key, value in attributes.items())
    return str(total & 0xFFFFFFFF)


def hash_stored(writer: v1.Writer, parts: Parts) -> str:
    """Identify what a client stores; the core hashes other bytes, but a client only ever sends ours back."""
    return str(identify((*writer.stored, cast("bytes", parts["param_stores"]))))
