"""Generated specs whose parts refer to each other in every way there is, also in circles and to what is not there."""

import copy
from typing import Any

from hypothesis import strategies as st

from tests.property.projects import projects

type Json = dict[str, Any]

MISSING = "no_such_name"


@st.composite
def entangled(draw: st.DrawFn, size: int = 8) -> Json:
    """Build a v2 document with a config mapping, bandits, conditions on experiment groups, and gates in circles.

    A gate that asks for the group of a bandit whose targeting gate it is would have no end: either bandits have
    targeting gates or gates ask for groups.
    """
    document: Json = draw(projects(size))
    gates, configs = list(document["feature_gates"]), list(document["dynamic_configs"])
    names = (*gates, *configs, *document["layer_configs"], MISSING)
    has_groups = draw(st.booleans())
    for name in draw(st.lists(st.sampled_from(list(document["condition_map"])), max_size=4)):
        document["condition_map"][name] |= draw(references(gates, configs if has_groups else []))
    document["override_rules"] = {f"mapping_rule_{number}": draw(rules(document)) for number in range(3)}
    document["overrides"] = draw(st.dictionaries(st.sampled_from(names), mappings(names), max_size=4))
    bandit_names = st.sampled_from((*configs, "bandit"))
    document["cmab_configs"] = draw(st.dictionaries(bandit_names, bandits([] if has_groups else gates), max_size=3))
    return document


@st.composite
def references(draw: st.DrawFn, gates: list[str], configs: list[str]) -> Json:
    """Build what makes a condition ask another gate, later ones too, or an experiment's group."""
    if not configs or draw(st.booleans()):
        return {"type": draw(st.sampled_from(("pass_gate", "fail_gate"))), "targetValue": draw(st.sampled_from(gates))}
    group = {"type": "experiment_group", "operator": "any", "targetValue": ["Test"]}
    return {**group, "field": draw(st.sampled_from((*configs, MISSING, None)))}


@st.composite
def rules(draw: st.DrawFn, document: Json) -> Json:
    """Build a rule of the mapping."""
    conditions = draw(st.lists(st.sampled_from((*document["condition_map"], MISSING)), max_size=2))
    share = draw(st.sampled_from((100, 100, 50)))
    return {"id": "m", "name": "m", "passPercentage": share, "conditions": conditions, "returnValue": True}


def mappings(names: tuple[str, ...]) -> st.SearchStrategy[list[Json]]:
    """Build where a name is led to."""
    rule_names = st.sampled_from(("mapping_rule_0", "mapping_rule_1", "mapping_rule_2", MISSING))
    references = st.lists(st.builds(lambda name: {"rule_name": name}, rule_names), max_size=2)
    one = st.fixed_dictionaries({"new_config_name": st.sampled_from(names), "rules": references})
    return st.lists(one, min_size=1, max_size=2)


@st.composite
def bandits(draw: st.DrawFn, gates: list[str]) -> Json:
    """Build a contextual bandit."""
    groups = [{"id": f"group_{number}", "name": str(number), "parameterValues": {"p": number}} for number in range(2)]
    return {
        "salt": "s",
        "idType": "userID",
        "enabled": draw(st.booleans()),
        "version": 1,
        "sampleRate": 0,
        "higherIsBetter": True,
        "groups": groups,
        "defaultValue": {"p": "default"},
        "targetingGateName": draw(st.sampled_from((*gates, MISSING, None))),
    }


def to_v1(document: Json) -> Json:
    """Write a v2 document in the v1 form: arrays of specs with their names, conditions inline."""
    conditions = document["condition_map"]
    written = {key: value for key, value in copy.deepcopy(document).items() if key != "condition_map"}
    for section in ("feature_gates", "dynamic_configs", "layer_configs"):
        written[section] = [{"name": name, **spec} for name, spec in written[section].items()]
        for spec in written[section]:
            for rule in spec["rules"]:
                rule["conditions"] = [conditions[one] for one in rule["conditions"]]
    return written
