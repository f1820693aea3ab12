"""Dates and version numbers as the core reads them.

A user's date is read strictly (8 to 20 bytes), a spec's date in any length. Both know RFC 3339 and `YYYY-MM-DD
HH:MM:SS`; the latter is lax about blanks and leading zeros because the core's date library is.
"""

from __future__ import annotations

import re
from typing import Final

from evaluator.coerce import I128_MAX, I128_MIN, find_integer, find_number, parse_integer, truncate

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+\-\u2212])(\d\d):(\d\d))", re.ASCII
)
_PLAIN = re.compile(r"\s*([+-]\d+|\d{1,4})-\s*(\d{1,2})-\s*(\d{1,2})\s*(\d{1,2}):\s*(\d{1,2}):\s*(\d{1,2})", re.ASCII)
_BLANKS: Final = (
    "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006"
    "\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
_MONTH_DAYS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_SECONDS_BELOW: Final = 10_000_000_000
_DAY_MS: Final = 86_400_000


def find_user_instant(value: object) -> int | None:
    """Return milliseconds of a user's value; anything nearer to 1970 than 10^10 counts as seconds."""
    instant = _parse_user_date(value) if isinstance(value, str) else find_integer(value)
    if instant is None:
        return None
    if abs(instant) < _SECONDS_BELOW:
        return instant * 1000
    return instant


def find_target_instant(value: object) -> int | None:
    """Return milliseconds of a target value: a date of any length, else its number, cut."""
    if isinstance(value, str):
        instant = parse_integer(value)
        if instant is None:
            instant = parse_date(value)
        if instant is not None:
            return instant
    number = find_number(value)
    return None if number is None else truncate(number)


def day_of(instant: int) -> int:
    """Return the day number, cut toward zero as the core does."""
    return instant // _DAY_MS if instant >= 0 else -(-instant // _DAY_MS)


def _parse_user_date(text: str) -> int | None:
    instant = parse_integer(text)
    if instant is not None:
        return instant
    if not 8 <= len(text.encode("utf-8", "surrogatepass")) <= 20:
        return None
    return parse_date(text) if "-" in text or "T" in text or ":" in text else None


def parse_date(text: str) -> int | None:
    """Return milliseconds since 1970 of an RFC 3339 or `YYYY-MM-DD HH:MM:SS` (UTC) text."""
    found = _RFC3339.fullmatch(text)
    if found:
        return _rfc3339_instant(found)
    found = _PLAIN.fullmatch(text)
    return _civil_instant(*map(int, found.groups())) if found else None


def _rfc3339_instant(found: re.Match[str]) -> int | None:
    instant = _civil_instant(*(int(part) for part in found.group(1, 2, 3, 4, 5, 6)))
    if instant is None:
        return None
    fraction, sign, hours, minutes = found.group(7, 8, 9, 10)
    if fraction:
        instant += int(fraction[:3].ljust(3, "0"))
    if not sign:
        return instant
    if int(minutes) > 59 or int(hours) > 23:
        return None
    offset = (int(hours) * 60 + int(minutes)) * 60_000
    return instant - offset if sign == "+" else instant + offset


def _civil_instant(year: int, month: int, day: int, hour: int, minute: int, second: int) -> int | None:
    """Return milliseconds, or None for a date that does not exist; second 60 is a leap second."""
    if not (1 <= month <= 12 and 1 <= day <= _MONTH_DAYS[month - 1] and abs(year) < 262_143):
        return None
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if (month == 2 and day == 29 and not leap) or hour > 23 or minute > 59 or second > 60:
        return None
    return ((_days_since_1970(year, month, day) * 24 + hour) * 60 + minute) * 60_000 + second * 1000


def _days_since_1970(year: int, month: int, day: int) -> int:
    """Count days in the proleptic Gregorian calendar, with years that begin in March."""
    shifted = year - (month <= 2)
    era, year_of_era = divmod(shifted, 400)
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146_097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719_468


def parse_version(text: str) -> tuple[int | None, ...]:
    """Split `1.2.3-rc` into (1, 2, 3); a part that is not a number becomes None."""
    head = text.partition("-")[0]
    return tuple(parse_integer(part.strip(_BLANKS), I128_MIN, I128_MAX) for part in head.split("."))


def compare_versions(left: tuple[int | None, ...], right: tuple[int | None, ...]) -> int | None:
    """Return -1, 0 or 1; None when a part that is not a number comes before the first difference."""
    for index in range(max(len(left), len(right))):
        mine = left[index] if index < len(left) else 0
        theirs = right[index] if index < len(right) else 0
        if mine is None or theirs is None:
            return None
        if mine != theirs:
            return -1 if mine < theirs else 1
    return 0
