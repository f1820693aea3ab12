"""Operators: one row each.

A row says how a target value is prepared, once, into a comparison, and which answer of it the operator wants. A
comparison is a conversion of the user's value and a test of the converted value, often a bound method of a set or a
float, so that evaluating a condition is one call. Negated operators are the same row with `wanted` False.

A new operator is one function that prepares its target and one row in `OPERATORS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from operator import eq
from typing import Final

from evaluator.bucketing import hash_unit_id
from evaluator.coerce import Instant, find_number, find_text, write_json
from evaluator.instants import (
    compare_versions,
    day_of,
    find_target_instant,
    find_user_instant,
    parse_version,
)
from evaluator.patterns import find_pattern

type Conversion = Callable[[object], object]
type Test = Callable[[object], object]
type Comparison = tuple[Conversion, Test]


MANY: Final = 8  # elements of a target from which on the first value is looked for without a set
_SEPARATOR: Final = "\0"


@dataclass(slots=True)
class Operator:
    """How a target becomes a comparison, and the answer that makes the condition true."""

    prepare: Callable[[object], Comparison]
    wanted: bool = True


def is_never(_value: object) -> bool:
    """Answer for targets of the wrong type."""
    return False


def to_json(value: object) -> object:
    """Return the JSON value itself."""
    return None if isinstance(value, Instant) else value


# ------------------------------------------------------------------ what a test sees


def to_text(value: object) -> str:
    """Return the text view, or the empty text."""
    return find_text(value) or ""


def to_lowered(value: object) -> str:
    """Return the text view in lower case, or the empty text."""
    if type(value) is str:
        return value.lower()
    return "" if value is None else (find_text(value) or "").lower()


def to_version(value: object) -> tuple[int | None, ...] | None:
    """Return the parts of a version, or None without a text view."""
    text = find_text(value)
    return None if text is None else parse_version(text)


def to_bool(value: object) -> bool | None:
    """Return the bool view."""
    return value if isinstance(value, bool) else None


def to_element_texts(value: object) -> frozenset[str] | None:
    """Return the texts of an array's elements; null and objects have none."""
    if not isinstance(value, list):
        return None
    return frozenset(text for text in map(find_text, value) if text is not None)


def to_unit_hash(value: object) -> str | None:
    """Return what an ID list would hold of the value."""
    text = find_text(value)
    return None if text is None else hash_unit_id(text)


# ------------------------------------------------------------------ targets


def write_element(value: object) -> str:
    """Return the text of a target's element: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else write_json(value)


def key_by_lowercase(target: list[object]) -> dict[str, tuple[int, str]]:
    """Return {lower-case text: (position, text)}; of spellings that collide the last one stays."""
    texts = map(write_element, target)
    return {text.lower(): (index, text) for index, text in enumerate(texts)}


def _spellings(target: object) -> list[str]:
    return [text for _, text in key_by_lowercase(target).values()] if isinstance(target, list) else []


# ------------------------------------------------------------------ preparing


def compare_number(method: str) -> Callable[[object], Comparison]:
    """Prepare `gt` and its kin; `method` is the mirrored method of the target (5 > 3 asks `(3.0).__lt__(5.0)`)."""

    def prepare(target: object) -> Comparison:
        number = find_number(target)
        return (find_number, is_never if number is None else getattr(number, method))

    return prepare


def compare_version(*answers: int) -> Callable[[object], Comparison]:
    """Prepare a version operator that is true for these outcomes of comparing.

    The target is read when the first user has a version: most have none.
    """

    def prepare(target: object) -> Comparison:
        if not isinstance(target, str):
            return (to_version, is_never)
        parts: list[tuple[int | None, ...]] = []

        def test(value: object) -> bool:
            if not isinstance(value, tuple):
                return False
            if not parts:
                parts.append(parse_version(target))
            return compare_versions(value, parts[0]) in answers

        return (to_version, test)

    return prepare


def _lower_all(target: list[object]) -> frozenset[str]:
    try:
        return frozenset(map(str.lower, target))  # type: ignore[arg-type]  # nearly always texts
    except TypeError:
        return frozenset(write_element(element).lower() for element in target)


def _is_among(target: list[object]) -> Test:
    """Return the test whether a lower-case text is an element; the first value is looked for without a set.

    A fresh sandbox often asks once. Measured in the component, a set of 8,000 texts takes 18 million instructions, one
    search through them 3 million; of 20 texts 43,000 and 29,000.
    """
    wanted: frozenset[str] | None = None
    is_first = True

    def test(value: object) -> bool:
        nonlocal wanted, is_first
        if is_first and isinstance(value, str):
            is_first = False
            found = _find_joined(target, value)
            if found is not None:
                return found
        if wanted is None:
            wanted = _lower_all(target)
        return value in wanted

    return test


def _find_joined(target: list[object], value: str) -> bool | None:
    """Tell whether a text is one of the elements in lower case; None where joining them would not tell."""
    try:
        joined = _SEPARATOR.join(target)  # type: ignore[arg-type]  # nearly always texts
    except TypeError:
        return None
    if not joined.isascii() or joined.count(_SEPARATOR) != len(target) - 1 or _SEPARATOR in value:
        return None
    return f"{_SEPARATOR}{value}{_SEPARATOR}" in f"{_SEPARATOR}{joined.lower()}{_SEPARATOR}"


def any_of(target: object) -> Comparison:
    """Prepare `any` and `none`: an array by lower case, an object by its keys as written."""
    if isinstance(target, list):
        return (to_lowered, _lower_all(target).__contains__ if len(target) < MANY else _is_among(target))
    if isinstance(target, dict):
        return (to_lowered, target.__contains__)  # no set of its keys: experiments have hundreds of buckets
    return (to_lowered, is_never)


def any_case_sensitive(target: object) -> Comparison:
    """Prepare the case-sensitive pair over the spellings that survive keying by lower case."""
    return (to_text, frozenset(_spellings(target)).__contains__)


def text_at(method: str) -> Callable[[object], Comparison]:
    """Prepare `str_starts_with_any` and its kin; `method` is the one of `str` to ask, it takes all texts at once.

    Not with `operator.methodcaller`: where the component's CPython 3.14.0 collects one that is part of a cycle, the
    sandbox traps, because the function that clears it has another signature than the one it is called with.
    """
    ask: Callable[[str, tuple[str, ...]], bool] = getattr(str, method)

    def prepare(target: object) -> Comparison:
        texts = tuple(_lowered(target))
        return (to_lowered, lambda value: ask(value, texts))

    return prepare


def text_contains(target: object) -> Comparison:
    """Prepare `str_contains_any` and `str_contains_none`."""
    needles = tuple(_lowered(target))
    return (to_lowered, lambda value: any(map(value.__contains__, needles)))


def _lowered(target: object) -> Iterable[str]:
    return key_by_lowercase(target) if isinstance(target, list) else ()


def text_matches(target: object) -> Comparison:
    """Prepare `str_matches`; the pattern is compiled at the first match, which costs most."""
    if not isinstance(target, str):
        return (find_text, is_never)
    compiled: list[Callable[[str], object] | None] = []

    def test(value: object) -> bool:
        if not isinstance(value, str):
            return False
        if not compiled:
            compiled.append(find_pattern(target))
        search = compiled[0]
        return search is not None and bool(search(value))

    return (find_text, test)


def instant_is(relation: Callable[[int, int], bool]) -> Callable[[object], Comparison]:
    """Prepare `before`, `after` and `on`."""

    def prepare(target: object) -> Comparison:
        instant = find_target_instant(target)
        if instant is None:
            return (find_user_instant, is_never)
        return (find_user_instant, lambda value: isinstance(value, int) and relation(value, instant))

    return prepare


def equal(target: object) -> Comparison:
    """Prepare `eq` and `neq`; the type of the target decides which view is compared."""
    if target is None:
        return (to_json, partial(eq, None))
    if isinstance(target, bool):
        return (to_bool, partial(eq, target))
    if isinstance(target, (int, float)):
        return (find_number, partial(eq, find_number(target)))
    if isinstance(target, str):
        return (find_text, partial(eq, target))
    return (
        to_json,
        partial(_same_elements, key_by_lowercase(target))
        if isinstance(target, list)
        else partial(_same_fields, target),
    )


def _same_elements(keyed: dict[str, tuple[int, str]], value: object) -> bool:
    if not isinstance(value, list) or len(value) != len(keyed):
        return False
    # A position past the end crashes the core (colliding spellings); unequal is the answer nobody can object to.
    return all(index < len(value) and find_text(value[index]) == text for index, text in keyed.values())


def _same_fields(target: object, value: object) -> bool:
    if not isinstance(value, dict) or not isinstance(target, dict) or len(value) != len(target):
        return False
    return all(key in value and find_text(value[key]) == write_element(child) for key, child in target.items())


def elements(test_texts: Callable[[frozenset[str], frozenset[str]], bool]) -> Callable[[object], Comparison]:
    """Prepare an array operator; both sides must be arrays, else it is false."""

    def prepare(target: object) -> Comparison:
        if not isinstance(target, list):
            return (to_element_texts, is_never)
        wanted = frozenset(_spellings(target))
        return (to_element_texts, lambda value: isinstance(value, frozenset) and test_texts(wanted, value))

    return prepare


OPERATORS: Final[dict[str, Operator]] = {
    "gt": Operator(compare_number("__lt__")),
    "gte": Operator(compare_number("__le__")),
    "lt": Operator(compare_number("__gt__")),
    "lte": Operator(compare_number("__ge__")),
    "version_gt": Operator(compare_version(1)),
    "version_gte": Operator(compare_version(0, 1)),
    "version_lt": Operator(compare_version(-1)),
    "version_lte": Operator(compare_version(-1, 0)),
    "version_eq": Operator(compare_version(0)),
    "version_neq": Operator(compare_version(-1, 1)),
    "any": Operator(any_of),
    "none": Operator(any_of, wanted=False),
    "any_case_sensitive": Operator(any_case_sensitive),
    "none_case_sensitive": Operator(any_case_sensitive, wanted=False),
    "str_starts_with_any": Operator(text_at("startswith")),
    "str_ends_with_any": Operator(text_at("endswith")),
    "str_contains_any": Operator(text_contains),
    "str_contains_none": Operator(text_contains, wanted=False),
    "str_matches": Operator(text_matches),
    "before": Operator(instant_is(lambda value, target: value < target)),
    "after": Operator(instant_is(lambda value, target: value > target)),
    "on": Operator(instant_is(lambda value, target: day_of(value) == day_of(target))),
    "eq": Operator(equal),
    "neq": Operator(equal, wanted=False),
    "array_contains_any": Operator(elements(lambda target, value: not target.isdisjoint(value))),
    "array_contains_none": Operator(elements(lambda target, value: target.isdisjoint(value))),
    "array_contains_all": Operator(elements(lambda target, value: target <= value)),
    "not_array_contains_all": Operator(elements(lambda target, value: not target <= value)),
}

# Membership of an ID list is asked of the lists that a view of the user carries, not of the target alone.
LIST_OPERATORS: Final[dict[str, bool]] = {"in_segment_list": True, "not_in_segment_list": False}
