import pytest

from evaluator.instants import (
    compare_versions,
    day_of,
    find_target_instant,
    find_user_instant,
    parse_date,
    parse_version,
)

NEW_YEAR = 1_672_531_200_000
DAY = 86_400_000


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2023-01-01T00:00:00Z", NEW_YEAR),
        ("2023-01-01t00:00:00z", NEW_YEAR),
        ("2023-01-01 00:00:00Z", NEW_YEAR),
        ("2023-01-01T00:00:00.1239Z", NEW_YEAR + 123),
        ("2023-01-01T01:30:00+01:30", NEW_YEAR),
        ("2022-12-31T23:00:00-01:00", NEW_YEAR),
        ("2023-01-01 00:00:00", NEW_YEAR),
        (" +2023-1-1 0:0:0", NEW_YEAR),
        ("2022-12-31 23:59:60", NEW_YEAR),
        ("2024-02-29 00:00:00", 1_709_164_800_000),
        ("1969-12-31 23:59:59", -1000),
        ("2023-02-29 00:00:00", None),
        ("1900-02-29 00:00:00", None),
        ("2023-13-01 00:00:00", None),
        ("2023-01-32 00:00:00", None),
        ("2023-01-01 24:00:00", None),
        ("2023-01-01 00:00:61", None),
        ("2023-01-01T00:00:00+24:00", None),
        ("2023-01-01", None),
        ("2023-01-01T00:00:00", None),
        ("", None),
    ],
)
def test_dates(text: str, instant: int | None) -> None:
    assert parse_date(text) == instant


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        (1_672_531_200, NEW_YEAR),
        (NEW_YEAR, NEW_YEAR),
        ("1672531200", NEW_YEAR),
        (9_999_999_999, 9_999_999_999_000),
        (10_000_000_000, 10_000_000_000),
        (1.5, None),
        (True, None),
        (None, None),
        ("2023-01-01T00:00:00Z", NEW_YEAR),
        ("2023-01-01T00:00:00.000Z", None),
        ("2023-01-01T00:00:00+00:00", None),
        ("2023-01-01", None),
        # A date near 1970 is taken for seconds, like any small number.
        ("1970-01-01T00:00:01Z", 1_000_000),
        ("é" * 11, None),
    ],
)
def test_user_instant_is_strict_and_guesses_seconds(value: object, instant: int | None) -> None:
    assert find_user_instant(value) == instant


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        (1_672_531_200, 1_672_531_200),
        (1.9, 1),
        ("12", 12),
        ("1.9", 1),
        ("2023-01-01T00:00:00.000+00:00", NEW_YEAR),
        ("soon", None),
        (None, None),
        ([1], None),
    ],
)
def test_target_instant_takes_any_length_and_no_seconds(value: object, instant: int | None) -> None:
    assert find_target_instant(value) == instant


@pytest.mark.parametrize(("instant", "day"), [(0, 0), (DAY - 1, 0), (DAY, 1), (-1, 0), (1 - DAY, 0), (-DAY, -1)])
def test_days_are_cut_toward_zero(instant: int, day: int) -> None:
    assert day_of(instant) == day


@pytest.mark.parametrize(
    ("left", "right", "order"),
    [
        ("1.2", "1.2.0", 0),
        ("1.10", "1.9", 1),
        ("1", "1.0.1", -1),
        ("1.2-beta", "1.2", 0),
        (" 1 . 2 ", "1.2", 0),
        ("+1", "1", 0),
        ("-1", "0", None),
        ("", "0", None),
        ("2.x", "1.0", 1),
        ("1.x", "1.0", None),
        ("1.0", "1.x", None),
        ("1..2", "1.0.2", None),
        (str(2**127 - 1), str(2**127 - 2), 1),
        (str(2**127), "1", None),
    ],
)
def test_versions_stop_at_the_first_difference(left: str, right: str, order: int | None) -> None:
    assert compare_versions(parse_version(left), parse_version(right)) == order
