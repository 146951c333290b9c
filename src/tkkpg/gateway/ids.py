"""Identifiers: random ones from a handed-in source, growing numbers from durable blocks."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from uuid import UUID

from tkkpg.protocol.values import OrderRef

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

STAN_MODULUS: Final = 999_999
"""Trace numbers have six digits and are never zero (ISO 8583, field 11)."""


class Sequence(StrEnum):
    """Growing numbers that the store hands out in blocks."""

    ORDER = "order"
    TRANSACTION = "transaction"
    TWO = "two"
    STAN = "stan"


FIRST: Final = {
    Sequence.ORDER: 1_000_001,
    Sequence.TRANSACTION: 1,
    Sequence.TWO: 2_000_001,
    Sequence.STAN: 1,
}
"""Where each begins; recorded order numbers have six to eight digits (description, 2.2)."""

BLOCK: Final = 1_000
"""Numbers taken at a time: a restart leaves a gap of at most this many."""

_LETTERS: Final = str.maketrans("0123456789", "ghijklmnop")


class Ids:
    """Gives out identifiers for one process.

    A block belongs to this process once its reservation is on disk, so no number is ever given
    twice, over restarts and over processes; numbers grow within a process.
    """

    def __init__(
        self,
        random_bytes: Callable[[int], bytes],
        reserve: Callable[[str, int, int], Awaitable[int]],
    ) -> None:
        """Take the sources.

        Args:
            random_bytes: Secure random bytes of a given length.
            reserve: Reserves a block durably: (name, first ever, size) to its first number.
        """
        self.random_bytes = random_bytes
        self._reserve = reserve
        self._blocks: dict[Sequence, Iterator[int]] = {name: iter(()) for name in Sequence}
        self._reserving = {name: asyncio.Lock() for name in Sequence}

    def token(self) -> str:
        """Give 32 letters from 16 random bytes, for plans, requests and deliveries.

        No digits: a long run of them would be masked as a card number in the log.
        """
        return self.random_bytes(16).hex().translate(_LETTERS)

    async def order_ref(self) -> OrderRef:
        """Give a new order's number and session: 32 upper-case hexadecimal digits."""
        return OrderRef(await self.take(Sequence.ORDER), self.random_bytes(16).hex().upper())

    def card_uid(self) -> str:
        """Give 32 upper-case hexadecimal digits that name a saved card."""
        return self.random_bytes(16).hex().upper()

    def uuid(self) -> str:
        """Give a random UUID, which numbers an authentication."""
        return str(UUID(bytes=self.random_bytes(16), version=4))

    async def stan(self) -> int:
        """Give a trace number of six digits, never zero."""
        return await self.take(Sequence.STAN) % STAN_MODULUS + 1

    async def take(self, sequence: Sequence) -> int:
        """Give the next number of a sequence."""
        async with self._reserving[sequence]:  # or every request that waits takes a whole block
            number = next(self._blocks[sequence], None)
            if number is None:
                number = await self._reserve(sequence, FIRST[sequence], BLOCK)
                self._blocks[sequence] = iter(range(number + 1, number + BLOCK))
            return number
