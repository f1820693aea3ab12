"""Which entities a response holds, each with what it came to for the user.

Segments and holdouts are never part of it; filters, the target app and the `remove_` options leave out more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from evaluator.coerce import find_text
from evaluator.conditions import GATE
from evaluator.evaluate import LAYER
from evaluator.sweep import find_outcomes

if TYPE_CHECKING:
    from evaluator.client_response.entries import Listed
    from evaluator.client_response.kept import Listing
    from evaluator.client_response.options import ResponseOptions
    from evaluator.outcome import Outcome
    from evaluator.view import UserView

type Found = Iterable[tuple[Listed, Outcome]]


class Sections:
    """Walks the sections of a project for one user."""

    __slots__ = ("_app", "_is_whole", "_listing", "_options", "_view", "_wanted")

    def __init__(self, view: UserView, options: ResponseOptions, listing: Listing) -> None:
        self._view = view
        self._options = options
        self._listing = listing
        self._app = find_text(view.app_id) if options.is_narrowed else None
        # The names to keep, by what an entity is; an autotune that is no bandit has no filter.
        self._wanted: dict[str, Collection[str] | None] = {
            "gate": options.gates,
            "dynamic_config": options.configs,
            "experiment": options.experiments,
            "layer": options.layers,
        }
        self._is_whole = self._app is None and all(names is None for names in self._wanted.values())

    def is_for_app(self, document: Mapping[str, object]) -> bool:
        """Tell whether a spec belongs to the target app; one that names no apps then belongs to none."""
        apps = document.get("targetAppIDs")
        return self._app is None or (isinstance(apps, list) and self._app in apps)

    @property
    def holds_all(self) -> bool:
        """Tell whether no app narrows the response."""
        return self._app is None

    def gates(self) -> Found:
        """Return every gate to write."""
        found = self._ask(self._select(self._listing.gates.values()))
        if not self._options.remove_default_value_gates:
            return found
        return [each for each in found if each[0].document.get("entity") != "feature_gate" or not says_nothing(each[1])]

    def configs(self) -> Found:
        """Return every config and experiment; a bandit takes the place of the config of its name."""
        listing = self._listing
        bandits = {name: one for name, one in listing.bandits.items() if self._is_wanted(one, "experiment")}
        configs: Collection[Listed] = listing.configs.values()
        if bandits:
            configs = [one for one in configs if one.name not in bandits]
        found = self._ask(self._select(configs))
        if self._options.remove_experiments_in_layers:
            found = [each for each in found if each[0].entity != "experiment" or not is_in_layer(each[1])]
        return [*found, *self._ask(bandits.values())] if bandits else found

    def layers(self) -> Found:
        """Return every layer."""
        return self._ask(self._select(self._listing.layers.values()))

    def find_one(self, kind: str, name: str) -> Found:
        """Return the one entity of this kind and name, unless responses leave it out."""
        listing = self._listing
        found = {GATE: listing.gates, LAYER: listing.layers}.get(kind, {**listing.configs, **listing.bandits}).get(name)
        return [] if found is None else self._ask([found])

    def _ask(self, section: Collection[Listed]) -> Found:
        return zip(section, find_outcomes(self._view, section), strict=True)

    def _select(self, section: Collection[Listed]) -> Collection[Listed]:
        if self._is_whole:
            return section
        return [one for one in section if self._is_wanted(one, one.entity)]

    def _is_wanted(self, listed: Listed, entity: str) -> bool:
        names = self._wanted.get(entity)
        return (names is None or listed.name in names) and (self._app is None or self.is_for_app(listed.document))


def says_nothing(outcome: Outcome) -> bool:
    """Tell whether a gate is at its default, closed, and exposes nothing."""
    verdict = outcome.verdict
    return verdict.rule_id == "default" and not verdict.passed and not outcome.trail


def is_in_layer(outcome: Outcome) -> bool:
    """Tell whether the experiment that answered shares its parameters with a layer."""
    return outcome.spec is not None and outcome.spec.has_shared_params is True
