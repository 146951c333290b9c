"""The catalogue of codes: response codes of card transactions and statuses of requests.

The data are in `codes.toml`, in Azerbaijani, English and Russian; this module reads them once and
looks them up. The bank's document mixes two things that must not be confused: the *status* of a
request, where `00` is success, and the *response code* of a card transaction, where `00` is
"not enrolled" in 3-D Secure and never success (protocol description, 5.1 and 5.2).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

from tkkpg.protocol.values import Language


class Origin(StrEnum):
    """Who says a response code."""

    HOST = "host"
    """The authorisation host, for itself or for the issuer."""
    GATEWAY = "gateway"
    """The gateway, when the host could not be reached or did not answer."""
    THREE_DS = "3ds"
    """Cardholder authentication, before any card was sent to the host."""


class Outcome(StrEnum):
    """What the gateway makes of a response code."""

    APPROVE = "approve"
    """The transaction succeeded."""
    REVERSE = "reverse"
    """Only a part succeeded: reverse it at the host, and decline."""
    DECLINE = "decline"
    """The transaction did not succeed."""


class Family(StrEnum):
    """What the caller can do about a response code; the set is closed."""

    APPROVED = "approved"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    LIMIT = "limit"
    CHECK_DETAILS = "check_details"
    TRY_ANOTHER_CARD = "try_another_card"
    ASK_ISSUER = "ask_issuer"
    AUTHENTICATION = "authentication"
    RETRY_LATER = "retry_later"
    CHECK_ORDER = "check_order"
    MERCHANT_SETUP = "merchant_setup"
    TECHNICAL = "technical"

    @property
    def advice(self) -> str:
        """One English sentence for the shop's developer."""
        return ADVICE[self]


ADVICE: Final = {
    Family.APPROVED: "Confirm with GetOrderStatus, then deliver.",
    Family.INSUFFICIENT_FUNDS: (
        "Ask for another card, or for a new attempt once there is money on this one."
    ),
    Family.LIMIT: "A limit on amount or number of uses is reached: less, later, or another card.",
    Family.CHECK_DETAILS: (
        "Something typed or sent is wrong: correct card number, CVV2, PIN or amount and pay again."
    ),
    Family.TRY_ANOTHER_CARD: (
        "This card cannot pay here: ask for another one and do not try this one again."
    ),
    Family.ASK_ISSUER: (
        "The issuer refused and says no more: the cardholder calls it, or takes another card."
    ),
    Family.AUTHENTICATION: (
        "3-D Secure did not prove the cardholder: pay again and confirm, or take another card."
    ),
    Family.RETRY_LATER: (
        "A system failed or did not answer: check the order, then pay by a new one a little later."
    ),
    Family.CHECK_ORDER: (
        "Sent twice, or about a transaction that is not there: ask for the order's state first."
    ),
    Family.MERCHANT_SETUP: (
        "The merchant or terminal is not set up for this: the merchant contacts the acquirer."
    ),
    Family.TECHNICAL: (
        "Gateway and host do not understand each other: report the order's number to the acquirer."
    ),
}
"""What each family advises."""


@dataclass(frozen=True, slots=True)
class ResponseCode:
    """The outcome of a card transaction.

    Attributes:
        code: As on the wire: three digits, `-1`, or two digits of 3-D Secure.
        origin: Who says it.
        outcome: What the gateway makes of it.
        family: What the caller can do.
        texts: One text for each language.
    """

    code: str
    origin: Origin
    outcome: Outcome
    family: Family
    texts: Mapping[Language, str] = field(hash=False, repr=False)

    def text(self, language: Language) -> str:
        """Say the code in a language, as in the XMLOut's `ResponseDescription`."""
        return self.texts[language]

    @property
    def approved(self) -> bool:
        """Whether the transaction succeeded; `00` never did."""
        return self.outcome is Outcome.APPROVE


def response_code(code: str) -> ResponseCode:
    """Find a response code; one that is not listed is declined, with a text that names it.

    Args:
        code: As the host gave it; `000` and `00` are different codes.
    """
    return _responses().get(code) or ResponseCode(
        code=code,
        origin=Origin.HOST,
        outcome=Outcome.DECLINE,
        family=Family.ASK_ISSUER,
        texts=_unlisted("response", code),
    )


def listed() -> tuple[ResponseCode, ...]:
    """Give the 109 listed response codes, in the order of the bank's document."""
    return tuple(_responses().values())


def status_text(status: str, language: Language) -> str:
    """Say the status of a request in a language; one that is not listed is named by its number."""
    texts = _statuses().get(status) or _unlisted("status", status)
    return texts[language]


@cache
def _responses() -> Mapping[str, ResponseCode]:
    return {
        code: ResponseCode(
            code=code,
            origin=Origin(entry["origin"]),
            outcome=Outcome(entry["outcome"]),
            family=Family(entry["family"]),
            texts=_texts(entry),
        )
        for code, entry in _catalogue()["response"].items()
    }


@cache
def _statuses() -> Mapping[str, Mapping[Language, str]]:
    return {status: _texts(entry) for status, entry in _catalogue()["status"].items()}


def _unlisted(kind: str, code: str) -> Mapping[Language, str]:
    texts = _texts(_catalogue()["unlisted"][kind])
    return MappingProxyType({language: text.format(code=code) for language, text in texts.items()})


@cache
def _catalogue() -> dict[str, Any]:
    return tomllib.loads(files("tkkpg.protocol").joinpath("codes.toml").read_text("utf-8"))


def _texts(entry: Mapping[str, str]) -> Mapping[Language, str]:
    return MappingProxyType({language: entry[language.lower()] for language in Language})
