"""One thing that fails keeps nobody else waiting, and nothing is left under way."""

from __future__ import annotations

import asyncio

import pytest

from tkkpg.gateway.flows.upkeep.each import each
from tkkpg.gateway.model.errors import StoreUnavailable

pytestmark = pytest.mark.anyio


class Work:
    """Work that fails for some numbers, and counts how much of it is under way."""

    def __init__(self, errors: dict[int, Exception] | None = None) -> None:
        self.errors = errors or {}
        self.under_way = self.most = 0
        self.done: list[int] = []

    async def __call__(self, number: int) -> None:
        """Work for a few turns of the event loop."""
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            if number in self.errors:
                raise self.errors[number]
            for _ in range(number % 3 + 1):
                await asyncio.sleep(0)
            self.done.append(number)
        finally:
            self.under_way -= 1


async def test_what_fails_is_returned_and_all_others_are_done() -> None:
    errors: dict[int, Exception] = {0: ValueError("one"), 7: KeyError("other")}
    work = Work(errors)
    assert await each(range(20), work, at_once=4) == errors
    assert sorted(work.done) == [number for number in range(20) if number not in errors]


async def test_no_more_is_under_way_than_may_be_whatever_fails() -> None:
    for at_once in (1, 3, 16, 50):
        work = Work({number: ValueError() for number in range(0, 50, 2)})
        await each(range(50), work, at_once=at_once)
        assert at_once / 2 <= work.most <= at_once


async def test_a_store_that_is_not_there_is_said_once_when_all_have_ended() -> None:
    work = Work({1: StoreUnavailable("gone"), 2: ValueError()})
    with pytest.raises(StoreUnavailable, match="gone"):
        await each(range(5), work, at_once=5)
    assert (work.under_way, sorted(work.done)) == (0, [0, 3, 4])


async def test_who_is_cancelled_leaves_nothing_under_way() -> None:
    work = Work()
    task = asyncio.create_task(each(range(2, 1000, 3), work, at_once=8))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert work.under_way == 8
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert work.under_way == 0
