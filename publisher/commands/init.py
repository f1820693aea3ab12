"""`gatelet init`: write `gatelet.toml`, and what a first deployment of the service is asked for, by asking."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from publisher.commands.pull import SourceKind
from publisher.console import Output
from publisher.exit_codes import Unusable
from publisher.options import AsJson
from publisher.profiles.profile import (
    CONFIG_NAME,
    CloudflareStore,
    DirStore,
    FastlyStore,
    RedisStore,
    Source,
    read_profile,
    read_toml,
)
from publisher.profiles.tables import has_secret
from publisher.profiles.toml_blocks import put_tables, split_blocks
from publisher.sources.pulled import write_bytes

type Table = dict[str, object]

FASTLY_TOML: Final = Path("fastly.toml")
KV_NAME: Final = "gatelet-specs"
KEY_ITEM: Final = "setup.config_stores.gatelet.items.spec_key"


class StoreKind(StrEnum):
    """Where a spec can go."""

    FASTLY = FastlyStore.kind
    CLOUDFLARE = CloudflareStore.kind
    REDIS = RedisStore.kind
    DIR = DirStore.kind


def refuse_secret(answer: str) -> str:
    """Return an answer; raises Unusable when it is an address with a password."""
    if has_secret(answer):
        raise Unusable("the address holds a name or password; leave it out, and set the variable of the profile")
    return answer


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks for what no option says; takes the default of everything with `--yes`."""

    takes_defaults: bool

    def ask(self, question: str, given: str | None, default: str = "") -> str:
        """Return what was given, or else an answer."""
        if given is not None:
            return refuse_secret(given)
        if self.takes_defaults:
            return default
        answer: str = typer.prompt(question, default=default, err=True)
        return refuse_secret(answer.strip())

    def choose(self, question: str, given: str | None, among: type[StrEnum]) -> str:
        """Return what was given, or else one of the choices; the first is the default."""
        choices = [one.value for one in among]
        while True:
            answer = self.ask(f"{question} ({', '.join(choices)})", given, choices[0])
            if answer in choices:
                return answer
            typer.echo(f"{answer} is none of them", err=True)


def run(
    name: Annotated[str | None, typer.Option("--name", help="What the profile is called.")] = None,
    source: Annotated[SourceKind | None, typer.Option(help="Where the spec comes from.")] = None,
    source_place: Annotated[
        str | None, typer.Option("--source-at", metavar="PLACE", help="Of redis the address, of file the path.")
    ] = None,
    app: Annotated[str | None, typer.Option(help="The target app that is kept.")] = None,
    spec_key: Annotated[str | None, typer.Option(help="The key of the spec in the store.")] = None,
    store: Annotated[StoreKind | None, typer.Option(help="Where the spec goes.")] = None,
    store_place: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="PLACE",
            help="The ID of the KV store (fastly), ACCOUNT/NAMESPACE (cloudflare), an address (redis), a folder (dir).",
        ),
    ] = None,
    service_id: Annotated[str | None, typer.Option(help="Fastly: the service, for doctor.")] = None,
    service_url: Annotated[str | None, typer.Option(help="Where the service answers, for doctor.")] = None,
    config: Annotated[Path, typer.Option("--config", envvar="GATELET_CONFIG", help="The file to write.")] = Path(
        CONFIG_NAME
    ),
    fastly_toml: Annotated[
        Path, typer.Option(help="Its setup is written too, if the file is there and the store is fastly.")
    ] = FASTLY_TOML,
    force: Annotated[bool, typer.Option("--force", help="Replace a profile of that name.")] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing: take the default of what is not given.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write a profile into gatelet.toml, and what fastly.toml says of the setup, by asking.

    Secrets are never asked for and never written: the file names the variables that hold them. An answer that you do
    not have yet may stay empty.

    For example:

        gatelet init

        gatelet init --yes --spec-key statsig-abc --at KV_STORE_ID

        gatelet init --yes --name try --source file --source-at examples/spec.json --store dir --at published
    """
    asker = Asker(yes)
    called = asker.ask("Name of the profile", name, "production")
    drop = check_free(config, called, force=force)
    tables: dict[str, Table] = {f"profiles.{called}": {}}
    tables[f"profiles.{called}.source"] = ask_source(asker, source, source_place, app)
    hint = "statsig- and your project ID; the console shows it where the integration is"
    key = asker.ask(f"Key of the spec in the store ({hint})", spec_key, "statsig-local" if yes else "")
    tables[f"profiles.{called}"] = {"spec_key": key}
    kind = asker.choose("Where does the spec go", store, StoreKind)
    tables[f"profiles.{called}.{kind}"] = ask_store(asker, kind, store_place, service_id, service_url)
    text = config.read_text(encoding="utf-8") if config.exists() else f'default_profile = "{called}"\n'
    write_bytes(config, put_tables(text, tables, drop).encode())
    read_profile(config, called)
    written = [str(config)]
    if kind == StoreKind.FASTLY and fastly_toml.exists():
        write_bytes(fastly_toml, put_setup(fastly_toml.read_text(encoding="utf-8"), key).encode())
        written.append(str(fastly_toml))
    is_default = read_toml(config).get("default_profile", called) == called
    report(Output(as_json), written, called, tables, is_default=is_default)


def check_free(config: Path, name: str, *, force: bool) -> str:
    """Return the table to drop before writing; raises Unusable when a profile is there and shall stay."""
    if not name.replace("-", "").replace("_", "").isalnum() or not name.isascii():
        raise Unusable(f"{name!r} is no name for a profile: letters, digits, - and _")
    profiles = read_toml(config).get("profiles") if config.exists() else None
    if isinstance(profiles, dict) and name in profiles:
        if not force:
            raise Unusable(f"{config} has a profile {name}: give another --name, or --force to replace it")
        return f"profiles.{name}"
    return ""


def ask_source(asker: Asker, given: str | None, place: str | None, app: str | None) -> Table:
    """Ask where the spec comes from."""
    kind = asker.choose("Where does the spec come from", given, SourceKind)
    if kind == SourceKind.FILE:
        return {"kind": kind, "path": asker.ask("Which file", place, "spec.json")}
    table: Table = {"kind": kind}
    if kind == SourceKind.REDIS:
        table["redis_url"] = asker.ask("Address of the Redis", place, Source().redis_url)
    table["key_env"] = Source().key.env
    if target := asker.ask("Target app to keep (empty: all)", app):
        table["app"] = target
    return table


def ask_store(asker: Asker, kind: str, place: str | None, service_id: str | None, service_url: str | None) -> Table:
    """Ask where the spec goes."""
    if kind == StoreKind.DIR:
        return {"path": asker.ask("Which folder", place, str(DirStore().path))}
    if kind == StoreKind.REDIS:
        return {"url": asker.ask("Address of the Redis", place, RedisStore().url)}
    if kind == StoreKind.CLOUDFLARE:
        account, _, namespace = asker.ask("Account and namespace, with / between", place).partition("/")
        return {"account_id": account, "namespace_id": namespace, "token_env": CloudflareStore().token.env}
    table: Table = {"kv_store_id": asker.ask("ID of the KV store (fastly kv-store list)", place)}
    asked = {
        "service_id": asker.ask("ID of the service (fastly service list)", service_id),
        "service_url": asker.ask("Where the service answers, such as https://edge.example", service_url),
    }
    return table | {name: value for name, value in asked.items() if value} | {"token_env": FastlyStore().token.env}


def put_setup(text: str, spec_key: str) -> str:
    """Return a `fastly.toml` with the setup of the service: what is there stays, but for the value of the key."""
    there = {one.header for one in split_blocks(text)} - {KEY_ITEM}
    return put_tables(text, {name: table for name, table in make_setup(spec_key).items() if name not in there})


def make_setup(spec_key: str) -> dict[str, Table]:
    """Return the tables that `fastly compute publish` makes stores and backends from."""
    secrets = {
        "client_key": "A key that may be public, for browsers and apps",
        "server_secret": "A key that only your servers know: opens everything",
        "statsig_key": "Your Statsig server secret key, which the exposure events are sent with",
    }
    return {
        f"setup.kv_stores.{KV_NAME}": {"description": "Holds the config spec"},
        "setup.config_stores.gatelet": {"description": "Settings of Gatelet"},
        KEY_ITEM: {
            "description": "The key that Statsig writes into the KV store: statsig- followed by your project ID",
            "value": spec_key,
        },
        "setup.secret_stores.gatelet": {"description": "Keys of Gatelet. Without any it answers /healthz only"},
        **{f"setup.secret_stores.gatelet.entries.{one}": {"description": text} for one, text in secrets.items()},
        "setup.backends.events": {
            "description": "Where Statsig takes exposure events",
            "address": "events.statsigapi.net",
            "port": 443,
        },
    }


def report(output: Output, written: list[str], name: str, tables: Mapping[str, Table], *, is_default: bool) -> None:
    """Say what was written, and what comes next."""
    variables = [str(value) for table in tables.values() for key, value in table.items() if key.endswith("_env")]
    lines = [f"wrote {' and '.join(written)}"]
    if variables:
        lines.append(f"set {' and '.join(variables)} in the environment; no secret stands in the file")
    if not is_default:
        lines.append(f"it is not the default_profile: give every command -p {name}, or set GATELET_PROFILE={name}")
    lines.append("next: gatelet doctor says what is missing; gatelet pull, check and push publish")
    output.print_result({"written": written, "profile": name, "variables": variables}, *lines)
