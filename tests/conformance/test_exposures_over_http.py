"""The exposures that leave the service for questions over HTTP, against those that the official core flushed.

Each line of the vectors is one instance of the core and one sandbox of ours. What HTTP has no way to ask is left out:
manual exposures, events of the caller's own, counts of checks that were not to be exposed. A layer over HTTP exposes
every parameter of its value, so those that the core was asked for must be among ours.
"""

import json
from typing import Any

import pytest

from edge.sandbox import Sandbox
from tests.conformance.shared_cases import FOLDER
from tests.conformance.test_vectors import read_meta, read_vectors
from tests.edge.builders import ask, platform, request

type Json = dict[str, Any]

OURS, THEIRS = "Adapter(FastlyKV)", "Network"
MISSING = ":IdListMissing"  # the store of this test holds no ID lists; the core counts them as empty
LAYER = "statsig::layer_exposure"
ASKED = ("statsig::gate_exposure", "statsig::config_exposure", LAYER)
SILENT = {"exposureLoggingDisabled": True}


def ask_step(sandbox: Sandbox, user: Json, step: Json) -> None:
    """Ask over HTTP what a step asks the core."""
    name = step.get("name", "")
    match step["fn"]:
        case "check_gate":
            target, body = "/v1/check_gate", {"gateName": name}
        case "gate_noexpo":
            target, body = "/v1/check_gate", {"gateName": name, "statsigMetadata": SILENT}
        case "get_dynamic_config" | "get_experiment":
            target, body = "/v1/get_config", {"configName": name}
        case "get_layer.get":
            target, body = "/v1/get_layer", {"layerName": name}
        case _:
            return
    assert ask(sandbox, request(target, {"user": user, **body})).status in (200, 404)


def normal(event: Json) -> str:
    """An event as text, without the instants, with the core's name of its source, and without what we say besides."""
    metadata = {key: value for key, value in event["metadata"].items() if key != "receivedAt"}
    metadata["reason"] = metadata["reason"].replace(OURS, THEIRS).partition(MISSING)[0]
    shown = {key: value for key, value in event.items() if key != "time"}
    return json.dumps({**shown, "metadata": metadata}, sort_keys=True)


def is_automatic(event: Json) -> bool:
    return event["eventName"] in ASKED and "isManualExposure" not in event["metadata"]


def find_collapsed(steps: list[Json]) -> set[str]:
    """The experiments that the core knew already from a manual exposure."""
    return {step["name"] for step in steps if step["fn"].startswith("manual_")}


@pytest.mark.parametrize("family", ["structure_a.exposures", "structure_a.exposures_env", "eval_proj.exposures"])
def test_exposures_over_http_are_those_of_the_core(family: str) -> None:
    meta = read_meta(family)
    spec = (FOLDER / meta["spec_file"]).read_bytes()
    compared = layers = 0
    for line in read_vectors(family, 100):
        if line["kind"] != "exposures":
            continue
        outside = platform(spec, environment=meta.get("environment") or "", events_gzip_bytes="10000000")
        outside.time_ms = meta["now_ms"]
        sandbox = Sandbox(outside)
        for step in line["steps"]:
            ask_step(sandbox, line["users"][step["u"]], step)
        sandbox.close()
        sent = [event for batch in outside.batches for event in json.loads(batch.body)["events"]]
        expected = [event for event in line["expected"]["events"] if is_automatic(event)]
        ours, theirs = ([normal(event) for event in events] for events in (sent, expected))
        assert len(ours) == len(set(ours))
        assert [event for event in theirs if event not in ours] == []
        collapsed = find_collapsed(line["steps"])
        more = [event for event in sent if normal(event) not in theirs and event["eventName"] != LAYER]
        assert [event["metadata"] for event in more if event["metadata"].get("config") not in collapsed] == []
        compared += len(theirs)
        layers += sum(event["eventName"] == LAYER for event in expected)
    print(f"{family}: {compared} events equal, {layers} of them of layers")
    assert compared > 20
