"""The guards that end a build let a clean snapshot pass, and find each defect that is put in.

What the tests before left behind is none of theirs: each test looks only for what it made itself.
"""

import gc
from collections import OrderedDict

import pytest

from edge.cold import guards
from edge.cold.guards import RehearsalLeft, is_held, require_nothing_left
from edge.cold.made_up import SECRET, make_document, make_platform
from edge.memory import MemoryPlatform
from edge.sandbox import Sandbox


class OwnPlatform(MemoryPlatform):
    """The platform of one test."""


class OwnSandbox(Sandbox):
    """The sandbox of one test."""


class DerivedPlatform(OwnPlatform):
    """A kind of it, which the guard has to know as well."""


@pytest.fixture(autouse=True)
def only_own_platforms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "RELEASED", (OwnPlatform, OwnSandbox))
    monkeypatch.setattr(gc, "get_objects", list)


def test_a_clean_snapshot_passes() -> None:
    require_nothing_left()


def test_a_sandbox_and_a_platform_that_are_still_held_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    for left in (OwnSandbox(make_platform(make_document(), is_paged=True)), OwnPlatform(), DerivedPlatform()):
        monkeypatch.setattr(gc, "get_objects", lambda left=left: [left])
        with pytest.raises(RehearsalLeft, match=f"{type(left).__name__} of the rehearsal"):
            require_nothing_left()


@pytest.mark.parametrize("kind", [dict, OrderedDict])
def test_a_value_that_is_still_held_ends_the_build(monkeypatch: pytest.MonkeyPatch, kind: type[dict[str, str]]) -> None:
    monkeypatch.setattr(gc, "get_objects", lambda: [kind(caller=SECRET)])
    with pytest.raises(RehearsalLeft, match="a value of the rehearsal"):
        require_nothing_left()


def test_a_key_that_is_still_held_is_found() -> None:
    assert is_held({"caller": SECRET})
    assert not is_held({"__name__": "edge.cold.made_up", "SECRET": SECRET})
