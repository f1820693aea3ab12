"""What is kept from one client response to the next: texts that depend on the spec and the options, not on the user.

Verdicts are finite, and so is what can be said of an entity; the texts of verdicts that were made for one user (forced
values, bandits, layers that gather parameters) are written anew each time. A project is immutable, so nothing kept ever
becomes wrong; a new spec is a new project.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from json import JSONEncoder
from typing import TYPE_CHECKING, Final, cast

from evaluator.bucketing import find_name_hash, hash_djb2
from evaluator.client_response.entries import GATE_ENTITY, LAYER_ENTITY, Entry, Listed, describe_entry
from evaluator.coerce import write_json
from evaluator.conditions import EXPERIMENT, GATE
from evaluator.evaluate import CONFIG, LAYER
from evaluator.outcome import UNSUPPORTED

if TYPE_CHECKING:
    from collections.abc import Callable

    from evaluator.outcome import Outcome
    from evaluator.project import Project
    from evaluator.spec import Exposure

_HIDDEN: Final = ("segment", "holdout")
# ASCII, so that a lone surrogate in a user's text cannot keep a reply from being encoded.
_encode = JSONEncoder(separators=(",", ":"), check_circular=False, allow_nan=False).encode


def encode(value: object) -> str:
    """Write a JSON value; a number that JSON cannot write becomes null, as the core has it."""
    try:
        return _encode(value)
    except ValueError:
        return write_json(value)


class Listing:
    """The entities of a project that responses may hold, by name."""

    __slots__ = ("bandits", "configs", "gates", "layers")

    def __init__(self, project: Project) -> None:
        self.gates = {one.name: one for one in _list(project.gates, GATE)}
        self.configs = {one.name: one for one in _list(project.configs, CONFIG)}
        self.layers = {one.name: one for one in _list(project.layers, LAYER)}
        bandits = cast("Mapping[str, dict[str, object]]", project.cmab_configs)
        self.bandits = {name: Listed(name, EXPERIMENT, "autotune", one) for name, one in bandits.items()}


def _list(section: Mapping[str, object], kind: str) -> Iterator[Listed]:
    for name, document in cast("Mapping[str, dict[str, object]]", section).items():
        entity = cast("str", document.get("entity"))
        if entity in _HIDDEN:
            continue
        if kind == GATE:
            yield Listed(name, GATE, GATE_ENTITY, document)
        elif kind == LAYER:
            yield Listed(name, LAYER, LAYER_ENTITY, document)
        else:
            yield Listed(name, CONFIG if entity == "dynamic_config" else EXPERIMENT, entity, document)


class Kept:
    """The texts of one project under one hash."""

    __slots__ = ("_entries", "_exposure_keys", "_exposures", "_names", "hash_name", "param_stores")

    def __init__(self, algorithm: str) -> None:
        self.hash_name = find_name_hash(algorithm)
        self.param_stores: str | None = None
        self._entries: dict[tuple[object, ...], object] = {}
        self._exposures: dict[Exposure, str] = {}
        self._exposure_keys: dict[Exposure, str] = {}
        self._names: dict[str, str] = {}

    def find_name(self, name: str) -> str:
        """Return the hashed name of an entity."""
        hashed = self._names.get(name)
        if hashed is None:
            hashed = self._names[name] = self.hash_name(name)
        return hashed

    def find_entry[Text](self, listed: Listed, outcome: Outcome, form: str, write: Callable[[Entry], Text]) -> Text:
        """Return what `write` makes of the entry without its exposures; `form` tells formats and options apart."""
        verdict = outcome.verdict
        key = (form, listed.kind, listed.name, verdict, outcome.spec, outcome.delegate, outcome.is_active)
        found = cast("Text | None", self._entries.get(key))
        if found is None:
            found = write(describe_entry(listed, outcome, self.find_name))
            if is_lasting(outcome):
                self._entries[key] = found
        return found

    def find_exposure(self, exposure: Exposure) -> str:
        """Return the text of an exposure, its gate hashed."""
        found = self._exposures.get(exposure)
        if found is None:
            gate, value, rule_id = exposure
            written = {"gate": self.find_name(gate), "gateValue": value, "ruleID": rule_id}
            found = self._exposures[exposure] = encode(written)
        return found

    def find_exposure_key(self, exposure: Exposure) -> str:
        """Return the text of the key that v2 gives an exposure: djb2 of "gate:value:rule", the gate hashed."""
        found = self._exposure_keys.get(exposure)
        if found is None:
            gate, value, rule_id = exposure
            key = hash_djb2(f"{self.find_name(gate)}:{value}:{rule_id}")
            found = self._exposure_keys[exposure] = encode(key)
        return found


def is_lasting(outcome: Outcome) -> bool:
    """Tell whether a verdict is one of a spec's own, which every user with the same answer shares."""
    return outcome.spec is not None and outcome.parameter_rule_ids is None and outcome.state is not UNSUPPORTED


def find_listing(project: Project) -> Listing:
    """Return the listing of a project, made once."""
    listing = project.kept.get("listing")
    if not isinstance(listing, Listing):
        listing = project.kept["listing"] = Listing(project)
    return listing


def find_kept(project: Project, algorithm: str) -> Kept:
    """Return the kept texts of a project for a hash; algorithms that nobody knows share one."""
    kept = project.kept.get(find_name_hash(algorithm))
    if not isinstance(kept, Kept):
        kept = project.kept[find_name_hash(algorithm)] = Kept(algorithm)
    return kept
