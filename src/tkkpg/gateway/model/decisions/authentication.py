"""What an authentication by 3-D Secure means for the payment: one table, and the steps around it.

A card is taken and its authorisation reserved; then the authentication decides whether the
authorisation is sent, with which proof, or the order is declined with which code. Each step is done
once: repeated, or after the order has moved on, it plans nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from tkkpg.gateway.model.card import Scheme
from tkkpg.gateway.model.decisions.notices import notices, status_notices
from tkkpg.gateway.model.decisions.reservation import Numbers, find_transaction, reserved
from tkkpg.gateway.model.errors import IllegalTransition
from tkkpg.gateway.model.lifecycle import Event
from tkkpg.gateway.model.plan import Context, Facts, OrderChange, Plan, TransactionChange
from tkkpg.gateway.model.transaction import TranKind, TranState
from tkkpg.protocol.masking import Secret
from tkkpg.protocol.values import OrderStatus, OrderType

if TYPE_CHECKING:
    from datetime import datetime

    from tkkpg.gateway.model.card import Card


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
    """Read the table.

    A proof without a CAVV, or one whose ECI is not that of its strength, counts as unavailable:
    the host is never told of more than was proved.
    """
    action = BY_VERDICT[result.verdict]
    if not _is_coherent(result, action, scheme):
        action = BY_VERDICT[Verdict.UNAVAILABLE]
    if action.proof is None:
        too_many = result.reason in TOO_MANY_REASONS
        return Decline(TOO_MANY_CODE if too_many else action.code)
    if not action.always and unauthenticated is Unauthenticated.DECLINE:
        return Decline(action.code)
    cavv = None if action.proof is Proof.NONE else result.cavv
    return Proceed(eci_of(action.proof, scheme), cavv)


def _is_coherent(result: AuthenticationResult, action: Action, scheme: Scheme | None) -> bool:
    if action.proof in {None, Proof.NONE}:
        return True
    proved = result.cavv is not None or action.proof is not Proof.FULL
    return proved and (
        result.eci is None
        or (action.proof is not None and result.eci == eci_of(action.proof, scheme))
    )


def plan_attempt(
    context: Context,
    facts: Facts,
    card: Card,
    numbers: Numbers,
    *,
    pan_hash: str,
    card_uid: str | None = None,
    register: bool = False,
) -> Plan:
    """Take a card and reserve its authorisation, which waits for the authentication.

    A card that is typed again replaces the one before, whose attempt is abandoned.

    Raises:
        IllegalTransition: The order is not waiting for a card (any more).
    """
    order = facts.order
    _check_time(facts, context.now)
    again = order.status is OrderStatus.ON_PAYMENT
    taken, _ = order.after(Event.CARD_RESUBMITTED if again else Event.CARD_SUBMITTED, context.now)
    pre_auth = order.order_type is OrderType.PRE_AUTH
    tran = replace(
        reserved(context, facts, TranKind.AUTHORISATION, numbers, order.amount_minor),
        state=TranState.RESERVED,
        sent_at=None,
        pan_masked=card.masked,
        pan_hash=pan_hash,
        brand=card.scheme,
        hold=pre_auth,
        register=register,
        card_uid=card_uid,
        card_expiry=str(card.expiry) if register else None,
        fee_minor=0 if pre_auth else order.fee_minor,
    )
    return Plan(
        context=context,
        action="authentication_begun",
        order_id=order.order_id,
        detail={"tran_id": tran.tran_id, "card": card.masked},
        orders=(OrderChange(taken, order.version),),
        new_transactions=(tran,),
        transactions=abandoned(facts, context.now),
        notifications=status_notices(context, facts, taken),
    )


def plan_proceed(context: Context, facts: Facts, tran_id: int, proceed: Proceed) -> Plan | None:
    """Send the authorisation of an attempt.

    Returns:
        The plan, or `None` when the attempt was sent, declined or abandoned before.

    Raises:
        IllegalTransition: The order's time is over.
    """
    tran = find_transaction(facts, tran_id)
    if tran.state is not TranState.RESERVED:
        return None
    _check_time(facts, context.now)
    locked, _ = facts.order.after(Event.AUTHORISATION_SENT, context.now)
    sent = replace(tran.moved(TranState.SENT), sent_at=context.now)
    return Plan(
        context=context,
        action="authorisation_reserved",
        order_id=locked.order_id,
        detail={"tran_id": tran_id, "stan": tran.stan, "eci": proceed.eci},
        orders=(OrderChange(locked, facts.order.version),),
        transactions=(TransactionChange(sent, tran.state),),
        notifications=status_notices(context, facts, locked),
    )


def plan_decline(context: Context, facts: Facts, tran_id: int, decline: Decline) -> Plan | None:
    """Decline the order of an attempt whose cardholder was not proved.

    The transaction is abandoned, since it never left, and keeps the code that the shop is told.

    Returns:
        The plan, or `None` when the attempt was sent, declined or abandoned before, or when the
        order's time is over, which is written by its own step.
    """
    tran = find_transaction(facts, tran_id)
    if tran.state is not TranState.RESERVED:
        return None
    if facts.order.status_at(context.now) is not facts.order.status:
        return None
    declined, _ = facts.order.after(Event.AUTHENTICATION_FAILED, context.now)
    ended = replace(
        tran.moved(TranState.ABANDONED), finished_at=context.now, response_code=decline.code
    )
    return Plan(
        context=context,
        action="authentication_failed",
        order_id=declined.order_id,
        detail={"tran_id": tran_id, "response_code": decline.code},
        orders=(OrderChange(declined, facts.order.version),),
        transactions=(TransactionChange(ended, tran.state),),
        notifications=notices(context, facts, declined, ended),
    )


def abandoned(facts: Facts, now: datetime) -> tuple[TransactionChange, ...]:
    """End the attempts that wait for an authentication: the payer left, or typed a card again."""
    return tuple(
        TransactionChange(
            replace(tran.moved(TranState.ABANDONED), finished_at=now), TranState.RESERVED
        )
        for tran in facts.transactions
        if tran.state is TranState.RESERVED
    )


def _check_time(facts: Facts, now: datetime) -> None:
    if facts.order.status_at(now) is not facts.order.status:
        message = "The order's time is over."
        raise IllegalTransition(message)
