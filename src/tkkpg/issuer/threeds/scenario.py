"""What directory and access control server make of a card: data, handed in at their start."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Answer(StrEnum):
    """How the AReq of a card is answered."""

    FRICTIONLESS = "frictionless"
    """Y, with ECI and CAVV."""
    ATTEMPTED = "attempted"
    """A, with ECI and CAVV."""
    NOT_AUTHENTICATED = "not-authenticated"
    """N, reason 01."""
    TOO_OFTEN = "too-often"
    """N, reason 04: more authentications than the issuer allows."""
    REJECTED = "rejected"
    """R, reason 11."""
    UNAVAILABLE = "unavailable"
    """U, reason 22."""
    INFORMATION = "information"
    """I."""
    DECOUPLED = "decoupled"
    """D."""
    CHALLENGE = "challenge"
    """C: the cardholder is asked for a one-time code."""
    SILENT = "silent"
    """Never."""
    MALFORMED = "malformed"
    """By something that is no message."""
    OTHER_TRANSACTION = "other-transaction"
    """Y, but for another transaction."""
    REDIRECT = "redirect"
    """By sending the asker elsewhere."""


class Fault(StrEnum):
    """What goes wrong after a challenge, however it ended."""

    NO_RESULT = "no-result"
    """The RReq is never sent; the CRes comes alone."""
    RESULT_TWICE = "result-twice"
    """The same RReq is sent again after it was taken."""
    RESULT_AFTER = "result-after"
    """The CRes goes back first, the RReq follows in a moment."""
    RESULT_LATE = "result-late"
    """The RReq follows when nobody waits for it any more."""
    FORGED = "forged"
    """The RReq says N, the CRes says Y."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What happens to one card.

    Attributes:
        answer: How its AReq is answered.
        fault: What goes wrong after its challenge.
        method: Whether its range names a method URL.
    """

    answer: Answer
    fault: Fault | None = None
    method: bool = False
