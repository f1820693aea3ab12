"""What `make bench` says of a run: tables, the part of the docs, and whether two runs agree."""

import json

import pytest

from benchmarks.comparison import services, specs
from benchmarks.comparison.agreement import Agreement
from benchmarks.comparison.load import Load, thin_out
from benchmarks.comparison.page import END, PAGE, SHOWN, START, replace_section, write_section
from benchmarks.comparison.plan import Case, Outcome, list_cases
from benchmarks.comparison.report import list_verdicts
from benchmarks.comparison.same import find_differences
from benchmarks.comparison.setting import Setting
from benchmarks.comparison.specs import AskedSpec
from benchmarks.comparison.store_costs import StoreCost, list_costs
from benchmarks.comparison.tables import HEAD, Results, show_all, write_markdown, write_rows
from benchmarks.comparison.verdicts import judge, list_promises

OURS, LITE = Case(services.PAGED_FRESH), Case(services.LITE_FRESH)
SETTING = Setting(2, "x86_64", "viceroy 0.22.0", {"a-package": "1.2.3"}, "a spec", 5, 1.0)
COSTS = {OURS: StoreCost(2_500_000, 3, 5_900), LITE: StoreCost(None, 1, 440_000)}
NATIVE = ({"name": "gatelet, exposures", "value": 4.0, "unit": "us/check", "ratio_to": "core", "ratio": 1.5},)


def make_results(failure: str = "") -> Results:
    """A run in which the peers take ten times as long, or statsig-node-lite fails."""
    quick, slow = (Outcome((Load((time, time), time, 100, 2.0),), "", Agreement(400, 400)) for time in (1.0, 10.0))
    failed = Outcome((), failure, Agreement(300, 400, failure))
    found = {
        case: failed if failure and "lite" in case.service else slow if "statsig" in case.service else quick
        for case in list_cases()
    }
    return Results(SETTING, found, judge(found), COSTS, NATIVE)


def rows_of(results: Results) -> dict[Case, dict[str, str]]:
    """The cells of every case by the column they are in."""
    rows = zip(results.outcomes, write_rows(results), strict=True)
    return {case: dict(zip(HEAD, cells, strict=True)) for case, cells in rows}


def test_table_has_the_figures_of_a_case_and_what_repeats() -> None:
    rows = rows_of(make_results())
    assert rows[OURS] | {"p50 ms": "1.00", "rate": "10.00", "right": "400/400"} == rows[OURS]
    assert rows[OURS] | {"Mfuel": "2.50", "look-ups": "3", "KB read": "5.9"} == rows[OURS]
    assert rows[LITE] | {"Mfuel": "", "look-ups": "1", "KB read": "440.0", "rate": ""} == rows[LITE]


def test_case_without_figures_has_a_number_and_its_whole_reason_below() -> None:
    reason = "300 of 400 answers are the official core's; " + "for `user-7` it answers true. " * 20 + "\nend"
    results = make_results(reason)
    row = rows_of(results)[LITE]
    assert (row["p50 ms"], row["p95 ms"], row["right"]) == ("none [1]", "", "300/400")
    said = " ".join(reason.split())
    assert f"[1] {said}" in show_all(results)
    page = write_markdown(results)
    assert page.count("- [1] `") == 1
    assert said.replace("`", " ") in page
    assert "BROKEN: the peer gave no right answer" in page


def test_costs_are_measurements_beside_the_peer_s_bytes() -> None:
    found = {one["name"]: one for one in list_costs(COSTS)}
    assert all({"name", "value", "unit", "ratio_to", "ratio"} == one.keys() for one in found.values())
    read = found["gatelet paged, fresh, check, usual, read"]
    assert (read["value"], read["unit"], read["ratio"]) == (5_900, "bytes", 0.0134)
    assert (read["ratio_to"], found["gatelet paged, fresh, check, usual, fuel"]["value"]) == (
        "statsig-node-lite, fresh, check, usual, read",
        2_500_000,
    )


def test_docs_get_the_verdicts_and_every_plot_between_the_marks() -> None:
    section = write_section(make_results())
    page = f"before\n{START}old\n{END}after\n"
    written = replace_section(page, section)
    assert written.startswith(f"before\n{START}\n2 processors (x86_64), viceroy 0.22.0; a-package 1.2.3.")
    assert written.endswith(f"\n{END}after\n")
    assert "old" not in written
    assert replace_section(written, section) == written
    assert all(f"(plots/{name}.svg)" in section for name in SHOWN)


def test_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks the marks"):
        replace_section(f"{START}no end", "section")


def test_page_shows_a_run() -> None:
    section = PAGE.read_text(encoding="utf-8").partition(START)[2].partition(END)[0]
    assert all(f"(plots/{name}.svg)" in section for name in SHOWN)
    assert len(list(list_promises())) == section.count("| kept |") + section.count("| BROKEN")


def test_page_has_the_marks() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert replace_section(replace_section(text, "another"), "section").count("section\n") == 1


def test_runs_are_compared_by_their_verdicts() -> None:
    kept, broken = (list(list_verdicts(make_results(failure).verdicts)) for failure in ("", "it ended"))
    assert list(find_differences(kept, json.loads(json.dumps(kept)))) == []
    differences = list(find_differences(kept, broken))
    assert len(differences) == sum("lite" in one["ratio_to"] for one in kept) > 0
    assert all("kept at " in line and line.endswith("then BROKEN at None") for line in differences)
    assert next(find_differences(kept, kept[1:])).endswith("then not judged")


def test_distribution_is_drawn_with_few_points_and_its_ends() -> None:
    times = [float(number) for number in range(1, 10_001)]
    points = thin_out(times, 200)
    assert len(points) == 200
    assert points[-1] == (10_000.0, 1.0)
    assert all(share == time / 10_000 for time, share in points)
    assert thin_out([2.0, 1.0], 200) == [(1.0, 0.5), (2.0, 1.0)]
    assert thin_out([], 200) == []


def test_setting_says_what_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.comparison.setting.read_viceroy_version", lambda: "viceroy 1")
    found = Setting.find(AskedSpec(specs.USUAL, {"a": 1}, "open", "made up"), 5, 1.0)
    assert "The usual spec: made up, 0 KB, asked for its gate open." in found.describe()
    assert "statsig-node-lite" in found.packages
    assert {one["name"] for one in found.list_measurements()} >= {"setting: processors", "setting: Viceroy"}
