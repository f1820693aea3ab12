"""Parameter stores in the client response: parameters are references, resolved by the client."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Final, cast

from evaluator.client_response.texts import encode

if TYPE_CHECKING:
    from evaluator.client_response.kept import Kept
    from evaluator.client_response.sections import Sections
    from evaluator.project import Project

# What a parameter refers to → the keys it keeps, and the one whose name is hashed.
_KEPT: Final[dict[str, tuple[str | None, tuple[str, ...]]]] = {
    "static": (None, ("value",)),
    "gate": ("gate_name", ("pass_value", "fail_value")),
    "dynamic_config": ("config_name", ("param_name",)),
    "experiment": ("experiment_name", ("param_name",)),
    "layer": ("layer_name", ("param_name",)),
}


def write_param_stores(project: Project, sections: Sections, wanted: Collection[str] | None, kept: Kept) -> bytes:
    """Return the object {hashed store name: {parameter name: reference}}; whole, it is written once."""
    if wanted is not None or not sections.holds_all:
        return encode(_list_stores(project, sections, wanted, kept.find_name))
    if kept.param_stores is None:
        kept.param_stores = encode(_list_stores(project, sections, None, kept.find_name))
    return kept.param_stores


def _list_stores(
    project: Project, sections: Sections, wanted: Collection[str] | None, hash_name: Callable[[str], str]
) -> dict[str, object]:
    stores = project.document.get("param_stores")
    written: dict[str, object] = {}
    for name, store in stores.items() if isinstance(stores, dict) else ():
        if sections.is_for_app(store) and (wanted is None or name in wanted):
            parameters = cast("Mapping[str, Mapping[str, object]]", store.get("parameters") or {})
            written[hash_name(name)] = {key: _write(key, one, hash_name) for key, one in parameters.items()}
    return written


def _write(name: str, parameter: Mapping[str, object], hash_name: Callable[[str], str]) -> dict[str, object]:
    referred, keys = _KEPT.get(str(parameter.get("ref_type")), (None, tuple(parameter)))
    written: dict[str, object] = {
        "ref_type": parameter["ref_type"],
        "param_type": parameter.get("param_type"),
        "name": name,
    }
    if referred is not None:
        written[referred] = hash_name(str(parameter[referred]))
    written.update((key, parameter[key]) for key in keys if key in parameter)
    return written
