"""Specs for a fleet of Statsig's server SDKs."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge.memory import MemoryPlatform
from edge.messages import Reply
from edge.routes.lists import name_file, sign
from edge.sandbox import Sandbox
from edge.spec import texts
from edge.spec.shapes import to_v1, to_v2
from edge.spec.texts import write_text
from evaluator.bucketing import hash_unit_id
from evaluator.decode import decode_project
from evaluator.evaluate import evaluate_config, evaluate_gate, evaluate_layer
from evaluator.evaluation import Evaluation
from evaluator.project import Project
from evaluator.user import decode_user
from evaluator.view import UserView
from specstore.idlists import IdList, cut_list, encode_index, find_member, read_lines
from specstore.keys import list_index_key, shard_key
from tests.edge.builders import (
    CLIENT,
    KEY,
    SERVER,
    STORE,
    TIME,
    Json,
    ask,
    header_of,
    json_of,
    platform,
    put_pages,
    put_raw,
    request,
)
from tests.edge.project import project
from tests.facts import facts_of

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "spec.json"


def fetch(path: str, *, spec: object = None, key: str = "", body: object = None) -> Reply:
    return ask(Sandbox(platform(project() if spec is None else spec)), request(path, body, key=key))


@pytest.mark.parametrize("path", [f"/v2/download_config_specs/{SERVER}.json", f"/v2/download_config_specs/{SERVER}"])
def test_spec_goes_out_as_it_lies_in_the_store(path: str) -> None:
    reply = fetch(path)
    assert (reply.status, json_of(reply)) == (200, project())
    assert header_of(reply, "x-since-time") == str(TIME)


def test_key_may_stand_in_the_header() -> None:
    assert json_of(fetch("/v2/download_config_specs", key=SERVER))["time"] == TIME


@pytest.mark.parametrize(
    ("key", "status"), [("", 401), ("nobody", 401), (CLIENT, 403), (SERVER, 200)], ids=["none", "unknown", "client", ""]
)
def test_spec_needs_a_server_secret(key: str, status: int) -> None:
    assert fetch(f"/v1/download_config_specs/{key or 'x'}.json").status == status
    assert fetch("/v1/download_config_specs", key=key, body={}).status == status


@pytest.mark.parametrize(
    ("since", "is_held"),
    [(TIME, True), (TIME + 1, True), (TIME - 1, False), (0, False), ("", False), ("nonsense", False), ("-1", False)],
)
def test_caller_that_holds_the_spec_hears_so(since: object, is_held: bool) -> None:
    path = f"/v2/download_config_specs/{SERVER}.json?sinceTime={since}&checksum=1&supports_proto=true"
    body = json_of(fetch(path))
    assert body["has_updates"] is not is_held
    assert ("feature_gates" in body) is not is_held


@pytest.mark.parametrize(("version", "shape"), [("v1", list), ("v2", dict)])
def test_posted_since_time_counts_too(version: str, shape: type) -> None:
    path = f"/{version}/download_config_specs"
    assert json_of(fetch(path, key=SERVER, body={"sinceTime": TIME})) == {"has_updates": False}
    assert isinstance(json_of(fetch(path, key=SERVER, body={"sinceTime": TIME - 1}))["feature_gates"], shape)


def test_store_in_one_shape_serves_both() -> None:
    v2 = project()
    v1 = json.loads(json.dumps(to_v1(v2)))
    path = f"download_config_specs/{SERVER}.json"
    assert json_of(fetch(f"/v1/{path}", spec=v2)) == v1
    assert isinstance(json_of(fetch(f"/v2/{path}", spec=v1))["feature_gates"], dict)
    assert json_of(fetch(f"/v1/{path}", spec=v1)) == v1


@pytest.mark.parametrize("layout", ["raw", "paged"])
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_text_is_written_once_for_each_spec_and_shape(
    version: str, layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []

    def count(made: Project, *, wants_v1: bool) -> bytes:
        written.append(made.time)
        return write_text(made, wants_v1=wants_v1)

    monkeypatch.setattr(texts, "write_text", count)
    put: Callable[[MemoryPlatform, Json], object] = put_raw if layout == "raw" else put_pages
    outside = platform(project(), sync_interval_ms="0")
    if layout == "paged":
        del outside.stores[STORE][KEY]
    put(outside, project())
    sandbox, asked = Sandbox(outside), request(f"/{version}/download_config_specs")
    first, second = ask(sandbox, asked), ask(sandbox, asked)
    assert (first.body, written) == (second.body, [TIME])
    newer = {**project(), "time": TIME + 1, "feature_gates": {}}
    put(outside, newer)
    third = json_of(ask(sandbox, asked))
    assert (third["time"], not third["feature_gates"], written) == (TIME + 1, True, [TIME, TIME + 1])


def test_long_text_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "MOST_BYTES", 100)
    made = decode_project(project())
    assert texts.find_text(made, wants_v1=False) == texts.find_text(made, wants_v1=False)
    assert not made.kept


def test_without_a_spec_it_is_503() -> None:
    assert fetch(f"/v2/download_config_specs/{SERVER}", spec=b"not json").status == 503


def evaluations(document: object, user: Mapping[str, object]) -> list[Evaluation]:
    """Every answer of a document for one user."""
    made = decode_project(document)
    view = UserView(made, decode_user(user), 1_760_000_000_000)
    questions = ((evaluate_gate, made.gates), (evaluate_config, made.configs), (evaluate_layer, made.layers))
    return [evaluate(view, name) for evaluate, names in questions for name in names]


@pytest.mark.parametrize("number", range(20))
def test_both_shapes_evaluate_alike(number: int) -> None:
    """Also after two conversions."""
    example: Any = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    user = {"userID": f"user-{number}", "country": "FR", "email": "a@gatelet.example", "appVersion": "2.5.0"}
    for document in (example, project()):
        expected = [facts_of(one) for one in evaluations(document, user)]
        for converted in (to_v1(document), to_v2(to_v1(document))):
            assert [facts_of(one) for one in evaluations(converted, user)] == expected


def find_hash(unit_id: str) -> bytes:
    member = find_member(hash_unit_id(unit_id))
    assert member is not None
    return member


MEMBERS = frozenset(find_hash(f"member-{number}") for number in range(3_000))


def lists_of(members: frozenset[bytes]) -> MemoryPlatform:
    """A platform whose store has an ID list in shards, as the publisher writes it."""
    outside = platform(project())
    cut = cut_list(members, file_id="f1", creation_time=7, size=90)
    outside.put(STORE, list_index_key(KEY), encode_index({"odd name/é": cut.about}))
    for number, shard in enumerate(cut.shards):
        outside.put(STORE, shard_key(KEY, cut.about.name_edition("odd name/é"), number), shard)
    return outside


def read_list(outside: MemoryPlatform, *, headers: Mapping[str, str] | None = None) -> tuple[Json, Reply]:
    """What is said of the one list, and the reply with its file."""
    sandbox = Sandbox(outside)
    asked = replace(request("/v1/get_id_lists", {}), uri="https://edge.example/v1/get_id_lists")
    ((name, about),) = json_of(ask(sandbox, asked)).items()
    assert isinstance(about, dict)
    assert about["name"] == name == "odd name/é"
    assert about["url"].startswith("https://edge.example/v1/id_lists/")
    path = about["url"].removeprefix("https://edge.example")
    return about, ask(sandbox, request(path, key="", headers=headers))


def test_list_is_a_file_of_its_members_that_needs_no_key() -> None:
    about, reply = read_list(lists_of(MEMBERS))
    assert reply.status == 200
    assert about["size"] == len(reply.body) == 30_000
    assert read_lines(reply.body.decode().splitlines()) == MEMBERS


def test_file_is_cut_to_the_range_that_is_asked_for() -> None:
    _, whole = read_list(lists_of(MEMBERS))
    _, rest = read_list(lists_of(MEMBERS), headers={"range": "bytes=29990-"})
    assert (rest.status, rest.body) == (206, whole.body[29_990:])
    assert header_of(rest, "content-range") == "bytes 29990-29999/30000"
    assert read_list(lists_of(MEMBERS), headers={"range": "bytes=30000-"})[1].status == 416


def test_file_of_other_members_is_another_file() -> None:
    first, _ = read_list(lists_of(MEMBERS))
    second, _ = read_list(lists_of(MEMBERS | {b"sixsix"}))
    assert first["fileID"] != second["fileID"]


def test_store_without_lists_has_none() -> None:
    assert json_of(fetch("/v1/get_id_lists", key=SERVER, body={})) == {}
    assert json_of(fetch(f"/v1/get_id_lists/{SERVER}.json")) == {}


def test_address_that_was_not_given_out_is_401() -> None:
    file = name_file("odd name/é")
    for signature in ("", "0" * 32, sign(b"other", file)):
        reply = ask(Sandbox(lists_of(MEMBERS)), request(f"/v1/id_lists/{file}?sig={signature}", key=""))
        assert reply.status == 401
    unknown = request(f"/v1/id_lists/none?sig={sign(SERVER.encode(), 'none')}", key="")
    assert ask(Sandbox(lists_of(MEMBERS)), unknown).status == 404


def test_list_that_takes_too_long_to_write_is_503_and_says_where_it_is() -> None:
    outside = lists_of(MEMBERS)
    about = IdList("f1", 7, 90, 400_000, 512)
    outside.put(STORE, list_index_key(KEY), encode_index({"odd name/é": about}))
    _, reply = read_list(outside)
    assert (reply.status, json_of(reply)["error"]) == (503, "list_too_long")
    assert "from Statsig" in str(json_of(reply)["message"])


def test_list_with_a_shard_that_is_gone_is_503() -> None:
    outside = lists_of(MEMBERS)
    del outside.stores[STORE][next(key for key in outside.stores[STORE] if key.endswith("/0001"))]
    assert read_list(outside)[1].status == 503
