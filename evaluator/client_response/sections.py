"""Which entities a response holds, each with what it came to for the user.

Segments and holdouts are never part of it; filters, the target app and the `remove_` options leave out more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from evaluator.client_response.entries import Section
from evaluator.coerce import find_text
from evaluator.conditions import GATE
from evaluator.evaluate import LAYER
from evaluator.evaluation import is_in_layer
from evaluator.sweep import find_outcomes

if TYPE_CHECKING:
    from evaluator.client_response.entries import Listed
    from evaluator.client_response.kept import Listing
    from evaluator.client_response.options import ResponseOptions
    from evaluator.outcome import Outcome
    from evaluator.view import UserView

type Found = tuple[Section, list[Outcome]]


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
        self._is_whole = self._app is None and options.keeps_all_names

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
        found = self._ask(self._select(self._listing.gates))
        return self._leave_out(found, is_empty_gate) if self._options.remove_default_value_gates else found

    def configs(self) -> Found:
        """Return every config and experiment; a bandit takes the place of the config of its name."""
        listing = self._listing
        section = self._select(listing.configs)
        bandits = {name: one for name, one in listing.bandits.items() if self._is_wanted(one, "experiment")}
        if bandits:
            configs = [one for one in section.listed if one.name not in bandits]
            section = Section(self._view.project, [*configs, *bandits.values()])
        found = self._ask(section)
        return self._leave_out(found, is_experiment_in_layer) if self._options.remove_experiments_in_layers else found

    def layers(self) -> Found:
        """Return every layer."""
        return self._ask(self._select(self._listing.layers))

    def find_one(self, kind: str, name: str) -> Found:
        """Return the one entity of this kind and name, unless responses leave it out."""
        listing = self._listing
        found = {GATE: listing.gates, LAYER: listing.layers}.get(kind, listing.configs).listed
        if kind not in (GATE, LAYER):
            found = [*listing.bandits.values(), *found]
        return self._ask(Section(self._view.project, [one for one in found if one.name == name][:1]))

    def _ask(self, section: Section) -> Found:
        return section, find_outcomes(self._view, section.ways)

    def _select(self, section: Section) -> Section:
        if self._is_whole:
            return section
        return Section(self._view.project, [one for one in section.listed if self._is_wanted(one, one.entity)])

    def _leave_out(self, found: Found, is_unwanted: Callable[[Listed, Outcome], bool]) -> Found:
        pairs = [each for each in pair(found) if not is_unwanted(*each)]
        return Section(self._view.project, [listed for listed, _ in pairs]), [outcome for _, outcome in pairs]

    def _is_wanted(self, listed: Listed, entity: str) -> bool:
        names = self._wanted.get(entity)
        return (names is None or listed.name in names) and (self._app is None or self.is_for_app(listed.document))


def pair(found: Found) -> Iterator[tuple[Listed, Outcome]]:
    """Return each entity with what it came to."""
    section, outcomes = found
    return zip(section.listed, outcomes, strict=True)


def is_empty_gate(listed: Listed, outcome: Outcome) -> bool:
    """Tell whether this is a feature gate at its default, closed, that exposes nothing."""
    verdict = outcome.verdict
    is_default = verdict.rule_id == "default" and not verdict.passed and not outcome.trail
    return is_default and listed.document.get("entity") == "feature_gate"


def is_experiment_in_layer(listed: Listed, outcome: Outcome) -> bool:
    """Tell whether this is an experiment, answered by one that shares its parameters with a layer."""
    return listed.entity == "experiment" and is_in_layer(outcome)
