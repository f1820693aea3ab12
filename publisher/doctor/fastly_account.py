"""What Fastly's API tells of a service: its active version, the stores linked to it, their items and secrets' names.

Paths and fields are those of Fastly's reference: a token of oneself, versions of a service, resource links (the name of
a link is what the service opens a store by; it may differ from the store's own), backends, items of a config store,
names of secrets. A secret itself cannot be read by anyone.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from publisher.exit_codes import Failed
from publisher.stores.calls import Asked, Caller

NOT_FOUND: Final = 404
KV: Final = ("kv-store", "object-store")  # the second is the name of the first years
CONFIG: Final = ("config",)
SECRET: Final = ("secret-store",)


class Link(NamedTuple):
    """A store that is linked to a version of a service, under a name."""

    name: str
    store_id: str
    kind: str


@dataclass(frozen=True, slots=True)
class FastlyApi:
    """Reads from Fastly's API; raises StoreProblem."""

    caller: Caller

    def find(self, path: str) -> Any:
        """Return the JSON under a path; None when there is nothing."""
        answer = self.caller.ask(Asked("GET", path), NOT_FOUND)
        if answer.status == NOT_FOUND:
            return None
        try:
            return json.loads(answer.body)
        except ValueError as problem:
            raise Failed(f"Fastly's API answered {path} with something else than JSON") from problem

    def find_token(self) -> Mapping[str, Any] | None:
        """Return what the token is and may do."""
        found: Mapping[str, Any] | None = self.find("/tokens/self")
        return found

    def find_active_version(self, service_id: str) -> int | None:
        """Return the number of the version that answers; None when none does, or there is no such service."""
        versions = self.find(f"/service/{quote(service_id)}/version") or []
        return next((int(one["number"]) for one in versions if one.get("active")), None)

    def list_links(self, service_id: str, version: int) -> list[Link]:
        """List the stores that are linked."""
        found = self.find(f"/service/{quote(service_id)}/version/{version}/resource") or []
        return [Link(str(one["name"]), str(one["resource_id"]), str(one["resource_type"])) for one in found]

    def list_backends(self, service_id: str, version: int) -> dict[str, str]:
        """Return the addresses of backends by name."""
        found = self.find(f"/service/{quote(service_id)}/version/{version}/backend") or []
        return {str(one["name"]): str(one.get("address", "")) for one in found}

    def find_kv_name(self, store_id: str) -> str | None:
        """Return the name of a KV store."""
        found = self.find(f"/resources/stores/kv/{quote(store_id)}")
        return None if found is None else str(found["name"])

    def find_settings(self, store_id: str) -> dict[str, str] | None:
        """Return the items of a config store; None when there is no such store."""
        found = self.find(f"/resources/stores/config/{quote(store_id)}/items")
        return None if found is None else {str(one["item_key"]): str(one["item_value"]) for one in found}

    def list_secrets(self, store_id: str) -> list[str] | None:
        """List the names of secrets; None when there is no such store."""
        found = self.find(f"/resources/stores/secret/{quote(store_id)}/secrets")
        return None if found is None else [str(one["name"]) for one in found["data"]]


def find_link(links: list[Link], kinds: tuple[str, ...], *, store_id: str = "", name: str = "") -> Link | None:
    """Find the link of some kinds, of a store by its ID, else by the link's name."""
    fits = [one for one in links if one.kind in kinds]
    if store_id:
        return next((one for one in fits if one.store_id == store_id), None)
    return next((one for one in fits if one.name == name), None)
