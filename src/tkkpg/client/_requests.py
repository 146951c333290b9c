"""The requests a merchant can make, and the results of their replies; pure.

From the arguments of the clients' methods to an exchange, which knows how its reply becomes the
method's result.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from tkkpg.client._exchange import ANOTHER_ORDER, Exchange
from tkkpg.client.callbacks import is_about
from tkkpg.client.config import Endpoint
from tkkpg.client.options import OrderOptions, described, fee_minor, money, wire_fields
from tkkpg.client.results import CardPayment, Completion, CreatedOrder, OrderState, Reversal
from tkkpg.protocol import codes, redirect
from tkkpg.protocol.errors import InvalidMessage, LocalProtocolError
from tkkpg.protocol.messages import (
    ClassicOrderInformation,
    CompletionRequest,
    CompletionResponse,
    CreateOrderRequest,
    CreateOrderResponse,
    GetOrderInformationRequest,
    GetOrdersRequest,
    GetOrdersResponse,
    GetOrderStatusRequest,
    GetOrderStatusResponse,
    OrderInformation,
    OrdersFilter,
    PurchaseRequest,
    PurchaseResponse,
    RefundRequest,
    RefundResponse,
    ReverseRequest,
    ReverseResponse,
)
from tkkpg.protocol.values import Amount, Language, OperationStatus, OrderRef, OrderType

SOURCE: Final = "1"
"""`Source` of a refund, which the bank's document asks to send as it stands there; the bank's
other clients send it with a reversal too (protocol description, 2.6)."""

ENVELOPE: Final = "TKKPG"
"""`ResponseFormat` that asks for a reply in the usual envelope (protocol description, 2.11)."""


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
        options: OrderOptions,
    ) -> Exchange[CreatedOrder]:
        """Start CreateOrder."""
        amount = money(amount)
        request = CreateOrderRequest(
            language=language,
            order_type=order_type,
            merchant_id=self.merchant_id,
            amount_minor=amount.minor,
            currency=amount.currency,
            description=described(description, options),
            approve_url=approve_url,
            cancel_url=cancel_url,
            decline_url=decline_url,
            **wire_fields(options, amount),
        )
        return Exchange(self.endpoint, request, _created)

    def get_order_status(self, ref: OrderRef, *, language: Language) -> Exchange[OrderState]:
        """Start GetOrderStatus."""
        request = GetOrderStatusRequest(**self._about(ref, language))
        return Exchange(self.endpoint, request, _state)

    def get_order_information(
        self,
        ref: OrderRef,
        *,
        language: Language,
        show_params: bool = False,
        show_operations: bool = False,
        show_positions: bool = False,
    ) -> Exchange[OrderInformation]:
        """Start GetOrderInformation."""
        request = GetOrderInformationRequest(
            **self._about(ref, language),
            show_params=show_params,
            show_operations=show_operations,
            show_positions=show_positions,
        )
        return Exchange(self.endpoint, request, partial(_information, ref))

    def get_orders(
        self, only: OrdersFilter, *, language: Language
    ) -> Exchange[tuple[OrderInformation, ...]]:
        """Start GetOrders."""
        request = GetOrdersRequest(language=language, merchant_id=self.merchant_id, filter=only)
        return Exchange(self.endpoint, request, _rows)

    def complete(
        self,
        ref: OrderRef,
        *,
        amount: Amount,
        description: str,
        fee: Amount | None,
        language: Language,
    ) -> Exchange[Completion]:
        """Start Completion."""
        amount = money(amount)
        request = CompletionRequest(
            **self._about(ref, language),
            amount_minor=amount.minor,
            currency=amount.currency,
            description=description,
            fee_minor=fee_minor(fee, amount),
        )
        return Exchange(self.endpoint, request, _completed)

    def reverse(
        self, ref: OrderRef, *, description: str, two_id: int | None, language: Language
    ) -> Exchange[Reversal]:
        """Start Reverse."""
        request = ReverseRequest(
            **self._about(ref, language), description=description, two_id=two_id, source=SOURCE
        )
        return Exchange(self.endpoint, request, _reversed)

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
        amount = money(amount)
        request = RefundRequest(
            **self._about(ref, language),
            amount_minor=amount.minor,
            currency=amount.currency,
            with_fee=with_fee,
            description=description,
            two_id=two_id,
            source=SOURCE,
        )
        return Exchange(self.endpoint, request, _refunded)

    def pay_with_saved_card(
        self, ref: OrderRef, *, amount: Amount, card_uid: str, language: Language
    ) -> Exchange[CardPayment]:
        """Start Purchase.

        Raises:
            LocalProtocolError: No card is named.
        """
        amount = money(amount)
        if not card_uid.strip():
            raise LocalProtocolError(
                "CardUID is missing or empty: without it no card pays. It is the card_uid of the "
                "XMLOut's registrations, from the payment that saved the card."
            )
        request = PurchaseRequest(
            **self._about(ref, language),
            amount_minor=amount.minor,
            currency=amount.currency,
            card_uid=card_uid,
            response_format=ENVELOPE,
        )
        return Exchange(self.endpoint, request, partial(_paid, ref))

    def _about(self, ref: OrderRef, language: Language) -> dict[str, Any]:
        return {
            "language": language,
            "merchant_id": self.merchant_id,
            "order_id": ref.order_id,
            "session_id": ref.session_id,
        }


def _created(reply: CreateOrderResponse) -> CreatedOrder:
    """Read a CreateOrder's; the page's address is one that a browser may be sent to."""
    try:
        page_url = redirect.resolve_return_url(reply.url, base="")
    except ValueError as error:
        raise InvalidMessage(f"Its Order/URL {error}.") from None
    if page_url is None:
        raise InvalidMessage("Its Order/URL is not a whole address.")
    return CreatedOrder(ref=reply.ref, payment_url=redirect.payment_url(page_url, reply.ref))


def _state(reply: GetOrderStatusResponse) -> OrderState:
    """Read a GetOrderStatus's."""
    return OrderState(
        order_id=reply.order_id, order_status=reply.order_status, receipt=reply.receipt
    )


def _information(
    ref: OrderRef, reply: OrderInformation | ClassicOrderInformation
) -> OrderInformation:
    """Read a GetOrderInformation's: bare, or in the envelope that some gateways always use."""
    if isinstance(reply, OrderInformation):
        return reply
    if len(reply.orders) != 1:
        raise InvalidMessage(f"It has {len(reply.orders)} rows instead of one.")
    (row,) = reply.orders
    if row.order_id != ref.order_id:
        raise InvalidMessage(ANOTHER_ORDER)
    return row


def _rows(reply: GetOrdersResponse) -> tuple[OrderInformation, ...]:
    """Read a GetOrders's."""
    return reply.orders


def _completed(reply: CompletionResponse) -> Completion:
    return Completion(
        approved=_approved(reply.status, reply.response_code),
        response_code=reply.response_code,
        approval_code=reply.approval_code,
    )


def _reversed(reply: ReverseResponse) -> Reversal:
    return Reversal(
        approved=_approved(reply.status, reply.response_code),
        response_code=reply.response_code,
        response_text=reply.response_message,
    )


def _approved(status: OperationStatus, response_code: str) -> bool:
    """Judge by both: some gateways say 00 and a code that declines (description, 2.6).

    Status 00 without a code is a success: the bank's gateway answers so.
    """
    approves = not response_code or codes.response_code(response_code).approved
    if approves and status is not OperationStatus.OK:
        raise InvalidMessage("Its status and its response code contradict each other.")
    return approves


def _refunded(_: RefundResponse) -> None:
    """Read a Refund's, which says nothing more than that it is one."""
    return


def _paid(ref: OrderRef, reply: PurchaseResponse) -> CardPayment:
    """Read a Purchase's, in the envelope or with the root `out`."""
    if len(reply.messages) != 1:
        raise InvalidMessage("It does not hold one XMLOut.")
    (xmlout,) = reply.messages
    if not is_about(xmlout, ref):
        raise InvalidMessage(ANOTHER_ORDER)
    return CardPayment(
        xmlout=xmlout, response_code=reply.response_code or xmlout.response_code or ""
    )
