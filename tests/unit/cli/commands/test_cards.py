"""`tkkpg cards`."""

from __future__ import annotations

import json

from tests.unit.cli.conftest import Run

from tkkpg.protocol.codes import listed, response_code
from tkkpg.protocol.values import Language
from tkkpg.sandbox.cards import amount_card, every_card
from tkkpg.sandbox.cards import test_cards as named_cards


def test_a_program_gets_every_card_whole(run: Run) -> None:
    told = json.loads(run("cards", "--json").stdout)

    assert [(card["name"], card["pan"], card["response_code"]) for card in told] == [
        (card.name, card.pan, card.response_code) for card in every_card()
    ]


def test_people_see_numbers_as_they_stand_on_cards(run: Run) -> None:
    told = run("cards").stdout

    assert "4169 7332 1349 5869" in told
    assert all(card.does in told for card in (*named_cards(), amount_card()))


def test_every_code_has_a_line_with_its_text(run: Run) -> None:
    told = run("cards").stdout

    missing = [
        card.name
        for card in every_card()
        if card not in named_cards()
        and not any(
            line.strip().startswith(f"{card.name} ")
            and response_code(card.name).text(Language.EN) in line
            for line in told.splitlines()
        )
    ]
    assert missing == ["amount"]
    assert f"{len(listed())} in all" in told


def test_people_and_programs_see_what_3d_secure_does(run: Run) -> None:
    told = run("cards").stdout
    by_name = {card["name"]: card["threeds"] for card in json.loads(run("cards", "--json").stdout)}

    assert all(card.threeds_words in told for card in named_cards())
    assert by_name["205"] == {"answer": "frictionless", "fault": None, "method": False}
    assert by_name["challenge-forged"]["fault"] == "forged"
    assert by_name["00"] is None
