"""Specs are replaced whole: a reply never holds two generations, also while the store is being harmed."""

import pytest

from evaluator.decode import decode_project
from specstore.cut import cut_project
from specstore.manifest import make_manifest
from tests.component.publishing import (
    FIRST_TIME,
    GATES,
    HARMS,
    is_mixed,
    is_unanswered,
    make_spec,
    publish_while_asking,
)


def test_the_gates_that_change_together_lie_in_different_pages() -> None:
    manifest = make_manifest(cut_project(decode_project(make_spec(1))))
    assert len({manifest.find_page("gate", name) for name in GATES}) == len(GATES)


@pytest.mark.parametrize("harms", [("none",), HARMS], ids=["undisturbed", "harmed"])
def test_no_reply_mixes_two_specs_and_the_last_one_wins(harms: tuple[str, ...]) -> None:
    found = publish_while_asking(seconds=3.0, clients=4, pause=0.1, harms=harms)
    assert [one for one in found.seen if is_mixed(one)] == []
    assert [one for one in found.seen if is_unanswered(one) and "throttled" not in harms] == []
    assert found.misnamed == []
    assert found.last.spec_time == FIRST_TIME + found.published
    assert len({one.spec_time for one in found.seen}) > 3
