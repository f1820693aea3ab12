"""Answer questions about one spec, line by line.

A `user` line introduces a user; every other line is a case and gets one JSON object back. The kinds are those of the
conformance vectors: the four entities, client responses (`gcir`), sequences of calls with the events they log
(`exposures`), and the look-ups of user agents and addresses (`ua`, `ip`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from evaluator.client_response import ResponseOptions, find_target_app, write_client_entry, write_client_response
from evaluator.coerce import I64_MIN, U64_MAX
from evaluator.country import find_country
from evaluator.evaluate import evaluate_config, evaluate_experiment, evaluate_gate, evaluate_layer
from evaluator.evaluation import Evaluation
from evaluator.exposure_log import ExposureLog
from evaluator.options import Options
from evaluator.overrides import GroupName, Overrides
from evaluator.project import Project
from evaluator.user import User, decode_user
from evaluator.user_agent import find_user_agent_field
from evaluator.view import UserView

type Json = dict[str, Any]

SOURCE: Final = "Network"
USER_AGENT_FIELDS: Final = ("os_name", "os_version", "browser_name", "browser_version")
_EVALUATE: Final = {
    "gate": evaluate_gate,
    "config": evaluate_config,
    "experiment": evaluate_experiment,
    "layer": evaluate_layer,
}
_PLAIN_NAMES: Final = ResponseOptions(hash="none")
_MOST_VIEWS: Final = 1_000
_LONGEST_INTEGER: Final = 24
_SDK_INFO: Final = {"sdkType": "gatelet", "sdkVersion": "1"}


def answer_lines(
    project: Project,
    lines: Iterable[str],
    *,
    now_ms: int,
    id_lists: Mapping[str, frozenset[str]] | None = None,
    environment: str | None = None,
) -> Iterator[str]:
    """Yield one JSON text for every line that is a case."""
    tier = None if environment is None else {"tier": environment}
    answerer = _Answerer(project, now_ms, Options(environment=tier, id_lists=id_lists or {}))
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    decode = json.JSONDecoder(parse_int=_read_integer).decode
    for text in lines:
        line = decode(text)
        if line["kind"] == "user":
            answerer.meet(line["uid"], line["user"])
        elif line["kind"] != "value":
            yield encode(answerer.answer(line))


def _read_integer(text: str) -> int | float:
    """Read an integer as the core's JSON does: past 64 bits it is a float."""
    number = int(text) if len(text) < _LONGEST_INTEGER else None
    return number if number is not None and I64_MIN <= number <= U64_MAX else float(text)


class _Answerer:
    """Knows the users met so far."""

    def __init__(self, project: Project, now_ms: int, options: Options) -> None:
        self._project = project
        self._now_ms = now_ms
        self._options = options
        self._users: dict[object, User] = {}
        self._views: dict[object, UserView] = {}
        self._by_kind: dict[str, Callable[[Json], object]] = {
            "gcir": self._answer_response,
            "exposures": self._answer_exposures,
            "ua": self._answer_user_agent,
            "ip": self._answer_country,
        }

    def meet(self, uid: object, user: object) -> None:
        """Remember a user."""
        self._users[uid] = decode_user(user)

    def answer(self, line: Json) -> object:
        """Answer one case."""
        return self._by_kind.get(line["kind"], self._answer_entity)(line)

    def _answer_entity(self, line: Json) -> Json:
        kind, name = line["kind"], line["name"]
        view = self._view_for(line)
        entry = write_client_entry(view, kind, name, _PLAIN_NAMES)
        return {**_describe(_EVALUATE[kind](view, name)), "init": entry}

    def _view_for(self, line: Json) -> UserView:
        """Return the view of a user under these overrides; users come up again and again, so views are kept."""
        key = (line["uid"], json.dumps(line.get("overrides")))
        view = self._views.get(key)
        if view is None:
            if len(self._views) >= _MOST_VIEWS:
                self._views.clear()
            overrides = read_overrides(line.get("overrides"))
            view = UserView(self._project, self._users[line["uid"]], self._now_ms, self._with(overrides))
            self._views[key] = view
        return view

    def _with(self, overrides: Overrides, app_id: object = None) -> Options:
        options = self._options
        return Options(environment=options.environment, id_lists=options.id_lists, overrides=overrides, app_id=app_id)

    def _answer_response(self, line: Json) -> Json:
        asked = line["options"]
        options = ResponseOptions(hash=asked.get("hash") or "djb2", client_key=asked.get("client_sdk_key"))
        overrides = read_overrides(line.get("overrides") if asked.get("include_local_overrides") else None)
        project = self._project
        view = UserView(project, self._users[line["uid"]], self._now_ms, self._with(overrides))
        view.app_id = find_target_app(project, options)
        return write_client_response(view, options, _SDK_INFO)

    def _answer_exposures(self, line: Json) -> Json:
        log = ExposureLog(
            self._project.sdk_configs, find_reason=lambda found: found.reason(SOURCE), received_at_ms=self._now_ms
        )
        views = [UserView(self._project, decode_user(user), self._now_ms, self._options) for user in line["users"]]
        previous = None
        for step in line["steps"]:
            # A layer step that repeats the one before reads the same layer object again.
            if "layer" in step["fn"] and step != previous:
                log.count_unexposed(step["name"])
            _STEPS[step["fn"]](log, views[step["u"]], step)
            previous = step
        return {"events": log.take_events()}

    def _answer_user_agent(self, line: Json) -> Json:
        agent = str(self._users[line["uid"]].fields.get("userAgent"))
        found = {field: find_user_agent_field(agent, field) for field in USER_AGENT_FIELDS}
        return {field: value for field, value in found.items() if value is not None}

    def _answer_country(self, line: Json) -> Json:
        return {"country": find_country(str(self._users[line["uid"]].fields.get("ip")))}


def read_overrides(calls: Iterable[list[Any]] | None) -> Overrides:
    """Read [[call, name, value, unit ID?], …] as a table of overrides; a removal holds no value."""
    overrides = Overrides()
    for call, name, *rest in calls or ():
        verb, _, kind = call.removesuffix("_override").partition("_")
        kind = kind.removeprefix("dynamic_")
        if verb == "remove":
            overrides.release(kind, name, rest[0] if rest else None)
            continue
        by_group = kind.removesuffix("_by_group_name")
        value = GroupName(rest[0]) if by_group != kind else rest[0]
        overrides.force(by_group, name, value, rest[1] if len(rest) > 1 else None)
    return overrides


def _describe(found: Evaluation) -> Json:
    """Write an answer with every key that any kind of case compares."""
    return {
        "value": found.value,
        "rule_id": found.rule_id,
        "id_type": found.id_type,
        "version": found.version,
        "reason": found.state,
        "full_reason": found.reason(SOURCE),
        "group_name": found.group_name,
        "is_experiment_active": found.is_experiment_active,
        "secondary_exposures": found.secondary_exposures,
        "allocated_experiment_name": found.allocated_experiment,
    }


def _leave_out_gate(log: ExposureLog, view: UserView, step: Json) -> None:
    evaluate_gate(view, step["name"])
    log.add_groups(view)
    log.count_unexposed(step["name"])


def _log_parameter(log: ExposureLog, view: UserView, step: Json) -> None:
    found = evaluate_layer(view, step["name"])
    log.add_groups(view)
    if isinstance(found.value, dict) and step["param"] in found.value:
        log.add_layer(view, found, step["param"])


_STEPS: Final[dict[str, Callable[[ExposureLog, UserView, Json], None]]] = {
    "check_gate": lambda log, view, step: log.add_gate(view, evaluate_gate(view, step["name"])),
    "gate_noexpo": _leave_out_gate,
    "get_dynamic_config": lambda log, view, step: log.add_config(view, evaluate_config(view, step["name"])),
    "get_experiment": lambda log, view, step: log.add_config(view, evaluate_experiment(view, step["name"])),
    "get_layer.get": _log_parameter,
    "manual_gate": lambda log, view, step: log.add_gate(view, evaluate_gate(view, step["name"]), is_manual=True),
    "manual_config": lambda log, view, step: log.add_config(view, evaluate_config(view, step["name"]), is_manual=True),
    "manual_experiment": lambda log, view, step: log.add_config(
        view, evaluate_experiment(view, step["name"]), is_manual=True
    ),
    "manual_layer": lambda log, view, step: log.add_layer(
        view, evaluate_layer(view, step["name"]), step["param"], is_manual=True
    ),
    "log_event": lambda log, view, step: log.add_custom(
        view, step["name"], value=step.get("value"), metadata=step.get("metadata")
    ),
    "gcir": lambda _log, _view, _step: None,
}
