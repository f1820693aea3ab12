"""Rehearse the calls of the bindings while the component is built, as `evaluator/warm_up.py` does with evaluation.

There is no host yet, so the runtime's one function for calls to it is replaced for that time by one that answers from
a script. Calls that are not the script's end the build.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from componentize_py_types import Ok
from wit_world.imports import async_io, config_store, http_req, http_resp, kv_store, secret_store

from edge.cold.plain_runtime import Finalizer
from edge.host.incoming import read_request, send_reply
from edge.host.platform import FastlyPlatform
from edge.messages import json_reply

ROUNDS: Final = 10
RUNTIME: Final = "componentize_py_runtime"
DONE: Final = Ok(None)


class OutOfStep(Exception):
    """The bindings called something else than the script says."""


@contextmanager
def answering(*answers: object) -> Iterator[None]:
    """Answer the calls made meanwhile with these, in order; raises OutOfStep when there were fewer."""
    runtime = sys.modules[RUNTIME]
    earlier: Callable[..., object] = runtime.call_import
    following = iter(answers)
    runtime.call_import = lambda _function, _arguments: next(following)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        runtime.call_import = earlier  # type: ignore[attr-defined]
    if list(following):
        raise OutOfStep("fewer calls than answers")


def make_handle[Kind](kind: type[Kind]) -> Kind:
    """Make an object as the runtime does for a handle; it stands for none."""
    made = kind.__new__(kind)
    made.__dict__.update(handle=0, finalizer=Finalizer(None, lambda _kind, _handle: None, 0, 0))
    return made


def rehearse_bindings() -> None:
    """Make the calls of a gate check, several times."""
    for _ in range(ROUNDS):
        rehearse_message()
        rehearse_stores(FastlyPlatform())


def rehearse_message() -> None:
    """Read a request and send a reply."""
    target, body = Ok("https://gatelet.test/gate?name=first&userID=a-user"), make_handle(async_io.Pollable)
    with answering(target, Ok("GET"), Ok(None), Ok(b"https://gatelet.test")):
        request = read_request(make_handle(http_req.Request), body)
        request.find_header("origin")
        request.find_header("origin")
    reply = json_reply(200, {})._replace(headers=(("content-type", b"x"), ("cache-control", b"x")))
    response, body = make_handle(http_resp.Response), make_handle(async_io.Pollable)
    with answering(Ok(response), DONE, DONE, Ok(body), Ok(len(reply.body)), DONE):
        send_reply(reply)


def rehearse_stores(platform: FastlyPlatform) -> None:
    """Look up settings, a secret and entries."""
    platform.begin_reply()
    with answering(Ok(make_handle(config_store.Store)), Ok(None), Ok("true")):
        platform.find_setting("rehearsal")
        platform.find_setting("rehearsal")
    with answering(Ok(make_handle(secret_store.Store)), Ok(make_handle(secret_store.Secret)), Ok(b"x")):
        platform.find_secret("rehearsal")
    with answering(Ok(make_handle(kv_store.Store)), *(Ok(make_handle(async_io.Pollable)) for _ in range(2))):
        begun = [platform.begin_lookup("rehearsal", key) for key in ("found", "missing")]
    with answering(Ok(make_handle(kv_store.Entry)), Ok(make_handle(kv_store.Entry)), Ok(None)):
        entry = platform.lookup("rehearsal", "found")
        waited = [one.wait() for one in begun]
    if entry is None or waited[0] is None or waited[1] is not None:
        raise OutOfStep("the entries are others")
    with answering(1, Ok(None), make_handle(async_io.Pollable), 2, Ok(b"x"), Ok(b"y")):
        if (entry.generation, entry.metadata(), entry.read()) != (1, None, b"xy"):
            raise OutOfStep("the entry is another one")
    platform.end_reply()
