"""The three languages say the same."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from tkkpg.issuer.threeds.challenges import End, Note
from tkkpg.issuer.threeds.pages.wording import Wording, texts
from tkkpg.protocol.values import AZN, CURRENCIES, Amount, Language


@pytest.mark.parametrize("language", list(Language))
def test_all_languages_have_the_same_texts_with_the_same_words_to_fill_in(
    language: Language,
) -> None:
    def blanks(of: Language) -> dict[str, list[str]]:
        return {key: sorted(re.findall(r"{\w+}", text)) for key, text in texts(of).items()}

    assert blanks(language) == blanks(Language.EN)
    assert all(text.strip() for text in texts(language).values())


def test_every_end_and_every_note_has_its_text() -> None:
    known = texts(Language.EN)

    assert {f"end.{part}_{end}" for part in ("heading", "text") for end in End} <= known.keys()
    assert {f"note.{note}" for note in Note} <= known.keys()


@pytest.mark.parametrize(
    ("language", "written"),
    [(Language.AZ, "1.234,50 AZN"), (Language.EN, "1,234.50 AZN"), (Language.RU, "1 234,50 AZN")],
)
def test_money_is_written_as_the_language_does(language: Language, written: str) -> None:
    assert Wording(language).money(Amount.of("1234.50", AZN)).replace("\u00a0", " ") == written


def test_a_currency_without_decimals_has_none() -> None:
    assert Wording(Language.EN).money(Amount(500, CURRENCIES["392"])) == "500\u00a0JPY"


def test_time_is_that_of_baku() -> None:
    assert Wording(Language.EN).clock(datetime(2026, 11, 24, 20, 5, tzinfo=UTC)) == "00:05"
