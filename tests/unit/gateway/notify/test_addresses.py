"""Which addresses may be called."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tkkpg.gateway.notify.addresses import (
    GLOBAL_V6,
    LOOPBACK,
    NAT64,
    REFUSED_V4,
    REFUSED_V6,
    refusal,
)

EXAMPLES = [
    ("0.0.0.0", "unspecified"),  # noqa: S104 - nothing is bound: it is an address to refuse
    ("10.0.0.1", "private"),
    ("100.64.0.1", "carrier-grade NAT"),
    ("100.100.100.200", "carrier-grade NAT"),
    ("100.127.255.255", "carrier-grade NAT"),
    ("127.0.0.1", "loopback"),
    ("127.255.255.254", "loopback"),
    ("168.63.129.16", "cloud metadata"),
    ("169.254.169.254", "link-local"),
    ("169.254.170.2", "link-local"),
    ("172.16.0.1", "private"),
    ("172.31.255.255", "private"),
    ("192.0.0.192", "reserved"),
    ("192.0.2.1", "documentation"),
    ("192.168.255.255", "private"),
    ("198.19.0.1", "benchmarking"),
    ("198.51.100.7", "documentation"),
    ("203.0.113.7", "documentation"),
    ("224.0.0.1", "multicast"),
    ("239.255.255.250", "multicast"),
    ("240.0.0.1", "reserved"),
    ("255.255.255.255", "reserved"),
    ("::", "unspecified"),
    ("::1", "loopback"),
    ("::127.0.0.1", "reserved"),  # the withdrawn IPv4-compatible form
    ("::ffff:10.0.0.1", "private"),
    ("::ffff:127.0.0.1", "loopback"),
    ("::ffff:169.254.169.254", "link-local"),
    ("64:ff9b::10.0.0.1", "private"),
    ("64:ff9b::127.0.0.1", "loopback"),
    ("64:ff9b::169.254.169.254", "link-local"),
    ("64:ff9b:1::8.8.8.8", "local NAT64"),
    ("100::1", "reserved"),
    ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "reserved"),  # Teredo
    ("2001:db8::1", "documentation"),
    ("2002:7f00:1::", "6to4"),
    ("2002:a9fe:a9fe::", "6to4"),
    ("3fff::1", "documentation"),
    ("fc00::1", "private"),
    ("fd00:ec2::254", "private"),
    ("fd20:ce::254", "private"),
    ("fe80::1", "link-local"),
    ("fe80::1%eth0", "link-local"),
    ("fec0::1", "reserved"),
    ("ff02::1", "multicast"),
]


@pytest.mark.parametrize(("address", "what"), EXAMPLES)
def test_an_address_that_is_not_public_is_refused_by_name(address: str, what: str) -> None:
    assert refusal(address, allow_loopback=False) == what


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.255.255",
        "223.255.255.255",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2001:4860:4860::8888",
        "2606:4700:4700::1111",
        "2a00:1450:4001:800::200e",
    ],
)
def test_a_public_address_may_be_called(address: str) -> None:
    assert refusal(address, allow_loopback=False) is None


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"])
def test_loopback_may_be_called_where_it_is_allowed(address: str) -> None:
    assert refusal(address, allow_loopback=True) is None


@pytest.mark.parametrize(
    ("address", "what"),
    [row for row in EXAMPLES if row[1] != LOOPBACK] + [("64:ff9b::127.0.0.1", LOOPBACK)],
)
def test_allowing_loopback_allows_nothing_else(address: str, what: str) -> None:
    assert refusal(address, allow_loopback=True) == what


@given(st.data(), st.sampled_from(REFUSED_V4))
def test_every_address_of_a_refused_ipv4_range_is_refused_in_every_disguise(
    data: st.DataObject, row: tuple[object, str]
) -> None:
    network = next(network for network, what in REFUSED_V4 if (network, what) == row)
    address = IPv4Address(
        data.draw(st.integers(int(network.network_address), int(network.broadcast_address)))
    )
    for disguise in (
        str(address),
        f"::ffff:{address}",
        str(IPv6Address(int(NAT64.network_address) | int(address))),
        str(IPv6Address((0x2002 << 112) | (int(address) << 80))),
    ):
        assert refusal(disguise, allow_loopback=False) is not None


@given(st.data(), st.sampled_from(REFUSED_V6))
def test_every_address_of_a_refused_ipv6_range_is_refused(
    data: st.DataObject, row: tuple[object, str]
) -> None:
    network = next(network for network, what in REFUSED_V6 if (network, what) == row)
    number = data.draw(st.integers(int(network.network_address), int(network.broadcast_address)))
    assert refusal(str(IPv6Address(number)), allow_loopback=False) == row[1]


@given(st.integers(0, 2**128 - 1))
def test_outside_the_public_ipv6_space_only_disguised_public_ipv4_is_called(number: int) -> None:
    address = IPv6Address(number)
    if address not in GLOBAL_V6 and address not in NAT64 and address.ipv4_mapped is None:
        assert refusal(str(address), allow_loopback=False) is not None


@given(st.integers(0, 2**32 - 1))
def test_whatever_python_calls_private_is_refused(number: int) -> None:
    address = IPv4Address(number)
    if address.is_private or address.is_multicast or address.is_reserved:
        assert refusal(str(address), allow_loopback=False) is not None
