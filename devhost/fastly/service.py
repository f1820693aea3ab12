"""What a manifest gives a service, and the interfaces through which one sandbox of it gets there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from devhost.fastly.backends import Backends, BackendTarget, Prepared
from devhost.fastly.faults import Faults
from devhost.fastly.http import AsyncIo, Downstream, HttpBody, HttpDownstream, HttpReq, HttpResp
from devhost.fastly.kv import KvStore, KvStores
from devhost.fastly.rates import RateLimits, Rates
from devhost.fastly.stores import ComputeRuntime, ConfigStores, Geo, Logs, SecretStores
from devhost.fastly.values import Interface

FASTLY_INTERFACES: dict[str, type[Interface]] = {
    "fastly:compute/async-io": AsyncIo,
    "fastly:compute/backend": Backends,
    "fastly:compute/compute-runtime": ComputeRuntime,
    "fastly:compute/config-store": ConfigStores,
    "fastly:compute/erl": RateLimits,
    "fastly:compute/geo": Geo,
    "fastly:compute/http-body": HttpBody,
    "fastly:compute/http-downstream": HttpDownstream,
    "fastly:compute/http-req": HttpReq,
    "fastly:compute/http-resp": HttpResp,
    "fastly:compute/kv-store": KvStores,
    "fastly:compute/log": Logs,
    "fastly:compute/secret-store": SecretStores,
}


@dataclass(slots=True)
class Service:
    """What a manifest says: everything that a service finds around it."""

    kv_stores: Mapping[str, KvStore] = field(default_factory=dict)
    config_stores: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    secret_stores: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)
    backends: Mapping[str, BackendTarget] = field(default_factory=dict)
    places: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


def prepare_backends(service: Service) -> Service:
    """Return the service with backends in this process, which keep what they get; prepared ones stay as they are."""
    backends = {
        name: target if target.prepared is not None else replace(target, prepared=Prepared())
        for name, target in service.backends.items()
    }
    return replace(service, backends=backends)


class Surroundings(NamedTuple):
    """What the interfaces of all sandboxes share."""

    service: Service
    faults: Faults
    write_log: Callable[[str, bytes], None]
    rates: Rates


def make_interfaces(
    around: Surroundings, downstream: Downstream, number: int, vcpu_ms: Callable[[], int]
) -> dict[str, Interface]:
    """Make what one sandbox can call of Fastly's."""
    service, faults, write_log, rates = around
    return {
        "fastly:compute/async-io": AsyncIo(),
        "fastly:compute/backend": Backends(service.backends),
        "fastly:compute/compute-runtime": ComputeRuntime(number, vcpu_ms),
        "fastly:compute/config-store": ConfigStores(service.config_stores),
        "fastly:compute/erl": RateLimits(rates),
        "fastly:compute/geo": Geo(service.places),
        "fastly:compute/http-body": HttpBody(),
        "fastly:compute/http-downstream": HttpDownstream(downstream),
        "fastly:compute/http-req": HttpReq(faults),
        "fastly:compute/http-resp": HttpResp(downstream),
        "fastly:compute/kv-store": KvStores(service.kv_stores, faults),
        "fastly:compute/log": Logs(write_log),
        "fastly:compute/secret-store": SecretStores(service.secret_stores),
    }
