"""Answer made-up requests while the component is built, so that a fresh sandbox runs code that has run before.

CPython rewrites the instructions of a function for the types it meets, and keeps what it found in modules and classes;
the component is a snapshot, so what happens here is there when a sandbox starts. Each request has a sandbox of its own,
then one that is asked it several times, and the platforms are gone afterwards; nothing from outside is known yet.
Measured when it came: the instructions until the reply of a gate check fell from 4.9 to 3.1 million for a spec in
pages.
"""

import gc
from collections.abc import Callable
from functools import partial
from typing import Final

from edge.cold.made_up import STORE, Rehearsed, make_checks, make_document, make_further, make_platform
from edge.events.answers import Answer
from edge.events.spool_format import PREFIX
from edge.memory import MemoryPlatform
from edge.sandbox import Sandbox
from edge.service import answer

ROUNDS: Final = 30  # measured: more saves nothing
FURTHER_ROUNDS: Final = 4  # instructions are rewritten within the first few runs
TIMES: Final = 5  # that a sandbox is asked the same, for what it does only where it was asked before
IN_TROUBLE: Final = frozenset((200, 202, 204, 400, 401, 404, 405, 500, 503))  # GET /gate says 500 by contract


type Serve = Callable[[MemoryPlatform, Rehearsed], int]


class WrongReply(Exception):
    """A rehearsed request was answered otherwise than in earnest."""


def serve_in_memory(platform: MemoryPlatform, rehearsed: Rehearsed) -> int:
    """Answer a request in a sandbox of its own and do what follows; returns the status."""
    sandbox = Sandbox(platform)
    for _ in range(rehearsed.times):
        reply = answer(sandbox, rehearsed.request)
        sandbox.after_reply(reply)
    sandbox.close()
    return reply.status


def rehearse(serve: Serve = serve_in_memory, rounds: int = ROUNDS, further_rounds: int = FURTHER_ROUNDS) -> None:
    """Answer every request, each in a sandbox of its own, against each kind of platform; raises WrongReply."""
    paged, raw = (make_platform(make_document(), is_paged=is_paged) for is_paged in (True, False))
    checks, further = make_checks(), tuple(make_further())
    again = tuple(one._replace(times=TIMES) for one in (*checks, *further))
    for platform in (raw, paged):
        rehearse_on(serve, platform, further, further_rounds)
        rehearse_on(serve, platform, again, further_rounds)
    for store_fault in ("rehearsal", "") if further_rounds else ():
        rehearse_in_trouble(serve, store_fault, (*checks, *further))
    rehearse_failing_endpoint(serve, checks, further_rounds)
    rehearse_on(serve, raw, checks, further_rounds)
    rehearse_on(serve, paged, checks, rounds)  # last, because most sandboxes do this


def list_parts(serve: Serve) -> tuple[Callable[[], None], tuple[Callable[[], None], ...]]:
    """Return a short rehearsal: the request of most sandboxes, and all others in parts, the usual ones first."""
    paged, checks = make_platform(make_document(), is_paged=True), make_checks()
    others = partial(rehearse_on, serve, paged, checks, 1), partial(rehearse, serve, 1, 1)
    return partial(rehearse_on, serve, paged, checks[-1:], 1), others


def rehearse_on(serve: Serve, platform: MemoryPlatform, requests: tuple[Rehearsed, ...], rounds: int) -> None:
    """Answer requests as they would be in earnest; raises WrongReply."""
    for _ in range(rounds):
        for rehearsed in requests:
            status = serve(platform, rehearsed)
            if status != rehearsed.status:
                raise WrongReply(f"{rehearsed.request.method} {rehearsed.request.path} was answered with {status}")
        platform.batches.clear()
        gc.collect()  # or what is left behind makes the heap grow


def rehearse_in_trouble(serve: Serve, store_fault: str, requests: tuple[Rehearsed, ...]) -> None:
    """Answer requests without a spec: the store is out of order, or holds none."""
    platform = make_platform(make_document(), is_paged=False)
    platform.store_fault = store_fault
    platform.stores[STORE].clear()
    for rehearsed in requests:
        status = serve(platform, rehearsed)
        if status not in IN_TROUBLE:
            raise WrongReply(f"{rehearsed.request.path} was answered with {status} without a spec")


def rehearse_failing_endpoint(serve: Serve, requests: tuple[Rehearsed, ...], rounds: int) -> None:
    """Answer requests whose events nobody takes, so that they are stored: in trouble every sandbox does that."""
    platform = make_platform(make_document(), is_paged=True)
    platform.answer = lambda _batch: Answer(500)
    for _ in range(rounds):
        for rehearsed in requests:
            serve(platform, rehearsed)
            for key in [key for key in platform.stores[STORE] if key.startswith(PREFIX)]:
                del platform.stores[STORE][key]
    gc.collect()
