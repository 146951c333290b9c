"""A merchant: the shop that signed a contract, and its settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tkkpg.gateway.model.authentication import Unauthenticated
from tkkpg.protocol.profiles import KAPITAL, PROFILES
from tkkpg.protocol.values import AZN, Operation, OrderType

if TYPE_CHECKING:
    from datetime import datetime

    from tkkpg.protocol.profiles import BankProfile


_HUNDRED_PER_CENT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Merchant:
    """A merchant with the switches of protocol description, 7.

    Attributes:
        merchant_id: At most 15 characters, `E1000010`.
        name: Shown to the payer.
        terminal_id: The acquirer's id of its point of acceptance.
        base_url: Address against which relative return URLs are resolved; may be empty.
        notification_url: Where XMLOut is sent server to server; empty for nowhere.
        xmlout_wrapped: `Message` inside a root `XMLOut` (Kapital since 2022), else bare.
        xmlout_base64: `xmlmsg` as base64, else plain XML.
        frame_ancestors: Origins that may frame the hosted page, empty for nobody.
        operations: What it may ask for; anything else answers 10.
        active: Whether it may trade.
        currencies: Numeric codes of the currencies it may charge in; the bank allows 944 alone.
        fee_bp: Its fee, in hundredths of a per cent of what is charged.
        duplicate_window_s: Seconds in which the same Refund again is answered like the first; 0
            for never.
        change_status_url: Told of every status of its orders; empty for nowhere.
        card_registration: Whether its payers may have their cards saved.
        unauthenticated: What becomes of a card whose holder 3-D Secure could not prove.
        bank_profile: Name of the bank whose way of writing its replies follow; see `profiles`.
        order_types: What its orders may be; those of other banks are charged like a Purchase.
        return_schemes: Schemes of its apps, in lower case, that its return addresses may have.
        password: Sealed equivalent of its password for ExecPasswordAuth; empty for none.
    """

    merchant_id: str
    name: str
    terminal_id: str
    base_url: str = ""
    notification_url: str = ""
    xmlout_wrapped: bool = True
    xmlout_base64: bool = False
    frame_ancestors: str = ""
    operations: frozenset[Operation] = frozenset(Operation)
    active: bool = True
    currencies: frozenset[str] = frozenset({AZN.code})
    fee_bp: int = 0
    duplicate_window_s: int = 0
    change_status_url: str = ""
    card_registration: bool = True
    unauthenticated: Unauthenticated = Unauthenticated.DECLINE
    bank_profile: str = KAPITAL.name
    order_types: frozenset[OrderType] = frozenset({OrderType.PURCHASE, OrderType.PRE_AUTH})
    return_schemes: frozenset[str] = frozenset()
    password: str = field(default="", repr=False)

    @property
    def profile(self) -> BankProfile:
        """The bank's profile by which its replies are written."""
        return PROFILES[self.bank_profile]

    def fee_of(self, amount_minor: int) -> int:
        """Work out the fee for an amount, both in minor units; halves are rounded up.

        It is always less than the amount: a charge brings its merchant something.
        """
        fee = (amount_minor * self.fee_bp + _HUNDRED_PER_CENT // 2) // _HUNDRED_PER_CENT
        return min(fee, amount_minor - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A client certificate that speaks for a merchant.

    Attributes:
        fingerprint: SHA-256 of the DER, lower-case hexadecimal.
        merchant_id: Whom it speaks for; compared with the CN once, at signing.
        not_after: End of validity, wall time, UTC.
        revoked: Whether it was withdrawn.
    """

    fingerprint: str
    merchant_id: str
    not_after: datetime
    revoked: bool = False
