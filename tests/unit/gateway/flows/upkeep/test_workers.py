"""Workers outlive whatever fails in a round and between rounds."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from tests.clock_fixtures import moved_desk
from tests.paying import create, stored

from tkkpg.gateway.clock import BusinessClock
from tkkpg.gateway.config import CLOCK
from tkkpg.protocol.values import OrderStatus

pytestmark = pytest.mark.anyio


async def test_a_clock_file_that_is_damaged_for_a_moment_ends_no_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tkkpg.gateway.clock.LOOK_EVERY_S", 0.01)
    monkeypatch.setattr("tkkpg.gateway.flows.upkeep.workers.PAUSE_S", 0.01)
    clock = BusinessClock(tmp_path / CLOCK)
    async with moved_desk(tmp_path, clock=clock) as at:
        ref = await create(at.client)
        clock.keep()
        (tmp_path / CLOCK).write_text("{}")
        await asyncio.sleep(0.1)  # every worker looks at it now
        clock.keep()
        BusinessClock(tmp_path / CLOCK).advance(timedelta(minutes=31))
        async with asyncio.timeout(10):
            while (  # noqa: ASYNC110 - there is no event to wait for
                await stored(at.gateway, ref)
            ).status is not OrderStatus.EXPIRED:
                await asyncio.sleep(0.01)
