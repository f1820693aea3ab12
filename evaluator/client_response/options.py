"""What a client asks for: hash, format, filters, and the app its key belongs to."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from evaluator.bucketing import hash_djb2

if TYPE_CHECKING:
    from evaluator.project import Project

FORMATS: Final = ("v1", "v2", "init-v2")


@dataclass(slots=True)
class ResponseOptions:
    """What a client response holds; `gates` and its kin are the names to keep, None keeps all.

    `previous_response_hash` is the `full_checksum` that the client holds; any text asks for a checksum.
    """

    hash: str = "djb2"
    client_key: str | None = None
    target_app_id: str | None = None
    response_format: str = "v1"
    gates: Collection[str] | None = None
    configs: Collection[str] | None = None
    experiments: Collection[str] | None = None
    layers: Collection[str] | None = None
    param_stores: Collection[str] | None = None
    remove_id_type: bool = False
    remove_default_value_gates: bool = False
    remove_experiments_in_layers: bool = False
    previous_response_hash: str | None = None

    @property
    def is_narrowed(self) -> bool:
        """Tell whether the response is for the specs of one app only."""
        return self.client_key is not None or bool(self.target_app_id)

    @property
    def keeps_all_names(self) -> bool:
        """Tell whether no kind of entity is held to a list of names."""
        return self.gates is None and self.configs is None and self.experiments is None and self.layers is None


def find_target_app(project: Project, options: ResponseOptions) -> object:
    """Return the app that a client key belongs to; the hashed table goes before the plain one."""
    if options.target_app_id:
        return options.target_app_id
    key = options.client_key
    app_id = project.app_id
    if key is None:
        return app_id
    plain, hashed = project.document.get("sdk_keys_to_app_ids"), project.document.get("hashed_sdk_keys_to_app_ids")
    if isinstance(plain, dict):
        app_id = plain.get(key)
    if isinstance(hashed, dict):
        app_id = hashed.get(hash_djb2(key))
    return app_id
