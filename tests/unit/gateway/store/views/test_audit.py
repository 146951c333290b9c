"""The newest business time that the audit knows of."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.gateway_fixtures import stage
from tests.paying import create

from tkkpg.gateway.store.sqlite import connect
from tkkpg.gateway.store.views.audit import LAST_POSSIBLE, newest_at

pytestmark = pytest.mark.anyio


async def test_the_newest_time_is_that_of_the_latest_row(tmp_path: Path) -> None:
    async with stage(tmp_path) as at:
        at.clock.advance(timedelta(hours=1))
        await create(at.client)
        assert newest_at(tmp_path / "tkkpg.db") == at.clock.now()


async def test_a_row_of_no_calendars_time_is_the_last_possible_one(tmp_path: Path) -> None:
    async with stage(tmp_path) as at:
        await create(at.client)
    db = connect(tmp_path / "tkkpg.db", writing=True)
    db.execute("UPDATE audit SET at = 9223372036854775807")
    db.close()
    assert newest_at(tmp_path / "tkkpg.db") == LAST_POSSIBLE
