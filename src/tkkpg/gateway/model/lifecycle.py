"""The life of an order as data: from, event, to, ledger posting.

The docs diagram, the database checks and the property tests are made from these rows.
Statuses are those of protocol description, 4.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from tkkpg.gateway.model.errors import IllegalTransition
from tkkpg.gateway.model.ledger import Posting
from tkkpg.protocol.values import OrderStatus as S

if TYPE_CHECKING:
    from datetime import datetime


class Event(StrEnum):
    """What happens to an order."""

    CARD_SUBMITTED = "CARD_SUBMITTED"
    CARD_RESUBMITTED = "CARD_RESUBMITTED"
    PAYER_LEFT = "PAYER_LEFT"
    TIMED_OUT = "TIMED_OUT"
    AUTHENTICATION_FAILED = "AUTHENTICATION_FAILED"
    AUTHORISATION_SENT = "AUTHORISATION_SENT"
    CHARGED = "CHARGED"
    HELD = "HELD"
    REFUSED = "REFUSED"
    GIVEN_UP = "GIVEN_UP"
    NOT_SENT = "NOT_SENT"
    COMPLETION_SENT = "COMPLETION_SENT"
    COMPLETED = "COMPLETED"
    COMPLETION_REFUSED = "COMPLETION_REFUSED"
    HOLD_REVERSAL_SENT = "HOLD_REVERSAL_SENT"
    HOLD_REVERSED = "HOLD_REVERSED"
    HOLD_REVERSAL_REFUSED = "HOLD_REVERSAL_REFUSED"
    CHARGE_REVERSAL_SENT = "CHARGE_REVERSAL_SENT"
    CHARGE_REVERSED = "CHARGE_REVERSED"
    CHARGE_REVERSAL_REFUSED = "CHARGE_REVERSAL_REFUSED"
    REFUND_SENT = "REFUND_SENT"
    FURTHER_REFUND_SENT = "FURTHER_REFUND_SENT"
    REFUND_CONFIRMED = "REFUND_CONFIRMED"
    REFUND_REFUSED = "REFUND_REFUSED"
    FURTHER_REFUND_REFUSED = "FURTHER_REFUND_REFUSED"


class Rule(NamedTuple):
    """One allowed step.

    Attributes:
        source: Status before.
        event: What happens.
        target: Status after.
        posting: What the ledger books with it, if anything.
    """

    source: S
    event: Event
    target: S
    posting: Posting | None = None


E, P = Event, Posting
RULES: Final = (
    Rule(S.CREATED, E.CARD_SUBMITTED, S.ON_PAYMENT),
    Rule(S.CREATED, E.PAYER_LEFT, S.CANCELED),
    Rule(S.CREATED, E.TIMED_OUT, S.EXPIRED),
    # The old attempt is abandoned and its later answers are refused.
    Rule(S.ON_PAYMENT, E.CARD_RESUBMITTED, S.ON_PAYMENT),
    Rule(S.ON_PAYMENT, E.PAYER_LEFT, S.CANCELED),
    Rule(S.ON_PAYMENT, E.TIMED_OUT, S.EXPIRED),
    Rule(S.ON_PAYMENT, E.AUTHENTICATION_FAILED, S.DECLINED),
    Rule(S.ON_PAYMENT, E.AUTHORISATION_SENT, S.ON_LOCK),
    Rule(S.ON_LOCK, E.CHARGED, S.APPROVED, P.CHARGE),
    Rule(S.ON_LOCK, E.HELD, S.PREAUTH_APPROVED, P.HOLD),
    Rule(S.ON_LOCK, E.REFUSED, S.DECLINED),
    # Silence: in the commit that reserves the reversal.
    Rule(S.ON_LOCK, E.GIVEN_UP, S.DECLINED),
    # The authorisation certainly never left.
    Rule(S.ON_LOCK, E.NOT_SENT, S.ERROR),
    Rule(S.PREAUTH_APPROVED, E.COMPLETION_SENT, S.ON_LOCK),
    Rule(S.ON_LOCK, E.COMPLETED, S.APPROVED, P.COMPLETE),
    Rule(S.ON_LOCK, E.COMPLETION_REFUSED, S.PREAUTH_APPROVED),
    Rule(S.PREAUTH_APPROVED, E.HOLD_REVERSAL_SENT, S.ON_LOCK),
    Rule(S.ON_LOCK, E.HOLD_REVERSED, S.REVERSED, P.RELEASE),
    Rule(S.ON_LOCK, E.HOLD_REVERSAL_REFUSED, S.PREAUTH_APPROVED),
    Rule(S.APPROVED, E.CHARGE_REVERSAL_SENT, S.ON_LOCK, P.RESERVE_UNCHARGE),
    Rule(S.ON_LOCK, E.CHARGE_REVERSED, S.REVERSED, P.UNCHARGE),
    Rule(S.ON_LOCK, E.CHARGE_REVERSAL_REFUSED, S.APPROVED, P.CANCEL_UNCHARGE),
    Rule(S.APPROVED, E.REFUND_SENT, S.ON_REFUND, P.RESERVE_REFUND),
    Rule(S.REFUNDED, E.FURTHER_REFUND_SENT, S.ON_REFUND, P.RESERVE_REFUND),
    Rule(S.ON_REFUND, E.REFUND_CONFIRMED, S.REFUNDED, P.REFUND),
    Rule(S.ON_REFUND, E.REFUND_REFUSED, S.APPROVED, P.CANCEL_REFUND),
    Rule(S.ON_REFUND, E.FURTHER_REFUND_REFUSED, S.REFUNDED, P.CANCEL_REFUND),
)
"""Every step that an order may take; whatever is not here is refused."""

NEXT: Final = {(rule.source, rule.event): rule for rule in RULES}
assert len(NEXT) == len(RULES), "two rules start with the same status and event"  # noqa: S101 - a broken table must not load

EXPIRING: Final = frozenset({rule.source for rule in RULES if rule.event is Event.TIMED_OUT})
"""Statuses that end when the order's time is over; a sent message is resolved instead."""

ENDED: Final = frozenset(S) - {S.CREATED, S.ON_PAYMENT, S.ON_LOCK}
"""Statuses in which the payer has nothing left to do on the hosted page."""


def step(status: S, event: Event) -> Rule:
    """Give the rule for an event.

    Raises:
        IllegalTransition: The order cannot take this step from its status.
    """
    rule = NEXT.get((status, event))
    if rule is None:
        message = f"An order in {status} cannot take the step {event}."
        raise IllegalTransition(message)
    return rule


def status_at(status: S, expires_at: datetime, now: datetime) -> S:
    """Say the status as seen at a time: past its deadline an order is EXPIRED before it is written.

    Args:
        status: As stored.
        expires_at: The order's deadline.
        now: Business time.
    """
    return S.EXPIRED if status in EXPIRING and now >= expires_at else status
