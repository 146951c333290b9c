"""The cardholders' accounts that an issuer begins with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tkkpg.protocol.masking import Secret

OPENING_MINOR: Final = 100_000_000_00
"""Enough for any load: 100 million manat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A card with its account, and what becomes of its authorisations.

    Attributes:
        name: Stands for the card in the journal, which never holds a number.
        pan: The card number.
        balance_minor: What the account holds at first; more is declined with 076.
        limit_minor: Most that one authorisation may ask for, else 095; `None` for no limit.
        response_code: Declines every authorisation with it; `None` lets the account decide.
        delay_s: How long the answer to an authorisation takes; the money moves at once.
        silent: Authorisations are carried out and never answered.
    """

    name: str
    pan: Secret
    balance_minor: int = OPENING_MINOR
    limit_minor: int | None = None
    response_code: str | None = None
    delay_s: float = 0.0
    silent: bool = False
