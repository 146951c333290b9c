"""A transaction: one financial message exchanged with the host, and its outcome."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from tkkpg.gateway.model.authentication import Authentication
from tkkpg.gateway.model.errors import IllegalTransition
from tkkpg.gateway.model.lifecycle import Event
from tkkpg.protocol.codes import Outcome as CodeOutcome
from tkkpg.protocol.codes import response_code
from tkkpg.protocol.masking import Secret
from tkkpg.protocol.messages import Position
from tkkpg.protocol.values import Currency, OrderType


class TranKind(StrEnum):
    """Kinds of financial messages."""

    AUTHORISATION = "AUTHORISATION"
    COMPLETION = "COMPLETION"
    REVERSAL = "REVERSAL"
    REFUND = "REFUND"


class TranState(StrEnum):
    """Where a transaction is; SENT and UNKNOWN are *open*."""

    RESERVED = "RESERVED"
    SENT = "SENT"
    ABANDONED = "ABANDONED"
    APPROVED = "APPROVED"
    DECLINED = "DECLINED"
    NOT_SENT = "NOT_SENT"
    UNKNOWN = "UNKNOWN"
    REVERSING = "REVERSING"
    REVERSED = "REVERSED"


_T = TranState
STEPS: Final = {
    _T.RESERVED: frozenset({_T.SENT, _T.ABANDONED}),
    _T.SENT: frozenset({_T.APPROVED, _T.DECLINED, _T.NOT_SENT, _T.UNKNOWN}),
    _T.UNKNOWN: frozenset({_T.APPROVED, _T.DECLINED, _T.REVERSING}),
    _T.REVERSING: frozenset({_T.REVERSED}),
}
"""States that may follow each state; the others are final."""

OPEN: Final = (TranState.SENT, TranState.UNKNOWN)
"""At most one transaction of an order is in these states."""

UNRESOLVED: Final = (*OPEN, TranState.REVERSING)
"""States that reconciliation works on after a crash."""

NO_LINK_CODE: Final = "-1"
"""Response code of an authorisation that never left (document: POS not answer)."""
PARKED_AFTER: Final = timedelta(hours=24)
"""How long an outcome is asked for, before the transaction is left to the operator."""
SILENCE_CODE: Final = "810"
"""Response code of a host that did not answer (document: transaction timeout)."""


class Outcome(StrEnum):
    """What became of a message to the host; a silent host is an outcome, not an exception."""

    APPROVED = "APPROVED"
    DECLINED = "DECLINED"
    NOT_SENT = "NOT_SENT"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class HostReply:
    """The host's answer to one message.

    Attributes:
        outcome: What is certain about it.
        response_code: Three characters; `-1` for not sent and `810` for silence.
        approval_code: The issuer's code for a success, else empty.
        token: The host's token of the card that it registered, only of an approval.
    """

    outcome: Outcome
    response_code: str
    approval_code: str = ""
    token: Secret | None = None

    @classmethod
    def of(cls, code: str, approval_code: str = "", token: Secret | None = None) -> HostReply:
        """Read a response code that the host gave.

        A part approval (502, 503) is unknown, and so reversed and declined. An approval without
        an approval code cannot be presented to anyone, so it is unknown too.
        """
        outcome = response_code(code).outcome
        if outcome is CodeOutcome.DECLINE:
            return cls(Outcome.DECLINED, code)
        if outcome is CodeOutcome.APPROVE and approval_code:
            return cls(Outcome.APPROVED, code, approval_code, token)
        return cls(Outcome.UNKNOWN, SILENCE_CODE if outcome is CodeOutcome.APPROVE else code)

    @classmethod
    def not_sent(cls) -> HostReply:
        """The message certainly never left: nothing to undo."""
        return cls(Outcome.NOT_SENT, NO_LINK_CODE)

    @classmethod
    def silent(cls) -> HostReply:
        """The message may have arrived, and no answer came in time."""
        return cls(Outcome.UNKNOWN, SILENCE_CODE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """One financial message; what is transmitted is fixed when it is reserved.

    Attributes:
        tran_id: Our number.
        two_id: Its number in the bank's back system, told to the merchant.
        stan: Trace number, six digits, sent with the message.
        rrn: Retrieval reference number, twelve digits, the host's lasting reference.
        sent_at: Transmission date-time, UTC, sent with the message and every repeat.
        original_id: The transaction that a refund, completion or reversal refers to.
        hold: An authorisation that only holds the amount, to be completed later.
        register: An authorisation that asks the host to keep the card.
        reversal_stan: Trace number of the reversal advice, once one is reserved.
        reversal_at: Transmission date-time of the advice and its repeats, UTC.
        late_reply: Response and approval code of an answer that came after the reversal was
            reserved: it is kept and changes nothing.
        parked_at: When it was left to the operator, who alone resolves it from then on.
        card_uid: The saved card that paid, or that was made of this payment.
        card_expiry: `MM/YY` of a card that the host is asked to keep; of no other.
        fee_minor: The merchant's fee that is booked or given back with it, in minor units.
        settled: A reversal of a charge that was settled, so the merchant's current account pays.
        request_digest: SHA-256 of the request that asked for it, hexadecimal; tells a repeat.
        source: `Source` of the request; kept only.
        positions: Lines of goods of the request; kept and shown.
        pan_masked: `416973••••••5869`; the number itself is nowhere.
        pan_hash: Keyed hash of the number, hexadecimal.
        brand: Scheme as written on the wire: VISA, MC, …
        authentication: By 3-D Secure, of an authorisation whose card was typed on the page.
    """

    tran_id: int
    order_id: int
    merchant_id: str
    terminal_id: str
    kind: TranKind
    state: TranState
    amount_minor: int
    currency: Currency
    two_id: int
    stan: int
    rrn: str
    created_at: datetime
    sent_at: datetime | None = None
    finished_at: datetime | None = None
    response_code: str | None = None
    approval_code: str | None = None
    original_id: int | None = None
    hold: bool = False
    register: bool = False
    reversal_stan: int | None = None
    reversal_at: datetime | None = None
    late_reply: str | None = None
    parked_at: datetime | None = None
    card_uid: str | None = None
    card_expiry: str | None = None
    fee_minor: int = 0
    settled: bool = False
    request_digest: str = ""
    source: str = ""
    positions: tuple[Position, ...] = ()
    description: str = ""
    pan_masked: str | None = None
    pan_hash: str | None = None
    brand: str | None = None
    authentication: Authentication | None = None

    @property
    def saved_card_uid(self) -> str | None:
        """CardUID of the card that was saved with this payment, if one was."""
        saved = self.register and self.state is TranState.APPROVED
        return self.card_uid if saved else None

    def moved(self, state: TranState) -> Transaction:
        """Give the transaction in a following state.

        Raises:
            IllegalTransition: The state cannot follow.
        """
        if state not in STEPS.get(self.state, frozenset()):
            message = f"A transaction in {self.state} cannot become {state}."
            raise IllegalTransition(message)
        return replace(self, state=state)


_BY_OUTCOME: Final = {
    (TranKind.AUTHORISATION, Outcome.DECLINED): Event.REFUSED,
    (TranKind.AUTHORISATION, Outcome.NOT_SENT): Event.NOT_SENT,
    (TranKind.AUTHORISATION, Outcome.UNKNOWN): Event.GIVEN_UP,
    (TranKind.COMPLETION, Outcome.APPROVED): Event.COMPLETED,
    (TranKind.COMPLETION, Outcome.DECLINED): Event.COMPLETION_REFUSED,
    (TranKind.COMPLETION, Outcome.NOT_SENT): Event.COMPLETION_REFUSED,
    (TranKind.REFUND, Outcome.APPROVED): Event.REFUND_CONFIRMED,
}
_APPROVED: Final = {OrderType.PURCHASE: Event.CHARGED, OrderType.PRE_AUTH: Event.HELD}
_REVERSAL: Final = {
    (False, True): Event.HOLD_REVERSED,
    (False, False): Event.HOLD_REVERSAL_REFUSED,
    (True, True): Event.CHARGE_REVERSED,
    (True, False): Event.CHARGE_REVERSAL_REFUSED,
}


def event_of(
    kind: TranKind, outcome: Outcome, *, order_type: OrderType, charged: bool, refunded: bool
) -> Event | None:
    """Say what the outcome of a transaction does to its order; total over every combination.

    Args:
        kind: The transaction's kind.
        outcome: What became of it.
        order_type: Purchase or pre-authorisation.
        charged: Money was charged before this transaction.
        refunded: An earlier refund was confirmed.

    Returns:
        The event, or `None` when the order stays as it is until the outcome is known.
    """
    if kind is TranKind.AUTHORISATION and outcome is Outcome.APPROVED:
        return _APPROVED[order_type]
    if kind is not TranKind.AUTHORISATION and outcome is Outcome.UNKNOWN:
        return None
    if kind is TranKind.REVERSAL:
        return _REVERSAL[charged, outcome is Outcome.APPROVED]
    if kind is TranKind.REFUND and outcome is not Outcome.APPROVED:
        return Event.FURTHER_REFUND_REFUSED if refunded else Event.REFUND_REFUSED
    return _BY_OUTCOME[kind, outcome]
