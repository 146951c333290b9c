"""What the clients' methods return, where a wire message alone would not do."""

from __future__ import annotations

from dataclasses import dataclass, field

from tkkpg.protocol.values import OrderRef, OrderStatus


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
