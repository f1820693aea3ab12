"""Whatever a document holds, it decodes or raises the one error, soon and within bounded memory.

Time is that of this process, not of the clock on the wall, and the bounds are some ten times what was measured.
"""

import json
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from time import process_time
from typing import Any

import pytest

from evaluator.decode import decode_project
from evaluator.errors import InvalidSpec
from evaluator.project import Project
from tests.evaluator.builders import (
    ask,
    condition,
    config,
    deep_stack,
    document,
    gate,
    layer,
    on_field,
    rule,
)

MEGABYTE = 1 << 20
TEXT = json.dumps(
    document(
        {"g": gate(rule(on_field("email", "str_matches", "^a"), condition("pass_gate", None, "h"))), "h": gate(rule())},
        {"c": config(rule(value={"a": [1, {"b": None}]}))},
        {"l": layer(rule(configDelegate="c", value={}))},
        overrides={"c": [{"new_config_name": "d", "rules": [{"rule_name": "r"}]}]},
        override_rules={"r": rule()},
    )
)
ODD_VALUES: tuple[Any, ...] = (None, True, 0, -1.5, "", "x", [], [[]], {}, {"a": {}}, ["x", 1, None])


@contextmanager
def within(seconds: float, megabytes: int) -> Iterator[None]:
    """Fail when what is done inside takes more processor time, or more memory at once."""
    tracemalloc.start()
    started = process_time()
    try:
        yield
        spent, (_, peak) = process_time() - started, tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert spent < seconds
    assert peak < megabytes * MEGABYTE


def decode_or_refuse(value: object) -> Project | None:
    try:
        return decode_project(value)
    except InvalidSpec as problem:
        faults = problem.faults
    assert faults, "what is refused has a fault that can be named"
    return None


def ask_everything(made: Project) -> None:
    for kind, section in (("gate", made.gates), ("config", made.configs), ("layer", made.layers)):
        for name in section:
            assert ask(made, kind, name, {"userID": "a", "email": "a@b.c"}).name == name


def list_places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield (holder, key) of every value inside a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in list(items):
        yield value, key
        yield from list_places(child)


def test_document_cut_off_anywhere_is_no_json_and_cut_between_values_is_refused() -> None:
    for length in range(len(TEXT)):
        with pytest.raises(json.JSONDecodeError):
            json.loads(TEXT[:length])
    for holder, key in list_places(whole := json.loads(TEXT)):
        kept = holder[key]
        if isinstance(holder, dict):
            del holder[key]
            made = decode_or_refuse(whole)
            if made is not None:
                ask_everything(made)
            holder[key] = kept


@pytest.mark.parametrize("odd", ODD_VALUES, ids=repr)
def test_every_value_swapped_for_one_of_another_type_decodes_or_is_refused(odd: object) -> None:
    for holder, key in list_places(whole := json.loads(TEXT)):
        kept, holder[key] = holder[key], odd
        made = decode_or_refuse(whole)
        if made is not None:
            ask_everything(made)
        holder[key] = kept


def test_gates_that_refer_to_each_other_in_circles_decode_and_end() -> None:
    around = {f"g{n}": gate(rule(condition("pass_gate", None, f"g{(n + 1) % 400}"))) for n in range(400)}
    with deep_stack(), within(10, 60):
        made = decode_project(document({**around, "self": gate(rule(condition("fail_gate", None, "self")))}))
        assert ask(made, "gate", "g0").is_error
        assert ask(made, "gate", "self").is_error


def test_layers_and_mappings_that_lead_in_circles_decode_and_end() -> None:
    leading = {"c": [{"new_config_name": "c", "rules": [{"rule_name": "r"}]}]}
    with deep_stack(), within(10, 60):
        made = decode_project(
            document(
                {}, {"c": config(rule(configDelegate="c", value={}))}, overrides=leading, override_rules={"r": rule()}
            )
        )
        assert ask(made, "config", "c").is_error


@pytest.mark.parametrize("key", ["targetValue", "returnValue", "sdk_flags", "rules", "feature_gates"])
def test_three_hundred_levels_of_nesting_decode_or_are_refused(key: str) -> None:
    deep: Any = json.loads("[" * 300 + "]" * 300)
    for value in (deep, {"a": deep}):
        whole = json.loads(TEXT)
        for holder, place in list(list_places(whole)):
            if place == key:
                holder[place] = value
        whole.setdefault(key, value)
        with within(2, 20):
            made = decode_or_refuse(whole)
            if made is not None:
                ask_everything(made)


def test_texts_of_fifty_megabytes_are_not_copied_by_decoding() -> None:
    huge = "x" * (50 * MEGABYTE)
    with within(5, 20):
        made = decode_project(document({"g": gate(rule(value=True), idType=huge)}, company_id=huge))
        assert ask(made, "gate", "g").value is True


def test_refusing_a_hundred_thousand_wrong_specs_takes_bounded_memory() -> None:
    wrong = {str(number): {"rules": [1] * 3} for number in range(100_000)}
    with within(5, 20):
        assert decode_or_refuse({**document(), "feature_gates": wrong, "dynamic_configs": wrong}) is None
