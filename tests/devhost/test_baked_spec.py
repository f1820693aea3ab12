import json
import runpy
from pathlib import Path

import pytest

from devhost.baked_spec import LARGEST, UnusableFallback, write_baked_spec
from edge.sandbox import Sandbox
from edge.spec.fallback import Fallback
from tests.edge.builders import ask, document, header_of, json_of, platform, request


def write(folder: Path, content: object) -> str:
    path = folder / "spec.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return str(path)


def test_module_holds_the_document_and_goes_when_none_is_named(tmp_path: Path) -> None:
    module = tmp_path / "baked.py"
    name = write(tmp_path, document())
    write_baked_spec(name, module)
    assert runpy.run_path(str(module))["DOCUMENT"] == Path(name).read_bytes()
    write_baked_spec("", module)
    assert not module.exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"{", "not JSON"), ({"has_updates": False}, "has_updates"), ({**document(), "x": " " * LARGEST}, "take out")],
    ids=["not JSON", "not a spec", "too large"],
)
def test_fallback_that_would_not_answer_is_refused_and_nothing_is_written(
    tmp_path: Path, content: object, said: str
) -> None:
    module = tmp_path / "baked.py"
    with pytest.raises(UnusableFallback, match=said):
        write_baked_spec(write(tmp_path, content), module)
    assert not module.exists()


def test_fallback_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnusableFallback, match="No such file"):
        write_baked_spec(str(tmp_path / "nowhere.json"), tmp_path / "baked.py")


def test_built_in_spec_answers_when_the_store_does_not_and_says_so() -> None:
    outside = platform()
    outside.store_fault = "TooManyRequests"
    sandbox = Sandbox(outside, Fallback(json.dumps(document()).encode()))
    reply = ask(sandbox, request("/v1/check_gate", {"user": {"userID": "u"}, "gateName": "open"}))
    found = json_of(reply)
    assert (found["value"], found["reason"]) == (True, "Bootstrap:Recognized:Stale:OverridesUnknown")
    assert header_of(reply, "x-gatelet-spec").startswith("fallback; layout=raw; time=")
    assert "stale" in header_of(reply, "x-gatelet-spec")
    assert "'source': 'fallback'" in str(json_of(ask(sandbox, request("/healthz")))["spec"])
