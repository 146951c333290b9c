"""One issuer a home: the second waits a little and is then told whose it is."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from tkkpg.issuer.owner import ownership
from tkkpg.protocol.errors import ConfigurationError

pytestmark = pytest.mark.anyio


async def test_a_home_that_is_owned_is_refused_with_the_owner_named(tmp_path: Path) -> None:
    lock = tmp_path / "issuer.lock"
    async with ownership(lock, 0):
        with pytest.raises(ConfigurationError, match=f"process id {os.getpid()} .*--home"):
            async with ownership(lock, 0.1):
                pass


async def test_a_home_whose_owner_ends_meanwhile_is_taken_over(tmp_path: Path) -> None:
    lock = tmp_path / "issuer.lock"
    entered = asyncio.Event()

    async def second() -> None:
        async with ownership(lock, 30):
            entered.set()

    async with ownership(lock, 0):
        waiting = asyncio.create_task(second())
        await asyncio.sleep(0)
        assert not entered.is_set()
    await asyncio.wait_for(waiting, 30)

    assert entered.is_set()


async def test_the_lock_is_private_and_let_go_of_after_a_failure(tmp_path: Path) -> None:
    lock = tmp_path / "issuer.lock"
    with pytest.raises(ZeroDivisionError):
        async with ownership(lock, 0):
            raise ZeroDivisionError

    async with ownership(lock, 0):
        assert lock.stat().st_mode & 0o777 == 0o600
