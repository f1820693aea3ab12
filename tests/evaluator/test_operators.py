"""One table per family: (operator, the user's value, target, answer); `...` stands for a field nobody has."""

from types import EllipsisType

import pytest

from evaluator.bucketing import hash_unit_id
from evaluator.operators import MANY, OPERATORS, write_element
from tests.evaluator.builders import Json, ask, condition, gate, meets, on_field, project, rule

type Value = object | EllipsisType


def compare(operator: str, value: Value, target: object, **options: object) -> bool:
    custom: Json = {} if value is ... else {"f": value}
    return meets(on_field("f", operator, target), {"userID": "u", "custom": custom}, **options)


def table(text: str, rows: list[tuple[str, Value, object, bool]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(text, rows)


HEADER = "operator, value, target, answer"


@table(
    HEADER,
    [
        ("gt", 2, 1, True),
        ("gt", 1, 1, False),
        ("gt", "2", "1.5", True),
        ("gte", 1, 1, True),
        ("gte", 0.99, 1, False),
        ("lt", -1, 0, True),
        ("lt", 0, -0.0, False),
        ("lte", "1e2", 100, True),
        ("lte", 101, 100, False),
        ("gt", True, 0, False),
        ("gt", [2], 1, False),
        ("gt", ..., 0, False),
        ("lt", None, 1, False),
        ("gt", "NaN", 0, False),
        ("lte", "NaN", "NaN", False),
        ("gt", 1, None, False),
        ("gt", 1, "x", False),
        ("gt", 2, True, False),
    ],
)
def test_numbers(operator: str, value: Value, target: object, answer: bool) -> None:
    assert compare(operator, value, target) is answer


@table(
    HEADER,
    [
        ("version_gt", "1.10", "1.9", True),
        ("version_gt", "1.0", "1", False),
        ("version_gte", "1.0", "1", True),
        ("version_gte", "0.9", "1", False),
        ("version_lt", "1.2", "1.2.1", True),
        ("version_lt", "1.2", "1.2", False),
        ("version_lte", "1.2-rc", "1.2", True),
        ("version_lte", "1.3", "1.2", False),
        ("version_eq", 1.2, "1.2", True),
        ("version_eq", "1.2", 1.2, False),
        ("version_neq", "1.2", "1.3", True),
        ("version_neq", "1.2", "1.2.0", False),
        ("version_neq", "1.x", "1.0", False),
        ("version_neq", ..., "1.0", False),
        ("version_gt", "2.x", "1.0", True),
    ],
)
def test_versions(operator: str, value: Value, target: object, answer: bool) -> None:
    assert compare(operator, value, target) is answer


@table(
    HEADER,
    [
        ("any", "A", ["a", "b"], True),
        ("any", "c", ["a", "b"], False),
        ("any", 1, [1], True),
        ("any", 1.0, [1.0], False),
        ("any", True, [True], True),
        ("any", ..., [""], True),
        ("any", None, [""], True),
        ("any", {"a": 1}, [""], True),
        ("any", "ß", ["ss"], False),
        ("any", "a", "a", False),
        ("any", "A", {"a": True}, True),
        ("any", "A", {"A": True}, False),
        ("none", ..., ["a"], True),
        ("none", "a", ["A"], False),
        ("none", "a", None, True),
        ("none", 12, {"12": True}, False),
        ("any_case_sensitive", "A", ["A"], True),
        ("any_case_sensitive", "A", ["a"], False),
        ("any_case_sensitive", "A", ["A", "a"], False),
        ("any_case_sensitive", "A", {"A": True}, False),
        ("none_case_sensitive", "A", ["a"], True),
        ("none_case_sensitive", "A", ["A"], False),
        ("none_case_sensitive", "A", ["A", "a"], True),
    ],
)
def test_text_sets(operator: str, value: Value, target: object, answer: bool) -> None:
    assert compare(operator, value, target) is answer


@table(
    HEADER,
    [
        ("str_starts_with_any", "Gatelet", ["x", "gate"], True),
        ("str_starts_with_any", "Gatelet", ["let"], False),
        ("str_starts_with_any", ..., [""], True),
        ("str_ends_with_any", "Gatelet", ["LET"], True),
        ("str_ends_with_any", "Gatelet", ["gate"], False),
        ("str_contains_any", "Gatelet", ["TEL"], True),
        ("str_contains_any", 12.5, [2.5], True),
        ("str_contains_any", "Gatelet", "TEL", False),
        ("str_contains_any", "a", {"a": True}, False),
        ("str_contains_none", "Gatelet", ["x"], True),
        ("str_contains_none", "Gatelet", ["tel"], False),
        ("str_contains_none", "Gatelet", None, True),
        ("str_matches", "user@example.com", r"@example\.com$", True),
        ("str_matches", "Example", "example", False),
        ("str_matches", "Example", "(?i)example", True),
        ("str_matches", 123, r"^\d+$", True),
        ("str_matches", ..., ".*", False),
        ("str_matches", "a", "(", False),
        ("str_matches", "a", ["a"], False),
    ],
)
def test_text_parts(operator: str, value: Value, target: object, answer: bool) -> None:
    assert compare(operator, value, target) is answer


@table(
    HEADER,
    [
        ("before", "2023-01-01T00:00:00Z", "2023-01-01T00:00:00.001Z", True),
        ("before", "2023-01-01T00:00:00Z", "2023-01-01T00:00:00Z", False),
        ("before", "2023-01-01T00:00:00.000Z", "2030-01-01T00:00:00Z", False),
        ("after", 1_672_531_201, 1_672_531_200_000, True),
        ("after", 1_672_531_200, 1_672_531_200_000, False),
        ("after", 1.5, 0, False),
        ("after", ..., 0, False),
        ("after", 1, None, False),
        ("on", "2023-01-01 23:59:59", "2023-01-01T00:00:00Z", True),
        ("on", "2023-01-02 00:00:00", "2023-01-01T00:00:00Z", False),
        ("on", True, 0, False),
    ],
)
def test_times(operator: str, value: Value, target: object, answer: bool) -> None:
    assert compare(operator, value, target) is answer


@table(
    HEADER,
    [
        ("eq", ..., None, True),
        ("eq", None, None, True),
        ("eq", "", None, False),
        ("eq", True, True, True),
        ("eq", "true", True, False),
        ("eq", 1, True, False),
        ("eq", "1", 1, True),
        ("eq", True, 1, False),
        ("eq", 1, "1", True),
        ("eq", 1.0, "1", True),
        ("eq", True, "true", True),
        ("eq", "A", "a", False),
        ("eq", ..., "", False),
        ("eq", [1, "a"], [1, "a"], True),
        ("eq", ["a", 1], [1, "a"], False),
        ("eq", ["a"], ["A", "a"], False),
        ("eq", "a", ["a"], False),
        ("eq", {"a": 1}, {"a": 1}, True),
        ("eq", {"a": 1, "b": 2}, {"a": 1}, False),
        ("eq", {"b": 1}, {"a": 1}, False),
        ("neq", "NaN", "NaN", False),
        ("neq", ..., None, False),
        ("neq", ..., "x", True),
        ("neq", "1", 1, False),
    ],
)
def test_equality(operator: str, value: Value, target: object, answer: bool) -> None:
    assert compare(operator, value, target) is answer


@table(
    HEADER,
    [
        ("array_contains_any", ["a", "b"], ["b", "c"], True),
        ("array_contains_any", ["a"], ["b"], False),
        ("array_contains_any", ["a"], [], False),
        ("array_contains_any", [None, {}], ["", "null"], False),
        ("array_contains_any", [1], [1], True),
        ("array_contains_any", ["A"], ["a"], False),
        ("array_contains_none", ["a"], ["b"], True),
        ("array_contains_none", ["a"], [], True),
        ("array_contains_none", ["a"], ["a"], False),
        ("array_contains_none", "a", ["b"], False),
        ("array_contains_none", ["a"], "b", False),
        ("array_contains_none", ..., ["b"], False),
        ("array_contains_all", ["a", "b"], ["a"], True),
        ("array_contains_all", ["a"], ["a", "b"], False),
        ("array_contains_all", [], [], True),
        ("not_array_contains_all", ["a"], ["a", "b"], True),
        ("not_array_contains_all", ["a", "b"], ["a"], False),
        ("not_array_contains_all", ["a"], [], False),
        ("not_array_contains_all", ..., ["a"], False),
    ],
)
def test_arrays(operator: str, value: Value, target: object, answer: bool) -> None:
    assert compare(operator, value, target) is answer


@table(
    HEADER,
    [
        ("in_segment_list", "u", "beta", True),
        ("in_segment_list", 7, "beta", True),
        ("in_segment_list", "v", "beta", False),
        ("in_segment_list", "u", "unknown", False),
        ("in_segment_list", "u", ["beta"], False),
        ("in_segment_list", ..., "beta", False),
        ("not_in_segment_list", "u", "beta", False),
        ("not_in_segment_list", "v", "beta", True),
        ("not_in_segment_list", "u", "unknown", True),
        ("not_in_segment_list", ..., "beta", True),
    ],
)
def test_id_lists(operator: str, value: Value, target: object, answer: bool) -> None:
    members = frozenset(map(hash_unit_id, ("u", "7")))
    assert compare(operator, value, target, id_lists={"beta": members}) is answer


@pytest.mark.parametrize("operator", ["encoded_any", "is_null", "GT", "", None])
def test_operators_that_the_core_does_not_know_are_unsupported(operator: str | None) -> None:
    found = ask(project({"g": gate(rule(condition("user_field", operator, 1, field="f")))}), "gate", "g")
    assert (found.state, found.value) == ("Unsupported", False)


@pytest.mark.parametrize(
    "target",
    [
        [f"User-{number}" for number in range(20)],
        [*"abcdefgh", ""],
        [*"abcdefgh", "a\0B"],
        [*"abcdefgh", "ΑΣ", "Straße", "İ"],
        [*"abcdefgh", 1, 2.5, None, True, ["x"]],
    ],
    ids=["texts", "an empty one", "with a separator inside", "not ASCII", "not only texts"],
)
@pytest.mark.parametrize("operator", ["any", "none"])
def test_long_list_answers_the_first_value_as_all_later_ones(operator: str, target: list[object]) -> None:
    assert len(target) >= MANY
    lowered = {write_element(element).lower() for element in target}
    values = [
        "user-3",
        "USER-3",
        "user",
        "",
        "a",
        "a\0b",
        "b\0c",
        "ας",
        "ασ",
        "straße",
        "i̇",
        "1",
        "2.5",
        "true",
        '["x"]',
    ]
    for value in values:
        convert, test = OPERATORS[operator].prepare(target)
        expected = value.lower() in lowered
        assert [test(convert(value)), test(convert(value)), test(convert("zz"))] == [expected, expected, False], value
