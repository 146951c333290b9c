"""Business time is kept, and the log hears once of a machine that was set back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from structlog.testing import LogCapture
from tests.clock_fixtures import moved_desk
from tests.paying import create, stored

from tkkpg.gateway.clock import BusinessClock
from tkkpg.gateway.flows.upkeep.keep_time import TimeKeeper

pytestmark = pytest.mark.anyio

MACHINE = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


async def test_the_log_says_once_that_the_machine_is_behind_and_once_that_it_is_not(
    tmp_path: Path,
) -> None:
    log, machine = LogCapture(), [MACHINE]
    clock = BusinessClock(tmp_path / "clock.json", machine=lambda: machine[0])
    async with moved_desk(tmp_path, clock=clock) as at:
        keeper = TimeKeeper(
            replace(
                at.gateway, log=structlog.wrap_logger(structlog.PrintLogger(), processors=[log])
            )
        )
        for step in (timedelta(), -HOUR, timedelta(minutes=1), 2 * HOUR, timedelta(minutes=1)):
            machine[0] += step
            clock.now()
            await keeper.keep()
    told = [(entry["event"], entry.get("behind_s")) for entry in log.entries]
    assert told == [("machine_clock_is_behind", 3600), ("machine_clock_has_caught_up", None)]


async def test_after_a_crash_nothing_stored_is_in_the_future(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    async with moved_desk(tmp_path, clock=BusinessClock(path, machine=lambda: MACHINE)) as at:
        ref = await create(at.client)
    path.unlink()
    earlier = BusinessClock(path, machine=lambda: MACHINE - HOUR)
    async with moved_desk(tmp_path, clock=earlier) as at:
        order = await stored(at.gateway, ref)
        assert at.gateway.clock.now() >= order.created_at
