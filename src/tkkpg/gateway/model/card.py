"""Cards: as typed by the payer, read, checked and never kept; and as the host keeps them.

Typed numbers live in memory only, for the length of one payment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from tkkpg.protocol.masking import Secret, mask_pan
from tkkpg.protocol.pan import Scheme, passes_check_digit, scheme_of
from tkkpg.protocol.zone import BAKU

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

PAN_MIN: Final = 12
PAN_MAX: Final = 19


@dataclass(frozen=True, slots=True, order=True)
class Expiry:
    """Last month in which a card is valid."""

    year: int
    month: int

    def __str__(self) -> str:
        """Write it as on the card, `MM/YY`."""
        return f"{self.month:02d}/{self.year % 100:02d}"

    @classmethod
    def of(cls, text: str) -> Expiry:
        """Read what `str` wrote."""
        month, _, year = text.partition("/")
        return cls(2000 + int(year), int(month))


@dataclass(frozen=True, slots=True)
class Card:
    """A card as typed; its `repr` shows nothing that could be used."""

    pan: Secret
    expiry: Expiry
    cvv2: Secret

    @property
    def masked(self) -> str:
        """Number as people may see it."""
        return mask_pan(self.pan.reveal())

    @property
    def scheme(self) -> Scheme | None:
        """Scheme by the leading digits."""
        return scheme_of(self.pan.reveal())

    def __repr__(self) -> str:
        """Show the masked number alone."""
        return f"Card({self.masked})"


@dataclass(frozen=True, slots=True)
class StoredCard:
    """A card that the host keeps; what the gateway knows of it.

    Attributes:
        token: The host's token, sent in place of the card number.
        masked: Number as people may see it.
        scheme: Scheme as written on the wire.
    """

    token: Secret
    expiry: Expiry
    masked: str
    scheme: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedCard:
    """A card by the number that the merchant knows it by (protocol description, 2.8).

    Attributes:
        card_uid: 32 upper-case hexadecimal digits; whoever has it can charge the card.
        merchant_id: The only merchant that may use it.
        order_id: The order whose payment saved it.
        token: The host's token of the card, sealed.
        pan_masked: `416973••••••5869`.
        brand: Scheme as written on the wire.
        expiry: `MM/YY`.
    """

    card_uid: str = field(repr=False)
    merchant_id: str
    order_id: int
    token: str = field(repr=False)
    pan_masked: str
    brand: str
    expiry: str
    created_at: datetime


class CardField(StrEnum):
    """Fields of the card form, as named in the page."""

    PAN = "pan"
    EXPIRY = "expiry"
    CVV2 = "cvv2"


class CardProblem(StrEnum):
    """What is wrong with a field; the pages have a sentence for each in three languages."""

    PAN_MISSING = "pan_missing"
    PAN_LENGTH = "pan_length"
    PAN_CHECK_DIGIT = "pan_check_digit"
    EXPIRY_MISSING = "expiry_missing"
    EXPIRY_FORMAT = "expiry_format"
    EXPIRY_PAST = "expiry_past"
    CVV2_MISSING = "cvv2_missing"
    CVV2_FORMAT = "cvv2_format"
    TEST_CARDS_ONLY = "test_cards_only"


class CardInvalid(Exception):
    """The form cannot be sent as it is.

    Attributes:
        problems: What is wrong, by field.
    """

    def __init__(self, problems: Mapping[CardField, CardProblem]) -> None:
        """Keep what is wrong; nothing of what was typed."""
        super().__init__(", ".join(problems.values()))
        self.problems = dict(problems)


_SPACING: Final = re.compile(r"[\s\-\u00a0]")
_EXPIRY: Final = re.compile(r"(0[1-9]|1[0-2]|[1-9])/?(?:20)?([0-9]{2})", re.ASCII)
_CVV2: Final = re.compile(r"[0-9]{3,4}", re.ASCII)


def read_card(
    *, pan: str, expiry: str, cvv2: str, now: datetime, test_cards: Mapping[str, str] | None
) -> Card:
    """Read the fields of the card form.

    Args:
        pan: Digits, with spaces or dashes anywhere.
        expiry: `MM/YY`, `MMYY` or `MM/YYYY`.
        cvv2: Three or four digits.
        now: Business time; a card is good until the end of its month in Baku.
        test_cards: Where given, the only numbers accepted, each with the date printed on it, which
            is good although it is past: the bank's test card expired in 05/23 and is approved all
            the same (protocol description, 5.2).

    Raises:
        CardInvalid: Names each field that is wrong.
    """
    digits = _SPACING.sub("", pan)
    problems: dict[CardField, CardProblem] = {}
    pan_problem = _pan_problem(digits, test_cards)
    if pan_problem:
        problems[CardField.PAN] = pan_problem
    date = _EXPIRY.fullmatch(_SPACING.sub("", expiry))
    if date is None:
        problems[CardField.EXPIRY] = (
            CardProblem.EXPIRY_FORMAT if expiry.strip() else CardProblem.EXPIRY_MISSING
        )
    elif _is_past(Expiry(2000 + int(date[2]), int(date[1])), now, test_cards, digits):
        problems[CardField.EXPIRY] = CardProblem.EXPIRY_PAST
    code = cvv2.strip()
    if not _CVV2.fullmatch(code):
        problems[CardField.CVV2] = CardProblem.CVV2_FORMAT if code else CardProblem.CVV2_MISSING
    if problems or date is None:
        raise CardInvalid(problems)
    return Card(Secret(digits), Expiry(2000 + int(date[2]), int(date[1])), Secret(code))


def _is_past(
    typed: Expiry, now: datetime, test_cards: Mapping[str, str] | None, digits: str
) -> bool:
    """Whether a date is past; of a test card the printed one is not, and a wrong number has none.

    So whoever mistypes the number of the bank's test card is not told that its date is wrong too.
    """
    if test_cards is not None and test_cards.get(digits) in {None, str(typed)}:
        return False
    here = now.astimezone(BAKU)
    return typed < Expiry(here.year, here.month)


def _pan_problem(digits: str, test_cards: Mapping[str, str] | None) -> CardProblem | None:
    if not digits:
        return CardProblem.PAN_MISSING
    if not (digits.isascii() and digits.isdigit() and PAN_MIN <= len(digits) <= PAN_MAX):
        return CardProblem.PAN_LENGTH
    if not passes_check_digit(digits):
        return CardProblem.PAN_CHECK_DIGIT
    if test_cards is not None and digits not in test_cards:
        return CardProblem.TEST_CARDS_ONLY
    return None
