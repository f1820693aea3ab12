"""What `doctor` looks at around a Fastly store: the token, the links of the service, settings, secrets, the backend."""

import json
import shlex
from collections.abc import Generator, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx

from edge.callers.keys import CLIENT_SECRET, SERVER_SECRET, STATSIG_KEY_SECRET
from edge.settings import KNOWN, TOGETHER, BackgroundSettings, ReplySettings, SettingTexts, list_faults
from publisher.doctor.diagnosis import Diagnosis, attempt, error, good, skipped, warning
from publisher.doctor.fastly_account import CONFIG, KV, SECRET, FastlyApi, Link, find_link
from publisher.profiles.profile import FastlyStore
from publisher.stores.calls import SECONDS_PER_TRY, Caller

SETTINGS_LINK: Final = "gatelet"
SECRETS_LINK: Final = "gatelet"
EXPIRES_SOON: Final = timedelta(days=14)
SCOPE_ADVICE: Final = "make a token with the scope global for this service, and put it where the profile says"
REACH_ADVICE: Final = f"401 or 403: {SCOPE_ADVICE}. No answer: look at the network, and at api_url in the profile"
LINK: Final = "fastly service resource-link create --version latest --autoclone --resource-id {id} --name {name}"


def examine_fastly(place: FastlyStore, spec_key: str, patience_s: float) -> Generator[Diagnosis, None, bool]:
    """Look at everything around a Fastly store but what is in it; returns whether its API takes the token."""
    token = place.token.find()
    if token is None:
        yield error("Fastly token", f"there is none: {place.token.describe()}", SCOPE_ADVICE)
        return False
    with httpx.Client(
        base_url=place.api_url, headers={"Fastly-Key": token, "Accept": "application/json"}, timeout=SECONDS_PER_TRY
    ) as client:
        api = FastlyApi(Caller(client, "Fastly's API", patience_s))
        is_taken = yield from attempt("Fastly token", REACH_ADVICE, lambda: examine_token(api))
        if not is_taken:
            return False
        yield from attempt("KV store", SCOPE_ADVICE, lambda: examine_kv(api, place))
        yield from attempt("service", SCOPE_ADVICE, lambda: examine_service(api, place, spec_key))
    return True


def examine_token(api: FastlyApi) -> Iterator[Diagnosis]:
    """Look at the token itself."""
    token = api.find_token() or {}
    expires = token.get("expires_at")
    scope = token.get("scope", "unknown")
    if expires and datetime.fromisoformat(str(expires)) - datetime.now(UTC) < EXPIRES_SOON:
        yield warning("Fastly token", f"it expires {expires}", "make a new one in time")
    elif "read" in str(scope) and "global" not in str(scope).split():
        yield warning("Fastly token", f"its scope is {scope}", "it may read only; push needs the scope global")
    else:
        yield good("Fastly token", f"accepted, scope {scope}, expires {expires or 'never'}")


def examine_kv(api: FastlyApi, place: FastlyStore) -> Iterator[Diagnosis]:
    """Look whether the KV store is there."""
    if not place.kv_store_id:
        advice = "put its ID into kv_store_id of the profile; fastly kv-store list shows it"
        yield error("KV store", "the profile does not say which", advice)
        return
    name = api.find_kv_name(place.kv_store_id)
    if name is None:
        advice = "fastly kv-store list shows those that are there; mend kv_store_id in the profile"
        yield error("KV store", f"there is none with the ID {place.kv_store_id}", advice)
    else:
        yield good("KV store", f"{name} ({place.kv_store_id})")


def examine_service(api: FastlyApi, place: FastlyStore, spec_key: str) -> Iterator[Diagnosis]:
    """Look at the active version of the service, and what is linked to it."""
    if not place.service_id:
        yield skipped("service", "the profile has no service_id", "put it there; fastly service list shows it")
        return
    version = api.find_active_version(place.service_id)
    if version is None:
        advice = "deploy it: fastly compute publish; or mend service_id in the profile"
        yield error("service", f"{place.service_id} is not there, or has no active version", advice)
        return
    yield good("service", f"{place.service_id}, version {version} is active")
    links = api.list_links(place.service_id, version)
    settings_link = find_link(links, CONFIG, name=SETTINGS_LINK)
    items = None if settings_link is None else api.find_settings(settings_link.store_id)
    yield from examine_settings(settings_link, items, place, spec_key)
    find = SettingTexts((items or {}).get).find
    yield from examine_kv_link(links, place, ReplySettings(find).spec_store)
    yield from examine_secrets(api, links, place)
    backend = BackgroundSettings(find).events_backend
    yield from examine_backend(api.list_backends(place.service_id, version), backend)


def examine_settings(
    link: Link | None, items: Mapping[str, str] | None, place: FastlyStore, spec_key: str
) -> Iterator[Diagnosis]:
    """Look at the settings in the Config Store."""
    if link is None or items is None:
        advice = LINK.format(id=place.config_store_id or "CONFIG_STORE_ID", name=SETTINGS_LINK)
        yield error("settings", f"no Config Store is linked as {SETTINGS_LINK}", advice)
        return
    if place.config_store_id and place.config_store_id != link.store_id:
        seen = f"{link.store_id} is linked, the profile says {place.config_store_id}"
        yield warning("settings", seen, "mend config_store_id in the profile, or link the other one")
    texts = SettingTexts(items.get)
    together, seen_key = texts.find_together(), texts.find("spec_key") or ""
    if seen_key != spec_key:
        advice = advise_key(link.store_id, together, spec_key)
        yield error("settings", f"spec_key is {seen_key or 'empty'}, the profile's is {spec_key}", advice)
    unknown = sorted(items.keys() - (KNOWN if together is None else frozenset()) - {TOGETHER})
    if unknown:
        advice = "a typing error? docs/settings.md has all; remove those that nobody reads"
        kind = "not known" if together is None else f"not read beside the item {TOGETHER}"
        yield warning("settings", f"{kind}: {', '.join(unknown)}", advice)
    faults = list_faults(items.get)
    for fault in faults:
        yield warning("settings", fault, "give it a value that docs/settings.md allows")
    if seen_key == spec_key and not unknown and not faults:
        yield good("settings", f"{len(items if together is None else together)} in the Config Store {link.store_id}")


def advise_key(store_id: str, together: Mapping[str, str] | None, spec_key: str) -> str:
    """Return the command that sets the key of the spec, beside whatever else is set."""
    key, value = "spec_key", spec_key
    if together is not None:
        key, value = TOGETHER, shlex.quote(json.dumps({**together, "spec_key": spec_key}))
    return f"fastly config-store-entry update --upsert --store-id {store_id} --key {key} --value {value}"


def examine_kv_link(links: list[Link], place: FastlyStore, spec_store: str) -> Iterator[Diagnosis]:
    """Look whether the KV store is linked under the name that the service opens."""
    link = find_link(links, KV, store_id=place.kv_store_id)
    other = find_link(links, KV, name=spec_store)
    advice = LINK.format(id=place.kv_store_id or "KV_STORE_ID", name=spec_store)
    if link is not None and link.name == spec_store:
        yield good("link of the KV store", f"linked as {spec_store}")
    elif other is not None:
        seen = f"{spec_store} is another store, {other.store_id}"
        yield error("link of the KV store", seen, "mend kv_store_id in the profile, or link the one that is meant")
    elif link is not None:
        seen = f"linked as {link.name}; the service opens {spec_store}"
        yield error("link of the KV store", seen, f"set the setting spec_store to {link.name}, or: {advice}")
    else:
        yield error("link of the KV store", "it is not linked to the service", advice)


def examine_secrets(api: FastlyApi, links: list[Link], place: FastlyStore) -> Iterator[Diagnosis]:
    """Look whether the secrets are there, by name."""
    link = find_link(links, SECRET, name=SECRETS_LINK)
    names = None if link is None else api.list_secrets(link.store_id)
    if link is None or names is None:
        advice = LINK.format(id=place.secret_store_id or "SECRET_STORE_ID", name=SECRETS_LINK)
        yield error("secrets", f"no Secret Store is linked as {SECRETS_LINK}: every request is refused", advice)
        return
    create = f"fastly secret-store-entry create --store-id {link.store_id} --name "
    if not {CLIENT_SECRET, SERVER_SECRET} & set(names):
        yield error("secrets", "there is no key: every request is refused", create + SERVER_SECRET)
    elif STATSIG_KEY_SECRET not in names:
        seen = f"{STATSIG_KEY_SECRET} is missing: exposures are sent with {SERVER_SECRET}"
        yield warning("secrets", seen, create + STATSIG_KEY_SECRET)
    else:
        yield good("secrets", ", ".join(sorted(names)))


def examine_backend(backends: Mapping[str, str], wanted: str) -> Iterator[Diagnosis]:
    """Look whether events have somewhere to go."""
    if wanted in backends:
        yield good("backend of events", f"{wanted}: {backends[wanted]}")
    else:
        advice = f"fastly backend create --version latest --autoclone --name {wanted} --address events.statsigapi.net"
        yield error("backend of events", f"there is no backend {wanted}", advice)
