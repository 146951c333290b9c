"""The steps of a payment around 3-D Secure: begin an attempt, keep its result, send or decline it.

A card is taken and its authorisation reserved; then the authentication decides whether the
authorisation is sent, with which proof, or the order is declined with which code. Each step is done
once: repeated, or after the order has moved on, it plans nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from tkkpg.gateway.model.authentication import (
    TOO_MANY_CODE,
    Authentication,
    AuthenticationResult,
    Decline,
    Proceed,
    decide_authentication,
    proved,
)
from tkkpg.gateway.model.decisions.notices import notices, status_notices
from tkkpg.gateway.model.decisions.reservation import (
    Numbers,
    authorisation,
    find_transaction,
    retrieval_reference,
)
from tkkpg.gateway.model.errors import IllegalTransition
from tkkpg.gateway.model.lifecycle import Event
from tkkpg.gateway.model.plan import Context, Facts, OrderChange, Plan, TransactionChange
from tkkpg.gateway.model.transaction import Transaction, TranState
from tkkpg.protocol.pan import Scheme
from tkkpg.protocol.values import OrderStatus

if TYPE_CHECKING:
    from datetime import datetime

    from tkkpg.gateway.model.card import Card
    from tkkpg.protocol.masking import Secret


ATTEMPTS_MAX: Final = 10
"""Cards of one order that are sent to 3-D Secure: a payer needs two or three, and whoever tries out
stolen numbers is not to have more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAttempt:
    """What is drawn and made for an attempt before it is decided.

    Attributes:
        numbers: Of the authorisation, should it be sent.
        server_trans_id: `threeDSServerTransID`, a UUID.
        key: Sealed; opens the card that the payer's browser carries.
        pan_hash: Keyed hash of the card's number.
        card_uid: Under which the card is to be saved; `None` where it is not.
    """

    numbers: Numbers
    server_trans_id: str
    key: Secret
    pan_hash: str = field(repr=False)
    card_uid: str | None = None


def plan_attempt(context: Context, facts: Facts, card: Card, new: NewAttempt) -> Plan:
    """Take a card and reserve its authorisation, which waits for the authentication.

    A card that is typed again replaces the one before, whose attempt is abandoned. After
    `ATTEMPTS_MAX` attempts the order is declined instead.

    Raises:
        IllegalTransition: The order is not waiting for a card (any more).
    """
    order = facts.order
    if order.status_at(context.now) is not order.status:
        message = "The order's time is over."
        raise IllegalTransition(message)
    again = order.status is OrderStatus.ON_PAYMENT
    if again and len(facts.transactions) >= ATTEMPTS_MAX:
        (waits,) = (tran for tran in facts.transactions if tran.state is TranState.RESERVED)
        return _declined(context, facts, waits, Decline(TOO_MANY_CODE))
    taken, _ = order.after(Event.CARD_RESUBMITTED if again else Event.CARD_SUBMITTED, context.now)
    tran = replace(
        authorisation(context, facts, card, new.numbers, card_uid=new.card_uid),
        state=TranState.RESERVED,
        sent_at=None,
        pan_hash=new.pan_hash,
        register=new.card_uid is not None,
        card_expiry=str(card.expiry) if new.card_uid else None,
        authentication=Authentication(server_trans_id=new.server_trans_id, key=new.key),
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


def plan_authenticated(
    context: Context, facts: Facts, tran_id: int, result: AuthenticationResult
) -> Plan | None:
    """Send the authorisation of an attempt, or decline its order, as the result says.

    Returns:
        The plan, or `None` when the attempt was sent, declined or abandoned before, or when the
        order's time is over, which is written by its own step.
    """
    tran = _waiting(context, facts, tran_id)
    if tran is None:
        return None
    decision = decide_authentication(result, facts.merchant.unauthenticated, _scheme(tran))
    if isinstance(decision, Decline):
        return _declined(context, facts, _with(tran, result), decision)
    return _sent(context, facts, _with(tran, result), decision)


def plan_result(
    context: Context, facts: Facts, tran_id: int, result: AuthenticationResult, cavv: str | None
) -> Plan | None:
    """Keep the result of a challenge: the order is declined, or waits for the payer to come back.

    Args:
        context: Identity and time.
        facts: The order as it is.
        tran_id: The attempt.
        result: As the directory told it.
        cavv: Its proof, sealed.

    Returns:
        The plan, or `None` when a result was kept before, or the attempt waits for none.
    """
    tran = _waiting(context, facts, tran_id)
    if tran is None or _attempt(tran).verdict is not None:
        return None
    kept = _with(tran, result)
    decision = decide_authentication(result, facts.merchant.unauthenticated, _scheme(tran))
    if isinstance(decision, Decline):
        return _declined(context, facts, kept, decision)
    # The version guards it: of two results at once, one is the first.
    order = replace(facts.order, version=facts.order.version + 1)
    kept = replace(kept, authentication=replace(_attempt(kept), cavv=cavv))
    return Plan(
        context=context,
        action="authentication_kept",
        order_id=order.order_id,
        detail={"tran_id": tran_id, "result": result.verdict},
        orders=(OrderChange(order, facts.order.version),),
        transactions=(TransactionChange(kept, tran.state),),
    )


def _sent(context: Context, facts: Facts, tran: Transaction, proceed: Proceed) -> Plan:
    locked, _ = facts.order.after(Event.AUTHORISATION_SENT, context.now)
    sent = replace(
        tran.moved(TranState.SENT),
        rrn=retrieval_reference(context.now, tran.tran_id),  # it names the day of the message
        sent_at=context.now,
        authentication=replace(_attempt(tran).closed(), eci=proceed.eci),
    )
    return Plan(
        context=context,
        action="authorisation_reserved",
        order_id=locked.order_id,
        detail={"tran_id": tran.tran_id, "stan": tran.stan, "eci": proceed.eci},
        orders=(OrderChange(locked, facts.order.version),),
        transactions=(TransactionChange(sent, tran.state),),
        notifications=status_notices(context, facts, locked),
    )


def _declined(context: Context, facts: Facts, tran: Transaction, decline: Decline) -> Plan:
    """Decline an order; the transaction, which never left, keeps the code that the shop is told."""
    declined, _ = facts.order.after(Event.AUTHENTICATION_FAILED, context.now)
    ended = replace(_abandoned(tran, context.now), response_code=decline.code)
    result = _attempt(tran).verdict or ""
    return Plan(
        context=context,
        action="authentication_failed",
        order_id=declined.order_id,
        detail={"tran_id": tran.tran_id, "response_code": decline.code, "result": result},
        orders=(OrderChange(declined, facts.order.version),),
        transactions=(TransactionChange(ended, tran.state),),
        notifications=notices(context, facts, declined, ended),
    )


def abandoned(facts: Facts, now: datetime) -> tuple[TransactionChange, ...]:
    """End the attempts that wait for an authentication: the payer left, or typed a card again."""
    return tuple(
        TransactionChange(_abandoned(tran, now), TranState.RESERVED)
        for tran in facts.transactions
        if tran.state is TranState.RESERVED
    )


def _abandoned(tran: Transaction, now: datetime) -> Transaction:
    return replace(
        tran.moved(TranState.ABANDONED),
        finished_at=now,
        card_expiry=None,
        card_uid=None,
        authentication=_attempt(tran).closed(),
    )


def _attempt(tran: Transaction) -> Authentication:
    if tran.authentication is None:
        message = f"Transaction {tran.tran_id} is not authenticated by 3-D Secure."
        raise IllegalTransition(message)
    return tran.authentication


def _with(tran: Transaction, result: AuthenticationResult) -> Transaction:
    """Note a result for what it is worth."""
    noted = replace(
        _attempt(tran),
        verdict=proved(result, _scheme(tran)),
        reason=result.reason,
        eci=result.eci,
        ds_trans_id=result.ds_trans_id,
    )
    return replace(tran, authentication=noted)


def _scheme(tran: Transaction) -> Scheme | None:
    return Scheme(tran.brand) if tran.brand else None


def _waiting(context: Context, facts: Facts, tran_id: int) -> Transaction | None:
    """Give an attempt that still waits for its authentication, in an order whose time is not over.

    Raises:
        IllegalTransition: The order has no such transaction.
    """
    tran = find_transaction(facts, tran_id)
    in_time = facts.order.status_at(context.now) is facts.order.status
    return tran if tran.state is TranState.RESERVED and in_time else None
