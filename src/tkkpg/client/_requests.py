"""The requests a merchant can make, from the arguments of the clients' methods; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tkkpg.client._exchange import Exchange
from tkkpg.client.config import Endpoint
from tkkpg.client.results import CreatedOrder, OrderState
from tkkpg.protocol import redirect
from tkkpg.protocol.errors import InvalidMessage
from tkkpg.protocol.messages import (
    CreateOrderRequest,
    CreateOrderResponse,
    GetOrderInformationRequest,
    GetOrderStatusRequest,
    GetOrderStatusResponse,
    OrderInformation,
    RefundRequest,
    RefundResponse,
)
from tkkpg.protocol.values import Amount, Language, OrderRef, OrderType

REFUND_SOURCE: Final = "1"
"""`Source` of a refund; the bank's document asks to send it as it stands there."""


@dataclass(frozen=True, slots=True)
class Requests:
    """Starts the exchanges of one merchant with one gateway.

    An amount that is no `Amount` is a `TypeError`; all other values are checked when they are
    written.
    """

    endpoint: Endpoint
    merchant_id: str

    def create_order(
        self,
        *,
        amount: Amount,
        description: str,
        language: Language,
        approve_url: str,
        cancel_url: str,
        decline_url: str,
        order_type: OrderType,
    ) -> Exchange[CreatedOrder]:
        """Start CreateOrder."""
        amount = _money(amount)
        request = CreateOrderRequest(
            language=language,
            order_type=order_type,
            merchant_id=self.merchant_id,
            amount_minor=amount.minor,
            currency=amount.currency,
            description=description,
            approve_url=approve_url,
            cancel_url=cancel_url,
            decline_url=decline_url,
        )
        return Exchange(self.endpoint, request, _created)

    def get_order_status(self, ref: OrderRef, *, language: Language) -> Exchange[OrderState]:
        """Start GetOrderStatus."""
        request = GetOrderStatusRequest(
            language=language,
            merchant_id=self.merchant_id,
            order_id=ref.order_id,
            session_id=ref.session_id,
        )
        return Exchange(self.endpoint, request, _state)

    def get_order_information(
        self, ref: OrderRef, *, language: Language
    ) -> Exchange[OrderInformation]:
        """Start GetOrderInformation."""
        request = GetOrderInformationRequest(
            language=language,
            merchant_id=self.merchant_id,
            order_id=ref.order_id,
            session_id=ref.session_id,
        )
        return Exchange(self.endpoint, request, _information)

    def refund(
        self,
        ref: OrderRef,
        *,
        amount: Amount,
        description: str,
        two_id: int | None,
        with_fee: bool,
        language: Language,
    ) -> Exchange[None]:
        """Start Refund."""
        amount = _money(amount)
        request = RefundRequest(
            language=language,
            merchant_id=self.merchant_id,
            order_id=ref.order_id,
            session_id=ref.session_id,
            amount_minor=amount.minor,
            currency=amount.currency,
            with_fee=with_fee,
            description=description,
            two_id=two_id,
            source=REFUND_SOURCE,
        )
        return Exchange(self.endpoint, request, _refunded)


def _money(amount: object) -> Amount:
    if isinstance(amount, Amount):
        return amount
    raise TypeError(
        f"An amount is an Amount, not {type(amount).__name__}: a bare number does not say whether "
        "it counts manats or qəpiks, and a float cannot hold money exactly. "
        "Write Amount.of('30.00', AZN)."
    )


def _created(reply: CreateOrderResponse) -> CreatedOrder:
    try:
        page_url = redirect.resolve_return_url(reply.url, base="")
    except ValueError as error:
        raise InvalidMessage(f"Its Order/URL {error}.") from None
    if page_url is None:
        raise InvalidMessage("Its Order/URL is not a whole address.")
    return CreatedOrder(ref=reply.ref, payment_url=redirect.payment_url(page_url, reply.ref))


def _state(reply: GetOrderStatusResponse) -> OrderState:
    return OrderState(
        order_id=reply.order_id, order_status=reply.order_status, receipt=reply.receipt
    )


def _information(reply: OrderInformation) -> OrderInformation:
    return reply


def _refunded(_: RefundResponse) -> None:
    return None
