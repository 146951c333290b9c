"""What the sandbox tells a person when it accepts connections: where, with what, what next."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tkkpg.cli.output import spaced
from tkkpg.protocol import codec
from tkkpg.protocol.messages import CreateOrderRequest
from tkkpg.protocol.values import AZN, Language
from tkkpg.sandbox.app import SandboxInfo
from tkkpg.sandbox.cards import test_cards

CARDS_SHOWN: Final = 6
EXAMPLE_MINOR: Final = 3000
"""30.00 AZN, the amount that the bank's document pays with."""


def banner(info: SandboxInfo, host_names: Sequence[str]) -> str:
    """Write the banner.

    Args:
        info: The running sandbox; its paths are absolute.
        host_names: The bank's host names that it answers to.
    """
    home = info.database.parent
    blocks = [
        "The sandbox accepts connections.",
        _lines(
            {
                "Exec": f"{info.exec_url}  (mutual TLS, merchant {info.merchant_id})",
                **({"Exec, plain": f"{info.tunnel}  (for a tunnel)"} if info.tunnel else {}),
                "Page": info.page_url,
                "Demo shop": f"{info.shop_url}/",
                "3-D Secure": f"{info.acs_url}  (the issuer's page, where a payer is asked)",
                "Metrics": info.metrics_url,
            }
        ),
        _lines({"CA": info.ca, "Certificate": info.certificate, "Key": info.key}),
        f"Create an order, which answers with Status 00:\n  {curl(info)}",
        (
            "Open its page, with number and session out of the answer:\n"
            f"  {info.page_url}?ORDERID=…&SESSIONID=…"
        ),
        "Pay there, or with `tkkpg pay`, with one of these (`tkkpg cards` has them all):\n"
        + _cards(),
        f"Browsers warn about a CA they do not know. To trust it, once:\n  {trust(info.ca)}",
    ]
    if host_names:
        names = " ".join(host_names)
        blocks.append(
            f"To lead {names} to this machine, add the line to /etc/hosts:\n"
            f"  echo '127.0.0.1 {names}' | sudo tee -a /etc/hosts"
        )
    blocks.append(f"Ctrl-C stops it. Data stay in {home}; --fresh starts empty.")
    return "\n\n".join(blocks) + "\n"


def curl(info: SandboxInfo) -> str:
    """Write the command that sends a CreateOrder over mutual TLS."""
    request = CreateOrderRequest(
        language=Language.EN,
        merchant_id=info.merchant_id,
        amount_minor=EXAMPLE_MINOR,
        currency=AZN,
        description="First order",
    )
    words = ["curl", "--silent", "--show-error", "--cacert", str(info.ca)]
    words += ["--cert", str(info.certificate), "--key", str(info.key)]
    words += ["--header", "Content-Type: text/xml", "--data-binary"]
    return shlex.join([*words, codec.encode(request).decode(), info.exec_url])


def trust(ca: Path, platform: str = sys.platform) -> str:
    """Write the command after which browsers believe the CA, which can sign for no other site."""
    if platform == "darwin":
        keychain = '"$HOME/Library/Keychains/login.keychain-db"'
        return f"security add-trusted-cert -r trustRoot -k {keychain} {shlex.quote(str(ca))}"
    store = '-d "sql:$HOME/.pki/nssdb"'
    return f"certutil {store} -A -t C,, -n tkkpg-sandbox -i {shlex.quote(str(ca))}"


def _lines(values: dict[str, object]) -> str:
    width = max(map(len, values))
    return "\n".join(f"  {name:<{width}}  {value}" for name, value in values.items())


def _cards() -> str:
    cards = test_cards()[:CARDS_SHOWN]
    width = max(len(card.name) for card in cards)
    return "\n".join(
        f"  {card.name:<{width}}  {spaced(card.pan)}  {card.expiry}  {card.cvv2}  {card.does}"
        for card in cards
    )
