"""`gatelet override`: force values beside the spec, the switch of the person on call."""

import json
from enum import StrEnum
from typing import Annotated

import typer

from evaluator.overrides import GroupName
from publisher.console import Output, make_table
from publisher.exit_codes import Unusable
from publisher.files import read_json_argument
from publisher.options import AsJson, ConfigFile, ProfileName
from publisher.profiles.profile import load_profile
from publisher.publication.overriding import Document, change_overrides, clear_all, force, read_overrides, release
from publisher.store_options import Api, At, Patience, Place, SpecKey, StoreOption, choose
from publisher.stores.calls import PATIENCE_SECONDS
from publisher.stores.opening import opened
from specstore.forced import ForcedValues, Setting

app = typer.Typer(help="Force values for everyone or for one ID, within seconds and without a deployment.")


class Entity(StrEnum):
    """What can be forced."""

    GATE = "gate"
    CONFIG = "config"
    EXPERIMENT = "experiment"
    LAYER = "layer"


Kind = Annotated[Entity, typer.Argument(help="What the name is the name of.")]
Name = Annotated[str, typer.Argument(help="Its name.")]
UnitId = Annotated[
    str | None, typer.Option("--id", help="Only for this user ID or custom ID; for everyone when left out.")
]


@app.command("set")
def set_(
    kind: Kind,
    name: Name,
    value: Annotated[
        str, typer.Argument(help="true or false for a gate; a JSON object, or @FILE, for the others.")
    ] = "",
    group: Annotated[str, typer.Option(help="For an experiment: the name of the group, in place of a value.")] = "",
    unit_id: UnitId = None,
    note: Annotated[str | None, typer.Option(help="Why, for people; status and list show it.")] = None,
    store: StoreOption = None,
    at: At = "",
    spec_key: SpecKey = "",
    patience: Patience = PATIENCE_SECONDS,
    api: Api = "",
    profile: ProfileName = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Force a value: gatelet override set gate checkout false --note 'checkout is down'.

    Every sandbox applies it within one sync interval, ten seconds unless the settings say otherwise.

    Examples:
      gatelet override set gate checkout true --id user-1

      gatelet override set config banner '{"text": "closed"}'

      gatelet override set experiment button --group Control
    """
    forced = read_value(kind, value, group)
    place = choose(load_profile(profile, config), store, at=at, api=api, spec_key=spec_key)
    with opened(place.store, patience) as target:
        found = change_overrides(target, place.spec_key, force(kind.value, name, unit_id, forced, note))
    show(Output(as_json), place, found.document, found.forced)


@app.command("list")
def list_(
    store: StoreOption = None,
    at: At = "",
    spec_key: SpecKey = "",
    patience: Patience = PATIENCE_SECONDS,
    api: Api = "",
    profile: ProfileName = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """List what is forced: gatelet override list."""
    place = choose(load_profile(profile, config), store, at=at, api=api, spec_key=spec_key)
    with opened(place.store, patience) as target:
        found = read_overrides(target, place.spec_key)
    show(Output(as_json), place, found.document, found.forced)


@app.command("clear")
def clear(
    kind: Annotated[Entity | None, typer.Argument(help="What the name is the name of.")] = None,
    name: Annotated[str, typer.Argument(help="Its name.")] = "",
    unit_id: UnitId = None,
    everything: Annotated[bool, typer.Option("--all", help="Take back everything that is forced.")] = False,
    store: StoreOption = None,
    at: At = "",
    spec_key: SpecKey = "",
    patience: Patience = PATIENCE_SECONDS,
    api: Api = "",
    profile: ProfileName = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Take a forced value back: gatelet override clear gate checkout.

    Examples:
      gatelet override clear gate checkout --id user-1

      gatelet override clear --all
    """
    if everything == (kind is not None) or (kind is not None and not name):
        raise Unusable("what is to be taken back? Name it, as in gatelet override clear gate checkout, or give --all")
    place = choose(load_profile(profile, config), store, at=at, api=api, spec_key=spec_key)
    with opened(place.store, patience) as target:
        if kind is None:
            clear_all(target, place.spec_key)
        else:
            change_overrides(target, place.spec_key, release(kind.value, name, unit_id))
        found = read_overrides(target, place.spec_key)
    show(Output(as_json), place, found.document, found.forced)


def read_value(kind: Entity, value: str, group: str) -> object:
    """Return what the entry says for a value; raises Unusable."""
    if kind is Entity.GATE:
        if value not in ("true", "false") or group:
            raise Unusable("a gate is forced to true or false")
        return value == "true"
    if bool(value) == bool(group):
        raise Unusable("give a JSON object, or for an experiment --group")
    if group:
        return {"group": group}
    return {"value": read_json_argument(value, "the value")}


def show(output: Output, place: Place, document: Document, forced: ForcedValues) -> None:
    """Print what is forced."""
    if not forced.settings:
        output.print_result(document, f"nothing is forced beside {place.spec_key}")
        return
    table = make_table(("what", "name", "for", "value"), map(make_row, forced.settings))
    output.print_result(document, table, *([forced.note] if forced.note else []))


def make_row(setting: Setting) -> tuple[str, ...]:
    """Return the row of a forced value."""
    forced = setting.value
    value = f"group {forced.name}" if isinstance(forced, GroupName) else json.dumps(forced, ensure_ascii=False)
    return setting.section.removesuffix("s"), setting.name, setting.unit_id or "everyone", value
