"""The same question, four ways: Statsig's HTTP API, the client response, OFREP, and the command line.

With the conformance vectors beside the checkout their users and gates are asked, otherwise those of the example.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from devhost.local_config import EXAMPLE_SPEC, ROOT
from tests.clients.conftest import CONFORMANCE
from tests.clients.test_statsig_js import read_vectors
from tests.component.serving import SERVER, running_service

USERS = 100
NAMES_AT_ONCE = 100
FAMILY = "eval_proj"
LIST = "company_id_list"

type Answers = dict[tuple[int, str], tuple[object, str]]


def pick_users() -> tuple[Path, dict[str, Path], list[dict[str, Any]]]:
    """The spec, its ID lists, and the users to ask about."""
    if not CONFORMANCE.is_dir():
        mails = ("a@gatelet.example", "a@else.example")
        users = [{"userID": f"u{number}", "email": mails[number % 2], "country": "FR"} for number in range(USERS)]
        return ROOT / EXAMPLE_SPEC, {}, users
    lists = {LIST: CONFORMANCE / "id_lists" / f"{FAMILY}.{LIST}.txt"}
    return CONFORMANCE / "specs" / f"{FAMILY}.json", lists, read_vectors()[0]


def test_four_ways_to_ask_give_one_answer(host: str, tmp_path: Path) -> None:
    spec, lists, users = pick_users()
    document = json.loads(spec.read_text(encoding="utf-8"))
    gates = [name for name, one in document["feature_gates"].items() if one.get("entity") == "feature_gate"]
    with running_service(host, tmp_path, spec, id_lists=lists) as service, service.client() as client:
        ways = {
            "HTTP API": ask_http_api(client, users, gates),
            "client response": ask_initialize(client, users, gates),
            "OFREP": ask_ofrep(client, users, gates),
            "command line": ask_command_line(spec, lists, users, gates),
        }
    expected = ways["command line"]
    print(f"{len(users)} users, {len(gates)} gates, {len(expected)} questions, {len(ways)} ways")
    assert len(expected) == len(users) * len(gates)
    for way, answers in ways.items():
        assert answers == expected, way


def ask_http_api(client: httpx.Client, users: list[dict[str, Any]], gates: list[str]) -> Answers:
    answers: Answers = {}
    for number, user in enumerate(users):
        for start in range(0, len(gates), NAMES_AT_ONCE):
            body = {"user": user, "gateNames": gates[start : start + NAMES_AT_ONCE]}
            for name, one in client.post("/v1/check_gate", json=body, headers=SERVER).json().items():
                answers[number, name] = one["value"], one["rule_id"] or ""
    return answers


def ask_initialize(client: httpx.Client, users: list[dict[str, Any]], gates: list[str]) -> Answers:
    answers: Answers = {}
    for number, user in enumerate(users):
        reply = client.post("/v1/initialize", json={"user": user, "hash": "none"}, headers=SERVER).json()
        found = reply["feature_gates"]
        answers |= {(number, name): (found[name]["value"], found[name]["rule_id"]) for name in gates}
    return answers


def ask_ofrep(client: httpx.Client, users: list[dict[str, Any]], gates: list[str]) -> Answers:
    answers: Answers = {}
    for number, user in enumerate(users):
        context = {**{key: value for key, value in user.items() if key != "userID"}, "targetingKey": user["userID"]}
        reply = client.post("/ofrep/v1/evaluate/flags", json={"context": context}, headers=SERVER).json()
        flags = {flag["key"]: flag for flag in reply["flags"]}
        answers |= {(number, name): (flags[name]["value"], flags[name]["metadata"]["ruleID"]) for name in gates}
    return answers


def ask_command_line(spec: Path, lists: dict[str, Path], users: list[dict[str, Any]], gates: list[str]) -> Answers:
    command = [sys.executable, "-m", "publisher.cli", "evaluate", "--spec", str(spec)]
    command += ["--now", str(int(time.time() * 1000))]
    command += [word for name, path in lists.items() for word in ("--id-list", f"{name}={path}")]
    questions = [(number, name) for number in range(len(users)) for name in gates]
    lines = [{"kind": "user", "uid": number, "user": user} for number, user in enumerate(users)]
    lines += [{"kind": "gate", "uid": number, "name": name} for number, name in questions]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    done = subprocess.run(command, cwd=ROOT, input=text, capture_output=True, text=True, check=True)
    found = map(json.loads, done.stdout.splitlines())
    return {question: (one["value"], one["rule_id"]) for question, one in zip(questions, found, strict=True)}
