import json

import pytest

from evaluator.nesting import NESTING_LIMIT, closes_many, is_nested_too_deeply, looks_nested_too_deeply


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"[" * NESTING_LIMIT + b"]" * NESTING_LIMIT, False),
        (b"[" * (NESTING_LIMIT + 1), True),
        (b'{"a":' * (NESTING_LIMIT + 1), True),
        (b"[ \n" * (NESTING_LIMIT + 1), True),
        (b'"' + b"[" * 500 + b'"', False),
        (b'"\\"' + b"[" * 500 + b'"', False),
        (b'"\\\\"' + b"[" * 500, True),
        (b"[]," * 500, False),
        (b'["]]]]]",' * (NESTING_LIMIT + 1), True),
    ],
)
def test_depth_is_told_from_the_text(text: bytes, expected: bool) -> None:
    assert is_nested_too_deeply(text) is expected


@pytest.mark.parametrize("lines", [None, 1])
@pytest.mark.parametrize("offset", range(0, 17, 3))
@pytest.mark.parametrize("inner", ["[]", {"a": 1}, [1, {}], "]" * 500])
def test_of_a_spec_it_is_told_wherever_it_nests(inner: object, offset: int, lines: int | None) -> None:
    for levels in (NESTING_LIMIT - 4, NESTING_LIMIT + 20):
        value = inner
        for level in range(levels):
            value = [value] if level % 3 else {"a": value}
        whole = {"x": "y" * offset, "deep": value, "behind": [[1], {"z": "x" * 1_000}]}
        text = json.dumps(whole, indent=lines, separators=(",", ":")).encode()
        assert looks_nested_too_deeply(text) is is_nested_too_deeply(text) is (levels > NESTING_LIMIT)


@pytest.mark.parametrize(
    "text", [b'{"a":' * 5_000, b"[" * 100_000, b'{"a":[' + b"[{\n" * 2_000, b'{"a": "' + b"[" * 5_000]
)
def test_of_a_spec_that_was_cut_off_it_is_told_exactly(text: bytes) -> None:
    for blanks in (b"", b" \n"):
        assert looks_nested_too_deeply(text + blanks) is is_nested_too_deeply(text)


def test_what_closes_inside_a_text_is_not_depth() -> None:
    text = json.dumps({"a": "]" * 5_000}).encode()
    assert closes_many(text)
    assert not looks_nested_too_deeply(text)
