"""Compare this evaluator with the official core on a project and users; yields what differs."""

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from evaluator.bucketing import hash_unit_id
from evaluator.decode import decode_project
from evaluator.evaluate import evaluate_config, evaluate_experiment, evaluate_gate, evaluate_layer
from evaluator.evaluation import Evaluation
from evaluator.options import Options
from evaluator.outcome import UNSUPPORTED
from evaluator.user import decode_user
from evaluator.view import UserView
from tests.conformance.official_core import OfficialCore, build_official_user

type Json = dict[str, Any]

MEMBERS = ("a", "1", "true")
HASHES = frozenset(map(hash_unit_id, MEMBERS))


def list_questions(project: Json) -> list[tuple[str, str]]:
    """Return (kind, name) of everything a project can be asked, and of names it does not hold."""
    configs = project["dynamic_configs"]
    questions = [("gate", name) for name in project["feature_gates"]]
    questions += [
        ("config" if one["entity"] == "dynamic_config" else "experiment", name) for name, one in configs.items()
    ]
    questions += [("layer", name) for name in project["layer_configs"]]
    return [*questions, ("gate", "unknown"), ("experiment", "unknown")]


def find_differences(project: Json, users: Sequence[Json]) -> Iterator[str]:
    """Ask both sides everything about every user; describe each answer that is not the same."""
    decoded = decode_project(project)
    options = Options(id_lists={"members": HASHES})
    questions = list_questions(project)
    with OfficialCore(project, id_lists={"members": [f"+{one}" for one in HASHES]}) as core:
        official = {
            "gate": core.get_feature_gate,
            "config": core.get_dynamic_config,
            "experiment": core.get_experiment,
            "layer": core.get_layer,
        }
        for user in users:
            view = UserView(decoded, decode_user(user), int(time.time() * 1000), options)
            theirs = build_official_user(user)
            for kind, name in questions:
                expected = summarize_official(official[kind](theirs, name))
                found = summarize(_EVALUATE[kind](view, name), expected)
                if UNSUPPORTED not in expected["state"] and expected != found:
                    yield f"{kind} {name} for {user}: {expected} expected, {found} found"


_EVALUATE = {
    "gate": evaluate_gate,
    "config": evaluate_config,
    "experiment": evaluate_experiment,
    "layer": evaluate_layer,
}


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
    fields["state"] = details["reason"].partition(":")[2]
    return {**fields, **{ours: answer[theirs] for theirs, ours in _NAMES.items() if theirs in answer}}


def summarize(found: Evaluation, fields: Iterable[str]) -> Json:
    """Return the same fields of our answer."""
    return {name: getattr(found, name) for name in fields}
