"""What the clients' methods return, where a wire message alone would not do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from tkkpg.protocol.errors import OperationRefused, TKKPGError
from tkkpg.protocol.messages import XMLOut
from tkkpg.protocol.values import Amount, OrderRef, OrderStatus

OPEN: Final = frozenset(
    {OrderStatus.CREATED, OrderStatus.ON_PAYMENT, OrderStatus.ON_LOCK, OrderStatus.ON_REFUND}
)
"""Statuses that change without the merchant (protocol description, 4); every other is final."""

PAID: Final = frozenset({OrderStatus.APPROVED, OrderStatus.PREAUTH_APPROVED})
"""Statuses of an order whose card was charged, or holds the money."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedOrder:
    """A new order, which nobody has paid yet.

    Attributes:
        ref: Number and session of the order. Store both: every later question needs them.
        payment_url: Send the payer's browser there. It holds the session, so keep it out of logs.
    """

    ref: OrderRef
    payment_url: str = field(repr=False)

    @property
    def order_id(self) -> int:
        """The gateway's number of the order."""
        return self.ref.order_id

    @property
    def session_id(self) -> str:
        """The secret that belongs to the order."""
        return self.ref.session_id


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderState:
    """Where an order is in its life, as the gateway itself says.

    A declined payment is a state like any other. Deliver when `order_status` is
    `OrderStatus.APPROVED`, and for no other reason.

    Attributes:
        order_id: The gateway's number of the order.
        order_status: Where it is.
        receipt: Readable receipt of a paid order, `None` without one.
    """

    order_id: int
    order_status: OrderStatus
    receipt: str | None = None

    @property
    def is_final(self) -> bool:
        """Whether only the merchant can change the status: no payer, no time, no host."""
        return self.order_status not in OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What became of a completion. A decline leaves the money held.

    Attributes:
        approved: Whether the money was charged.
        response_code: The host's code, three digits; empty where the gateway says none.
        approval_code: The issuer's code for a success, else empty.
    """

    approved: bool
    response_code: str
    approval_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversal:
    """What became of a reversal. A decline leaves the order as it was.

    Attributes:
        approved: Whether the hold or the charge was undone.
        response_code: The host's code, three digits; empty where the gateway says none, as the
            bank's does after a success (protocol description, 2.6).
        response_text: Its text.
    """

    approved: bool
    response_code: str
    response_text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CardPayment:
    """What became of a payment with a saved card.

    Attributes:
        xmlout: The gateway's message about it. Unlike one that a browser brings, it came from the
            gateway itself.
        response_code: The host's code, three digits; empty where the gateway says none.
    """

    xmlout: XMLOut
    response_code: str

    @property
    def order_status(self) -> OrderStatus:
        """Where the order is now."""
        return self.xmlout.order_status

    @property
    def approved(self) -> bool:
        """Whether the card was charged, or holds the money."""
        return self.order_status in PAID

    @property
    def is_final(self) -> bool:
        """Whether that will stay so; else `wait_until_final` tells."""
        return self.order_status not in OPEN


class RefundOutcome(StrEnum):
    """How a refund that was asked for safely has ended."""

    DONE_NOW = "done now"
    """The money was given back by this call."""
    DONE_BEFORE = "done before"
    """It had been given back already, by an earlier call with the same arguments."""
    DECLINED = "declined"
    """It was not given back, and nothing is under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeRefund:
    """How a refund has ended, by the gateway's own books.

    Attributes:
        outcome: How.
        refunded: All that has been refunded of the order. Store it: it is `refunded_before` of
            the next refund.
        refusal: Why it was declined, where the gateway said so.
    """

    outcome: RefundOutcome
    refunded: Amount
    refusal: OperationRefused | None = None

    @property
    def done(self) -> bool:
        """Whether the money has been given back, now or before."""
        return self.outcome is not RefundOutcome.DECLINED


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingOrders:
    """What became of orders that were left open.

    Attributes:
        final: Orders whose status only the merchant can change.
        still_open: Orders that payer, time or host can still change: ask again in a minute.
        unanswered: Orders that nothing is known about, and why. When the gateway could not be
            reached it was not asked about the rest, which stand here too.
    """

    final: Mapping[OrderRef, OrderState]
    still_open: Mapping[OrderRef, OrderState]
    unanswered: Mapping[OrderRef, TKKPGError]
