"""Looking at merchants: their settings, and the certificates that speak for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tkkpg.gateway.model.merchant import Certificate
from tkkpg.gateway.store import rows
from tkkpg.gateway.store.sqlite import select
from tkkpg.gateway.store.views.snapshot import merchant_must_be_there, reading

if TYPE_CHECKING:
    from pathlib import Path

    import apsw

    from tkkpg.gateway.model.merchant import Merchant
    from tkkpg.gateway.store.rows import Row

MERCHANTS_MAX: Final = 500
"""Merchants that one list gives: more is a report, not a look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchantView:
    """A merchant with its certificates, the one that is valid longest first."""

    merchant: Merchant
    certificates: tuple[Certificate, ...]


def find_merchants(path: Path) -> tuple[MerchantView, ...]:
    """List merchants by their id, at most `MERCHANTS_MAX`.

    Raises:
        ConfigurationError: The file cannot be read, or is no database of ours.
    """
    with reading(path) as db:
        return _views(db, "1")


def merchant_view(path: Path, merchant_id: str) -> MerchantView:
    """Look at one merchant.

    Raises:
        ConfigurationError: The file cannot be read, or has no such merchant.
    """
    with reading(path) as db:
        merchant_must_be_there(db, merchant_id, path)
        (found,) = _views(db, "merchant_id = ?", merchant_id)
        return found


def _views(db: apsw.Connection, condition: str, *values: str) -> tuple[MerchantView, ...]:
    found = select(
        db,
        f"SELECT {rows.MERCHANT} FROM merchant WHERE {condition}"  # noqa: S608 - constant columns and conditions
        f" ORDER BY merchant_id LIMIT {MERCHANTS_MAX}",
        values,
    )
    return tuple(
        MerchantView(merchant=merchant, certificates=_certificates(db, merchant.merchant_id))
        for merchant in map(rows.merchant_of, found)
    )


def _certificates(db: apsw.Connection, merchant_id: str) -> tuple[Certificate, ...]:
    found = select(
        db,
        f"SELECT {rows.CERTIFICATE} FROM certificate WHERE merchant_id = ?"  # noqa: S608 - constant columns
        " ORDER BY not_after DESC, fingerprint",
        (merchant_id,),
    )
    return tuple(map(_certificate_of, found))


def _certificate_of(row: Row) -> Certificate:
    return Certificate(
        fingerprint=row[0],
        merchant_id=row[1],
        not_after=rows.moment(row[2]),
        revoked=bool(row[3]),
    )
