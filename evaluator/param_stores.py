"""Parameter stores in the client response: parameters are references, resolved by the client."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from evaluator.project import Project

# What a parameter refers to → the keys it keeps, and the one whose name is hashed.
_KEPT: Final[dict[str, tuple[str | None, tuple[str, ...]]]] = {
    "static": (None, ("value",)),
    "gate": ("gate_name", ("pass_value", "fail_value")),
    "dynamic_config": ("config_name", ("param_name",)),
    "experiment": ("experiment_name", ("param_name",)),
    "layer": ("layer_name", ("param_name",)),
}


def write_param_stores(
    project: Project,
    is_for_app: Callable[[Mapping[str, object]], bool],
    wanted: Collection[str] | None,
    hash_name: Callable[[str], str],
) -> dict[str, object]:
    """Return {hashed store name: {parameter name: reference}}."""
    stores = project.document.get("param_stores")
    written: dict[str, object] = {}
    for name, store in stores.items() if isinstance(stores, dict) else ():
        if is_for_app(store) and (wanted is None or name in wanted):
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
