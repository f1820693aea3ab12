"""The guards that end a build let a clean snapshot pass, and find each defect that is put in.

What the tests before left behind is none of theirs: each test looks only for what it made itself.
"""

import gc

import pytest

from edge.cold import guards
from edge.cold.guards import RehearsalLeft, is_held, require_untouched
from edge.cold.made_up import SECRET, make_checks, make_document, make_platform
from edge.memory import MemoryPlatform
from edge.sandbox import Sandbox
from tests.edge.builders import ask

CHECK = make_checks()[0].request


class OwnPlatform(MemoryPlatform):
    """The platform of one test."""


@pytest.fixture(autouse=True)
def only_own_platforms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "RELEASED", (OwnPlatform,))
    monkeypatch.setattr(gc, "get_objects", list)


def test_a_sandbox_that_served_nothing_passes() -> None:
    require_untouched(Sandbox(make_platform(make_document(), is_paged=True)))


def test_a_spec_and_settings_that_a_rehearsal_left_are_found() -> None:
    sandbox = Sandbox(make_platform(make_document(), is_paged=True))
    ask(sandbox, CHECK)
    with pytest.raises(RehearsalLeft, match="requests, _keys, _projects"):
        require_untouched(sandbox)


def test_a_sandbox_and_a_platform_that_are_still_held_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    outside = make_platform(make_document(), is_paged=True)
    serving, held = Sandbox(outside), Sandbox(outside)
    for left in (held, OwnPlatform()):
        monkeypatch.setattr(gc, "get_objects", lambda left=left: [serving, left])
        with pytest.raises(RehearsalLeft, match=f"{type(left).__name__} of the rehearsal"):
            require_untouched(serving)


def test_a_key_that_is_still_held_is_found() -> None:
    assert is_held({"caller": SECRET})
    assert not is_held({"__name__": "edge.cold.made_up", "SECRET": SECRET})
