"""Registering a merchant with its certificate, and money on its current account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tkkpg.gateway.flows.decide import commit, context
from tkkpg.gateway.model.ledger import Entry, Posting
from tkkpg.gateway.model.plan import Plan

if TYPE_CHECKING:
    from tkkpg.gateway.model.merchant import Certificate, Merchant
    from tkkpg.gateway.runtime import Gateway
    from tkkpg.protocol.values import Amount

OPERATOR = "operator"
"""Actor of what a bank employee does."""


async def enrol(
    gateway: Gateway, merchant: Merchant, certificate: Certificate, opening: Amount | None = None
) -> None:
    """Write a merchant and register a certificate for it; again with the same changes nothing.

    Args:
        gateway: What to work with.
        merchant: New or changed.
        certificate: Speaks for it from now on.
        opening: What a new merchant brings to its current account; a known one keeps its balance.
    """
    at = context(gateway, OPERATOR)
    known = await gateway.store.merchant(merchant.merchant_id)
    entries: tuple[Entry, ...] = ()
    if known is None and opening is not None and opening.minor:
        entries = (
            Entry(
                posting=Posting.DEPOSIT,
                merchant_id=merchant.merchant_id,
                amount_minor=opening.minor,
                currency=opening.currency,
                at=at.now,
            ),
        )
    await commit(
        gateway,
        Plan(
            context=at,
            action="merchant_enrolled",
            detail={
                "merchant_id": merchant.merchant_id,
                "fingerprint": certificate.fingerprint,
                "opening_minor": sum(entry.amount_minor for entry in entries),
            },
            merchants=(merchant,),
            certificates=(certificate,),
            entries=entries,
        ),
    )
