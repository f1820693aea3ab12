"""What the parts of the way of events need of the sandbox they live in."""

from typing import Protocol

from edge.ports import Platform
from edge.settings import BackgroundSettings, SpoolSettings


class Home(Protocol):
    """The sandbox, as events see it."""

    platform: Platform

    @property
    def background(self) -> BackgroundSettings:
        """Return the settings of what follows a reply."""

    @property
    def spool_settings(self) -> SpoolSettings:
        """Return the settings of the store of events."""

    def find_events_key(self, project: str) -> bytes:
        """Return the key by which Statsig knows a project, empty when there is none."""
