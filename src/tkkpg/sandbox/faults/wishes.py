"""Outcomes that were asked for, one-shot: the next question about an order meets one."""

from __future__ import annotations

from collections import deque
from enum import StrEnum
from typing import Final, NamedTuple

from tkkpg.protocol.codes import Origin, Outcome, response_code
from tkkpg.protocol.errors import ConfigurationError
from tkkpg.sandbox.cards import card_of

WISHES_MAX: Final = 1_000
"""Waiting at once; who asks for more has forgotten to pay."""


class Question(StrEnum):
    """What is asked about an order, by which an outcome is met."""

    AUTHENTICATION = "authentication"
    """3-D Secure is asked who pays."""
    AUTHORISATION = "authorisation"
    """The host is asked for permission."""
    OPERATION = "operation"
    """The host is asked for a completion, a reversal or a refund."""


class Wish(NamedTuple):
    """What was asked for.

    Attributes:
        code: Response code, listed and possible.
        order_id: The order whose next question meets it; `None` for any of the merchant.
        merchant_id: The merchant, where no order is named.
    """

    code: str
    order_id: int | None = None
    merchant_id: str | None = None

    @property
    def questions(self) -> tuple[Question, ...]:
        """Which questions it can be the answer to: only what declines is met by an operation."""
        entry = response_code(self.code)
        if entry.origin is Origin.THREE_DS:
            return (Question.AUTHENTICATION,)
        if entry.outcome is Outcome.DECLINE:
            return (Question.AUTHORISATION, Question.OPERATION)
        return (Question.AUTHORISATION,)


class Wishes:
    """What waits to be met; forgotten at the end of the process."""

    def __init__(self) -> None:
        """Wait for nothing."""
        self._waiting: deque[Wish] = deque()

    def add(self, wish: Wish) -> None:
        """Let a question meet it, after those of its kind that were asked for earlier.

        Raises:
            ConfigurationError: The code is not listed, or too many wait.
        """
        card_of(wish.code)
        if len(self._waiting) >= WISHES_MAX:
            raise ConfigurationError(
                f"{WISHES_MAX} outcomes wait already. Pay what they were asked for, or start "
                " the sandbox again: it then forgets them."
            )
        self._waiting.append(wish)

    def waiting(self) -> tuple[Wish, ...]:
        """Return those that nothing has met, the earliest first."""
        return tuple(self._waiting)

    def take(self, order_id: int, merchant_id: str, question: Question) -> str | None:
        """Return the code that a question meets, once; its order goes before its merchant.

        Args:
            order_id: The order that it is about.
            merchant_id: Whose order it is.
            question: What is asked.
        """
        for mine in ((order_id, None), (None, merchant_id)):
            for wish in self._waiting:
                if (wish.order_id, wish.merchant_id) == mine and question in wish.questions:
                    self._waiting.remove(wish)
                    return wish.code
        return None
