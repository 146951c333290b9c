"""The test cards of the sandbox: public numbers, each with what it makes happen.

The data are in `cards.toml`, read once. Nothing else may be paid with in the sandbox, so that a
real card typed by mistake never becomes data.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib.resources import files

from tkkpg.protocol.errors import ConfigurationError


class CardOutcome(StrEnum):
    """What the scripted host does when a test card is sent: the four outcomes of any host."""

    APPROVED = "approved"
    """It approves."""
    DECLINED = "declined"
    """It declines, with the card's response code."""
    NOT_SENT = "not_sent"
    """It cannot be reached: the card certainly never left the gateway."""
    UNKNOWN = "unknown"
    """It never answers: whether it charged the card has to be found out."""


@dataclass(frozen=True, slots=True)
class SandboxCard:
    """A test card.

    Attributes:
        name: Short name for the command line, such as `approve` or `076`.
        pan: Sixteen digits; public, but kept out of `repr` like any other card number.
        expiry: `MM/YY`.
        cvv2: Three digits.
        cardholder: The name printed on the card.
        does: One English sentence for people.
        outcome: What the scripted host does.
        response_code: What the order ends with.
        delay_s: Seconds until the host answers.
    """

    name: str
    pan: str = field(repr=False)
    expiry: str = field(repr=False)
    cvv2: str = field(repr=False)
    cardholder: str
    does: str
    outcome: CardOutcome
    response_code: str
    delay_s: float = 0


def test_cards() -> tuple[SandboxCard, ...]:
    """Give all test cards, the bank's own first."""
    return tuple(_by_name().values())


def find_card(name_or_pan: str) -> SandboxCard:
    """Find a test card by its name, or by its number with or without spaces.

    Raises:
        ConfigurationError: There is none. What was asked for is not repeated in the error: it
            might be a real card number.
    """
    wanted = name_or_pan.replace(" ", "")
    card = _by_name().get(wanted) or _by_pan().get(wanted)
    if card is None:
        names = ", ".join(_by_name())
        raise ConfigurationError(
            "There is no such test card, and the sandbox accepts no other cards. "
            f"Use one of these names, or the number of that card: {names}."
        )
    return card


@cache
def _by_name() -> Mapping[str, SandboxCard]:
    text = files("tkkpg.sandbox").joinpath("cards.toml").read_text("utf-8")
    return {
        name: SandboxCard(name=name, **(entry | {"outcome": CardOutcome(entry["outcome"])}))
        for name, entry in tomllib.loads(text)["card"].items()
    }


@cache
def _by_pan() -> Mapping[str, SandboxCard]:
    return {card.pan: card for card in _by_name().values()}
