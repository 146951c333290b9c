"""Which internet addresses the gateway may call: public ones, and loopback where allowed.

A merchant chooses the name that is called, so the name must not lead into the bank's own network
or to the metadata service of a cloud. The ranges are written out here, since what `ipaddress`
calls private differs between Python releases; sources are the IANA special-purpose registries of
both address families (RFC 6890) and the RFC named beside a row.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

LOOPBACK: Final = "loopback"

REFUSED_V4: Final = tuple(
    (IPv4Network(network), what)
    for network, what in (
        ("0.0.0.0/8", "unspecified"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "carrier-grade NAT"),
        ("127.0.0.0/8", LOOPBACK),
        ("168.63.129.16/32", "cloud metadata"),  # public by number, Azure's platform by use
        ("169.254.0.0/16", "link-local"),  # 169.254.169.254 is the metadata service of most clouds
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved"),
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "reserved"),  # relays of 6to4, withdrawn by RFC 7526
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),  # broadcast included
    )
)

# Only 2000::/3 is handed out for the public internet: all else is refused, and these parts of it.
GLOBAL_V6: Final = IPv6Network("2000::/3")
REFUSED_V6: Final = tuple(
    (IPv6Network(network), what)
    for network, what in (
        ("::/128", "unspecified"),
        ("::1/128", LOOPBACK),
        ("64:ff9b:1::/48", "local NAT64"),
        ("2001::/23", "reserved"),  # Teredo and ORCHID among it: tunnels, not servers
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4"),  # hides an IPv4 address; withdrawn by RFC 7526
        ("3fff::/20", "documentation"),
        ("fc00::/7", "private"),  # fd00:ec2::254 and fd20:ce::254 are metadata services
        ("fe80::/10", "link-local"),
        ("ff00::/8", "multicast"),
    )
)
NAT64: Final = IPv6Network("64:ff9b::/96")  # RFC 6052: the IPv4 address is in the last 32 bits


def refusal(address: str, *, allow_loopback: bool) -> str | None:
    """Say why an address must not be called: the name of its range, `None` when it may be.

    Args:
        address: An IPv4 or IPv6 address in digits, with or without a zone.
        allow_loopback: Whether this machine itself may be called; for the sandbox.
    """
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return _refusal_v4(parsed.ipv4_mapped, allow_loopback=allow_loopback)
        if parsed in NAT64:
            # Beyond the translator, 127.0.0.1 is another machine: never the loopback we allow.
            return _refusal_v4(IPv4Address(int(parsed) & 0xFFFF_FFFF), allow_loopback=False)
        return _refusal_v6(parsed, allow_loopback=allow_loopback)
    return _refusal_v4(parsed, allow_loopback=allow_loopback)


def _refusal_v4(address: IPv4Address, *, allow_loopback: bool) -> str | None:
    found = next((what for network, what in REFUSED_V4 if address in network), None)
    return None if found == LOOPBACK and allow_loopback else found


def _refusal_v6(address: IPv6Address, *, allow_loopback: bool) -> str | None:
    found = next((what for network, what in REFUSED_V6 if address in network), None)
    if found is None and address not in GLOBAL_V6:
        return "reserved"
    return None if found == LOOPBACK and allow_loopback else found
