"""The language of faults: every sentence, what may be added to it, and what is refused with what words."""

import pytest

from devhost.fastly.fault_script import SENTENCES, InvalidScript, Jump, Script, read_script
from devhost.fastly.faults import Fault, Faults
from devhost.fastly.hosting import Limits
from devhost.fastly.values import Case, Err
from devhost.local_config import ROOT

DOCUMENT = ROOT / "docs" / "embedded-host.md"


def only_fault(text: str) -> Fault:
    [fault] = read_script(text).faults
    return fault


@pytest.mark.parametrize("sentence", SENTENCES, ids=[sentence.example for sentence in SENTENCES])
def test_each_sentence_does_something_and_is_documented(sentence: tuple[str, ...]) -> None:
    example, meaning = sentence[:2]
    assert read_script(example) != Script()
    assert f"| `{example}` | {meaning} |" in DOCUMENT.read_text(encoding="utf-8")


def test_documented_script_is_one() -> None:
    text = DOCUMENT.read_text(encoding="utf-8").split("```text\n")[1].split("```")[0]
    assert len(read_script(text).faults) >= 3


def test_lines_are_read_in_order_and_comments_left_out() -> None:
    script = read_script("# a bad day\n\nlookup takes 1 s  # and\nsend answers 500\n")
    assert [fault.place for fault in script.faults] == ["lookup", "send"]


@pytest.mark.parametrize(
    ("text", "key", "times", "after"),
    [
        ("lookup is empty", None, None, 0),
        ("lookup of a/b is empty", "a/b", None, 0),
        ("lookup is empty, 1 time", None, 1, 0),
        ("lookup is empty, after 3", None, None, 3),
        ("send to events is refused, 2 times, after 3", "events", 2, 3),
    ],
)
def test_a_fault_is_narrowed(text: str, key: str | None, times: int | None, after: int) -> None:
    fault = only_fault(text)
    assert (fault.key, fault.times, fault.after) == (key, times, after)


@pytest.mark.parametrize(
    ("text", "seconds"), [("1500 ms", 1.5), ("1.5 s", 1.5), ("2 min", 120), ("1 h", 3600), ("1 d", 86400)]
)
def test_units_of_time(text: str, seconds: float) -> None:
    assert only_fault(f"lookup takes {text}").seconds == seconds
    assert read_script(f"clock jumps -{text}").jumps == (Jump(-seconds, 0),)


@pytest.mark.parametrize(("text", "size"), [("3 bytes", 3), ("2 KB", 2048), ("1 MB", 1 << 20)])
def test_units_of_size(text: str, size: int) -> None:
    assert only_fault(f"lookup breaks after {text}").cut_at == size


def test_limits_of_a_sandbox() -> None:
    sizes = "sandbox has 20 MB\nsandbox has 5 instructions\nsandbox has 2 s\n"
    script = read_script(f"{sizes}sandbox takes 2 requests\nsandbox makes 60 calls")
    assert script.limit(Limits()) == Limits(memory=20 << 20, fuel=5, seconds=2.0, requests=2, calls=60)


def test_errors_are_those_of_the_place() -> None:
    assert only_fault("insert fails with payload-too-large").error == "payload-too-large"
    assert only_fault("send fails with http-incomplete").error == {"detail": None, "error": "http-incomplete"}
    detailed = {"detail": Case("dns-error"), "error": "generic-error"}
    assert only_fault("send fails with dns-error").error == detailed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lookup takes 1 s\nlookup explodes", r"line 2: lookup explodes: known are sentences like: lookup fails"),
        ("lookup fails with dns-error", "lookup cannot fail with dns-error; it can with bad-request"),
        ("send is empty", "known are sentences like"),
        ("insert breaks after 3 bytes", "known are sentences like"),
        ("nonsense", "no sentence"),
        ("clock jumps 1 h, 2 times", "neither a key nor a number of times"),
        ("sandbox of a takes 2 requests", "neither a key nor a number of times"),
        ("lookup takes 3 weeks", "known are sentences like"),
    ],
)
def test_what_is_no_sentence_is_named_with_its_line(text: str, message: str) -> None:
    with pytest.raises(InvalidScript, match=message):
        read_script(text)


def test_script_that_is_begun_twice_counts_anew() -> None:
    script = read_script("lookup fails with internal-error, 1 time")
    for _ in range(2):
        faults = Faults()
        script.begin(faults)
        with pytest.raises(Err, match="internal-error"):
            faults.check("lookup", "k")
        faults.check("lookup", "k")


def test_first_fault_that_fits_strikes() -> None:
    faults = Faults()
    read_script("lookup takes 1 s, 1 time\nlookup of b takes 2 s\nlookup takes 3 s").begin(faults)
    assert [faults.seconds("lookup", "b") for _ in range(2)] == [1, 2]
    assert faults.seconds("lookup", "a") == 3
    assert faults.seconds("insert", "a") == 0
