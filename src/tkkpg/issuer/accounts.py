"""The cardholders' accounts that an issuer begins with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tkkpg.protocol.masking import Secret

OPENING_MINOR: Final = 100_000_000_00
"""Enough for any load: 100 million manat."""
SILENCE: Final = "810"
"""Played, it is no answer: the authorisation is carried out and never answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A card with its account, and what becomes of its authorisations.

    A code that is played and declines moves nothing. One that approves, or approves in part, is
    played only where the account can bear it.

    Attributes:
        name: Stands for the card in the journal, which never holds a number.
        pan: The card number.
        expiry: `YYMM`, as field 14 holds it; a typed card of another date is declined with 051.
            `None` looks at no date.
        cvv2: A typed card with another is declined with 211. `None` looks at none.
        balance_minor: What the account holds at first; more is declined with 076.
        limit_minor: Most that one authorisation may ask for, else 095; `None` for no limit.
        response_code: Played to every authorisation; `None` lets the account decide.
        by_amount: Amounts in minor units to the code that is played to them instead.
        delay_s: How long the answer to an authorisation takes; the money moves at once.
        silent: Authorisations are carried out and never answered.
    """

    name: str
    pan: Secret
    expiry: str | None = None
    cvv2: Secret | None = None
    balance_minor: int = OPENING_MINOR
    limit_minor: int | None = None
    response_code: str | None = None
    by_amount: Mapping[int, str] = field(default_factory=dict, repr=False)
    delay_s: float = 0.0
    silent: bool = False

    def played(self, amount_minor: int) -> str | None:
        """Give the code that is played to an authorisation; `None` lets the account decide."""
        code = self.by_amount.get(amount_minor, self.response_code)
        return None if code == SILENCE else code

    def answers(self, amount_minor: int) -> bool:
        """Whether an authorisation of this amount is answered at all."""
        return not self.silent and self.by_amount.get(amount_minor) != SILENCE
