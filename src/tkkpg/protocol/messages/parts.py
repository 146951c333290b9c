"""Parts of messages: positions of goods, named parameters, codes and fields of a POS reply."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from tkkpg.protocol.values import Currency, OrderStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A line of goods; kept and shown, never checked (protocol description, 2.10).

    Attributes:
        price: Major units with a point, as sent.
    """

    payment_subject_type: str = ""
    quantity: str = ""
    price: str = ""
    tax: str = ""
    text: str = ""
    payment_type: str = ""
    payment_method_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """A named value kept with an order: a child of AddParams, or a row of OrderParams."""

    name: str
    value: str = field(default="", repr=False)  # it may be a CardUID or an address


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomField:
    """`CustomFields/Param`: a text for the page, such as the consent to save a card.

    Attributes:
        name: `Attention` for the text beside the consent (protocol description, 2.8).
        title: The text.
    """

    name: str
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class POSField:
    """`l` or `f` of a POS reply: a code or a field by its name (protocol description, 2.7).

    Attributes:
        name: `ResponseCode` of `l`; of `f`: F approval code, R scheme, h trace number, t number of
            the transaction in the bank's back system.
    """

    name: str
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationRow:
    """A row of OrderOperations: one operation on an order (protocol description, 2.4).

    Attributes:
        created: Local time (Asia/Baku) without a zone.
        name: `Purchase`, `PreAuth`, `Completion`, `Reverse` or `Refund`.
        amount_minor: Minor units.
        approval_code: The issuer's code for a success.
        two_id: Its number in the bank's back system.
    """

    tran_id: int
    package_id: str = ""
    created: datetime
    merchant_id: str
    terminal_id: str
    kind: str
    name: str
    order_id: int
    amount_minor: int
    currency: Currency
    approval_code: str = ""
    two_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersFilter:
    """Which orders GetOrders is to give (protocol description, 2.11); `None` does not narrow.

    Attributes:
        start: Created at or after, local time (Asia/Baku) without a zone.
        end: Created before or at, likewise.
        last_count: At most so many of the newest that fit.
        start_from: So many of the newest that fit are left out first.
        amount_min_minor: Least amount in minor units.
        amount_max_minor: Largest amount in minor units.
        description: Text that the description holds.
        params: Parameters of the order, each with its exact value.
        order_by: Name of a field of the row, such as `createDate`.
        direction: `ACS`, as the manual spells it, `ASC` or `DESC`.
    """

    start: datetime | None = None
    end: datetime | None = None
    last_count: int | None = None
    start_from: int | None = None
    status: OrderStatus | None = None
    amount_min_minor: int | None = None
    amount_max_minor: int | None = None
    currency: Currency | None = None
    description: str = ""
    params: tuple[Param, ...] = ()
    order_by: str = ""
    direction: str = ""
    order_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CardRegistrationResponse:
    """The card that was saved with a payment (protocol description, 2.8).

    Attributes:
        card_uid: Names the card in later payments; a secret of the merchant.
    """

    pan_masked: str
    card_uid: str = field(repr=False)
    brand: str
