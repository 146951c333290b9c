"""`tkkpg cards`: the sandbox's test cards."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from tkkpg.cli.output import Command, print_json, print_table, spaced
from tkkpg.protocol.codes import listed, response_code
from tkkpg.protocol.values import Language
from tkkpg.sandbox.cards import SandboxCard, amount_card, every_card, test_cards

if TYPE_CHECKING:
    from collections.abc import Iterable


@click.command("cards", cls=Command)
def cards(*, as_json: bool) -> None:
    """List the test cards: those with a name, then one for each other response code.

    The sandbox refuses every other number. The names go into `tkkpg pay --card`. The numbers are
    public and pay nothing anywhere. What a card ends with holds at a merchant that declines whom
    3-D Secure did not prove.
    """
    if as_json:
        print_json([asdict(card) for card in every_card()])
        return
    named = (*test_cards(), amount_card())
    print_table(
        ("Name", "Number", "Expiry", "CVV2", "Code", "3-D Secure", "What happens"),
        [
            (
                card.name,
                spaced(card.pan),
                card.expiry,
                card.cvv2,
                card.response_code,
                card.threeds_words,
                card.does,
            )
            for card in named
        ],
        title="Cards with a name",
    )
    _print_codes(card for card in every_card() if card not in named)


def _print_codes(made: Iterable[SandboxCard]) -> None:
    print_table(
        ("Name", "Number", "Expiry", "CVV2", "Ends", "Text"),
        [
            (
                card.name,
                spaced(card.pan),
                card.expiry,
                card.cvv2,
                card.outcome,
                response_code(card.response_code).text(Language.EN),
            )
            for card in made
        ],
        title=f"A card for each of the other response codes; {len(listed())} in all",
    )
