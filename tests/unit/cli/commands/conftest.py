"""A home whose gateway has stopped, and a hand that changes what is in it."""

from __future__ import annotations

import asyncio
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import apsw
import pytest
from tests.gateway_fixtures import ManualClock, stage
from tests.paying import paid

from tkkpg.gateway.config import DATABASE


@dataclass(frozen=True, slots=True)
class Stopped:
    """A gateway's home.

    Attributes:
        folder: It.
        orders: Its two paid orders; the second was paid a second after the first, at noon in Baku.
    """

    folder: Path
    orders: tuple[int, int]

    def plant(self, script: str) -> None:
        """Change the database; `:first` and `:second` are the orders."""
        with closing(apsw.Connection(str(self.folder / DATABASE))) as db:
            db.execute(script, dict(zip(("first", "second"), self.orders, strict=True)))


async def _traded(folder: Path) -> Stopped:
    clock = ManualClock()
    async with stage(folder, clock=clock) as shop:
        first = await paid(shop.client, shop.gateway)
        clock.advance(timedelta(seconds=1))
        second = await paid(shop.client, shop.gateway, "7.00")
    return Stopped(folder, (first.order_id, second.order_id))


@pytest.fixture
def stopped(tmp_path: Path) -> Stopped:
    folder = tmp_path / "stopped"
    folder.mkdir()
    return asyncio.run(_traded(folder))
