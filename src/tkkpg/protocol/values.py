"""The values that messages carry: amounts, currencies, languages, statuses, order references."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from enum import StrEnum
from typing import Final

from tkkpg.protocol.currencies import ISO_4217

AMOUNT_MINOR_MAX = 10**12 - 1
"""Largest amount on the wire, in minor units: twelve digits, the width of ISO 8583 field 4."""

_EXACT: Final = Context(prec=28, traps=[Inexact, InvalidOperation, Overflow])
"""Arithmetic that refuses to round, whatever decimal context the caller has set."""


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency of ISO 4217.

    Attributes:
        code: Three digits, as on the wire (`944`).
        alpha: Three letters, for people (`AZN`).
        exponent: Decimal places of the minor unit.
    """

    code: str
    alpha: str
    exponent: int


CURRENCIES = {row[0]: Currency(*row) for row in ISO_4217}
"""The currencies of ISO 4217 by numeric code."""

AZN = CURRENCIES["944"]
"""Azerbaijani manat, the only currency that the bank's document allows."""


@dataclass(frozen=True, slots=True)
class Amount:
    """Money in whole minor units of one currency.

    Attributes:
        minor: Whole minor units (qəpik for AZN); never a fraction.
        currency: The currency.
    """

    minor: int
    currency: Currency

    def __post_init__(self) -> None:
        """Refuse anything but an integer within the width of the wire."""
        if isinstance(self.minor, bool) or not isinstance(self.minor, int):
            message = (
                f"An amount counts whole minor units as int, not {type(self.minor).__name__}. "
                "A float cannot hold money exactly: use Amount.of('30.00', AZN)."
            )
            raise TypeError(message)
        if not 0 <= self.minor <= AMOUNT_MINOR_MAX:
            message = f"An amount lies between 0 and {AMOUNT_MINOR_MAX} minor units."
            raise ValueError(message)

    @classmethod
    def of(cls, major: Decimal | str | int, currency: Currency) -> Amount:
        """Make an amount from major units.

        Args:
            major: Major units as `Decimal`, `int` or text with a point (`"30.00"`).
            currency: The currency, which says how many decimals are allowed.

        Raises:
            TypeError: For a float, which cannot hold money exactly.
            ValueError: For text that is no number, or more decimals than the currency has.
        """
        if isinstance(major, (bool, float)) or not isinstance(major, (Decimal, str, int)):
            message = (
                f"An amount cannot be made from {type(major).__name__}: 0.1 + 0.2 is not 0.3 "
                "there. Give it as text or Decimal, for example Amount.of('30.00', AZN)."
            )
            raise TypeError(message)
        try:
            minor = _EXACT.scaleb(_EXACT.create_decimal(major), currency.exponent)
            whole = int(_EXACT.quantize(minor, Decimal(1)))
        except (ArithmeticError, ValueError):
            message = (
                f"{major!r} is not an amount in {currency.alpha}: "
                f"write digits with at most {currency.exponent} decimals, such as 30.00."
            )
            raise ValueError(message) from None
        return cls(whole, currency)

    @property
    def major(self) -> Decimal:
        """The amount in major units, with all decimals of the currency."""
        return _EXACT.scaleb(Decimal(self.minor), -self.currency.exponent)

    def __str__(self) -> str:
        """Write major units and the currency, as in `30.00 AZN`."""
        return f"{self.major:.{self.currency.exponent}f} {self.currency.alpha}"


class Language(StrEnum):
    """Languages of the payer; the bank's document allows these three."""

    AZ = "AZ"
    EN = "EN"
    RU = "RU"


class OrderType(StrEnum):
    """How an order charges: at once, or in two steps (protocol description, 2.2).

    Shops of other banks ask for a payment of a bill or for quasi-cash, which charge at once too.
    """

    PURCHASE = "Purchase"
    PRE_AUTH = "PreAuth"
    PAYMENT = "Payment"
    QUASI_CASH = "QuasiCash"

    @property
    def charged_as(self) -> OrderType:
        """The type that an order of this one is stored and told as."""
        return self if self is OrderType.PRE_AUTH else OrderType.PURCHASE


class OrderStatus(StrEnum):
    """Where an order is in its life, spelled as on the wire (protocol description, 4)."""

    CREATED = "CREATED"
    ON_PAYMENT = "ON-PAYMENT"
    ON_LOCK = "ON-LOCK"
    APPROVED = "APPROVED"
    PREAUTH_APPROVED = "PREAUTH-APPROVED"
    DECLINED = "DECLINED"
    CANCELED = "CANCELED"
    REVERSED = "REVERSED"
    ON_REFUND = "ON-REFUND"
    REFUNDED = "REFUNDED"
    EXPIRED = "EXPIRED"
    ERROR = "ERROR"


class OperationStatus(StrEnum):
    """The outcome of a request, `Status` in the reply (document, "Xəta kodları").

    `ACCOUNT_SHORT` answers a refund that the merchant's current account cannot cover: the document
    names code 205 without saying where it stands, and this is its literal reading.
    `WRONG_ORDER_STATUS` is told by some banks alone; the others answer 30 (see `profiles`).
    """

    OK = "00"
    NOT_PERMITTED = "10"
    INVALID_MESSAGE = "30"
    INVALID_OPERATION = "54"
    WRONG_ORDER_STATUS = "95"
    SYSTEM_ERROR = "96"
    NO_HOST_LINK = "97"
    ACCOUNT_SHORT = "205"


class Operation(StrEnum):
    """Names of the operations, as in `Operation` of request and reply."""

    CREATE_ORDER = "CreateOrder"
    GET_ORDER_STATUS = "GetOrderStatus"
    GET_ORDER_INFORMATION = "GetOrderInformation"
    COMPLETION = "Completion"
    REVERSE = "Reverse"
    REFUND = "Refund"
    PURCHASE = "Purchase"
    GET_ORDERS = "GetOrders"


@dataclass(frozen=True, slots=True)
class OrderRef:
    """What every operation after CreateOrder needs: the order's number and its session.

    Attributes:
        order_id: The gateway's number of the order.
        session_id: 32 upper-case hexadecimal digits that prove knowledge of the order.
    """

    order_id: int
    session_id: str

    def __repr__(self) -> str:
        """Show the number; the session is a secret of the order."""
        return f"OrderRef(order_id={self.order_id}, session_id='…')"
