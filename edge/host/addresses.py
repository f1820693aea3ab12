"""IP addresses between our texts and the bindings' values, and the place that Fastly knows for one."""

from ipaddress import IPv4Address, ip_address
from json import loads
from typing import Final, cast

from componentize_py_types import Err
from wit_world.imports import geo
from wit_world.imports.types import IpAddress, IpAddress_Ipv4, IpAddress_Ipv6

LONGEST_PLACE: Final = 1 << 14


def write_address(address: IpAddress) -> str:
    """Write an address as text."""
    if isinstance(address, IpAddress_Ipv4):
        return ".".join(map(str, address.value))
    return str(ip_address(b"".join(part.to_bytes(2) for part in address.value)))


def read_address(text: str) -> IpAddress:
    """Read an address; raises ValueError."""
    address = ip_address(text)
    packed = address.packed
    if isinstance(address, IPv4Address):
        return IpAddress_Ipv4(cast("tuple[int, int, int, int]", tuple(packed)))
    parts = tuple(int.from_bytes(packed[at : at + 2]) for at in range(0, 16, 2))
    return IpAddress_Ipv6(cast("tuple[int, int, int, int, int, int, int, int]", parts))


def find_place_country(ip: str) -> str | None:
    """Return the country that Fastly's geolocation knows for an address."""
    try:
        place = loads(geo.lookup(read_address(ip), LONGEST_PLACE) or "null")
    except (Err, ValueError):  # an address that Fastly knows nothing of
        return None
    country = place.get("country_code") if isinstance(place, dict) else None
    return country.upper() if isinstance(country, str) and len(country) == 2 else None
