"""Config and secret stores, logs, geolocation, and what the runtime says of itself, answered as Viceroy 0.22 does."""

import ipaddress
import json
import struct
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from devhost.fastly.messages import fitting
from devhost.fastly.values import Case, Err, Interface, Resource


class ConfigStore(Resource):
    """A config store that the guest opened."""

    def __init__(self, items: Mapping[str, str]) -> None:
        self._items = items

    def get(self, key: str, max_len: int) -> str | None:
        """Return an item."""
        return fitting(self._items[key], max_len) if key in self._items else None


class ConfigStores(Interface):
    """`fastly:compute/config-store`."""

    resources: ClassVar[Mapping[str, type[Resource]]] = {"store": ConfigStore}

    def __init__(self, stores: Mapping[str, Mapping[str, str]]) -> None:
        self._stores = stores

    def store_open(self, name: str) -> ConfigStore:
        """Open a store of the manifest."""
        if name not in self._stores:
            raise Err("not-found")
        return ConfigStore(self._stores[name])


class Secret(Resource):
    """A secret that the guest got."""

    def __init__(self, value: bytes) -> None:
        self._value = value

    def plaintext(self, max_len: int) -> bytes:
        """Return the secret itself; when there is no room, how much it needs is not told either."""
        if len(self._value) > max_len:
            raise Err(Case("buffer-len", 0))
        return self._value


class SecretStore(Resource):
    """A secret store that the guest opened."""

    def __init__(self, secrets: Mapping[str, bytes]) -> None:
        self._secrets = secrets

    def get(self, key: str) -> Secret | None:
        """Return a secret."""
        return Secret(self._secrets[key]) if key in self._secrets else None


class SecretStores(Interface):
    """`fastly:compute/secret-store`."""

    resources: ClassVar[Mapping[str, type[Resource]]] = {"store": SecretStore, "secret": Secret}

    def __init__(self, stores: Mapping[str, Mapping[str, bytes]]) -> None:
        self._stores = stores

    def store_open(self, name: str) -> SecretStore:
        """Open a store of the manifest."""
        if name not in self._stores:
            raise Err("not-found")
        return SecretStore(self._stores[name])

    def secret_from_bytes(self, value: bytes) -> Secret:
        """Make a secret of the guest's own."""
        return Secret(value)


class LogEndpoint(Resource):
    """A log that the guest opened."""

    def __init__(self, name: str, write_line: Callable[[str, bytes], None]) -> None:
        self._name = name
        self._write_line = write_line

    def clone(self) -> "LogEndpoint":
        """Return another handle."""
        return LogEndpoint(self._name, self._write_line)

    def write(self, message: bytes) -> None:
        """Write one message."""
        self._write_line(self._name, message)


class Logs(Interface):
    """`fastly:compute/log`."""

    resources: ClassVar[Mapping[str, type[Resource]]] = {"endpoint": LogEndpoint}

    def __init__(self, write_line: Callable[[str, bytes], None]) -> None:
        self._write_line = write_line

    def endpoint_open(self, name: str) -> LogEndpoint:
        """Open any log but the reserved ones."""
        if name.lower() in ("stdout", "stderr") or name.lower().startswith("fst_managed_"):
            raise Err("reserved")
        return LogEndpoint(name, self._write_line)


class Geo(Interface):
    """`fastly:compute/geo`."""

    def __init__(self, places: Mapping[str, Mapping[str, object]]) -> None:
        self._places = places

    def lookup(self, address: Case, max_len: int) -> str:
        """Return what the manifest says of an address, as JSON; Viceroy's answer for loopback addresses."""
        parts: Any = address.payload
        ip = ipaddress.ip_address(bytes(parts) if address.name == "ipv4" else struct.pack(">8H", *parts))
        place = self._places.get(str(ip), LOOPBACK_PLACE if ip.is_loopback else None)
        return fitting("" if place is None else json.dumps(place), max_len)


LOOPBACK_PLACE: Mapping[str, object] = {
    "as_name": "Fastly, Inc",
    "as_number": 54113,
    "area_code": 415,
    "city": "San Francisco",
    "conn_speed": "broadband",
    "conn_type": "wired",
    "continent": "NA",
    "country_code": "US",
    "country_code3": "USA",
    "country_name": "United States of America",
    "latitude": 37.77869,
    "longitude": -122.39557,
    "metro_code": 0,
    "postal_code": "94107",
    "proxy_description": "?",
    "proxy_type": "?",
    "region": "CA",
    "utc_offset": -700,
}


class ComputeRuntime(Interface):
    """`fastly:compute/compute-runtime`."""

    def __init__(self, sandbox_id: int, vcpu_ms: Callable[[], int]) -> None:
        self._sandbox_id = sandbox_id
        self._vcpu_ms = vcpu_ms

    def get_vcpu_ms(self) -> int:
        """Return the time that the guest has computed."""
        return self._vcpu_ms()

    def get_sandbox_id(self) -> str:
        """Return the number of the sandbox."""
        return f"{self._sandbox_id:032x}"

    def get_hostname(self) -> str:
        """Return what Viceroy returns."""
        return "localhost"

    def get_pop(self) -> str:
        """Return what Viceroy returns."""
        return "XXX"

    def get_region(self) -> str:
        """Return what Viceroy returns."""
        return "Somewhere"

    def get_cache_generation(self) -> int:
        """Return what Viceroy returns."""
        return 0

    def get_customer_id(self) -> str:
        """Return what Viceroy returns."""
        return "0000000000000000000000"

    def get_is_staging(self) -> bool:
        """Return what Viceroy returns."""
        return False

    def get_service_id(self) -> str:
        """Return what Viceroy returns."""
        return "0000000000000000000000"

    def get_service_version(self) -> int:
        """Return what Viceroy returns."""
        return 0

    def get_namespace_id(self) -> str:
        """Return what Viceroy returns."""
        return ""
