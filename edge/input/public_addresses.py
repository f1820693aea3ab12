"""Which addresses belong to somebody: those that Python's `ipaddress` calls global.

Asked of that module each time, an IPv4 address costs a fresh sandbox 270,000 instructions: it makes objects of the
address and compares it with a dozen networks one after the other. Here its answers are taken down where they change,
while the component is built, and an address is looked up among them. IPv6 is asked of the module.
"""

from bisect import bisect_right
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, ip_address
from typing import Final

# Of IANA's registry of special-purpose addresses; the answers themselves are the module's.
SPECIAL: Final = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"),
    *("192.0.0.9/32", "192.0.0.10/32", "192.0.0.170/31", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24"),
    *("192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
    *("224.0.0.0/4", "240.0.0.0/4", "255.255.255.255/32"),
)
_OCTETS: Final = {str(octet): octet for octet in range(256)}
_ADDRESSES: Final = 1 << 32


def is_public(ip: object) -> bool:
    """Tell whether this is an address that belongs to somebody."""
    if not isinstance(ip, str):
        return False
    octets = tuple([_OCTETS.get(one) for one in ip.split(".")])
    if len(octets) == 4 and None not in octets:
        return bisect_right(_CHANGES, octets) % 2 == 1
    try:
        return ip_address(ip).is_global
    except ValueError:
        return False


def list_changes() -> Iterator[tuple[int, ...]]:
    """Yield, rising, the octets of the IPv4 addresses from which on the answer is another one, at first no."""
    networks = map(IPv4Network, SPECIAL)
    edges = {int(edge) for one in networks for edge in (one.network_address, int(one.broadcast_address) + 1)}
    is_global = False
    for edge in sorted(edges - {_ADDRESSES}):
        if IPv4Address(edge).is_global != is_global:
            is_global = not is_global
            yield tuple(edge.to_bytes(4))


_CHANGES: Final = tuple(list_changes())
