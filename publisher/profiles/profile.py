"""Profiles: where a spec comes from and where it goes, from `gatelet.toml`.

The file never holds a secret. It says where one is: `token_env = "FASTLY_API_TOKEN"` names a variable of the
environment, `token_file = "/run/secrets/token"` a file; both can stand there, and the variable goes first. A secret is
read when it is needed, and is in no value that is printed. Relative paths are relative to the folder of the file.

    default_profile = "production"

    [profiles.production]
    spec_key = "statsig-abc"

    [profiles.production.source]
    kind = "statsig"
    key_env = "STATSIG_SECRET_KEY"

    [profiles.production.fastly]
    kv_store_id = "abc"
    token_env = "FASTLY_API_TOKEN"

A table is read by the fields of its class (`publisher.profiles.tables`): those named here are the keys it may have.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Final

from publisher.exit_codes import Unusable
from publisher.profiles.secret import Secret
from publisher.profiles.tables import decode_table

CONFIG_NAME: Final = "gatelet.toml"
# Where `pull` puts specs, in the current folder.
PULLED: Final = Path("pulled")
SOURCE_KINDS: Final = ("statsig", "redis", "file")

# Where each secret is looked for when a profile says nothing else.
STATSIG_KEY: Final = Secret("Statsig server secret", "STATSIG_SECRET_KEY")
SOURCE_PASSWORD: Final = Secret("password of the Redis that is read", "GATELET_SOURCE_REDIS_PASSWORD")
FASTLY_TOKEN: Final = Secret("Fastly API token", "FASTLY_API_TOKEN")
CLOUDFLARE_TOKEN: Final = Secret("Cloudflare API token", "CLOUDFLARE_API_TOKEN")
REDIS_PASSWORD: Final = Secret("password of the Redis that is written to", "GATELET_REDIS_PASSWORD")


def find_fastly_api() -> str:
    """Return where Fastly's API is when no profile says: what Fastly's own CLI takes from the environment."""
    return os.environ.get("FASTLY_API_URL") or "https://api.fastly.com"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a spec comes from.

    `kind` says which fields count. `statsig`: `key` (the server secret), `spec_urls` (tried in order, each followed by
    `/KEY.json`), `id_lists_url`, `app` (the target app that is kept; all when empty), `lists` (false leaves ID lists
    out). `redis`: `redis_url`, `redis_password`, and `redis_key` when it is none of the data adapters' own keys; with
    `key`, those made from it. `file`: `path`, a spec file or a folder that `pull` wrote.
    """

    kind: str = "statsig"
    key: Secret = STATSIG_KEY
    spec_urls: tuple[str, ...] = (
        "https://api.statsigcdn.com/v2/download_config_specs",
        "https://statsigapi.net/v2/download_config_specs",
    )
    id_lists_url: str = "https://statsigapi.net/v1/get_id_lists"
    app: str = ""
    lists: bool = True
    redis_url: str = "redis://127.0.0.1:6379/0"
    redis_password: Secret = SOURCE_PASSWORD
    redis_key: str = ""
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class FastlyStore:
    """A Fastly KV store, with what `doctor` looks at around it; `service_url` is where the service answers."""

    kind: ClassVar[str] = "fastly"

    kv_store_id: str = ""
    config_store_id: str = ""
    secret_store_id: str = ""
    service_id: str = ""
    service_url: str = ""
    api_url: str = field(default_factory=find_fastly_api)
    token: Secret = FASTLY_TOKEN


@dataclass(frozen=True, slots=True)
class CloudflareStore:
    """A namespace of Cloudflare's Workers KV."""

    kind: ClassVar[str] = "cloudflare"

    account_id: str = ""
    namespace_id: str = ""
    api_url: str = "https://api.cloudflare.com/client/v4"
    token: Secret = CLOUDFLARE_TOKEN


@dataclass(frozen=True, slots=True)
class RedisStore:
    """A Redis that is written to; `prefix` stands before every key."""

    kind: ClassVar[str] = "redis"

    url: str = "redis://127.0.0.1:6379/0"
    prefix: str = ""
    password: Secret = REDIS_PASSWORD


@dataclass(frozen=True, slots=True)
class DirStore:
    """A folder whose files are the entries."""

    kind: ClassVar[str] = "dir"

    path: Path = Path("published")


type Store = FastlyStore | CloudflareStore | RedisStore | DirStore
STORES: Final[Mapping[str, type[Store]]] = {
    one.kind: one for one in (FastlyStore, CloudflareStore, RedisStore, DirStore)
}


@dataclass(frozen=True, slots=True)
class Profile:
    """One spec, its source, and the stores it is published to.

    `spec_key` is the key of the raw spec in every store; all other keys are made from it (`specstore.keys`). `stores`
    has at most one store of each kind, under its kind. Commands take what their options say before what stands here
    (`dataclasses.replace`). `origin` is the file it was read from; None for the profile that holds defaults only,
    which is used where there is no file.
    """

    name: str = "default"
    spec_key: str = ""
    source: Source = Source()
    stores: Mapping[str, Store] = field(default_factory=dict)
    origin: Path | None = None

    @property
    def folder(self) -> Path:
        """Return where its spec is kept: each profile has a folder of its own, so that none publishes another's."""
        return PULLED / self.name

    def find_spec(self) -> Path:
        """Return what was pulled for it, or the file that is its source; raises Unusable."""
        pulled = (self.folder / "spec.json").exists()
        found = self.folder if pulled else self.source.path if self.source.kind == "file" else None
        if found is None:
            raise Unusable(f"which spec? Nothing was pulled into {self.folder} yet: gatelet pull; or name a spec file")
        return found

    def need_spec_key(self) -> str:
        """Return the key of the spec; raises Unusable when the profile has none."""
        if not self.spec_key:
            raise Unusable("which key has the spec in the store? Give --spec-key, or spec_key in the profile")
        return self.spec_key

    def find_store(self, kind: str | None = None) -> Store:
        """Return the store of a kind, or the only one; a kind without a table has its defaults. Raises Unusable."""
        if kind is None and len(self.stores) == 1:
            return next(iter(self.stores.values()))
        if kind is None:
            has = f"has {' and '.join(self.stores)}" if self.stores else "has none"
            raise Unusable(f"which store? The profile {self.name} {has}; name one of {', '.join(STORES)}")
        if kind not in STORES:
            raise Unusable(f"{kind} is no kind of store; there are {', '.join(STORES)}")
        return self.stores.get(kind) or STORES[kind]()

    def find_fastly(self) -> FastlyStore:
        """Return the Fastly store, or its defaults."""
        store = self.stores.get(FastlyStore.kind)
        return store if isinstance(store, FastlyStore) else FastlyStore()


def load_profile(name: str | None = None, path: Path | None = None) -> Profile:
    """Return a profile of the file, or defaults where no file is named and none is here; raises Unusable.

    Without a name it is the file's `default_profile`, or its only one.
    """
    if path is None and not Path(CONFIG_NAME).exists():
        if name is not None:
            raise Unusable(f"there is no {CONFIG_NAME} here with a profile {name}: make one with gatelet init")
        return Profile()
    return read_profile(path or Path(CONFIG_NAME), name)


def read_profile(path: Path, name: str | None = None) -> Profile:
    """Read a profile from a file; raises Unusable."""
    document = read_toml(path)
    profiles = document.get("profiles")
    if not isinstance(profiles, dict) or not profiles:
        raise Unusable(f"{path} has no profiles: it needs a table [profiles.NAME], which gatelet init writes")
    if unknown := sorted(document.keys() - {"profiles", "default_profile"}):
        raise Unusable(f"{path}: {unknown[0]} is not known; the file has default_profile and [profiles.NAME]")
    chosen = name or document.get("default_profile") or (next(iter(profiles)) if len(profiles) == 1 else None)
    if chosen is None:
        raise Unusable(f"which profile? {path} has {', '.join(profiles)}; give --profile, or default_profile in it")
    if chosen not in profiles:
        raise Unusable(f"{path} has no profile {chosen}; it has {', '.join(profiles)}")
    return decode_profile(path, str(chosen), profiles[str(chosen)])


def read_toml(path: Path) -> Mapping[str, object]:
    """Read a TOML file; raises Unusable."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise Unusable(f"cannot read {path}: {problem.strerror}") from problem
    except ValueError as problem:
        raise Unusable(f"{path} is not TOML: {problem}") from problem


def decode_profile(path: Path, name: str, table: object) -> Profile:
    """Make a profile of its table; raises Unusable."""
    place = f"{path}: profiles.{name}"
    if not isinstance(table, dict):
        raise Unusable(f"{place} must be a table")
    if unknown := sorted(table.keys() - {"spec_key", "source", *STORES}):
        raise Unusable(f"{place}.{unknown[0]} is not known; a profile has spec_key, source, {', '.join(STORES)}")
    if not isinstance(table.get("spec_key", ""), str):
        raise Unusable(f"{place}.spec_key must be a text")
    source = decode_table(f"{place}.source", table.get("source", {}), Source, path.parent)
    if source.kind not in SOURCE_KINDS:
        raise Unusable(f"{place}.source.kind: {source.kind!r} is not one of {', '.join(SOURCE_KINDS)}")
    stores = {
        kind: decode_table(f"{place}.{kind}", table[kind], STORES[kind], path.parent)
        for kind in STORES
        if kind in table
    }
    return Profile(name, table.get("spec_key", ""), source, stores, path)
