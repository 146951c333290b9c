"""What an authentication by 3-D Secure says, and what follows from it: one table."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, NamedTuple

from tkkpg.protocol.masking import Secret
from tkkpg.protocol.pan import Scheme


class Verdict(StrEnum):
    """How an authentication ended; the letters are those of `transStatus`."""

    PROVED = "Y"
    ATTEMPTED = "A"
    UNAVAILABLE = "U"
    INFORMATION = "I"
    DECOUPLED = "D"
    NO_ANSWER = "no answer"
    NOT_ENROLLED = "card range unknown"
    REFUSED = "N"
    REJECTED = "R"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed out"


class Unauthenticated(StrEnum):
    """The merchant's setting: what happens to a card whose holder could not be proved."""

    DECLINE = "decline"
    PROCEED = "proceed"


class Proof(StrEnum):
    """How strongly the cardholder was proved; each scheme has its ECI for it."""

    FULL = "full"
    ATTEMPT = "attempt"
    NONE = "none"


class Action(NamedTuple):
    """One row: what follows from a verdict.

    Attributes:
        verdict: How the authentication ended.
        proof: What the host is told, `None` where the card is never sent.
        always: Whether it is sent whatever the merchant's setting is.
        code: Response code where it is not sent.
        verification: `ThreeDSVerificaion` of the XMLOut, Y, N, U or A.
    """

    verdict: Verdict
    proof: Proof | None
    always: bool
    code: str
    verification: str


FAILED_CODE: Final = "05"
NOT_ENROLLED_CODE: Final = "00"
TOO_MANY_CODE: Final = "18"
"""Our choice: the bank lists 18 among the codes of 3-D Secure and never says when it occurs."""
TOO_MANY_REASONS: Final = frozenset({"04", "19"})
"""`transStatusReason`: exceeds authentication frequency limit; exceeds the ACS's maximum
challenges (EMV 3DS 2.2, table A.1)."""

_V, _P = Verdict, Proof
ACTIONS: Final = (
    Action(_V.PROVED, _P.FULL, always=True, code=FAILED_CODE, verification="Y"),
    Action(_V.ATTEMPTED, _P.ATTEMPT, always=False, code=FAILED_CODE, verification="A"),
    Action(_V.UNAVAILABLE, _P.NONE, always=False, code=FAILED_CODE, verification="U"),
    Action(_V.INFORMATION, _P.NONE, always=False, code=FAILED_CODE, verification="U"),
    Action(_V.DECOUPLED, _P.NONE, always=False, code=FAILED_CODE, verification="U"),
    Action(_V.NO_ANSWER, _P.NONE, always=False, code=FAILED_CODE, verification="U"),
    Action(_V.NOT_ENROLLED, _P.NONE, always=False, code=NOT_ENROLLED_CODE, verification="U"),
    Action(_V.REFUSED, None, always=False, code=FAILED_CODE, verification="N"),
    Action(_V.REJECTED, None, always=False, code=FAILED_CODE, verification="N"),
    Action(_V.CANCELLED, None, always=False, code=FAILED_CODE, verification="N"),
    Action(_V.TIMED_OUT, None, always=False, code=FAILED_CODE, verification="N"),
)
"""What follows from each verdict; the table of docs/threeds.md is made from it."""

BY_VERDICT: Final = {action.verdict: action for action in ACTIONS}

_ECI: Final = {Proof.FULL: "05", Proof.ATTEMPT: "06", Proof.NONE: "07"}
_ECI_MASTERCARD: Final = {Proof.FULL: "02", Proof.ATTEMPT: "01", Proof.NONE: "00"}


def eci_of(proof: Proof, scheme: Scheme | None) -> str:
    """Give the electronic commerce indicator that a scheme has for a strength of proof."""
    return (_ECI_MASTERCARD if scheme is Scheme.MASTERCARD else _ECI)[proof]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticationResult:
    """The result of an authentication, from the ARes or the RReq.

    Attributes:
        verdict: How it ended.
        eci: As the directory said it, if it did.
        cavv: The proof, 20 bytes in base64; sent to the host and kept nowhere.
        ds_trans_id: The directory's number of it; a UUID.
        reason: `transStatusReason`, two digits.
    """

    verdict: Verdict
    eci: str | None = None
    cavv: Secret | None = None
    ds_trans_id: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Authentication:
    """What is kept of the authentication behind an authorisation.

    Attributes:
        server_trans_id: `threeDSServerTransID`, a UUID of its own for each.
        key: Sealed; opens the card that the payer's browser carries, as long as the attempt waits.
        verdict: How it ended, once that is known; no stronger than what was proved.
        reason: `transStatusReason`, two digits.
        eci: What the host is told, two digits; before that, what the directory said.
        ds_trans_id: The directory's number of it, a UUID.
        cavv: The proof, sealed, as long as the attempt waits.
    """

    server_trans_id: str
    key: Secret | None = None
    verdict: Verdict | None = None
    reason: str | None = None
    eci: str | None = None
    ds_trans_id: str | None = None
    cavv: str | None = field(default=None, repr=False)

    def closed(self) -> Authentication:
        """Forget what gives the card or the proof back: the attempt waits no more."""
        return replace(self, key=None, cavv=None)


@dataclass(frozen=True, slots=True)
class Proceed:
    """The authorisation is sent.

    Attributes:
        eci: Two digits.
        cavv: The proof; with nothing proved there is none.
    """

    eci: str
    cavv: Secret | None


@dataclass(frozen=True, slots=True)
class Decline:
    """The order is declined, and the card never sent."""

    code: str


def decide_authentication(
    result: AuthenticationResult, unauthenticated: Unauthenticated, scheme: Scheme | None
) -> Proceed | Decline:
    """Read the table."""
    action = BY_VERDICT[proved(result, scheme)]
    if action.proof is None:
        too_many = result.reason in TOO_MANY_REASONS
        return Decline(TOO_MANY_CODE if too_many else action.code)
    if not action.always and unauthenticated is Unauthenticated.DECLINE:
        return Decline(action.code)
    cavv = None if action.proof is Proof.NONE else result.cavv
    return Proceed(eci_of(action.proof, scheme), cavv)


def proved(result: AuthenticationResult, scheme: Scheme | None) -> Verdict:
    """Say what a result is worth.

    A proof without a CAVV, or one whose ECI is not that of its strength, counts as unavailable:
    the host is never told of more than was proved.
    """
    coherent = _is_coherent(result, BY_VERDICT[result.verdict], scheme)
    return result.verdict if coherent else Verdict.UNAVAILABLE


def proof_of(sent: Authentication, result: AuthenticationResult) -> Proceed:
    """Say what the host is told of an authentication with which an authorisation was sent.

    Args:
        sent: As it was committed with the authorisation.
        result: Whose CAVV goes along, where anything was proved.
    """
    proof = BY_VERDICT[sent.verdict].proof if sent.verdict else None
    return Proceed(sent.eci or "", result.cavv if proof in {Proof.FULL, Proof.ATTEMPT} else None)


def _is_coherent(result: AuthenticationResult, action: Action, scheme: Scheme | None) -> bool:
    if action.proof in {None, Proof.NONE}:
        return True
    backed = result.cavv is not None or action.proof is not Proof.FULL
    return backed and (
        result.eci is None
        or (action.proof is not None and result.eci == eci_of(action.proof, scheme))
    )
