"""What the build rehearses is what happens in earnest, and all of it."""

import pytest

from edge.cold import rehearsal
from edge.cold.made_up import UNKNOWN, Rehearsed, make_checks, make_document, make_further, make_platform, make_request
from edge.cold.rehearsal import WrongReply, rehearse, rehearse_on, serve_in_memory
from edge.messages import Reply, Request
from edge.routes.table import ROUTES, find_place
from edge.sandbox import Sandbox
from edge.service import answer
from tests.edge.builders import ask, header_of, json_of

ALL = (*make_checks(), *make_further())


def test_every_route_is_rehearsed() -> None:
    places = [(find_place(one.request.path), one.request.method) for one in ALL]
    rehearsed = [place.methods.get(method) for place, method in places if place is not None]
    assert [(route.method, route.path) for route in ROUTES if route not in rehearsed] == []


@pytest.mark.parametrize("is_paged", [True, False])
def test_requests_are_answered_as_they_would_be_in_earnest(is_paged: bool) -> None:
    outside = make_platform(make_document(), is_paged=is_paged)
    sandbox = Sandbox(outside)
    replies = {one.request.path: ask(sandbox, one.request) for one in ALL if one.status == 200}
    sandbox.close()
    check = replies["/gate"]
    assert header_of(check, "x-gatelet-spec").startswith(f"kv; layout={'paged' if is_paged else 'raw'}")
    assert json_of(replies["/v1/get_layer"])["value"] == {"color": "red"}
    assert outside.batches, "exposures are part of it"
    assert not [line for line in outside.lines if "bug" in line or "settings" in line]


def test_rehearsing_ends() -> None:
    rehearse(serve_in_memory, 1, 1)


def test_one_sandbox_is_asked_as_often_as_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Sandbox] = []

    def note(sandbox: Sandbox, request: Request) -> Reply:
        asked.append(sandbox)
        return answer(sandbox, request)

    monkeypatch.setattr(rehearsal, "answer", note)
    check = make_checks()[-1]
    serve_in_memory(make_platform(make_document(), is_paged=True), check._replace(times=3))
    assert len(asked) == 3
    assert len(set(map(id, asked))) == 1


def test_an_answer_that_is_none_ends_the_build() -> None:
    outside = make_platform(make_document(), is_paged=True)
    with pytest.raises(WrongReply, match=UNKNOWN):
        rehearse_on(serve_in_memory, outside, (Rehearsed(make_request(f"/{UNKNOWN}"), 200),), 1)
