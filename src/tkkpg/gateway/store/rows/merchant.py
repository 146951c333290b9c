"""Merchants, their certificates and their saved cards to rows and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tkkpg.gateway.model.authentication import Unauthenticated
from tkkpg.gateway.model.card import SavedCard
from tkkpg.gateway.model.merchant import Certificate, Merchant
from tkkpg.gateway.store.rows.values import micros, moment
from tkkpg.protocol.values import Operation, OrderType

if TYPE_CHECKING:
    from tkkpg.gateway.store.rows.values import Row, Value

MERCHANT: Final = (
    "merchant_id, name, terminal_id, base_url, notification_url, xmlout_wrapped, xmlout_base64, "
    "frame_ancestors, operations, active, currencies, fee_bp, duplicate_window_s, "
    "change_status_url, card_registration, password, unauthenticated, bank_profile, "
    "order_types, return_schemes"
)
CERTIFICATE: Final = "fingerprint, merchant_id, not_after, revoked"
SAVED_CARD: Final = "card_uid, merchant_id, order_id, token, pan_masked, brand, expiry, created_at"


def merchant_row(merchant: Merchant) -> tuple[Value, ...]:
    """A merchant as a row of `MERCHANT`."""
    return (
        merchant.merchant_id,
        merchant.name,
        merchant.terminal_id,
        merchant.base_url,
        merchant.notification_url,
        int(merchant.xmlout_wrapped),
        int(merchant.xmlout_base64),
        merchant.frame_ancestors,
        " ".join(sorted(merchant.operations)),
        int(merchant.active),
        " ".join(sorted(merchant.currencies)),
        merchant.fee_bp,
        merchant.duplicate_window_s,
        merchant.change_status_url,
        int(merchant.card_registration),
        merchant.password,
        merchant.unauthenticated,
        merchant.bank_profile,
        " ".join(sorted(merchant.order_types)),
        " ".join(sorted(merchant.return_schemes)),
    )


def merchant_of(row: Row) -> Merchant:
    """Read a row of `MERCHANT`."""
    return Merchant(
        merchant_id=row[0],
        name=row[1],
        terminal_id=row[2],
        base_url=row[3],
        notification_url=row[4],
        xmlout_wrapped=bool(row[5]),
        xmlout_base64=bool(row[6]),
        frame_ancestors=row[7],
        operations=frozenset(map(Operation, row[8].split())),
        active=bool(row[9]),
        currencies=frozenset(row[10].split()),
        fee_bp=row[11],
        duplicate_window_s=row[12],
        change_status_url=row[13],
        card_registration=bool(row[14]),
        password=row[15],
        unauthenticated=Unauthenticated(row[16]),
        bank_profile=row[17],
        order_types=frozenset(map(OrderType, row[18].split())),
        return_schemes=frozenset(row[19].split()),
    )


def certificate_row(certificate: Certificate) -> tuple[Value, ...]:
    """A certificate as a row of `CERTIFICATE`."""
    return (
        certificate.fingerprint,
        certificate.merchant_id,
        micros(certificate.not_after),
        int(certificate.revoked),
    )


def saved_card_row(card: SavedCard) -> tuple[Value, ...]:
    """A saved card as a row of `SAVED_CARD`."""
    return (
        card.card_uid,
        card.merchant_id,
        card.order_id,
        card.token,
        card.pan_masked,
        card.brand,
        card.expiry,
        micros(card.created_at),
    )


def saved_card_of(row: Row) -> SavedCard:
    """Read a row of `SAVED_CARD`."""
    return SavedCard(
        card_uid=row[0],
        merchant_id=row[1],
        order_id=row[2],
        token=row[3],
        pan_masked=row[4],
        brand=row[5],
        expiry=row[6],
        created_at=moment(row[7]),
    )
