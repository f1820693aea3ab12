"""Compare this evaluator with the official core on a project and users; yields what differs.

Asked for each user are every entity by name, then a whole client response under one of the hashes and client keys in
turn; then everything again under local overrides.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import cycle, product
from typing import Any

from evaluator.bucketing import hash_unit_id
from evaluator.client_response import ResponseOptions, find_target_app, write_client_response
from evaluator.decode import decode_project
from evaluator.evaluation import Evaluation
from evaluator.options import Options
from evaluator.outcome import UNSUPPORTED
from evaluator.overrides import Overrides
from evaluator.project import Project
from evaluator.user import decode_user
from evaluator.view import UserView
from tests.conformance.official_core import OfficialCore, build_official_user, ending_with_the_core
from tests.conformance.test_vectors import same
from tests.evaluator.builders import EVALUATE
from tests.property.projects import CLIENT_KEYS

type Json = dict[str, Any]
type Question = tuple[str, str]

MEMBERS = ("a", "1", "true")
HASHES = frozenset(map(hash_unit_id, MEMBERS))
# As the core reads it.
ID_LISTS = {"members": [f"+{one}" for one in HASHES]}
SECTIONS = ("feature_gates", "dynamic_configs", "layer_configs", "param_stores")
# Who answers, and under which session: the only parts of a response that need not agree.
OWN_PARTS = {"sdkInfo", "sdkParams"}
SDK_INFO = {"sdkType": "test", "sdkVersion": "1"}
ASKED_RESPONSES = [
    ResponseOptions(hash=algorithm, client_key=key)
    for algorithm, key in product(("none", "djb2", "sha256"), (None, *CLIENT_KEYS, "client-unknown"))
]


class Comparison:
    """One project and what surrounds it, on both sides; `compared` counts the answers that were held side by side."""

    def __init__(self, project: Json, surroundings: Json) -> None:
        self.compared = 0
        self._project: Project = decode_project(project)
        self._document = project
        self._surroundings = surroundings
        self._questions = list_questions(project)
        self._responses = cycle(ASKED_RESPONSES)

    def find_differences(self, users: Sequence[Json]) -> Iterator[str]:
        """Ask both sides everything about every user; describe each answer that is not the same."""
        around = self._surroundings
        with (
            ending_with_the_core(),
            OfficialCore(
                self._document,
                id_lists=ID_LISTS,
                environment=around["environment"],
                global_custom_fields=around["global_custom"] or None,
            ) as core,
        ):
            for user in users:
                yield from self._compare_user(core, user, Overrides())
            overrides = force(core, around["forced"])
            for user in users[: len(users) // 4]:
                yield from self._compare_user(core, user, overrides)

    def _compare_user(self, core: OfficialCore, user: Json, overrides: Overrides) -> Iterator[str]:
        official = {
            "gate": core.get_feature_gate,
            "config": core.get_dynamic_config,
            "experiment": core.get_experiment,
            "layer": core.get_layer,
        }
        view, theirs = self._view(user, overrides), build_official_user(user)
        unsupported = False
        for kind, name in self._questions:
            expected = summarize_official(official[kind](theirs, name))
            found = summarize(EVALUATE[kind](view, name), expected)
            self.compared += 1
            if UNSUPPORTED in expected["reason"]:
                unsupported = True
            elif expected != found:
                yield f"{kind} {name} for {user}: {expected} expected, {found} found"
        if not unsupported:
            yield from self._compare_response(core, user, overrides)

    def _compare_response(self, core: OfficialCore, user: Json, overrides: Overrides) -> Iterator[str]:
        options = next(self._responses)
        expected = core.get_client_initialize_response(user, options.hash, options.client_key, bool(overrides))
        view = self._view(user, overrides)
        view.app_id = find_target_app(self._project, options)
        found = write_client_response(view, options, SDK_INFO)
        for section in SECTIONS:
            ours, wanted = found.pop(section), expected.pop(section)
            self.compared += len(wanted)
            for key in sorted({*ours, *wanted}):
                if not same(wanted.get(key), ours.get(key)):
                    yield (
                        f"{section} {key} for {user} under {options}: {wanted.get(key)} expected, {ours.get(key)} found"
                    )
        ours, wanted = ({key: one[key] for key in one.keys() - OWN_PARTS} for one in (found, expected))
        if not same(wanted, ours):
            yield f"the response to {user} under {options}: {wanted} expected, {ours} found"

    def _view(self, user: Json, overrides: Overrides) -> UserView:
        environment = self._surroundings["environment"]
        options = Options(
            environment=None if environment is None else {"tier": environment},
            global_custom=self._surroundings["global_custom"],
            id_lists={"members": HASHES},
            overrides=overrides,
        )
        return UserView(self._project, decode_user(user), int(time.time() * 1000), options)


def list_questions(project: Json) -> list[Question]:
    """Return (kind, name) of everything a project can be asked, and of names it does not hold."""
    configs = project["dynamic_configs"]
    questions = [("gate", name) for name in project["feature_gates"]]
    questions += [
        ("config" if one["entity"] == "dynamic_config" else "experiment", name) for name, one in configs.items()
    ]
    questions += [("experiment", name) for name in project["cmab_configs"].keys() - configs.keys()]
    questions += [("layer", name) for name in project["layer_configs"]]
    return [*questions, ("gate", "unknown"), ("experiment", "unknown"), ("config", "no_such_config")]


def force(core: OfficialCore, forced: Iterable[tuple[str, str, Any, str | None]]) -> Overrides:
    """Force values on the official core, and return the same overrides for our side."""
    overrides = Overrides()
    calls: dict[str, Callable[[str, Any, str | None], None]] = {
        "gate": core.statsig.override_gate,
        "config": core.statsig.override_dynamic_config,
        "experiment": core.statsig.override_experiment,
        "layer": core.statsig.override_layer,
    }
    for kind, name, value, unit_id in forced:
        calls[kind](name, value, unit_id)
        overrides.force(kind, name, value, unit_id)
    return overrides


# The core's names for what both sides say beside value, rule ID and reason.
_NAMES = {
    "idType": "id_type",
    "groupName": "group_name",
    "isExperimentActive": "is_experiment_active",
    "allocatedExperimentName": "allocated_experiment",
    "secondaryExposures": "secondary_exposures",
}


def summarize_official(answer: Json) -> Json:
    """Return the fields of the core's answer that are compared."""
    details = answer["details"]
    fields: Json = {"value": answer.get("value"), "rule_id": answer["ruleID"], "version": details["version"]}
    fields["reason"] = details["reason"]
    return {**fields, **{ours: answer[theirs] for theirs, ours in _NAMES.items() if theirs in answer}}


def summarize(found: Evaluation, fields: Iterable[str]) -> Json:
    """Return the same fields of our answer."""
    return {name: found.reason("Network") if name == "reason" else getattr(found, name) for name in fields}
