"""A made-up spec, a platform that holds it and a request for every route: what the build rehearses with.

The spec has one of each kind of entity and meets every kind of condition and operator that takes part in most specs. No
name or key of it means anything outside; nothing of it is left when the rehearsal is over.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from edge.callers.keys import KEY_HEADER
from edge.memory import MemoryPlatform
from edge.messages import Request
from edge.routes.lists import name_file, sign
from edge.settings import TOGETHER, ReplySettings
from evaluator.decode import decode_project
from specstore.cut import cut_project
from specstore.plan import plan_publication

type Json = dict[str, Any]

SPEC_KEY: Final = "statsig-rehearsal"
SECRET: Final = "rehearsal-secret"  # noqa: S105  # a key of the rehearsal's own platform
CLIENT: Final = "rehearsal-client"
UNKNOWN: Final = "rehearsal-nothing"
TIME: Final = 1_600_000_000_000
STORE: Final = ReplySettings().spec_store
# Pairs, because a mapping that holds these values is what the guards take for something left behind.
SETTINGS: Final = (
    ("spec_key", SPEC_KEY),
    ("open_gate_check", "true"),
    ("events_wait_ms", "0"),
    ("drain_share", "1"),
    ("page_writing_limit_bytes", "0"),
)
SECRETS: Final = {"server_secret": SECRET.encode(), "client_key": CLIENT.encode()}
USER: Final[Mapping[str, object]] = {
    "userID": "rehearsal-user",
    "email": "rehearsal-user@rehearsal.test",
    "ip": "192.0.2.1",
    "userAgent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "appVersion": "2.3.1",
    "custom": {"plan": "team", "age": 30},
    "customIDs": {"companyID": "rehearsal-company"},
}
# Most of what conditions ask for is missing in most users.
STRANGER: Final[Mapping[str, object]] = {"userID": "rehearsal-stranger"}

# Name: type, field, operator, target. Those between the first and the last refuse both users, so that a gate of
# all walks all.
CONDITIONS: Final[Mapping[str, tuple[str, object, object, object]]] = {
    "everyone": ("public", None, None, None),
    "mail": ("user_field", "email", "str_ends_with_any", ["@example.org"]),
    "part": ("user_field", "email", "str_contains_any", ["example.org"]),
    "pattern": ("user_field", "email", "str_matches", "^nobody"),
    "some": ("user_field", "userID", "any", ["b-user"]),
    "plan": ("user_field", "plan", "any", ["free"]),
    "age": ("user_field", "age", "gt", 90),
    "unit": ("unit_id", None, "any_case_sensitive", ["b-user"]),
    "company": ("unit_id", "companyID", "any", ["b-company"]),
    "list": ("unit_id", None, "in_segment_list", "nobody"),
    "bucket": ("user_bucket", None, "lt", 0),
    "company_bucket": ("user_bucket", None, "lt", 0),
    "buckets": ("user_bucket", None, "any", list(range(1_000, 1_050))),
    "unknown": ("user_field", "rehearsal", "any", ["b"]),
    "version": ("user_field", "appVersion", "version_gte", "2.4.0"),
    "address": ("user_field", "ip", "any", ["192.0.2.3"]),
    "country": ("ip_based", "country", "any", ["FR"]),
    "system": ("ua_based", "os_name", "any", ["iOS"]),
    "system_version": ("ua_based", "os_version", "version_gt", "99"),
    "tier": ("environment_field", "tier", "any", ["development"]),
    "later": ("current_time", None, "gt", 4_000_000_000_000),
    "before": ("current_time", None, "before", 1_500_000_000_000),
    "after": ("current_time", None, "after", 4_000_000_000_000),
    "passed": ("pass_gate", None, None, "third"),
    "segment": ("pass_gate", None, None, "segment:nobody"),
    "refused": ("fail_gate", None, None, "first"),
}
OF_COMPANIES: Final = frozenset(("company", "company_bucket"))


class Rehearsed(NamedTuple):
    """A request, the status it is answered with, from a spec that is there, and how often a sandbox is asked it."""

    request: Request
    status: int = 200
    times: int = 1


def find_id_type(condition: str) -> str:
    """Return the ID type of a condition, and of a rule with it."""
    return "companyID" if condition in OF_COMPANIES else "userID"


def make_rule(name: str, share: float, condition: str, value: object, **others: object) -> Json:
    """Make a rule of one condition."""
    rule = {"name": name, "id": name, "salt": name, "passPercentage": share, "conditions": [condition]}
    return {**rule, "returnValue": value, "idType": find_id_type(condition), **others}


def make_spec(kind: str, name: str, default: object, share: float = 50, *conditions: str) -> Json:
    """Make an entity with one rule for each condition."""
    rules = [make_rule(f"{name}_{one}", share, one, default or True) for one in conditions or ("everyone",)]
    start = {"type": "dynamic_config", "entity": kind, "salt": name, "enabled": True, "defaultValue": default}
    return {**start, "idType": "userID", "rules": rules, "version": 1}


def make_gate(name: str, share: float, *conditions: str, kind: str = "feature_gate") -> Json:
    """Make a gate."""
    return {**make_spec(kind, name, False, share, *conditions), "type": "feature_gate"}


def make_experiment(name: str, *conditions: str) -> Json:
    """Make an active experiment that belongs to a layer, with a group for each condition."""
    experiment = make_spec("experiment", name, {"color": "green"}, 100, *conditions)
    for rule in experiment["rules"]:
        rule |= {"groupName": rule["name"], "isExperimentGroup": True}
    return experiment | {"isActive": True, "hasSharedParams": True, "explicitParameters": ["color"]}


def make_layer(name: str, *experiments: str) -> Json:
    """Make a layer that leaves the answer to experiments, the last of them for everyone."""
    layer = make_spec("layer", name, {"color": "red"})
    rules = [make_rule(one, 100, "mail", {}, configDelegate=one) for one in experiments]
    rules[-1]["conditions"] = ["everyone"]
    return layer | {"rules": rules}


def make_condition(name: str) -> Json:
    """Make a condition of the table."""
    kind, field, operator, target = CONDITIONS[name]
    salt = {"salt": name} if kind == "user_bucket" else {}
    condition = {"type": kind, "field": field, "operator": operator, "targetValue": target}
    return {**condition, "idType": find_id_type(name), "additionalValues": salt}


def make_document() -> Json:
    """Make a v2 spec."""
    refusing = tuple(name for name in CONDITIONS if name != "everyone")
    return {
        "has_updates": True,
        "time": TIME,
        "company_id": "rehearsal",
        "feature_gates": {
            "first": make_gate("first", 10, "mail", "some", "everyone"),
            "second": make_gate("second", 50, *refusing, "everyone"),
            "third": make_gate("third", 0, "everyone"),
            "alone": make_gate("alone", 100, "mail"),
            "nested": make_gate("nested", 100, "passed", "mail", "refused", "segment"),
            "behind": make_gate("behind", 100, "passed", "everyone"),
            "nothing": {**make_gate("nothing", 100), "rules": []},
            "off": {**make_gate("off", 100), "rules": [], "enabled": False},
            "segment:nobody": make_gate("segment:nobody", 100, "list", kind="segment"),
        },
        "dynamic_configs": {
            "config": make_spec("dynamic_config", "config", {"free": 35}),
            "targeted": make_spec("dynamic_config", "targeted", {"free": 36}, 100, "refused", "mail", "passed"),
            "experiment": make_experiment("experiment", "mail", "everyone"),
            "held": make_experiment("held", "passed", "everyone"),
            "buckets": make_experiment("buckets", "passed", "buckets", "bucket", "bucket"),
        },
        "layer_configs": {
            "layer": make_spec("layer", "layer", {"color": "red"}),
            "delegating": make_layer("delegating", "buckets", "experiment"),
            "undecided": make_layer("undecided", "experiment", "buckets"),
        },
        "condition_map": {name: make_condition(name) for name in CONDITIONS},
        "session_replay_info": {"sampling_rate": 1, "recording_blocked": False},
    }


def make_platform(document: Json, *, is_paged: bool) -> MemoryPlatform:
    """Make a platform whose store holds a spec: in pages, all settings in one item; or as one value, in one each."""
    settings = {TOGETHER: json.dumps(dict(SETTINGS))} if is_paged else dict(SETTINGS)
    platform = MemoryPlatform(settings, dict(SECRETS))
    raw = json.dumps(document).encode()
    if not is_paged:
        platform.put(STORE, SPEC_KEY, raw)
        return platform
    for write in plan_publication(SPEC_KEY, cut_project(decode_project(document)), raw=raw).list_writes():
        platform.put(STORE, write.key, write.value, write.metadata)
    return platform


def make_request(target: str, body: object = None, key: str = SECRET) -> Request:
    """Make a request; with a body it is a POST, and a body of bytes is sent as it is."""
    path, _, query = target.partition("?")
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {KEY_HEADER: key, "origin": "https://rehearsal.test"}

    def read_body(_limit: int) -> bytes:
        return content

    method = "GET" if body is None else "POST"
    return Request(method, path, query, headers.get, read_body, lambda: "192.0.2.2", "https://rehearsal.test")


def make_checks() -> tuple[Rehearsed, ...]:
    """Make the requests that most sandboxes are for: the usual mistakes, each way of asking for one answer.

    The most usual comes last: what CPython keeps of the latest uses is for it then.
    """
    return (
        Rehearsed(make_request("/v1/check_gate", {"user": USER, "gateName": "first"}, CLIENT)),
        Rehearsed(make_request("/gate?name=second&userID=rehearsal-user")),
        Rehearsed(make_request("/v1/get_config", {"user": USER, "configName": "config"})),
        Rehearsed(make_request("/v1/get_config", {"user": USER, "configName": "experiment"})),
        Rehearsed(make_request("/v1/get_layer", {"user": STRANGER, "layerName": "delegating"})),
        Rehearsed(make_request("/v1/get_layer", {"user": USER, "layerName": "layer"})),
        Rehearsed(make_request("/v1/check_gate", {"user": STRANGER, "gateName": "nested"})),
        Rehearsed(make_request("/v1/check_gate", {"user": STRANGER, "gateName": "alone"})),
        Rehearsed(make_request("/v1/check_gate", {"user": STRANGER, "gateName": "second"})),
        Rehearsed(make_request("/v1/check_gate", {"user": USER, "gateName": UNKNOWN})),
        Rehearsed(make_request(f"/{UNKNOWN}"), 404),
        Rehearsed(make_request("/v1/check_gate", {"user": USER, "gateName": "first"}, UNKNOWN), 401),
        Rehearsed(make_request("/v1/check_gate", b"{"), 400),
        Rehearsed(make_request("/v1/check_gate", {"user": USER, "gateName": "second"})),
    )


def make_further() -> Iterator[Rehearsed]:
    """Make a request for every other route."""
    events = [{"eventName": "rehearsal", "user": USER, "value": 1}]
    exposure = {"user": USER, "gateName": "first", "passes": True}
    context = {"context": {"targetingKey": "rehearsal-user"}}
    file = name_file(UNKNOWN)
    yield Rehearsed(make_request("/v1/initialize", {"user": USER}, CLIENT))
    yield Rehearsed(make_request("/v1/initialize", {"user": STRANGER, "hash": "djb2"}))
    yield Rehearsed(make_request("/ofrep/v1/evaluate/flags/second", context))
    yield Rehearsed(make_request("/ofrep/v1/evaluate/flags/layer.color", context))
    yield Rehearsed(make_request("/ofrep/v1/evaluate/flags", context))
    yield Rehearsed(make_request("/v1/get_ranked_list", {"user": USER, "configName": UNKNOWN}), 404)
    yield Rehearsed(make_request("/v1/rgstr", {"events": events, "statsigMetadata": {}}, CLIENT), 202)
    yield Rehearsed(make_request("/v1/log_event", {"events": events}), 202)
    yield Rehearsed(make_request("/v1/log_custom_exposure", {"exposures": [exposure]}), 202)
    yield Rehearsed(make_request("/v1/sdk_exception", {"exception": "TypeError"}), 202)
    for version in ("v1", "v2"):
        yield Rehearsed(make_request(f"/{version}/download_config_specs?sinceTime={TIME}"))
        yield Rehearsed(make_request(f"/{version}/download_config_specs/{SECRET}.json"))
        yield Rehearsed(make_request(f"/{version}/download_config_specs", {"sinceTime": TIME}))
    yield Rehearsed(make_request("/v1/get_id_lists", {}))
    yield Rehearsed(make_request(f"/v1/get_id_lists/{SECRET}.json"))
    yield Rehearsed(make_request(f"/v1/id_lists/{file}?sig={sign(SECRET.encode(), file)}"), 404)
    yield Rehearsed(make_request("/v1/explain", {"user": USER, "name": "second"}))
    yield Rehearsed(make_request("/healthz"))
    yield Rehearsed(make_request("/readyz"))
    yield Rehearsed(make_request("/openapi.json"))
    yield Rehearsed(replace(make_request("/gate?name=second&userID=rehearsal-user"), method="OPTIONS"), 204)
    yield Rehearsed(make_request("/gate", {}), 405)
