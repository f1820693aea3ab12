"""What Fastly would not take is refused before it is written, with what to do about it."""

import pytest

from evaluator.decode import decode_project
from specstore.cut import cut_project
from specstore.frame import PAGE, seal
from specstore.keys import LONGEST_KEY, find_key_fault, manifest_key, page_key, shard_key
from specstore.limits import (
    LARGEST_METADATA,
    LARGEST_VALUE,
    MOST_WRITES,
    LimitExceeded,
    Write,
    check_write,
    check_writes,
)
from specstore.plan import plan_publication
from tests.specstore.documents import config, document


def test_what_is_just_within_the_limits_is_taken() -> None:
    check_write(Write("k" * LONGEST_KEY, b"", "m" * LARGEST_METADATA))
    check_write(Write("k", bytes(LARGEST_VALUE)))
    check_writes([Write("k", b"")] * MOST_WRITES)


# entry | what the message says is wrong | and what to do
REFUSED = (
    (Write("", b""), "the key has 0 bytes", "give the spec a shorter key"),
    (Write("k" * (LONGEST_KEY + 1), b""), "the key has 1,025 bytes", "give the spec a shorter key"),
    (Write("é" * 513, b""), "the key has 1,026 bytes", "give the spec a shorter key"),
    (Write("a\nb", b""), r"holds '\n'", "give the spec another key"),
    (Write("a#b", b""), "holds '#'", "give the spec another key"),
    (Write(".well-known/acme-challenge/x", b""), "acme-challenge", "give the spec another key"),
    (Write("..", b""), "holds '..'", "give the spec another key"),
    (Write("k", b"{" + bytes(LARGEST_VALUE)), "25,000,001 bytes", "publish the paged layout alone"),
    (Write("k", PAGE + bytes(LARGEST_VALUE)), "25,000,014 bytes", "make its largest values smaller"),
    (Write("k", bytes(LARGEST_VALUE + 1)), "25,000,001 bytes", "split the project"),
    (Write("k", seal(PAGE, b"", b"[" * 128)), "more than 127 deep", "flatter"),
    (Write("k", b"", "é" * 1001), "the metadata has 2,002 bytes", "put less into it"),
    (Write("k", b"", "a\rb"), "line break", "write it in one"),
)


@pytest.mark.parametrize(("write", "fault", "advice"), REFUSED, ids=[fault for _, fault, _ in REFUSED])
def test_an_entry_over_a_limit_is_refused_with_advice(write: Write, fault: str, advice: str) -> None:
    with pytest.raises(LimitExceeded) as caught:
        check_write(write)
    assert fault in str(caught.value)
    assert advice in str(caught.value)


def test_too_many_entries_are_refused_with_advice() -> None:
    with pytest.raises(LimitExceeded, match=r"100,001 entries are more than .* publish fewer ID lists"):
        check_writes([Write("k", b"")] * (MOST_WRITES + 1))


def test_our_keys_of_a_usual_spec_key_are_taken() -> None:
    for key in ("statsig-local", "statsig-3rNsGzwvY", "a/b", "x" * 900):
        assert [find_key_fault(one) for one in (manifest_key(key), page_key(key, bytes(16)))] == [None, None]
        assert find_key_fault(shard_key(key, "0" * 32, 65_535)) is None


def test_a_spec_key_that_makes_a_key_too_long_or_odd_is_refused() -> None:
    for key in ("x" * 1000, "ends with a dot."):
        assert find_key_fault(page_key(key, bytes(16))) is not None


def test_a_config_of_25_megabytes_is_refused_in_either_layout() -> None:
    made = config(defaultValue={"text": "x" * LARGEST_VALUE})
    plan = plan_publication("k", cut_project(decode_project(document(dynamic_configs={"large": made}))))
    with pytest.raises(LimitExceeded, match="make its largest values smaller"):
        check_writes(plan.list_writes())
