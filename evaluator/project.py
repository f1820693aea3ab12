"""A project's config spec: what a decoded document offers to evaluation.

Specs are prepared when first asked for and kept; the document itself stays as the JSON values it was read into.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from evaluator.prepare import Preparer

if TYPE_CHECKING:
    from evaluator.prepare import Document
    from evaluator.spec import Rule, Spec


class Project:
    """The specs of one document, by name, and what the document says about itself."""

    __slots__ = (
        "_configs",
        "_layers",
        "_mapping_rules",
        "_preparer",
        "app_id",
        "cmab_configs",
        "configs",
        "default_tier",
        "document",
        "gates",
        "kept",
        "layers",
        "mappings",
        "prepared_gates",
    )

    def __init__(self, document: Document, gates: Document, configs: Document, layers: Document) -> None:
        self.document = document
        self.gates = gates
        self.configs = configs
        self.layers = layers
        self.app_id = document.get("app_id")
        environment = document.get("default_environment")
        self.default_tier = None if environment is None else {"tier": environment}
        mappings = document.get("overrides")
        self.mappings = {} if mappings is None or document.get("override_rules") is None else mappings
        self.cmab_configs = _table(document, "cmab_configs")
        self._preparer = Preparer(_table(document, "condition_map"))
        # Texts that are made from this project again and again (`client_response.kept`).
        self.kept: dict[object, object] = {}
        self.prepared_gates: dict[str, Spec] = {}
        self._configs: dict[str, Spec] = {}
        self._layers: dict[str, Spec] = {}
        self._mapping_rules: dict[tuple[str, str], Rule] = {}

    @property
    def time(self) -> int:
        """Return when the spec was last changed, in milliseconds since 1970."""
        return cast("int", self.document.get("time", 0))

    @property
    def checksum(self) -> str | None:
        """Return the identity of the document, as text."""
        checksum = self.document.get("checksum")
        return None if checksum is None else str(checksum)

    @property
    def default_environment(self) -> str | None:
        """Return the tier of users who have none."""
        return cast("str | None", self.document.get("default_environment"))

    @property
    def sdk_configs(self) -> Mapping[str, object]:
        """Return the settings that the console sends to SDKs."""
        return _table(self.document, "sdk_configs")

    def grow(self, part: Document) -> None:
        """Add a part of the same document: members of its sections, or what the document does not have yet.

        A view of a user does not see what is added after it was made.
        """
        document = cast("dict[str, dict[str, Any]]", self.document)
        for section, members in part.items():
            known = document.setdefault(section, members)
            if known is not members:
                known.update(members)

    def counts(self) -> dict[str, int]:
        """Return how many specs of each section there are."""
        return {
            "feature_gates": len(self.gates),
            "dynamic_configs": len(self.configs),
            "layer_configs": len(self.layers),
        }

    def find_gate(self, name: str) -> Spec | None:
        """Return a gate, segment or holdout."""
        return self.prepared_gates.get(name) or self._prepare(self.gates, self.prepared_gates, name)

    def find_config(self, name: str) -> Spec | None:
        """Return a dynamic config, experiment or autotune."""
        return self._configs.get(name) or self._prepare(self.configs, self._configs, name)

    def find_layer(self, name: str) -> Spec | None:
        """Return a layer."""
        return self._layers.get(name) or self._prepare(self.layers, self._layers, name)

    def find_spec(self, kind: str, name: str) -> Spec | None:
        """Return a spec by the kind of question: gate, layer, config or experiment."""
        if kind == "gate":
            return self.find_gate(name)
        return self.find_layer(name) if kind == "layer" else self.find_config(name)

    def find_condition(self, reference: object) -> Document:
        """Return a condition as the document has it, by its id or inline."""
        found = _table(self.document, "condition_map").get(reference) if isinstance(reference, str) else reference
        return found if isinstance(found, dict) else {}

    def find_mapping_rule(self, name: str, salt: str) -> Rule | None:
        """Return a rule of the config mapping, salted by the spec that is mapped."""
        key = (name, salt)
        rule = self._mapping_rules.get(key)
        document = _table(self.document, "override_rules").get(name)
        if rule is None and document is not None:
            rule = self._mapping_rules[key] = self._preparer.prepare_rule(cast("Document", document), salt)
        return rule

    def _prepare(self, documents: Document, prepared: dict[str, Spec], name: str) -> Spec | None:
        document: Any = documents.get(name)
        if document is None:
            return None
        spec = prepared[name] = self._preparer.prepare_spec(name, document)
        return spec


def _table(document: Document, key: str) -> Document:
    """Return a section of a checked document, itself and no copy: a project may grow."""
    table: Document | None = document.get(key)
    return {} if table is None else table
