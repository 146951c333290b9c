"""The test cards of the sandbox: public numbers, each with what it makes happen.

The named ones are data, in `cards.toml`. One more is made for every response code of the catalogue
that none of those is named by, so that no code can be without a card. Nothing else may be paid with
in the sandbox, so that a real card typed by mistake never becomes data.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any, Final

from tkkpg.issuer.threeds.scenario import Answer, Fault, Scenario
from tkkpg.protocol.codes import Origin, Outcome, ResponseCode, listed, response_code
from tkkpg.protocol.errors import ConfigurationError
from tkkpg.protocol.pan import passes_check_digit
from tkkpg.protocol.values import Language

AMOUNT_BASE_MINOR: Final = 100_000
"""On the card `amount`, this plus a code is the amount that ends with the code: 1,000.76 is 076,
1,000.00 is 000, 999.99 is -1. Minor units of any currency."""
THREEDS_BASE_MINOR: Final = 200_000
"""The same for the codes of 3-D Secure: 2,000.05 is 05. From the base above 00 would be 000."""
PLAIN_APPROVAL: Final = "001"
"""What an account with money answers."""
_SCHEME: Final = "40000000"
"""Leading digits of a card that is made for a code: Visa, in a range of test cards."""


class CardOutcome(StrEnum):
    """What the host does with a test card, once 3-D Secure has let it through."""

    APPROVED = "approved"
    """It is approved."""
    PART = "part"
    """It is approved in part, and so reversed and declined."""
    DECLINED = "declined"
    """It is declined, with the card's response code."""
    NOT_SENT = "not_sent"
    """The host cannot be reached: the card certainly never left the gateway."""
    UNKNOWN = "unknown"
    """The host never answers: whether it charged the card has to be found out."""


_OUTCOMES: Final = {
    Outcome.APPROVE: CardOutcome.APPROVED,
    Outcome.REVERSE: CardOutcome.PART,
    Outcome.DECLINE: CardOutcome.DECLINED,
}
_DOES: Final = {
    CardOutcome.APPROVED: "Approved",
    CardOutcome.PART: "Approved only in part, so reversed and declined",
    CardOutcome.DECLINED: "Declined",
}


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
        outcome: What becomes of an authorisation that is sent.
        response_code: What the order ends with, at a merchant whose `unauthenticated` is `decline`
            and with a payer who passes a challenge.
        delay_s: Seconds until the host answers.
        threeds: What 3-D Secure does; `None` for a card whose range the directory does not know.
    """

    name: str
    pan: str = field(repr=False)
    expiry: str = field(repr=False)
    cvv2: str = field(repr=False)
    cardholder: str
    does: str
    outcome: CardOutcome
    response_code: str
    threeds: Scenario | None
    delay_s: float = 0

    @property
    def host_code(self) -> str:
        """What the host answers, also where 3-D Secure would end the order with its own code."""
        decided = response_code(self.response_code).origin is Origin.THREE_DS
        return PLAIN_APPROVAL if decided else self.response_code

    @property
    def threeds_words(self) -> str:
        """What 3-D Secure does with it, in a few words for people."""
        if self.threeds is None:
            return "range not known"
        method = ("method page",) if self.threeds.method else ()
        fault = () if self.threeds.fault is None else (self.threeds.fault,)
        return ", ".join((*method, self.threeds.answer, *fault))


def test_cards() -> tuple[SandboxCard, ...]:
    """Give the cards that are named for what they do, the bank's own first."""
    return tuple(_card({"name": name, **entry}) for name, entry in _data()["card"].items())


def amount_card() -> SandboxCard:
    """Give the one card whose outcome follows the amount, by `amount_minor_of`."""
    return _card(_data()["by_amount"])


def every_card() -> tuple[SandboxCard, ...]:
    """Give all cards that the sandbox accepts: named, by amount, then one for each other code."""
    return tuple(_by_name().values())


def codes_of(*origins: Origin) -> tuple[str, ...]:
    """Give the response codes that one of these says, in the order of the bank's document."""
    return tuple(entry.code for entry in listed() if entry.origin in origins)


def card_of(code: str) -> SandboxCard:
    """Find the card that a payment with ends with a response code.

    Raises:
        ConfigurationError: The code is not listed.
    """
    if code not in {entry.code for entry in listed()}:
        raise ConfigurationError(
            f"The response code {code!r} cannot be had here. Use one of those that `tkkpg cards` "
            "lists; a code is written as the bank writes it, such as 076."
        )
    return _by_name()[code]


def amount_minor_of(code: str) -> int:
    """Give the amount, in minor units, that on the card `amount` ends with a response code.

    Raises:
        ConfigurationError: The code is not listed.
    """
    threeds = card_of(code).response_code in codes_of(Origin.THREE_DS)
    return (THREEDS_BASE_MINOR if threeds else AMOUNT_BASE_MINOR) + int(code)


def find_card(name_or_pan: str) -> SandboxCard:
    """Find a test card by its name, or by its number with or without spaces.

    Raises:
        ConfigurationError: There is none. What was asked for is not repeated in the error: it
            might be a real card number.
    """
    wanted = name_or_pan.replace(" ", "")
    card = _by_name().get(wanted) or _by_pan().get(wanted)
    if card is None:
        names = ", ".join(card.name for card in (*test_cards(), amount_card()))
        raise ConfigurationError(
            "There is no such test card, and the sandbox accepts no other cards. "
            f"Use one of these names, or the number of that card: {names}; or a response code, "
            "whose cards `tkkpg cards` lists."
        )
    return card


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(files("tkkpg.sandbox").joinpath("cards.toml").read_text("utf-8"))


def _card(entry: Mapping[str, Any]) -> SandboxCard:
    told = _data()["usual"] | entry
    return SandboxCard(
        **{
            **told,
            "outcome": CardOutcome(told["outcome"]),
            "threeds": _scenario(told["threeds"]) if told["threeds"] else None,
        }
    )


def _scenario(told: Mapping[str, Any]) -> Scenario:
    fault = told.get("fault")
    return Scenario(**{**told, "answer": Answer(told["answer"]), "fault": fault and Fault(fault)})


@cache
def _by_name() -> Mapping[str, SandboxCard]:
    named = {card.name: card for card in (*test_cards(), amount_card())}
    return named | {entry.code: _made(entry) for entry in listed() if entry.code not in named}


@cache
def _by_pan() -> Mapping[str, SandboxCard]:
    return {card.pan: card for card in _by_name().values()}


def _made(entry: ResponseCode) -> SandboxCard:
    """Make the card of a code; its number shows the code in its third group: 4000 0000 0205 0005.

    Only what field 39 says can be made so: a code that has another cause needs a named card.
    """
    outcome = _OUTCOMES[entry.outcome]
    return _card(
        {
            "name": entry.code,
            "pan": _with_check_digit(f"{_SCHEME}{entry.code:0>4}000"),
            "does": f"{_DOES[outcome]}: {entry.text(Language.EN)}.",
            "outcome": outcome,
            "response_code": entry.code,
        }
    )


def _with_check_digit(digits: str) -> str:
    return next(digits + last for last in "0123456789" if passes_check_digit(digits + last))
