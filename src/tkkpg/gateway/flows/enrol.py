"""Registering a merchant: its certificate, its password, money on its current account."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from tkkpg.gateway.flows.decide import commit, context
from tkkpg.gateway.model.errors import PolicyRefusal
from tkkpg.gateway.model.ledger import Entry, Posting
from tkkpg.gateway.model.plan import Plan

if TYPE_CHECKING:
    from tkkpg.gateway.model.merchant import Certificate, Merchant
    from tkkpg.gateway.runtime import Gateway
    from tkkpg.protocol.values import Amount

OPERATOR = "operator"
"""Actor of what a bank employee does."""

PASSWORD_MIN: Final = 12
"""Characters: strangers have ten tries a minute together."""
PASSWORD_MAX: Final = 128


async def enrol(
    gateway: Gateway, merchant: Merchant, certificate: Certificate, opening: Amount | None = None
) -> None:
    """Write a merchant and register a certificate for it; again with the same changes nothing.

    Args:
        gateway: What to work with.
        merchant: New or changed; a known one keeps its password.
        certificate: Speaks for it from now on.
        opening: What a new merchant brings to its current account; a known one keeps its balance.
    """
    at = context(gateway, OPERATOR)
    known = await gateway.store.merchant(merchant.merchant_id)
    if known is not None:
        merchant = replace(merchant, password=known.password)
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


async def registered_merchant(gateway: Gateway, merchant_id: str) -> Merchant:
    """Find a merchant that an operator names.

    Raises:
        PolicyRefusal: There is no such merchant.
    """
    merchant = await gateway.store.merchant(merchant_id)
    if merchant is None:
        message = (
            f"There is no merchant {merchant_id}. Write it as in the client certificate's CN; "
            "`tkkpg merchant show` lists all."
        )
        raise PolicyRefusal(message)
    return merchant


async def set_password(gateway: Gateway, merchant_id: str, password: str) -> None:
    """Give a merchant another password for ExecPasswordAuth, or take it away.

    Args:
        gateway: What to work with.
        merchant_id: A registered merchant.
        password: The new one; empty to take the old one away.

    Raises:
        PolicyRefusal: There is no such merchant, or the password will not do.
    """
    merchant = await registered_merchant(gateway, merchant_id)
    sealed = ""
    if password:
        _check_password(password)
        sealed = gateway.keys.seal(password_equivalent(merchant_id, password), merchant_id)
    await commit(
        gateway,
        Plan(
            context=context(gateway, OPERATOR),
            action="merchant_password_set" if sealed else "merchant_password_removed",
            detail={"merchant_id": merchant_id},
            merchants=(replace(merchant, password=sealed),),
        ),
    )


def _check_password(password: str) -> None:
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        message = f"A password has {PASSWORD_MIN} to {PASSWORD_MAX} characters."
        raise PolicyRefusal(message)
    if not password.isprintable():
        message = "A password is one line, without control characters."
        raise PolicyRefusal(message)


def password_equivalent(merchant_id: str, password: str) -> str:
    """Give what stands for a merchant's password in ExecPasswordAuth (protocol description, 1.2).

    Whoever has it can do what the password does: it is kept sealed.
    """
    return upper_digest(f"{merchant_id}/{password}".encode())


def upper_digest(content: bytes) -> str:
    """Give the SHA-256 in upper-case hexadecimal."""
    return sha256(content).hexdigest().upper()
