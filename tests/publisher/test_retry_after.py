"""How long a server asks to be left alone."""

import time
from email.utils import formatdate

import pytest

from publisher.retry_after import read_retry_after


def test_seconds_are_taken_as_they_are() -> None:
    assert read_retry_after({"retry-after": "7", "fastly-ratelimit-reset": "99999999999"}) == 7.0


def test_a_date_is_counted_from_now() -> None:
    assert 55 < read_retry_after({"retry-after": formatdate(time.time() + 60, usegmt=True)}) <= 60
    assert 55 < read_retry_after({"fastly-ratelimit-reset": str(int(time.time()) + 60)}) <= 60


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"retry-after": "soon"},
        {"retry-after": "-1"},
        {"retry-after": "²"},
        {"retry-after": "Thu, 01 Jan 2009 00:00:00 GMT"},
        {"fastly-ratelimit-reset": "1"},
        {"fastly-ratelimit-reset": "²"},
    ],
)
def test_what_says_nothing_or_is_over_is_no_wish(headers: dict[str, str]) -> None:
    assert read_retry_after(headers) == 0.0
