"""What is kept from one client response to the next: texts that depend on the spec and the options, not on the user.

Verdicts are finite, and so is what can be said of an entity; the texts of verdicts that were made for one user (forced
values, bandits, layers that gather parameters) are written anew each time. A project is immutable, so nothing kept ever
becomes wrong; a new spec is a new project.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final, cast

from evaluator.bucketing import find_name_hash, hash_djb2
from evaluator.client_response.entries import GATE_ENTITY, LAYER_ENTITY, Listed, Section
from evaluator.client_response.texts import encode, write_text
from evaluator.conditions import EXPERIMENT, GATE
from evaluator.evaluate import CONFIG, LAYER
from evaluator.outcome import UNSUPPORTED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from evaluator.outcome import Outcome
    from evaluator.project import Project
    from evaluator.spec import Exposure

type Trail = tuple[Exposure, ...]

_HIDDEN: Final = ("segment", "holdout")
# More texts than this of one entity, or lists of exposures, are written anew: a bound on memory, not met in real specs.
_MOST_KEPT: Final = 1_000
# Of one entity: whole entries are long, and what they are made of is kept as well.
MOST_WHOLES: Final = 32


class Listing:
    """The entities of a project that responses may hold; bandits by name."""

    __slots__ = ("bandits", "configs", "gates", "layers")

    def __init__(self, project: Project) -> None:
        self.gates = Section(project, _list(project.gates, GATE), is_kept=True)
        self.configs = Section(project, _list(project.configs, CONFIG), is_kept=True)
        self.layers = Section(project, _list(project.layers, LAYER), is_kept=True)
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


class Form:
    """The texts of one project under one hash, in one format."""

    __slots__ = ("kept", "listing", "trails")

    def __init__(self, kept: Kept, project: Project) -> None:
        self.kept = kept
        self.listing = Listing(project)
        # Lists of exposures, as they end an entry; of layers, which have two, under both.
        self.trails: dict[object, bytes] = {}

    def find_entry[Found: bytes | tuple[bytes, ...]](
        self, listed: Listed, outcome: Outcome, write: Callable[[Listed, Outcome], Found]
    ) -> Found:
        """Return what `write` makes of the entry without its exposures."""
        key = find_key(outcome)
        found: Found | None = listed.texts.get(key)
        if found is None:
            found = write(listed, outcome)
            if is_lasting(outcome) and len(listed.texts) < _MOST_KEPT:
                listed.texts[key] = found
        return found

    def find_trail[Key](self, key: Key, write: Callable[[Key], bytes]) -> bytes:
        """Return what `write` makes of a list of exposures, or of the two of a layer."""
        found = self.trails.get(key)
        if found is None:
            found = write(key)
            if len(self.trails) < _MOST_KEPT:
                self.trails[key] = found
        return found


class Kept:
    """The names and exposures of one project under one hash."""

    __slots__ = (
        "_exposure_keys",
        "_exposures",
        "_forms",
        "_labels",
        "_names",
        "_project",
        "hash_name",
        "param_stores",
        "session_replay",
    )

    def __init__(self, project: Project, algorithm: str) -> None:
        self._project = project
        self.hash_name = find_name_hash(algorithm)
        self.param_stores: bytes | None = None
        self.session_replay: Mapping[str, bytes] | None = None  # where it is the same for everyone
        self._forms: dict[str, Form] = {}
        self._exposures: dict[Exposure, bytes] = {}
        self._exposure_keys: dict[Exposure, bytes] = {}
        self._names: dict[str, str] = {}
        self._labels: dict[str, str] = {}

    def find_name(self, name: str) -> str:
        """Return the hashed name of an entity."""
        hashed = self._names.get(name)
        if hashed is None:
            hashed = self._names[name] = self.hash_name(name)
        return hashed

    def find_label(self, name: str) -> str:
        """Return the hashed name of an entity as JSON text."""
        label = self._labels.get(name)
        if label is None:
            label = self._labels[name] = write_text(self.find_name(name))
        return label

    def find_form(self, name: str) -> Form:
        """Return the texts of a format; `name` also tells options apart that show in them."""
        form = self._forms.get(name)
        if form is None:
            form = self._forms[name] = Form(self, self._project)
        return form

    def find_exposure(self, exposure: Exposure) -> bytes:
        """Return the text of an exposure, its gate hashed."""
        found = self._exposures.get(exposure)
        if found is None:
            gate, value, rule_id = exposure
            text = f'{{"gate":{self.find_label(gate)},"gateValue":"{value}","ruleID":{write_text(rule_id)}}}'
            found = self._exposures[exposure] = text.encode("ascii")
        return found

    def find_exposure_key(self, exposure: Exposure) -> bytes:
        """Return the text of the key that v2 gives an exposure: djb2 of "gate:value:rule", the gate hashed."""
        found = self._exposure_keys.get(exposure)
        if found is None:
            gate, value, rule_id = exposure
            key = hash_djb2(f"{self.find_name(gate)}:{value}:{rule_id}")
            found = self._exposure_keys[exposure] = encode(key)
        return found


def find_key(outcome: Outcome) -> object:
    """Return what decides the entry of an entity, except its exposures: the verdict, where no experiment took over."""
    verdict, delegate = outcome.verdict, outcome.delegate
    return verdict if delegate is None else (verdict, outcome.spec, delegate, outcome.is_active)


def is_lasting(outcome: Outcome) -> bool:
    """Tell whether a verdict is one of a spec's own, which every user with the same answer shares."""
    if outcome.is_shared:  # then it has passed the following
        return True
    is_own = outcome.spec is not None and not outcome.is_overridden
    return is_own and outcome.parameter_rule_ids is None and outcome.state is not UNSUPPORTED


def keep_whole(listed: Listed, outcome: Outcome, whole: bytes) -> bytes:
    """Return the text of an entry; it is kept where users share the outcome."""
    if outcome.is_shared and len(listed.wholes) < MOST_WHOLES:
        listed.wholes[outcome] = whole
    return whole


def identify(pieces: Iterable[bytes]) -> int:
    """Identify a list of texts, in 64 bits: its hash, and that of the list backwards. A kept text is read for it once.

    Python remembers the hash of a text. A component has the seed of these hashes in its snapshot, so its sandboxes
    agree about them; a newer build does not, and then a client gets once more what it holds. A checksum counted in the
    component takes 80 instructions for each byte, more than everything else that a first response does with its text.
    """
    texts = tuple(pieces)
    return (hash(texts) & 0xFFFFFFFF) << 32 | hash(texts[::-1]) & 0xFFFFFFFF


def find_kept(project: Project, algorithm: str) -> Kept:
    """Return the kept texts of a project for a hash; algorithms that nobody knows share one."""
    kept = project.kept.get(find_name_hash(algorithm))
    if not isinstance(kept, Kept):
        kept = project.kept[find_name_hash(algorithm)] = Kept(project, algorithm)
    return kept
