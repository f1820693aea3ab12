from devhost.embedded.fuel import ROOT, compare, count_scenarios
from devhost.embedded.plugin import COMPONENT


def test_fuel_is_the_same_in_every_run() -> None:
    figures = [count_scenarios(COMPONENT, ROOT / "examples" / "spec.json") for _ in range(3)]
    assert figures[0]["gate_raw.fresh_until_reply"] > figures[0]["gate_raw.warm_until_reply"] > 0
    assert figures[0] == figures[1] == figures[2]


def test_growth_beyond_what_is_allowed_is_named() -> None:
    assert compare({"a": 1031, "b": 1029, "new": 5}, {"a": 1000, "b": 1000}) == ["a: 1,000 -> 1,031 (+3.1%)"]
