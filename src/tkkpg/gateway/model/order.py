"""An order: the merchant's wish to be paid once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from tkkpg.gateway.model.lifecycle import Event, Rule, status_at, step
from tkkpg.protocol.messages import Param, Position
from tkkpg.protocol.values import AZN, Amount, Currency, Language, OrderRef, OrderStatus, OrderType

ORDER_LIFE: Final = timedelta(minutes=30)
"""How long an order waits for its payer (protocol description, 7.25)."""

NEVER_EXPIRES: Final = datetime(9999, 12, 31, tzinfo=UTC)
"""Deadline of an order that waits for ever (protocol description, 2.2)."""


SENDER_CARD_UID: Final = "SenderCardUID"
"""Parameter that names the saved card which is going to pay (protocol description, 2.8)."""


class Registration(StrEnum):
    """Whether the payer may have the card saved (protocol description, 2.8)."""

    NONE = ""
    OFFERED = "OFFERED"
    CHECKED = "CHECKED"
    """Offered, and ticked already."""


PAID: Final = frozenset({OrderStatus.APPROVED, OrderStatus.ON_REFUND, OrderStatus.REFUNDED})
"""Statuses of an order whose money was charged and not reversed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order as stored; times are UTC.

    Attributes:
        version: Grows with every change; a commit names the one it read.
        amount_minor: What the payer is asked for, in minor units.
        captured_minor: What was charged, in minor units; zero before that and after a reversal.
        refunded_minor: Confirmed refunds so far.
        fee_minor: The merchant's fee; by the tariff or as the merchant said, in minor units.
        instalments: Monthly parts that the merchant asked for in the description; 0 for none.
        registration: Whether the payer may have the card saved.
        change_status_url: Told of every status, beside the merchant's own address.
        params: What the merchant wants kept with the order.
        positions: Lines of goods, kept and shown.
        approve_url: As the merchant sent it; resolved when it is used.
        expires_at: Until when a card may be submitted.
        paid_at: Business time of the charge.
        refunded_at: Business time of the last confirmed refund.
    """

    order_id: int
    session_id: str = field(repr=False)
    merchant_id: str
    order_type: OrderType
    status: OrderStatus
    version: int
    amount_minor: int
    currency: Currency
    language: Language
    description: str
    approve_url: str
    cancel_url: str
    decline_url: str
    created_at: datetime
    updated_at: datetime | None
    expires_at: datetime
    paid_at: datetime | None = None
    refunded_at: datetime | None = None
    refunded_minor: int = 0
    fee_minor: int = 0
    captured_minor: int = 0
    instalments: int = 0
    registration: Registration = Registration.NONE
    change_status_url: str = ""
    email: str = ""
    params: tuple[Param, ...] = ()
    positions: tuple[Position, ...] = ()

    @property
    def ref(self) -> OrderRef:
        """Number and session as one value."""
        return OrderRef(self.order_id, self.session_id)

    @property
    def amount(self) -> Amount:
        """Amount with its currency."""
        return Amount(self.amount_minor, self.currency)

    @property
    def refundable_minor(self) -> int:
        """What may still be refunded, in minor units."""
        return self.captured_minor - self.refunded_minor if self.status in PAID else 0

    def param(self, name: str) -> str:
        """Give a parameter of the order by its name; empty without one."""
        return next((one.value for one in self.params if one.name == name), "")

    def status_at(self, now: datetime) -> OrderStatus:
        """Status as seen at a business time; see `lifecycle.status_at`."""
        return status_at(self.status, self.expires_at, now)

    def told_at(self, now: datetime, refund_shown_s: int) -> OrderStatus:
        """Status as its merchant is told it: a refund is under way for so many seconds more."""
        shown = timedelta(seconds=refund_shown_s)
        if shown and self.status is OrderStatus.REFUNDED and self.refunded_at:
            return OrderStatus.ON_REFUND if now < self.refunded_at + shown else self.status
        return self.status_at(now)

    def return_url(self, status: OrderStatus) -> str:
        """Say which of the three return URLs belongs to an outcome (protocol description, 4)."""
        if status in PAID or status is OrderStatus.PREAUTH_APPROVED:
            return self.approve_url
        return self.cancel_url if status is OrderStatus.CANCELED else self.decline_url

    def after(self, event: Event, now: datetime) -> tuple[Order, Rule]:
        """Give the order after an event, and the rule it followed.

        Raises:
            IllegalTransition: The order cannot take this step.
        """
        rule = step(self.status, event)
        changed = replace(self, status=rule.target, version=self.version + 1, updated_at=now)
        return changed, rule


_NEVER: Final = datetime(2000, 1, 1, tzinfo=UTC)
NOBODYS_ORDER: Final = Order(
    order_id=0,
    session_id="0" * 32,
    merchant_id="",
    order_type=OrderType.PURCHASE,
    status=OrderStatus.ERROR,
    version=1,
    amount_minor=1,
    currency=AZN,
    language=Language.AZ,
    description="",
    approve_url="",
    cancel_url="",
    decline_url="",
    created_at=_NEVER,
    updated_at=_NEVER,
    expires_at=_NEVER,
    paid_at=_NEVER,
)
"""Stands in where there is no order, so that every refusal takes the same way and time."""
