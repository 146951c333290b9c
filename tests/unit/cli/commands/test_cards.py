"""`tkkpg cards`."""

from __future__ import annotations

import json

from tests.unit.cli.conftest import Run

from tkkpg.sandbox.cards import test_cards as all_cards


def test_a_program_gets_every_card_whole(run: Run) -> None:
    told = json.loads(run("cards", "--json").stdout)

    assert [(card["name"], card["pan"], card["response_code"]) for card in told] == [
        (card.name, card.pan, card.response_code) for card in all_cards()
    ]


def test_people_see_numbers_as_they_stand_on_cards(run: Run) -> None:
    told = run("cards").stdout

    assert "4169 7332 1349 5869" in told
    assert all(card.does in told for card in all_cards())
