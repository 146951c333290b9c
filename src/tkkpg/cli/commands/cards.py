"""`tkkpg cards`: the sandbox's test cards."""

from __future__ import annotations

from dataclasses import fields

import click

from tkkpg.cli.output import Command, print_json, print_table, spaced
from tkkpg.sandbox.cards import SandboxCard, test_cards


@click.command("cards", cls=Command)
def cards(*, as_json: bool) -> None:
    """List the test cards. The sandbox refuses every other number.

    The names go into `tkkpg pay --card`. The numbers are public and pay nothing anywhere.
    """
    if as_json:
        names = [field.name for field in fields(SandboxCard)]
        print_json([{name: getattr(card, name) for name in names} for card in test_cards()])
        return
    print_table(
        ("Name", "Number", "Expiry", "CVV2", "Code", "What happens"),
        [
            (card.name, spaced(card.pan), card.expiry, card.cvv2, card.response_code, card.does)
            for card in test_cards()
        ],
    )
