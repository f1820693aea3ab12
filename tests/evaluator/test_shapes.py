"""The answers that `shapes` writes out are those of its tables, which say what is wrong."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluator.shapes import CONDITION, RULE, SPEC, Shape, fits_condition, fits_rule, fits_spec
from tests.evaluator.builders import Json, condition, gate, rule

VALUES: tuple[object, ...] = (None, True, 0, 1.5, "text", [], {})
WRITTEN_OUT: dict[str, tuple[Callable[[object], bool], Shape, Json]] = {
    "spec": (fits_spec, SPEC, gate()),
    "rule": (fits_rule, RULE, rule()),
    "condition": (fits_condition, CONDITION, condition()),
}


@pytest.mark.parametrize("name", WRITTEN_OUT)
def test_every_key_is_looked_at_as_the_table_says(name: str) -> None:
    fits, shape, good = WRITTEN_OUT[name]
    assert fits(good)
    for key in shape.keys:
        without = {one: value for one, value in good.items() if one != key}
        for changed in (without, *({**good, key: value} for value in VALUES)):
            assert fits(changed) is not bool(shape.find_faults(changed)), (key, changed.get(key))


@pytest.mark.parametrize("name", WRITTEN_OUT)
@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_any_object_fits_as_the_table_says(name: str, data: st.DataObject) -> None:
    fits, shape, good = WRITTEN_OUT[name]
    keys = st.sampled_from((*good, *shape.keys))
    changes = data.draw(st.dictionaries(keys, st.sampled_from(VALUES), max_size=4))
    gone = data.draw(st.sets(keys, max_size=1))
    changed = {key: value for key, value in {**good, **changes}.items() if key not in gone}
    assert fits(changed) is not bool(shape.find_faults(changed))


@pytest.mark.parametrize("value", VALUES[:-1])
def test_only_objects_fit(value: object) -> None:
    assert not any((fits_spec(value), fits_rule(value), fits_condition(value)))


def test_what_is_inside_counts() -> None:
    wrong = condition() | {"type": 1}
    assert fits_rule(rule(condition(), "id"))
    assert not fits_rule(rule("id", wrong))
    assert not fits_spec(gate(rule(), rule(wrong)))
