"""The lock after ten failures in a row, by values of time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from tkkpg.gateway.web.lockout import Lockout

NOW: Final = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
TEN: Final = 10
MINUTE: Final = timedelta(minutes=1)
ONE, OTHER = "E1000010", "E1000011"
MOMENT: Final = timedelta(microseconds=1)


def failed(lockout: Lockout, times: int, merchant_id: str = ONE) -> Lockout:
    for _ in range(times):
        lockout.failed(merchant_id, NOW)
    return lockout


def test_nine_failures_do_not_lock() -> None:
    assert not failed(Lockout(), TEN - 1).locks(ONE, NOW)


@pytest.mark.parametrize(
    ("later", "locked"),
    [(timedelta(), True), (MINUTE - MOMENT, True), (MINUTE, False)],
)
def test_the_tenth_locks_for_a_minute(later: timedelta, locked: bool) -> None:
    assert failed(Lockout(), TEN).locks(ONE, NOW + later) is locked


def test_after_the_minute_ten_more_are_needed() -> None:
    lockout = failed(Lockout(), TEN)
    later = NOW + MINUTE
    for _ in range(TEN - 1):
        lockout.failed(ONE, later)
    assert not lockout.locks(ONE, later)
    lockout.failed(ONE, later)
    assert lockout.locks(ONE, later)


def test_a_success_between_them_begins_the_count_anew() -> None:
    lockout = failed(Lockout(), TEN - 1)
    lockout.succeeded(ONE)
    assert not failed(lockout, TEN - 1).locks(ONE, NOW)


def test_each_merchant_is_counted_alone() -> None:
    lockout = failed(failed(Lockout(), TEN), TEN - 1, OTHER)
    assert lockout.locks(ONE, NOW)
    assert not lockout.locks(OTHER, NOW)


def test_a_clock_that_is_set_back_locks_nobody_for_longer() -> None:
    assert not failed(Lockout(), TEN).locks(ONE, NOW - timedelta(days=1))
