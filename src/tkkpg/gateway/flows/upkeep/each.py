"""Work on many things where one that fails keeps nobody else waiting."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from tkkpg.gateway.model.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

T = TypeVar("T")


async def each(
    items: Sequence[T], work: Callable[[T], Awaitable[object]], *, at_once: int
) -> dict[T, Exception]:
    """Do the work for each item, and return what failed, and why.

    Ends when no work is under way any more, also when it is cancelled.

    Args:
        items: What there is to do, each once.
        work: Does it for one.
        at_once: So much is under way at a time.

    Raises:
        StoreUnavailable: For one of them, and so for whoever comes next.
    """
    failed: dict[T, Exception] = {}
    waiting = iter(items)

    async def worker() -> None:
        for item in waiting:
            try:
                await work(item)
            except Exception as error:  # noqa: BLE001 - the caller logs it with what it is about
                failed[item] = error

    async with asyncio.TaskGroup() as group:
        for _ in range(min(at_once, len(items))):
            group.create_task(worker())
    for error in failed.values():
        if isinstance(error, StoreUnavailable):
            raise error
    return failed
