"""The callback: what the gateway tells a merchant by the payer's browser and by itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tkkpg.protocol.values import Amount, Currency, Language, OrderRef, OrderStatus

if TYPE_CHECKING:
    from datetime import datetime

    from tkkpg.protocol.messages.parts import CardRegistrationResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class XMLOut:
    """What the gateway tells the merchant after a payment, a refusal or a refund.

    Fields and their order are those of protocol description, 3.3. It is not signed: a merchant
    confirms it with GetOrderStatus.

    Attributes:
        date: Local time of the message (Asia/Baku).
        pan: Masked card number, `416973XXXXXX5869`.
        amount_minor: What the order is for, in minor units.
        operation_minor: What this operation was about, in minor units: of a part refund the part;
            absent where there was no operation (cancelled, expired).
        tran_date_time: Local time of the operation, else of the order's last step.
        two_id: Number of the operation in the bank's back system, written as TwoId and TranId.
        response_code: Outcome at the host, three digits; see `codes`.
        response_description: Its text in the order's language.
        three_ds_verification: How 3-D Secure ended: Y proved, A attempted, U unavailable, N
            refused; left out where it was not asked. The element's name is misspelt everywhere.
        three_ds_status: Whether 3-D Secure let the payment go on: Approved or Declined.
        authorization_response_code: What the issuer answered, recorded as 1 or 01 with approvals.
        registrations: The card that was saved with this payment, if one was.
    """

    date: datetime | None
    order_id: int
    session_id: str = field(repr=False)
    transaction_type: str
    rrn: str | None = None
    pan: str | None = None
    amount_minor: int
    operation_minor: int | None = None
    currency: Currency
    tran_date_time: datetime | None = None
    response_code: str | None = None
    response_description: str
    brand: str | None = None
    order_status: OrderStatus
    approval_code: str | None = None
    order_description: str = ""
    fee_minor: int = 0
    status_text: str = ""
    three_ds_verification: str | None = None
    three_ds_status: str | None = None
    two_id: int | None = None
    language: Language | None = None
    authorization_response_code: str | None = None
    shop_name: str | None = None
    registrations: tuple[CardRegistrationResponse, ...] = ()

    @property
    def amount(self) -> Amount:
        """The order's amount with its currency."""
        return Amount(self.amount_minor, self.currency)

    @property
    def ref(self) -> OrderRef:
        """Number and session of the order as one value."""
        return OrderRef(self.order_id, self.session_id)

    @property
    def version(self) -> str:
        """`Version` of the message's layout, always 1.0."""
        return "1.0"

    @property
    def amount_text(self) -> str:
        """`PurchaseAmountScr`: major units with a point, since one shop reads it as a number."""
        return self._major(self.amount_minor)

    @property
    def operation_text(self) -> str | None:
        """`TotalAmountScr`: the operation's amount, written like `PurchaseAmountScr`."""
        return None if self.operation_minor is None else self._major(self.operation_minor)

    @property
    def currency_text(self) -> str:
        """`CurrencyScr`: letters of the currency."""
        return self.currency.alpha

    @property
    def result_text(self) -> str:
        """`RezultOperation`: a constant text, empty at most banks (protocol description, 3.3)."""
        return ""

    def _major(self, minor: int) -> str:
        return f"{Amount(minor, self.currency).major:.{self.currency.exponent}f}"
