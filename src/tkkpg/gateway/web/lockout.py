"""How many wrong passwords a merchant's name may be tried with, and from where.

Whoever guesses is held up, and must not be able to hold up the merchant with it. So tries are
counted by where they come from: addresses from which the right password has come before have an
allowance each; all others share a few, chosen by a secret hash, so that one stranger uses up one
of them. An allowance is so many wrong passwords, and one more for each interval that passes. A
right password costs nothing and gives nothing back.

It is kept in this process's memory: a restart forgets it, and each process counts for itself. Only
names of merchants that have a password are counted, so made-up names fill no memory.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address
from typing import Final, NamedTuple


class Allowance(NamedTuple):
    """Wrong passwords that are looked at.

    Attributes:
        at_once: So many in a row: a wrong setting is found in fewer.
        one_more_after: Then one more for each such interval.
    """

    at_once: int
    one_more_after: timedelta


KNOWN: Final = Allowance(10, timedelta(seconds=6))
"""Of an address from which the right password came: ten a minute."""
STRANGERS: Final = 8
"""Allowances that all other addresses share."""
STRANGER: Final = Allowance(5, timedelta(seconds=48))
"""Of each of these; all of them make ten a minute: 14,400 guesses a day, and 40 at the beginning,
from however many addresses, against passwords of twelve characters."""
ADDRESSES_MAX: Final = 64
"""Addresses remembered of a merchant; beyond, the one not seen for longest is a stranger again."""


class Lockout:
    """Counts wrong passwords by merchant and by where they come from."""

    def __init__(self, key: bytes) -> None:
        """Start with nobody known and nobody locked.

        Args:
            key: Random bytes, by which strangers find no address that shares another's allowance.
        """
        self._key = key
        self._known: dict[str, dict[str, None]] = {}
        # When all that was used of an allowance will have come again; absent is never used.
        self._used_until: dict[tuple[str, str | int], datetime] = {}

    def locks(self, merchant_id: str, address: str, now: datetime) -> bool:
        """Return whether no password of a merchant is looked at from an address at a wall time."""
        source = self._source(merchant_id, address)
        allowance = STRANGER if isinstance(source, int) else KNOWN
        used_until = self._used_until.get((merchant_id, source), now)
        latest = now + allowance.at_once * allowance.one_more_after
        if used_until > latest:
            # A clock that was set back must not lock somebody for as long as it was wrong.
            used_until = self._used_until[merchant_id, source] = latest
        return used_until - now > (allowance.at_once - 1) * allowance.one_more_after

    def failed(self, merchant_id: str, address: str, now: datetime) -> None:
        """Count a wrong password that was looked at."""
        source = self._source(merchant_id, address)
        allowance = STRANGER if isinstance(source, int) else KNOWN
        used_until = self._used_until.get((merchant_id, source), now)
        self._used_until[merchant_id, source] = max(used_until, now) + allowance.one_more_after

    def succeeded(self, merchant_id: str, address: str) -> None:
        """Remember from where the right password came."""
        known = self._known.setdefault(merchant_id, {})
        network = network_of(address)
        known.pop(network, None)  # it comes last again
        known[network] = None
        if len(known) > ADDRESSES_MAX:
            oldest = next(iter(known))
            del known[oldest]
            self._used_until.pop((merchant_id, oldest), None)

    def _source(self, merchant_id: str, address: str) -> str | int:
        network = network_of(address)
        if network in self._known.get(merchant_id, {}):
            return network
        told = f"{merchant_id}/{network}".encode()
        return blake2b(told, key=self._key, digest_size=8).digest()[0] % STRANGERS


def network_of(address: str) -> str:
    """Return what one peer can choose its addresses from: an IPv4 address, or 64 bits of IPv6."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address  # of a UNIX socket there is none
    if not isinstance(parsed, IPv6Address):
        return address
    mapped = parsed.ipv4_mapped
    return str(mapped) if mapped else f"{int(parsed) >> 64:016x}::/64"
