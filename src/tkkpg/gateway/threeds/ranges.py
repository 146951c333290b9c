"""The card ranges that take part in 3-D Secure, as the directory last said them."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from tkkpg.gateway.threeds.messages import CardRange, PRes

KEPT_S: Final = 3600.0
"""Then they are asked for again; EMV 3DS 2.2, 5.6 wants it once in 24 hours at least."""
PAUSE_S: Final = 5.0
"""After a failure, so that not every payment waits for a directory that is away."""


class RangesUnknown(Exception):
    """The directory has not said its card ranges yet."""


class CardRanges:
    """Ranges that do not overlap, found by a card's number."""

    def __init__(self, ranges: Iterable[CardRange]) -> None:
        """Sort them; of two with the same first number the later one holds."""
        by_key = {(len(one.start), one.start): one for one in ranges}
        self._keys = sorted(by_key)
        self._ranges = [by_key[key] for key in self._keys]

    def find(self, pan: str) -> CardRange | None:
        """Give the range of a card number, if it has one."""
        place = bisect_right(self._keys, (len(pan), pan)) - 1
        if place < 0:
            return None
        found = self._ranges[place]
        inside = len(found.start) == len(pan) == len(found.end) and found.start <= pan <= found.end
        return found if inside else None


class Directory:
    """The ranges, asked for when they are needed and old; a failure keeps those that are there."""

    def __init__(
        self, ask: Callable[[str | None], Awaitable[PRes | None]], now_s: Callable[[], float]
    ) -> None:
        """Begin without any.

        Args:
            ask: Sends a PReq with the serial number of the last answer; `None` for a failure.
            now_s: Seconds of a clock that only grows.
        """
        self._ask = ask
        self._now_s = now_s
        self._turn = asyncio.Lock()
        self._ranges: CardRanges | None = None
        self._serial: str | None = None
        self._due_s = 0.0

    async def find(self, pan: str) -> CardRange | None:
        """Give the range of a card number, if it has one.

        Raises:
            RangesUnknown: The directory never answered.
        """
        async with self._turn:
            if self._ranges is None or self._now_s() >= self._due_s:
                await self._refresh()
        if self._ranges is None:
            raise RangesUnknown
        return self._ranges.find(pan)

    async def _refresh(self) -> None:
        if self._now_s() < self._due_s:
            return
        answer = await self._ask(self._serial)
        if answer is None:
            self._due_s = self._now_s() + PAUSE_S
            return
        if answer.card_ranges is not None:
            self._ranges = CardRanges(answer.card_ranges)
            self._serial = answer.serial_num
        elif self._ranges is None:
            self._ranges = CardRanges(())
        self._due_s = self._now_s() + KEPT_S
