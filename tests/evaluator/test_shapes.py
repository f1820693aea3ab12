"""Objects fit together exactly when nothing is found wrong with any of them."""

from collections.abc import Callable, Collection

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluator.shapes import CONDITION, RULE, SPEC, Shape, fit_rules, fit_specs
from tests.evaluator.builders import Json, condition, gate, rule

VALUES: tuple[object, ...] = (None, True, 0, 1.5, "text", [], {})
SHAPES: dict[str, tuple[Callable[[Collection[object]], bool], Shape, Json]] = {
    "spec": (fit_specs, SPEC, gate()),
    "rule": (fit_rules, RULE, rule()),
    "condition": (CONDITION.fits_all, CONDITION, condition()),
}


@pytest.mark.parametrize("name", SHAPES)
def test_every_key_is_looked_at(name: str) -> None:
    fit_all, shape, good = SHAPES[name]
    assert fit_all([good])
    for key in shape.keys:
        without = {one: value for one, value in good.items() if one != key}
        for changed in (without, *({**good, key: value} for value in VALUES)):
            assert fit_all([good, changed]) is not bool(shape.find_faults(changed)), (key, changed.get(key))


@pytest.mark.parametrize("name", SHAPES)
@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_any_objects_fit_when_none_has_a_fault(name: str, data: st.DataObject) -> None:
    fit_all, shape, good = SHAPES[name]
    keys = st.sampled_from((*good, *shape.keys))
    changes = data.draw(st.lists(st.dictionaries(keys, st.sampled_from(VALUES), max_size=4), max_size=3))
    gone = data.draw(st.sets(keys, max_size=1))
    changed = [{key: value for key, value in {**good, **one}.items() if key not in gone} for one in changes]
    assert fit_all(changed) is not any(map(shape.find_faults, changed))


@pytest.mark.parametrize("value", VALUES[:-1])
def test_only_objects_fit(value: object) -> None:
    for fit_all, shape, good in SHAPES.values():
        assert not fit_all([good, value])
        assert shape.find_faults(value)


def test_none_at_all_fit() -> None:
    assert all(fit_all([]) for fit_all, _shape, _good in SHAPES.values())


def test_what_is_inside_counts() -> None:
    wrong = condition() | {"type": 1}
    assert fit_rules([rule(condition(), "id")])
    assert not fit_rules([rule(), rule("id", wrong)])
    assert not fit_specs([gate(), gate(rule(), rule(wrong))])
