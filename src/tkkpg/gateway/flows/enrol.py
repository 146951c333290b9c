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


async def enrol(gateway: Gateway, merchant: Merchant, certificate: Certificate) -> None:
    """Write a merchant and register a certificate for it; again with the same changes nothing."""
    await commit(
        gateway,
        Plan(
            context=context(gateway, OPERATOR),
            action="merchant_enrolled",
            detail={"merchant_id": merchant.merchant_id, "fingerprint": certificate.fingerprint},
            merchants=(merchant,),
            certificates=(certificate,),
        ),
    )


async def deposit(gateway: Gateway, merchant_id: str, amount: Amount) -> None:
    """Book money that a merchant brings to its current account."""
    at = context(gateway, OPERATOR)
    entry = Entry(
        posting=Posting.DEPOSIT,
        merchant_id=merchant_id,
        amount_minor=amount.minor,
        currency=amount.currency,
        at=at.now,
    )
    detail: dict[str, str | int] = {"merchant_id": merchant_id, "amount_minor": amount.minor}
    await commit(gateway, Plan(context=at, action="deposited", detail=detail, entries=(entry,)))
