"""Large specs for measurements: one spec several times, each further copy under new names.

`python -m tests.multiplied SPEC SIZE` writes one of about SIZE megabytes to standard output. The first copy keeps its
names, so that what is known of the spec (recorded answers, say) holds for the large one too. Copies share nothing:
names, conditions and salts are their own.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

type Json = dict[str, Any]

SECTIONS = ("feature_gates", "dynamic_configs", "layer_configs")


def multiply_to_size(document: Json, size: int) -> Json:
    """Return the spec as often as it takes to have about that many bytes as JSON, at least once."""
    return multiply(document, max(1, round(size / len(json.dumps(document)))))


def multiply(document: Json, copies: int) -> Json:
    """Return a v2 document that holds another several times."""
    large: Json = {**document}
    tables = ("condition_map", "overrides", "override_rules", "cmab_configs", "experiment_to_layer")
    for key in (*SECTIONS, *tables):
        if key in document:
            large[key] = dict(document[key])
    for number in range(1, copies):
        for key, table in rename(document, f"_copy_{number}").items():
            large[key] |= table
    return large


def rename(document: Json, suffix: str) -> Json:
    """Return the sections of a copy, everything in them renamed."""
    conditions = document.get("condition_map", {})
    copied: Json = {section: rename_specs(document[section], suffix) for section in SECTIONS}
    copied["condition_map"] = {one + suffix: rename_condition(value, suffix) for one, value in conditions.items()}
    if "experiment_to_layer" in document:
        layers = document["experiment_to_layer"].items()
        copied["experiment_to_layer"] = {experiment + suffix: layer + suffix for experiment, layer in layers}
    if "overrides" in document and "override_rules" in document:
        rules = document["override_rules"].items()
        copied["override_rules"] = {name + suffix: rename_rule(rule, suffix) for name, rule in rules}
        mapped = document["overrides"].items()
        copied["overrides"] = {name + suffix: [rename_mapping(one, suffix) for one in some] for name, some in mapped}
    if "cmab_configs" in document:
        bandits = document["cmab_configs"].items()
        copied["cmab_configs"] = {name + suffix: rename_bandit(one, suffix) for name, one in bandits}
    return copied


def rename_specs(specs: Mapping[str, Json], suffix: str) -> Json:
    """Return a section of a copy."""
    renamed: Json = {}
    for name, spec in specs.items():
        rules = [rename_rule(one, suffix) for one in spec["rules"]]
        renamed[name + suffix] = {**spec, "salt": spec["salt"] + suffix, "rules": rules}
    return renamed


def rename_rule(rule: Json, suffix: str) -> Json:
    """Return a rule that refers to the same copy."""
    renamed = {**rule, "conditions": [one + suffix for one in rule["conditions"]]}
    return {**renamed, "configDelegate": rule["configDelegate"] + suffix} if rule.get("configDelegate") else renamed


def rename_condition(condition: Json, suffix: str) -> Json:
    """Return a condition that refers to the same copy."""
    if condition["type"] in ("pass_gate", "fail_gate") and isinstance(condition.get("targetValue"), str):
        return {**condition, "targetValue": condition["targetValue"] + suffix}
    if condition["type"] == "experiment_group" and isinstance(condition.get("field"), str):
        return {**condition, "field": condition["field"] + suffix}
    return condition


def rename_mapping(mapping: Json, suffix: str) -> Json:
    """Return a mapping that refers to the same copy."""
    rules = [{**one, "rule_name": one["rule_name"] + suffix} for one in mapping["rules"]]
    return {**mapping, "new_config_name": mapping["new_config_name"] + suffix, "rules": rules}


def rename_bandit(bandit: Json, suffix: str) -> Json:
    """Return a bandit that refers to the same copy."""
    gate = bandit.get("targetingGateName")
    return {**bandit, "targetingGateName": gate + suffix} if gate else dict(bandit)


def main() -> None:
    """Write a large spec to standard output."""
    parser = argparse.ArgumentParser(prog="python -m tests.multiplied")
    parser.add_argument("spec", type=Path)
    parser.add_argument("megabytes", type=float)
    arguments = parser.parse_args()
    document = json.loads(arguments.spec.read_bytes())
    large = multiply_to_size(document, int(arguments.megabytes * 1e6))
    sys.stdout.write(json.dumps(large, separators=(",", ":"), ensure_ascii=False))


if __name__ == "__main__":
    main()
