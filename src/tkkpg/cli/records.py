"""The gateway's records as its operators see them: where they are, what of them may be shown."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import datetime
from pathlib import Path
from typing import Final

from tkkpg.gateway.clock import BusinessClock
from tkkpg.gateway.config import CLOCK
from tkkpg.gateway.model.authentication import Authentication
from tkkpg.gateway.model.order import Order
from tkkpg.gateway.model.transaction import Transaction
from tkkpg.gateway.store.views import Delivery, Happening, LedgerEntry
from tkkpg.protocol.messages import XMLOut
from tkkpg.protocol.values import Amount, Currency
from tkkpg.protocol.zone import BAKU

UNSHOWN: Final = frozenset(
    {"session_id", "pan_hash", "xmlmsg", "status", "card_uid", "request_digest", "registrations"}
)
"""Attributes that are secret, or shown in another form."""

SECRET_PARAMS: Final = frozenset({"SenderCardUID"})
"""Parameters of an order by which a card could be charged."""


def attributes(
    value: Order | Transaction | LedgerEntry | Delivery | Happening | XMLOut,
) -> dict[str, object]:
    """Give the attributes that may be shown; amounts as minor units and currency."""
    told: dict[str, object] = {}
    for name in (field.name for field in fields(value) if field.name not in UNSHOWN):
        attribute = getattr(value, name)
        if isinstance(attribute, Amount):
            told |= {"amount_minor": attribute.minor, "currency": attribute.currency.alpha}
        elif name == "params":
            told[name] = {
                one.name: "…" if one.name in SECRET_PARAMS else one.value for one in attribute
            }
        elif name == "positions":
            told[name] = [asdict(one) for one in attribute]
        elif isinstance(attribute, Authentication):
            told[name] = _authentication(attribute)
        else:
            told[name] = attribute.alpha if isinstance(attribute, Currency) else attribute
    return told


def _authentication(known: Authentication) -> dict[str, object]:
    """Say how 3-D Secure ended; neither the key to the card nor the proof."""
    return {
        "server_trans_id": known.server_trans_id,
        "result": known.verdict,
        "reason": known.reason,
        "eci": known.eci,
        "ds_trans_id": known.ds_trans_id,
    }


def business_time(home: Path) -> datetime:
    """Give the business time of a home, UTC."""
    return BusinessClock(home / CLOCK).now()


def local(moment: datetime | None) -> str | None:
    """Write a time as the gateway's clock on the wall shows it, in Baku."""
    return moment.astimezone(BAKU).strftime("%Y-%m-%d %H:%M:%S") if moment else None
