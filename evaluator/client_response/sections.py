"""Which entities a response holds, each with what it came to for the user.

Segments and holdouts are never part of it; filters, the target app and the `remove_` options leave out more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from evaluator.client_response.kept import find_listing
from evaluator.coerce import find_text
from evaluator.conditions import GATE
from evaluator.evaluate import LAYER, find_outcome

if TYPE_CHECKING:
    from evaluator.client_response.entries import Listed
    from evaluator.client_response.options import ResponseOptions
    from evaluator.outcome import Outcome
    from evaluator.view import UserView

type Found = Iterator[tuple[Listed, Outcome]]


class Sections:
    """Walks the sections of a project for one user."""

    __slots__ = ("_app", "_listing", "_options", "_view", "_wanted")

    def __init__(self, view: UserView, options: ResponseOptions) -> None:
        self._view = view
        self._options = options
        self._listing = find_listing(view.project)
        self._app = find_text(view.app_id) if options.is_narrowed else None
        # The names to keep, by what an entity is; an autotune that is no bandit has no filter.
        self._wanted: dict[str, Collection[str] | None] = {
            "gate": options.gates,
            "dynamic_config": options.configs,
            "experiment": options.experiments,
            "layer": options.layers,
        }

    def is_for_app(self, document: Mapping[str, object]) -> bool:
        """Tell whether a spec belongs to the target app; one that names no apps then belongs to none."""
        apps = document.get("targetAppIDs")
        return self._app is None or (isinstance(apps, list) and self._app in apps)

    @property
    def holds_all(self) -> bool:
        """Tell whether no app narrows the response."""
        return self._app is None

    def gates(self) -> Found:
        """Yield every gate to write."""
        drops_silent = self._options.remove_default_value_gates
        for listed, outcome in self._ask(self._listing.gates.values()):
            if not (drops_silent and listed.document.get("entity") == "feature_gate" and says_nothing(outcome)):
                yield listed, outcome

    def configs(self) -> Found:
        """Yield every config and experiment; a bandit takes the place of the config of its name."""
        listing = self._listing
        bandits = {
            name: one for name, one in listing.bandits.items() if self._is_wanted(one, self._options.experiments)
        }
        configs = [one for name, one in listing.configs.items() if name not in bandits] if bandits else None
        drops_in_layers = self._options.remove_experiments_in_layers
        for listed, outcome in self._ask(listing.configs.values() if configs is None else configs):
            if not (drops_in_layers and listed.entity == "experiment" and is_in_layer(outcome)):
                yield listed, outcome
        for bandit in bandits.values():
            yield bandit, find_outcome(self._view, bandit.kind, bandit.name)

    def layers(self) -> Found:
        """Yield every layer."""
        return self._ask(self._listing.layers.values())

    def find_one(self, kind: str, name: str) -> Found:
        """Yield the one entity of this kind and name, unless responses leave it out."""
        listing = self._listing
        found = {GATE: listing.gates, LAYER: listing.layers}.get(kind, {**listing.configs, **listing.bandits}).get(name)
        if found is not None:
            yield found, find_outcome(self._view, found.kind, name)

    def _ask(self, section: Iterable[Listed]) -> Found:
        view, wanted = self._view, self._wanted
        for listed in section:
            if self._is_wanted(listed, wanted.get(listed.entity)):
                yield listed, find_outcome(view, listed.kind, listed.name)

    def _is_wanted(self, listed: Listed, names: Collection[str] | None) -> bool:
        return (names is None or listed.name in names) and (self._app is None or self.is_for_app(listed.document))


def says_nothing(outcome: Outcome) -> bool:
    """Tell whether a gate is at its default, closed, and exposes nothing."""
    verdict = outcome.verdict
    return verdict.rule_id == "default" and not verdict.passed and not outcome.trail


def is_in_layer(outcome: Outcome) -> bool:
    """Tell whether the experiment that answered shares its parameters with a layer."""
    return outcome.spec is not None and outcome.spec.has_shared_params is True
