"""The page about test cards says what the sandbox does."""

from __future__ import annotations

import re

from scripts.cards_page import COMMAND, PAGE, page

from tkkpg.protocol.codes import listed
from tkkpg.sandbox.cards import every_card


def test_the_page_is_what_the_code_gives() -> None:
    written = PAGE.read_text("utf-8")

    assert written == page(), f"docs/test-cards.md is out of date: write it by `{COMMAND}`"


def test_every_code_has_a_row_with_its_three_texts() -> None:
    table = page().partition("## A card for")[2]
    rows = re.findall(r"^\| `(-?\d+)` \|(.*)\|$", table, re.MULTILINE)

    assert [code for code, _ in rows] == [entry.code for entry in listed()]
    assert {len(re.split(r"(?<!\\)\|", cells)) for _, cells in rows} == {6}


def test_every_number_stands_on_the_page() -> None:
    digits = page().replace(" ", "")

    assert [card.name for card in every_card() if card.pan not in digits] == []
