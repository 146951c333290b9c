"""Requests: what a merchant asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tkkpg.protocol.messages.parts import CustomField, OrdersFilter, Param, Position
from tkkpg.protocol.values import Currency, Language, OrderRef, OrderType

if TYPE_CHECKING:
    from tkkpg.protocol.masking import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateOrderRequest:
    """Ask for a new order (protocol description, 2.2).

    Attributes:
        language: Language of the payer's pages.
        order_type: Charge at once or in two steps.
        merchant_id: The merchant, at most 15 characters.
        amount_minor: Minor units, more than zero.
        currency: Currency of the amount.
        description: Shown to the payer, at most 512 characters; may be empty. `TAKSIT=n` in it
            asks for n instalments (protocol description, 2.9).
        approve_url: Where the browser goes after an approval; may be relative or empty.
        cancel_url: Where it goes when the payer leaves.
        decline_url: Where it goes after a refusal.
        fee_minor: The merchant's fee in minor units, at least; its tariff may say more.
        positions: Lines of goods; kept and shown.
        register_card: Save the card when the payment is approved and the payer agrees.
        register_checked: The payer's consent is ticked already.
        save_card_uid: The CardUID is kept as a parameter of the order.
        user_email: `AddParams/UserEmail`.
        expiration_min: Minutes until the order expires; zero or less for never, 30 when absent.
        change_status_url: Address that is told of each status (protocol description, 3.4).
        sender_card_uid: The saved card that is going to pay.
        custom_fields: Texts for the page.
        params: Every other child of AddParams; kept and shown.
    """

    language: Language
    merchant_id: str
    amount_minor: int
    currency: Currency
    description: str = ""
    approve_url: str = ""
    cancel_url: str = ""
    decline_url: str = ""
    order_type: OrderType = OrderType.PURCHASE
    fee_minor: int | None = None
    phone: str = ""
    email: str = ""
    positions: tuple[Position, ...] = ()
    register_card: bool = False
    register_checked: bool = False
    save_card_uid: bool = False
    user_email: str = ""
    expiration_min: int | None = None
    change_status_url: str = ""
    sender_card_uid: str = field(default="", repr=False)
    custom_fields: tuple[CustomField, ...] = ()
    params: tuple[Param, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """What a request about an existing order always carries."""

    language: Language
    merchant_id: str
    order_id: int
    session_id: str = field(repr=False)

    @property
    def ref(self) -> OrderRef:
        """Number and session of the order as one value."""
        return OrderRef(self.order_id, self.session_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetOrderStatusRequest(OrderRequest):
    """Ask where an order is in its life (protocol description, 2.3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GetOrderInformationRequest(OrderRequest):
    """Ask for everything about an order (protocol description, 2.4).

    Attributes:
        show_params: With the order's parameters.
        show_operations: With its operations.
        show_positions: With its lines of goods.
        classic_view: The reply in the usual envelope instead of a bare `Order`.
    """

    show_params: bool = False
    show_operations: bool = False
    show_positions: bool = False
    classic_view: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionRequest(OrderRequest):
    """Charge an amount that is held (protocol description, 2.7).

    Attributes:
        amount_minor: Minor units, at most what is held; the rest is released.
        currency: Currency of the amount, the order's own when absent.
        description: Replaces the order's own, unless empty.
        fee_minor: The merchant's fee in minor units, at least the share of the order's own.
    """

    amount_minor: int
    currency: Currency | None = None
    description: str = ""
    fee_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReverseRequest(OrderRequest):
    """Undo a hold or a charge, whole (protocol description, 2.6).

    Attributes:
        amount_minor: Absent, or all that is held or charged, in minor units.
        description: Appended to the order's own.
        two_id: `TranId`: empty or the TwoId of the payment.
        source: `Source`, 1 in clients; kept only.
    """

    amount_minor: int | None = None
    description: str = ""
    two_id: int | None = None
    source: str = ""
    positions: tuple[Position, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequest(OrderRequest):
    """Give money of a paid order back (protocol description, 2.5).

    Attributes:
        amount_minor: Minor units, more than zero.
        currency: Currency of the amount, the order's own when absent.
        with_fee: Whether the merchant's fee is returned too.
        two_id: `TranId`: empty or the TwoId of the payment.
        source: `Source`, 1 in the document; kept only.
    """

    amount_minor: int
    currency: Currency | None = None
    with_fee: bool = False
    description: str = ""
    two_id: int | None = None
    source: str = ""
    positions: tuple[Position, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseRequest:
    """Pay an order with a saved card, without its payer (protocol description, 2.8).

    A card number is refused with Status 10: a shop that sends one would have to be certified.

    Attributes:
        amount_minor: Minor units, the order's own.
        currency: Currency of the amount, the order's own.
        card_uid: Names the saved card.
        pan: Read only to be refused.
        eci: Read and passed on nowhere: a merchant's word proves no cardholder.
        response_format: `TKKPG` for the usual envelope, else the reply's root is `out`.
    """

    language: Language | None = None
    merchant_id: str
    order_id: int
    session_id: str = field(repr=False)
    amount_minor: int
    currency: Currency | None = None
    card_uid: str = field(default="", repr=False)
    pan: Secret | None = None
    eci: str = ""
    response_format: str = ""

    @property
    def ref(self) -> OrderRef:
        """Number and session of the order as one value."""
        return OrderRef(self.order_id, self.session_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetOrdersRequest:
    """Ask for rows of the merchant's orders (protocol description, 2.11)."""

    language: Language | None = None
    merchant_id: str
    filter: OrdersFilter


Request = (
    CreateOrderRequest
    | GetOrderStatusRequest
    | GetOrderInformationRequest
    | CompletionRequest
    | ReverseRequest
    | RefundRequest
    | PurchaseRequest
    | GetOrdersRequest
)
"""Every request that the gateway answers."""
