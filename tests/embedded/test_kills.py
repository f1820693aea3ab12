"""A kill loses at most the batch that was not confirmed, wherever it strikes: the table in the document is measured."""

import pytest

from devhost.local_config import ROOT
from tests.embedded.kills import HEADER, TROUBLES, Trouble, measure

DOCUMENT = ROOT / "docs" / "decisions" / "exposures-after-the-reply.md"


def list_documented(trouble: Trouble) -> list[str]:
    lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith(f"| {trouble.name} |")]


@pytest.mark.parametrize("trouble", TROUBLES, ids=[trouble.name for trouble in TROUBLES])
def test_kill_at_every_call_loses_what_the_document_says(trouble: Trouble) -> None:
    rows = measure(trouble)
    assert [row.write() for row in rows] == list_documented(trouble)
    assert all(row.lost <= (0 if trouble.drains else 1) for row in rows)
    untold = [row for row in rows if not row.is_told]
    assert untold == rows[:1]  # only until the log has heard of the event


def test_document_has_the_table() -> None:
    assert HEADER in DOCUMENT.read_text(encoding="utf-8")
