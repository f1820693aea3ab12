"""What a guest sees of its host is the same under every host, and is what Viceroy shows.

`seen.json` holds what the probes of `probe.py` saw under Viceroy 0.22; `python -m tests.hosts.record` writes it again.
"""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.component.serving import EMBEDDED, NATIVE, VICEROY
from tests.hosts.guests import SEEN, ask, list_probes, running_guest

EXPECTED: dict[str, Any] = json.loads(SEEN.read_text(encoding="utf-8"))


@pytest.fixture(scope="module", params=[pytest.param(VICEROY, marks=pytest.mark.viceroy), EMBEDDED, NATIVE])
def guest(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with running_guest(request.param, tmp_path_factory.mktemp("guest")) as client:
        yield client


@pytest.mark.parametrize("name", list_probes())
def test_the_guest_sees_what_it_sees_under_viceroy(guest: httpx.Client, name: str) -> None:
    assert ask(guest, name) == EXPECTED[name]


def test_every_probe_was_seen_under_viceroy() -> None:
    assert sorted(EXPECTED) == list_probes()
