"""Answer made-up requests while the component is built, so that a fresh sandbox runs code that has run before.

CPython rewrites the instructions of a function for the types it meets, and keeps what it found in modules and classes;
the component is a snapshot, so what happens here is there when a sandbox starts. Each round has a sandbox, a platform
in memory and a spec of its own, and all of it is gone afterwards; nothing from outside is known yet.
"""

import json
from collections.abc import Mapping
from typing import Final

from edge.keys import KEY_HEADER
from edge.memory import MemoryPlatform
from edge.messages import Request
from edge.sandbox import Sandbox
from edge.service import answer
from edge.settings import ReplySettings
from evaluator.decode import decode_project
from specstore.cut import cut_project
from specstore.plan import plan_publication

ROUNDS: Final = 30  # measured: more saves nothing
SPEC_KEY: Final = "statsig-rehearsal"
SECRET: Final = "rehearsal"  # noqa: S105  # a key of the rehearsal's own platform
USER: Final[Mapping[str, object]] = {
    "userID": "a-user",
    "email": "a-user@example.com",
    "ip": "192.0.2.1",
    "userAgent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "custom": {"plan": "team"},
}

CONDITIONS: Final[Mapping[str, tuple[str, object, object, object]]] = {
    "everyone": ("public", None, None, None),
    "mail": ("user_field", "email", "str_ends_with_any", ["@example.org"]),
    "some": ("user_field", "userID", "any", ["b-user"]),
    "unit": ("unit_id", None, "any_case_sensitive", ["b-user"]),
    "bucket": ("user_bucket", None, "lt", 1),
    "version": ("user_field", "appVersion", "version_gte", "2.4.0"),
    "country": ("ip_based", "country", "any", ["FR"]),
    "system": ("ua_based", "os_name", "any", ["iOS"]),
    "tier": ("environment_field", "tier", "any", ["development"]),
    "later": ("current_time", None, "gt", 4_000_000_000_000),
    "refused": ("fail_gate", None, None, "first"),
    "passed": ("pass_gate", None, None, "third"),
}


def make_gate(name: str, share: float, *conditions: str) -> dict[str, object]:
    """Make a gate of one rule for each condition."""
    rules = [
        {
            "name": f"{name} {condition}",
            "id": f"{name}_{condition}",
            "salt": f"{name}_{condition}",
            "passPercentage": share,
            "conditions": [condition],
            "returnValue": True,
            "idType": "userID",
        }
        for condition in conditions
    ]
    kind = "feature_gate"
    start = {"type": kind, "entity": kind, "salt": name, "enabled": True, "defaultValue": False, "idType": "userID"}
    return {**start, "rules": rules, "version": 1}


def make_document() -> dict[str, object]:
    """Make a v2 spec."""
    conditions = {
        name: {"type": kind, "field": field, "operator": operator, "targetValue": target, "idType": "userID"}
        for name, (kind, field, operator, target) in CONDITIONS.items()
    }
    gates = {
        "first": make_gate("first", 10, "mail", "some", "everyone"),
        "second": make_gate("second", 50, *(name for name in CONDITIONS if name != "everyone"), "everyone"),
        "third": make_gate("third", 0, "everyone"),
    }
    return {
        "has_updates": True,
        "time": 1,
        "feature_gates": gates,
        "dynamic_configs": {},
        "layer_configs": {},
        "condition_map": {name: {"additionalValues": {}, **one} for name, one in conditions.items()},
    }


def make_platform(document: object) -> MemoryPlatform:
    """Make a platform whose store holds a spec in pages."""
    platform = MemoryPlatform(
        {"spec_key": SPEC_KEY, "open_gate_check": "true", "page_writing_limit_bytes": "0"},
        {"server_secret": SECRET.encode()},
    )
    plan = plan_publication(SPEC_KEY, cut_project(decode_project(document)), raw=json.dumps(document).encode())
    for write in plan.list_writes():
        platform.put(ReplySettings().spec_store, write.key, write.value, write.metadata)
    return platform


def make_requests() -> tuple[Request, ...]:
    """Make a request for each way of checking a gate, and one for nothing."""
    content = json.dumps({"user": USER, "gateName": "second"}).encode()

    def find_header(name: str) -> str | None:
        return SECRET if name == KEY_HEADER else None

    def read_body(_limit: int) -> bytes:
        return content

    return (
        Request("GET", "/gate", "name=second&userID=a-user", find_header, read_body),
        Request("POST", "/v1/check_gate", "", find_header, read_body),
        Request("GET", "/nowhere", "", find_header, read_body),
    )


def rehearse(rounds: int = ROUNDS) -> None:
    """Answer every request in a sandbox of its own, so many times."""
    platform, requests = make_platform(make_document()), make_requests()
    for _ in range(rounds):
        for request in requests:
            sandbox = Sandbox(platform)
            sandbox.after_reply(answer(sandbox, request))
            sandbox.close()
