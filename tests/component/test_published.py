"""What the command line published through Fastly's API is what the component answers from."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from devhost.build import COMPONENT
from devhost.embedded.sandbox import Host
from devhost.fastly.kv import KvStore
from devhost.fastly.service import Service
from devhost.native.client import Ask, Reply
from evaluator.decode import decode_project
from evaluator.evaluate import evaluate_gate
from evaluator.user import decode_user
from evaluator.view import UserView
from publisher.sources.pulled import Pulled, PulledList, write_pulled
from specstore.keys import overrides_key
from tests.component.vectors_over_http import SECRET, SPEC_KEY, ask_case, find_differences, read_cases
from tests.conformance.shared_cases import FOLDER
from tests.evaluator.builders import NOW
from tests.publisher.kv_server import STORE_ID, TOKEN, KvServer, running_store
from tests.publisher.made_specs import make_spec
from tests.publisher.running import run_gatelet

FAMILY = "eval_proj"
USERS = 1
SECONDS = 60.0


@contextmanager
def serving_component(store: KvStore) -> Iterator[Host]:
    """The component in the embedded host, over the store that was published to."""
    if not COMPONENT.is_file():
        pytest.fail("bin/main.wasm is not built; run `make build`")
    settings = {"gatelet": {"spec_key": SPEC_KEY, "page_writing_limit_bytes": "0"}}
    with Host(
        COMPONENT, Service({"gatelet-specs": store}, settings, {"gatelet": {"server_secret": SECRET[0][1]}})
    ) as host:
        yield host


def ask(host: Host, asked: Ask) -> Reply:
    exchange = asked.exchange()
    host.dispatch(exchange)
    response, content = exchange.wait(SECONDS)
    headers = {name: value.decode() for name, value in response.headers}
    return Reply(response.status, headers, b"".join(content.pieces()))


@pytest.fixture
def server() -> Iterator[KvServer]:
    with running_store(KvStore()) as running:
        yield running


def gatelet(server: KvServer, *arguments: str) -> str:
    place = ("--at", STORE_ID, "--api", server.url, "--spec-key", SPEC_KEY)
    done = run_gatelet(*arguments, *place, variables={"FASTLY_API_TOKEN": TOKEN})
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(not FOLDER.is_dir(), reason="needs the conformance vectors beside the checkout")
def test_the_component_answers_the_vectors_from_what_was_pushed(server: KvServer, tmp_path: Path) -> None:
    lists = {
        path.name.split(".")[1]: PulledList("file", 1, path.read_bytes())
        for path in (FOLDER / "id_lists").glob(f"{FAMILY}.*.txt")
    }
    assert lists
    write_pulled(tmp_path / "pulled", Pulled((FOLDER / "specs" / f"{FAMILY}.json").read_bytes(), lists))
    gatelet(server, "push", "fastly", str(tmp_path / "pulled"))
    differences, asked, sources = [], 0, set()
    with serving_component(server.store) as host:
        for case in read_cases(FAMILY, USERS):
            reply = ask(host, ask_case(case))
            differences += [f"{case.kind} {case.name}: {one}" for one in find_differences(case, reply)]
            if case.kind != "gcir":  # a whole response may also be made from the raw spec
                sources.add(reply.headers["x-gatelet-spec"].partition("; time")[0])
            asked += 1
    assert (differences, sources) == ([], {"kv; layout=paged"})
    assert asked > 100


def test_the_component_answers_generated_questions_from_what_was_pushed(server: KvServer, tmp_path: Path) -> None:
    spec = make_spec(1)
    spec["feature_gates"]["left"]["rules"][0]["passPercentage"] = 50.0
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    gatelet(server, "push", "fastly", str(tmp_path / "spec.json"))
    project = decode_project(spec)
    seen = set()
    with serving_component(server.store) as host:
        for number in range(40):
            user = {"userID": f"user-{number}"}
            expected = evaluate_gate(UserView(project, decode_user(user), NOW), "left").value
            assert ask_gate(host, "left", user) == (expected, "kv; layout=paged")
            seen.add(expected)
    assert seen == {True, False}


def test_an_override_and_a_rollback_reach_the_component(server: KvServer, tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / "spec.json").write_text(json.dumps(make_spec(number)))
        gatelet(server, "push", "fastly", str(tmp_path / "spec.json"))
    with serving_component(server.store) as host:
        assert ask_gate(host, "left", {"userID": "a"}) == (True, "kv; layout=paged")
    gatelet(server, "override", "set", "gate", "left", "false", "--id", "a", "--store", "fastly")
    assert server.store.lookup(overrides_key(SPEC_KEY)) is not None
    with serving_component(server.store) as host:
        assert ask_gate(host, "left", {"userID": "a"})[0] is False
        assert ask_gate(host, "left", {"userID": "b"})[0] is True
    gatelet(server, "override", "clear", "--all", "--store", "fastly")
    gatelet(server, "rollback", "fastly")
    with serving_component(server.store) as host:
        assert ask_gate(host, "left", {"userID": "a"}) == (False, "kv; layout=paged")


def ask_gate(host: Host, name: str, user: dict[str, str]) -> tuple[bool, str]:
    body = {"user": user, "gateName": name, "statsigMetadata": {"exposureLoggingDisabled": True}}
    reply = ask(host, Ask("POST", "/v1/check_gate", json.dumps(body).encode(), SECRET))
    return json.loads(reply.content)["value"], reply.headers["x-gatelet-spec"].partition("; time")[0]
