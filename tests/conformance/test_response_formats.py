"""Formats and filters of the client response against the official core in Node, the binding that offers them all.

Runs where Node is and `make clients` has installed the package `@statsig/statsig-node-core`. Its version is older than
the Python core's: configs and layers say no `group`, and newer layers answer differently, so the spec here has none of
these.
"""

import json
import os
import shutil
import subprocess
from itertools import product
from pathlib import Path
from time import time
from typing import Any

import pytest

from benchmarks.made_spec import make_spec
from evaluator.client_response import FORMATS, ResponseOptions, find_target_app, write_client_response
from evaluator.decode import decode_project
from evaluator.user import decode_user
from evaluator.view import UserView
from tests.conformance.official_core import LoopbackServer
from tests.conformance.test_vectors import same

type Json = dict[str, Any]

PROGRAM = Path(__file__).with_name("node_core.cjs")
ENVIRONMENT = {**os.environ, "NODE_PATH": str(PROGRAM.parents[1] / "clients" / "node_modules")}
SECTIONS = ("feature_gates", "dynamic_configs", "layer_configs")
LISTS = ("secondary_exposures", "undelegated_secondary_exposures", "s", "us")
OWN_PARTS = {"sdkInfo", "sdkParams", "exposures", "values", "full_checksum"}
USERS: list[Json] = [
    {"userID": "a", "email": "a.b", "customIDs": {"companyID": "1", "stableid": "us"}},
    {"userID": "1", "country": "us", "appVersion": "1.2.3", "custom": {"level": 1, "Plan": "A"}},
    {"userID": "", "custom": {"email": "a"}, "privateAttributes": {"tier": "true"}},
]
# Our option → its name in Node, and a value.
FILTERS: list[dict[str, Any]] = [
    {},
    {"gates": ["gate_number_1"], "configs": ["config_number_1"], "experiments": [], "layers": ["layer_number_0"]},
    {"remove_id_type": True, "remove_default_value_gates": True},
    {"client_key": "client-shop", "param_stores": []},
]
NODE_NAMES = {
    "gates": "featureGateFilter",
    "configs": "dynamicConfigFilter",
    "experiments": "experimentFilter",
    "layers": "layerFilter",
    "param_stores": "paramStoreFilter",
    "remove_id_type": "removeIdType",
    "remove_default_value_gates": "removeDefaultValueGates",
    "client_key": "clientSdkKey",
}


@pytest.fixture(scope="module")
def node() -> str:
    found = shutil.which("node")
    if found is None:
        pytest.skip("Node is not installed")
    asked = [found, "-e", "require.resolve('@statsig/statsig-node-core')"]
    if subprocess.run(asked, env=ENVIRONMENT, capture_output=True, check=False).returncode != 0:
        pytest.skip("the npm package @statsig/statsig-node-core is not installed: make clients")
    return found


def ask_node(node: str, spec: Json, cases: list[Json]) -> list[Json]:
    server = LoopbackServer(json.dumps(spec), {})
    server.start()
    try:
        job = json.dumps({"url": server.url, "port": server.port, "cases": cases})
        done = subprocess.run(
            [node, str(PROGRAM)], input=job, capture_output=True, text=True, check=True, timeout=120, env=ENVIRONMENT
        )
    finally:
        server.stop()
    answers: list[Json] = json.loads(done.stdout)
    return answers


def spell_out(response: Json) -> Json:
    """Put values and exposures in where entries refer to them; tables are numbered in any order."""
    spelled = {key: part for key, part in response.items() if key not in OWN_PARTS}
    exposures, values = response.get("exposures"), response.get("values")
    for section in SECTIONS:
        spelled[section] = {name: dict(entry) for name, entry in response[section].items()}
        for entry in spelled[section].values():
            entry.pop("group", None)
            for key in LISTS:
                if exposures is not None and key in entry:
                    entry[key] = [exposures[one] for one in entry[key]]
            if values is not None and isinstance(entry.get("v"), str):
                entry["v"] = values[entry["v"]]
    return spelled


def list_differences(wanted: Json, found: Json) -> list[str]:
    wrong = [
        key for key in wanted.keys() | found.keys() if key not in SECTIONS and not same(wanted.get(key), found.get(key))
    ]
    for section in SECTIONS:
        names = wanted[section].keys() | found[section].keys()
        for name in sorted(names):
            ours, theirs = found[section].get(name), wanted[section].get(name)
            if not same(theirs, ours):
                wrong.append(f"{section}.{name}: {theirs} expected, {ours} found")
    return wrong


def test_every_format_and_filter_says_what_the_official_core_says(node: str) -> None:
    spec = make_spec()
    asked = list(product(USERS, enumerate(FORMATS), ("none", "djb2"), FILTERS))
    cases = [
        {
            "user": user,
            "options": {
                "hashAlgorithm": algorithm,
                "responseFormat": number,
                **{NODE_NAMES[key]: value for key, value in filters.items()},
            },
        }
        for user, (number, _), algorithm, filters in asked
    ]
    made = decode_project(spec)
    answers = ask_node(node, spec, cases)
    for (user, (_, response_format), algorithm, filters), answer in zip(asked, answers, strict=True):
        options = ResponseOptions(hash=algorithm, response_format=response_format, **filters)
        view = UserView(made, decode_user(user), int(time() * 1000))
        view.app_id = find_target_app(made, options)
        found = write_client_response(view, options, {})
        wrong = list_differences(spell_out(answer), spell_out(found))
        assert wrong == [], (response_format, algorithm, filters, user)
