"""What surrounds one evaluation beside the spec and the user: environment, ID lists, overrides, target app."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field

from evaluator.overrides import Overrides


@dataclass(slots=True)
class Options:
    """Settings of the evaluating side, equal for every user.

    `environment` stands in when a user has none, `global_custom` behind a user's custom fields; `id_lists` maps a
    list's name to the hashes it holds (8 characters each, see `bucketing.hash_unit_id`); `app_id` replaces the spec's
    own.
    """

    environment: Mapping[str, object] | None = None
    global_custom: Mapping[str, object] = field(default_factory=dict)
    id_lists: Mapping[str, Container[str]] = field(default_factory=dict)
    overrides: Overrides | None = None
    app_id: object = None
