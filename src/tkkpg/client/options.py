"""What a new order may say besides amount, text and addresses; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from tkkpg.protocol.converters import DESCRIPTION_MAX
from tkkpg.protocol.errors import LocalProtocolError
from tkkpg.protocol.messages import CustomField, Param, Position
from tkkpg.protocol.values import Amount

NEVER: Final = timedelta.max
"""As `expires_after`: the order waits for its payer for ever."""

EXPIRY_MINUTES_MAX: Final = 9_999_999
"""Longest life of an order in minutes: seven digits, which is as much as a gateway reads."""

INSTALMENTS: Final = range(2, 100)
"""Numbers of instalments that can be asked for: the text convention has two digits, and one
instalment is none."""

_NEVER_ON_THE_WIRE: Final = 0
"""`OrderExpirationPeriod` that means never (protocol description, 2.2)."""

_MINUTE: Final = timedelta(minutes=1)
_MARKER: Final = re.compile(r"TAKS[Iİıi]T\s*=", re.IGNORECASE)
_CONSENT: Final = "Attention"
"""Name of the page's text beside the consent to save a card (protocol description, 2.8)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderOptions:
    """The optional fields of a new order (protocol description, 2.2, 2.8 and 2.9).

    Attributes:
        expires_after: How long the payer has, in whole minutes; `NEVER` for ever, `None` for what
            the gateway gives by itself (30 minutes).
        change_status_url: Address that the gateway calls at each new status.
        email: The payer's.
        phone: The payer's.
        fee: What the merchant pays for this order at least; its tariff may say more.
        instalments: Monthly parts the payer asked for. It is written into the description as
            `TAKSIT=n`, where the payer reads it too.
        save_card: Offer the payer to save the card. When it was, the XMLOut has it in
            `registrations`: keep its `card_uid` secret, it is money.
        consent: Text beside that offer, which says what the card is saved for.
        saved_card: CardUID of the saved card that is going to pay this order by
            `pay_with_saved_card`.
        params: Further parameters by name, at most 32; kept with the order and shown.
        positions: Lines of goods; kept and shown.

    Raises:
        LocalProtocolError: A value that no gateway would read, or that contradicts another.
        TypeError: The fee is no `Amount`.
    """

    expires_after: timedelta | None = None
    change_status_url: str = ""
    email: str = ""
    phone: str = ""
    fee: Amount | None = None
    instalments: int | None = None
    save_card: bool = False
    consent: str = ""
    saved_card: str = field(default="", repr=False)
    params: Mapping[str, str] = field(default_factory=dict)
    positions: tuple[Position, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what could only fail, or be misunderstood, later."""
        _expiry_minutes(self.expires_after)
        if self.fee is not None:
            money(self.fee)
        if self.instalments is not None and self.instalments not in INSTALMENTS:
            raise LocalProtocolError(
                f"An order is paid in {INSTALMENTS[0]} to {INSTALMENTS[-1]} instalments, not in "
                f"{self.instalments}. Leave instalments out for a payment in one part."
            )
        if self.consent and not self.save_card:
            raise LocalProtocolError(
                "consent is the text beside the offer to save the card, and no card is saved. "
                "Give save_card=True, or leave consent out."
            )


def described(description: str, options: OrderOptions) -> str:
    """Write the number of instalments into a description (protocol description, 2.9).

    Raises:
        LocalProtocolError: It has a number already, or there is no room for one.
    """
    if options.instalments is None:
        return description
    if _MARKER.search(description):
        raise LocalProtocolError(
            "The description already holds TAKSIT=, and which of the two numbers counts would be "
            "the gateway's guess. Leave it out of the description or leave instalments out."
        )
    marker = f"TAKSIT={options.instalments}"
    with_marker = f"{description.strip()}/{marker}" if description.strip() else marker
    if len(with_marker) > DESCRIPTION_MAX:
        raise LocalProtocolError(
            f"With /{marker} the description is longer than {DESCRIPTION_MAX} characters: "
            f"it has room for {DESCRIPTION_MAX - len(marker) - 1} of your own."
        )
    return with_marker


def wire_fields(options: OrderOptions, amount: Amount) -> dict[str, Any]:
    """Give the attributes of `CreateOrderRequest` that the options decide.

    Args:
        options: What the order shall say.
        amount: Of the order; the fee is in the same currency.

    Raises:
        LocalProtocolError: The fee is in another currency.
    """
    return {
        "fee_minor": fee_minor(options.fee, amount),
        "phone": options.phone,
        "email": options.email,
        "positions": tuple(options.positions),
        "register_card": options.save_card,
        "save_card_uid": options.save_card,
        "expiration_min": _expiry_minutes(options.expires_after),
        "change_status_url": options.change_status_url,
        "sender_card_uid": options.saved_card,
        "custom_fields": (
            (CustomField(name=_CONSENT, title=options.consent),) if options.consent else ()
        ),
        "params": tuple(Param(name=name, value=text) for name, text in options.params.items()),
    }


def fee_minor(fee: Amount | None, amount: Amount) -> int | None:
    """Give a fee in minor units, which the wire has without a currency.

    Raises:
        LocalProtocolError: It is not in the amount's currency.
    """
    if fee is None:
        return None
    if money(fee).currency != amount.currency:
        raise LocalProtocolError(
            f"The fee is in {fee.currency.alpha} and the amount in {amount.currency.alpha}: the "
            "wire has one currency for both. Give the fee in the amount's."
        )
    return fee.minor


def money(amount: object) -> Amount:
    """Give an amount back, whatever the type checker was told.

    Raises:
        TypeError: It is none.
    """
    if isinstance(amount, Amount):
        return amount
    raise TypeError(
        f"An amount is an Amount, not {type(amount).__name__}: a bare number does not say whether "
        "it counts manats or qəpiks, and a float cannot hold money exactly. "
        "Write Amount.of('30.00', AZN)."
    )


def _expiry_minutes(expires_after: timedelta | None) -> int | None:
    if expires_after is None:
        return None
    if expires_after == NEVER:
        return _NEVER_ON_THE_WIRE
    minutes, rest = divmod(expires_after, _MINUTE)
    if rest or not 1 <= minutes <= EXPIRY_MINUTES_MAX:
        raise LocalProtocolError(
            f"An order expires after whole minutes, 1 to {EXPIRY_MINUTES_MAX}, not after "
            f"{expires_after}. Zero or less would mean never on the wire: say NEVER for that."
        )
    return minutes


NO_OPTIONS: Final = OrderOptions()
