from ipaddress import IPv4Address, IPv4Network, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.input.public_addresses import SPECIAL, is_public

EDGES = sorted(
    {
        number
        for network in map(IPv4Network, SPECIAL)
        for edge in (int(network.network_address), int(network.broadcast_address))
        for number in (edge - 1, edge, edge + 1)
        if 0 <= number < 1 << 32
    }
)


@pytest.mark.parametrize("text", [str(IPv4Address(edge)) for edge in EDGES])
def test_answer_at_the_edges_of_networks_is_that_of_ipaddress(text: str) -> None:
    assert is_public(text) is ip_address(text).is_global


@given(st.ip_addresses())
def test_answer_is_that_of_ipaddress(address: object) -> None:
    assert is_public(str(address)) is ip_address(str(address)).is_global


@pytest.mark.parametrize("value", [None, 8, "", "8.8.8", "8.8.8.8.8", "08.8.8.8", "8.8.8.256", " 8.8.8.8", "8.8.8.x"])
def test_what_is_no_address_belongs_to_nobody(value: object) -> None:
    assert not is_public(value)


def test_every_network_with_an_answer_of_its_own_is_listed() -> None:
    """One address in each of 65,536 blocks: a network of that size that is not listed would show."""
    for block in range(1 << 16):
        address = IPv4Address((block << 16) + 1)
        assert is_public(str(address)) is address.is_global
