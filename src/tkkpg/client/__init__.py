"""The merchant's kit: take payments through a TKKPG gateway.

    from tkkpg.client import AZN, Amount, Client, Credentials, Endpoint, OrderStatus

    credentials = Credentials("shop.crt", "shop.key")
    with Client(Endpoint.test(), credentials, merchant_id="E1000010") as gateway:
        order = gateway.create_order(amount=Amount.of("30.00", AZN), approve_url="https://…")
        # store order.ref, send the payer's browser to order.payment_url; when it is back:
        state = gateway.get_order_status(order.ref)
        if state.order_status is OrderStatus.APPROVED:
            ...  # deliver

What the browser brings back can be forged; `get_order_status` cannot.
"""

from __future__ import annotations

from tkkpg.client._async import AsyncClient
from tkkpg.client._sync import Client
from tkkpg.client.callbacks import is_about, read_return, read_xmlout
from tkkpg.client.config import (
    AsyncClock,
    Clock,
    Credentials,
    Endpoint,
    InsecureConnectionWarning,
    Timeouts,
)
from tkkpg.client.options import NEVER, OrderOptions
from tkkpg.client.results import (
    CardPayment,
    Completion,
    CreatedOrder,
    OrderState,
    PendingOrders,
    RefundOutcome,
    Reversal,
    SafeRefund,
)
from tkkpg.protocol.errors import (
    CallbackError,
    ConfigurationError,
    InvalidMessage,
    InvalidOperation,
    LocalProtocolError,
    NotPermitted,
    NotSent,
    OperationRefused,
    OutcomeUnknown,
    PeerFailure,
    ProtocolError,
    RemoteProtocolError,
    TKKPGError,
    TransportError,
)
from tkkpg.protocol.messages import OrderInformation, OrdersFilter, Position, XMLOut
from tkkpg.protocol.values import (
    AZN,
    Amount,
    Currency,
    Language,
    OrderRef,
    OrderStatus,
    OrderType,
)

__all__ = [
    "AZN",
    "NEVER",
    "Amount",
    "AsyncClient",
    "AsyncClock",
    "CallbackError",
    "CardPayment",
    "Client",
    "Clock",
    "Completion",
    "ConfigurationError",
    "CreatedOrder",
    "Credentials",
    "Currency",
    "Endpoint",
    "InsecureConnectionWarning",
    "InvalidMessage",
    "InvalidOperation",
    "Language",
    "LocalProtocolError",
    "NotPermitted",
    "NotSent",
    "OperationRefused",
    "OrderInformation",
    "OrderOptions",
    "OrderRef",
    "OrderState",
    "OrderStatus",
    "OrderType",
    "OrdersFilter",
    "OutcomeUnknown",
    "PeerFailure",
    "PendingOrders",
    "Position",
    "ProtocolError",
    "RefundOutcome",
    "RemoteProtocolError",
    "Reversal",
    "SafeRefund",
    "TKKPGError",
    "Timeouts",
    "TransportError",
    "XMLOut",
    "is_about",
    "read_return",
    "read_xmlout",
]
