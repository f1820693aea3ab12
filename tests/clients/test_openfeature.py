"""OpenFeature's providers for OFREP, unmodified, pointed at the service."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import RunClient
from tests.component.serving import Running, running_service
from tests.edge.builders import gate
from tests.edge.project import config, project, rule

openfeature = pytest.importorskip(
    "openfeature.contrib.provider.ofrep", reason="needs openfeature-provider-ofrep: run `make clients`"
)

VALUES = {"text": "x", "whole": 3, "fraction": 1.0, "switch": True, "list": [1, "a"], "object": {"a": None}}
KEY = "client-local"


@pytest.fixture(scope="module")
def service(host: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    spec = project()
    configs: Any = spec["dynamic_configs"]
    gates: Any = spec["feature_gates"]
    configs["values"] = config(VALUES)
    configs["greeting"] = config(
        {}, rules=[rule("nz", {"word": "kia ora"}, "in_new_zealand"), rule("else", {"word": "hi"})]
    )
    gates["circle"] = gate(rules=[rule("r", True, "circle")])
    conditions: Any = spec["condition_map"]
    conditions["circle"] = {"type": "pass_gate", "targetValue": "circle", "operator": None, "field": None}
    folder = tmp_path_factory.mktemp("openfeature")
    path = Path(folder / "spec.json")
    path.write_text(json.dumps(spec), encoding="utf-8")
    with running_service(host, folder, path) as running:
        yield running


@pytest.fixture(scope="module")
def provider(service: Running) -> Any:
    return openfeature.OFREPProvider(service.url, headers_factory=lambda: {"x-api-key": KEY})


def make_context(**attributes: Any) -> Any:
    from openfeature.evaluation_context import EvaluationContext

    return EvaluationContext("u", attributes)


@pytest.mark.parametrize(
    ("kind", "flag", "value"),
    [
        ("boolean", "gate_free", True),
        ("boolean", "values.switch", True),
        ("string", "values.text", "x"),
        ("integer", "values.whole", 3),
        ("float", "values.fraction", 1.0),
        ("object", "values.list", [1, "a"]),
        ("object", "values", VALUES),
        ("object", "layer_a", {"c": "b"}),
    ],
)
def test_python_provider_reads_every_type(provider: Any, kind: str, flag: str, value: object) -> None:
    other: Any = {"boolean": False, "string": "", "integer": 0, "float": 0.0, "object": {}}[kind]
    found = getattr(provider, f"resolve_{kind}_details")(flag, other, make_context())
    assert found.value == value
    assert type(found.value) is type(value)
    assert found.reason == "TARGETING_MATCH"
    assert found.variant


def test_python_provider_sees_what_an_attribute_changes(provider: Any) -> None:
    words = [
        provider.resolve_string_details("greeting.word", "", make_context(**attributes)).value
        for attributes in (dict[str, str](), {"country": "NZ"}, {"country": "FR"})
    ]
    assert words == ["hi", "kia ora", "hi"]


def test_python_provider_works_without_a_context(provider: Any) -> None:
    assert provider.resolve_boolean_details("gate_free", False).value is True


@pytest.mark.parametrize(
    ("flag", "attributes", "raised"),
    [
        ("nope", {}, "FlagNotFoundError"),
        ("values.nope", {}, "FlagNotFoundError"),
        ("circle", {}, "GeneralError"),
        ("gate_free", {"customIDs": "c"}, "InvalidContextError"),
        ("gate_free", {"targetingKey": ""}, "TargetingKeyMissingError"),
        ("values.text", {}, "TypeMismatchError"),
    ],
)
def test_python_provider_raises_what_the_service_says(
    provider: Any, flag: str, attributes: dict[str, object], raised: str
) -> None:
    import openfeature.exception as exceptions

    with pytest.raises(getattr(exceptions, raised)):
        provider.resolve_boolean_details(flag, False, make_context(**attributes))


def test_python_provider_hears_that_its_key_is_unknown(service: Running) -> None:
    import openfeature.exception as exceptions

    stranger = openfeature.OFREPProvider(service.url, headers_factory=lambda: {"x-api-key": "nobody"})
    with pytest.raises(exceptions.OpenFeatureError, match="unauthorized"):
        stranger.resolve_boolean_details("gate_free", False, make_context())


@pytest.fixture(scope="module")
def visit(service: Running, run_client: RunClient) -> Any:
    job = {
        "url": service.url,
        "key": KEY,
        "pollInterval": 300,
        "contexts": [
            {"targetingKey": "u"},
            {"targetingKey": "u", "country": "NZ"},
            {"targetingKey": "u", "country": "FR"},
            {"targetingKey": "v", "country": "NZ"},
        ],
        "flags": {
            "gate_free": ["boolean", False],
            "greeting": ["object", {}],
            "values": ["object", {}],
            "nope": ["boolean", True],
            "circle": ["boolean", True],
        },
    }
    return run_client("openfeature_web.cjs", job)


def test_web_provider_reads_gates_and_configs(visit: Any) -> None:
    first = visit["answers"][0]
    assert visit["failure"] == ""
    assert first["gate_free"] == {"value": True, "reason": "TARGETING_MATCH", "variant": "pass_all"}
    assert first["values"]["value"] == VALUES


def test_web_provider_has_new_values_after_any_attribute_changed(visit: Any) -> None:
    words = [answer["greeting"]["value"]["word"] for answer in visit["answers"]]
    assert words == ["hi", "kia ora", "hi", "kia ora"]


def test_web_provider_takes_the_default_where_there_is_an_error(visit: Any) -> None:
    first = visit["answers"][0]
    assert (first["nope"]["value"], first["nope"]["errorCode"]) == (True, "FLAG_NOT_FOUND")
    assert (first["circle"]["value"], first["circle"]["errorCode"]) == (True, "GENERAL")


def test_web_provider_hears_that_nothing_changed(visit: Any) -> None:
    assert visit["polls"]
    assert set(visit["polls"]) == {304}


def test_web_provider_hears_that_its_key_is_unknown(service: Running, run_client: RunClient) -> None:
    job = {"url": service.url, "key": "nobody", "pollInterval": 50, "contexts": [{}], "flags": {}}
    found = run_client("openfeature_web.cjs", job)
    assert found["failure"] == "ProviderFatalError: Initialization failed"
    assert {one["status"] for one in found["requests"]} == {401}
