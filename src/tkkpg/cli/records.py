"""The gateway's records as its operators see them: where they are, what of them may be shown."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Final

from tkkpg.gateway.model.order import Order
from tkkpg.gateway.model.transaction import Transaction
from tkkpg.gateway.model.xmlout import BAKU
from tkkpg.gateway.store.views import Delivery, Happening, LedgerEntry
from tkkpg.protocol.messages import XMLOut
from tkkpg.protocol.values import Amount, Currency

DATABASE: Final = "tkkpg.db"
"""The gateway's database in its home."""

KEYS: Final = "keys.toml"
"""Its secret keys, beside the database."""

UNSHOWN: Final = frozenset({"session_id", "pan_hash", "xmlmsg", "status"})
"""Attributes that are secret, or shown in another form."""


def attributes(
    value: Order | Transaction | LedgerEntry | Delivery | Happening | XMLOut,
) -> dict[str, object]:
    """Give the attributes that may be shown; amounts as minor units and currency."""
    told: dict[str, object] = {}
    for name in (field.name for field in fields(value) if field.name not in UNSHOWN):
        attribute = getattr(value, name)
        if isinstance(attribute, Amount):
            told |= {"amount_minor": attribute.minor, "currency": attribute.currency.alpha}
        else:
            told[name] = attribute.alpha if isinstance(attribute, Currency) else attribute
    return told


def local(moment: datetime | None) -> str | None:
    """Write a time as the gateway's clock on the wall shows it, in Baku."""
    return moment.astimezone(BAKU).strftime("%Y-%m-%d %H:%M:%S") if moment else None
