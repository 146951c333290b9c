"""`tkkpg merchant show`: the settings of merchants, and the certificates that speak for them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import click

from tkkpg.cli.home import home_option
from tkkpg.cli.output import Command, print_facts, print_json, print_table
from tkkpg.cli.records import local
from tkkpg.gateway.config import DATABASE
from tkkpg.gateway.model.merchant import Merchant
from tkkpg.gateway.store.views import (
    MERCHANTS_MAX,
    MerchantView,
    find_merchants,
    merchant_view,
)
from tkkpg.protocol.values import CURRENCIES, Operation


@click.command("show", cls=Command)
@click.argument("merchant_id", metavar="[MERCHANT]", required=False)
@home_option
def show(*, merchant_id: str | None, home: Path, as_json: bool) -> None:
    """Show the settings of MERCHANT, or list all merchants.

    Reads the database in --home, whether the gateway runs or not. Of a password only is told
    whether there is one.
    """
    if merchant_id is not None:
        _show_one(merchant_view(home / DATABASE, merchant_id), as_json=as_json)
        return
    found = find_merchants(home / DATABASE)
    if as_json:
        print_json([told(one) for one in found])
        return
    print_table(
        ("Merchant", "Name", "Active", "Currencies", "Fee", "Operations", "Password", "Certs"),
        [
            (
                one.merchant.merchant_id,
                one.merchant.name,
                _yes(one.merchant.active),
                _currencies(one.merchant),
                _fee(one.merchant),
                _operations(one.merchant),
                _yes(bool(one.merchant.password)),
                len(one.certificates),
            )
            for one in found
        ],
    )
    if len(found) == MERCHANTS_MAX:
        click.echo(f"Only the first {MERCHANTS_MAX} are shown. Name one to see it.")


def told(view: MerchantView) -> dict[str, object]:
    """Say everything about a merchant in plain values but its password; times are UTC."""
    one = view.merchant
    return {
        "merchant_id": one.merchant_id,
        "name": one.name,
        "terminal_id": one.terminal_id,
        "active": one.active,
        "base_url": one.base_url,
        "notification_url": one.notification_url,
        "change_status_url": one.change_status_url,
        "xmlout_wrapped": one.xmlout_wrapped,
        "xmlout_base64": one.xmlout_base64,
        "frame_ancestors": one.frame_ancestors,
        "operations": sorted(one.operations),
        "currencies": sorted(CURRENCIES[code].alpha for code in one.currencies),
        "fee_bp": one.fee_bp,
        "duplicate_window_s": one.duplicate_window_s,
        "card_registration": one.card_registration,
        "unauthenticated": one.unauthenticated,
        "order_types": sorted(one.order_types),
        "return_schemes": sorted(one.return_schemes),
        "bank_profile": one.bank_profile,
        "has_password": bool(one.password),
        "certificates": [
            {
                "fingerprint": certificate.fingerprint,
                "not_after": certificate.not_after,
                "revoked": certificate.revoked,
            }
            for certificate in view.certificates
        ],
    }


def _show_one(view: MerchantView, *, as_json: bool) -> None:
    if as_json:
        print_json(told(view))
        return
    one = view.merchant
    window = timedelta(seconds=one.duplicate_window_s)
    print_facts(
        {
            "Merchant": one.merchant_id,
            "Name": one.name,
            "Terminal": one.terminal_id,
            "Active": _yes(one.active),
            "Base of return addresses": one.base_url,
            "XMLOut goes to": one.notification_url,
            "XMLOut": "wrapped" if one.xmlout_wrapped else "bare",
            "XMLOut as base64": _yes(one.xmlout_base64),
            "Each status goes to": one.change_status_url,
            "May frame the page": one.frame_ancestors or "nobody",
            "Operations": _operations(one),
            "Currencies": _currencies(one),
            "Fee": _fee(one),
            "Same refund again within": window or "off",
            "Cards may be saved": _yes(one.card_registration),
            "Cardholder not proved": one.unauthenticated,
            "Orders may be": ", ".join(sorted(one.order_types)),
            "Apps to return to": ", ".join(sorted(one.return_schemes)) or "none",
            "Replies as of": one.bank_profile,
            "Has a password": _yes(bool(one.password)),
        }
    )
    print_table(
        ("Certificate", "Valid until, in Baku", "Revoked"),
        [
            (certificate.fingerprint, local(certificate.not_after), _yes(certificate.revoked))
            for certificate in view.certificates
        ],
    )


def _yes(truth: bool) -> str:  # noqa: FBT001 - it says no more than that
    return "yes" if truth else "no"


def _operations(merchant: Merchant) -> str:
    every = merchant.operations == frozenset(Operation)
    return "all" if every else ", ".join(sorted(merchant.operations))


def _currencies(merchant: Merchant) -> str:
    return ", ".join(sorted(CURRENCIES[code].alpha for code in merchant.currencies))


def _fee(merchant: Merchant) -> str:
    return f"{Decimal(merchant.fee_bp).scaleb(-2)} %"
