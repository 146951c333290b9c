"""Outcomes that were asked for, one-shot: the next payment of an order or a merchant meets one."""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from tkkpg.protocol.codes import Origin
from tkkpg.protocol.errors import ConfigurationError
from tkkpg.sandbox.cards import card_of, codes_of

WISHES_MAX: Final = 1_000
"""Waiting at once; who asks for more has forgotten to pay."""


class Wish(NamedTuple):
    """What was asked for.

    Attributes:
        code: Response code, listed and possible.
        order_id: The order whose next payment meets it; `None` for any of the merchant.
        merchant_id: The merchant, where no order is named.
    """

    code: str
    order_id: int | None = None
    merchant_id: str | None = None


class Wishes:
    """What waits to be met; forgotten at the end of the process."""

    def __init__(self) -> None:
        """Wait for nothing."""
        self._waiting: deque[Wish] = deque()

    def add(self, wish: Wish) -> None:
        """Let a payment meet it, after those of its kind that were asked for earlier.

        Raises:
            ConfigurationError: The code is not listed, or too many wait.
        """
        card_of(wish.code)
        if len(self._waiting) >= WISHES_MAX:
            raise ConfigurationError(
                f"{WISHES_MAX} outcomes wait for a payment already. Pay what they were asked for, "
                "or start the sandbox again: it then forgets them."
            )
        self._waiting.append(wish)

    def waiting(self) -> tuple[Wish, ...]:
        """Give those that no payment has met, the earliest first."""
        return tuple(self._waiting)

    def take(self, order_id: int, merchant_id: str, *, threeds: bool) -> str | None:
        """Give the code that a payment meets, once; its order goes before its merchant.

        Args:
            order_id: The order that is paid.
            merchant_id: Whose order it is.
            threeds: Whether 3-D Secure asks, which has codes of its own; else the host does.
        """
        for mine in ((order_id, None), (None, merchant_id)):
            for wish in self._waiting:
                is_threeds = wish.code in codes_of(Origin.THREE_DS)
                if (wish.order_id, wish.merchant_id) == mine and is_threeds is threeds:
                    self._waiting.remove(wish)
                    return wish.code
        return None
