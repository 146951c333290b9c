"""How many wrong passwords are looked at, by values of time and address."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Final

from tkkpg.gateway.web.lockout import ADDRESSES_MAX, Lockout, network_of

NOW: Final = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
ONE, OTHER = "E1000010", "E1000011"
SHOP, STRANGER = "203.0.113.7", "198.51.100.1"
MOMENT: Final = timedelta(microseconds=1)
ADDRESSES: Final = [f"198.51.{high}.{low}" for high in range(8) for low in range(250)]


def fresh() -> Lockout:
    return Lockout(b"key")


def tries(lockout: Lockout, address: str, now: datetime, merchant_id: str = ONE) -> int:
    """Guess wrongly until nothing is looked at any more, and count what was."""
    looked_at = 0
    while looked_at < 1_000 and not lockout.locks(merchant_id, address, now):
        lockout.failed(merchant_id, address, now)
        looked_at += 1
    return looked_at


def test_a_stranger_has_five_tries_and_one_more_every_48_seconds() -> None:
    lockout, after = fresh(), timedelta(seconds=48)
    assert tries(lockout, STRANGER, NOW) == 5
    assert tries(lockout, STRANGER, NOW + after - MOMENT) == 0
    assert tries(lockout, STRANGER, NOW + after) == 1
    assert tries(lockout, STRANGER, NOW + timedelta(hours=1)) == 5


def test_a_known_address_has_ten_tries_and_one_more_every_six_seconds() -> None:
    lockout, after = fresh(), timedelta(seconds=6)
    lockout.succeeded(ONE, SHOP)
    assert tries(lockout, SHOP, NOW) == 10
    assert tries(lockout, SHOP, NOW + after - MOMENT) == 0
    assert tries(lockout, SHOP, NOW + after) == 1


def test_strangers_from_everywhere_have_forty_tries_and_ten_a_minute_together() -> None:
    lockout = fresh()
    assert sum(tries(lockout, address, NOW) for address in ADDRESSES) == 40
    day = sum(
        tries(lockout, address, NOW + timedelta(seconds=48) * step)
        for step in range(1, 1801)
        for address in ADDRESSES[:40]
    )
    assert day == 14_400


def test_a_stranger_who_guesses_without_end_does_not_lock_out_the_shop() -> None:
    lockout = fresh()
    lockout.succeeded(ONE, SHOP)
    for address in ADDRESSES:
        tries(lockout, address, NOW)
    assert not lockout.locks(ONE, SHOP, NOW)


def test_one_stranger_locks_out_one_in_eight_of_the_others() -> None:
    lockout = fresh()
    tries(lockout, STRANGER, NOW)
    locked = Counter(lockout.locks(ONE, address, NOW) for address in ADDRESSES)
    assert 0.08 < locked[True] / len(ADDRESSES) < 0.17


def test_who_shares_an_allowance_differs_from_process_to_process() -> None:
    def shared(lockout: Lockout) -> list[bool]:
        tries(lockout, STRANGER, NOW)
        return [lockout.locks(ONE, address, NOW) for address in ADDRESSES[:200]]

    assert shared(Lockout(b"one")) == shared(Lockout(b"one")) != shared(Lockout(b"other"))


def test_a_right_password_gives_no_tries_back() -> None:
    lockout = fresh()
    lockout.succeeded(ONE, SHOP)
    assert tries(lockout, SHOP, NOW) == 10
    lockout.succeeded(ONE, SHOP)
    assert tries(lockout, SHOP, NOW) == 0


def test_each_merchant_is_counted_alone() -> None:
    lockout = fresh()
    for address in ADDRESSES:
        tries(lockout, address, NOW)
    assert tries(lockout, STRANGER, NOW, OTHER) == 5


def test_of_too_many_addresses_the_one_not_seen_for_longest_is_forgotten() -> None:
    lockout = fresh()
    lockout.succeeded(ONE, SHOP)
    for address in ADDRESSES[: ADDRESSES_MAX - 1]:
        lockout.succeeded(ONE, address)
    lockout.succeeded(ONE, SHOP)
    lockout.succeeded(ONE, ADDRESSES[ADDRESSES_MAX])
    assert tries(lockout, SHOP, NOW) == 10
    assert tries(lockout, ADDRESSES[0], NOW) == 5


def test_a_clock_that_is_set_back_locks_nobody_for_longer() -> None:
    lockout = fresh()
    tries(lockout, STRANGER, NOW)
    earlier = NOW - timedelta(days=1)
    assert lockout.locks(ONE, STRANGER, earlier)
    assert not lockout.locks(ONE, STRANGER, earlier + timedelta(seconds=48))


def test_one_peer_has_one_network() -> None:
    for first, second in (
        ("2001:db8::1", "2001:db8::ffff:2"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::2"),
    ):
        assert network_of(first) == network_of(second)
    for first, second in (("192.0.2.1", "192.0.2.2"), ("2001:db8:0:1::1", "2001:db8:0:2::1")):
        assert network_of(first) != network_of(second)
    assert network_of("") == ""
