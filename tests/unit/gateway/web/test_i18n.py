"""Three languages: the same texts in each, with its own letters, amounts and dates."""

from __future__ import annotations

import re
import string
from datetime import UTC, datetime
from importlib.resources import files

import pytest

from tkkpg.gateway.model.card import CardProblem
from tkkpg.gateway.model.lifecycle import ENDED
from tkkpg.gateway.web.i18n import Wording, preferred_language, read_language, texts
from tkkpg.protocol.codes import Family
from tkkpg.protocol.values import AZN, CURRENCIES, Amount, Language

AZERBAIJANI = set("əğıöüçşİƏĞIÖÜÇŞ")
FOREIGN_NAMES = ("American Express", "CVV2")


def words_in_braces(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def letters(text: str) -> set[str]:
    """The letters of a text, without what its braces hold and without names."""
    for part in (*FOREIGN_NAMES, *(f"{{{name}}}" for name in words_in_braces(text))):
        text = text.replace(part, "")
    return {letter for letter in text if letter.isalpha()}


@pytest.mark.parametrize("language", Language)
def test_every_language_has_the_same_texts(language: Language) -> None:
    assert texts(language).keys() == texts(Language.AZ).keys()


@pytest.mark.parametrize("language", Language)
def test_every_text_is_filled_with_the_same_words_in_every_language(language: Language) -> None:
    for key, text in texts(language).items():
        assert words_in_braces(text) == words_in_braces(texts(Language.AZ)[key]), key


@pytest.mark.parametrize("language", Language)
def test_whatever_can_happen_has_a_text(language: Language) -> None:
    needed = {f"problem.{problem}" for problem in CardProblem}
    needed |= {f"final.{status}.{part}" for status in ENDED for part in ("heading", "text")}
    needed |= {f"advice.{family}" for family in Family}
    assert needed <= texts(language).keys()


def test_every_text_that_a_template_names_is_there() -> None:
    named = set()
    for file in files("tkkpg.gateway.web").joinpath("templates").iterdir():
        for called in re.findall(r"\bsay\(([^()]*)\)", template := file.read_text("utf-8")):
            named |= {key for _, key in re.findall(r"""(["'])(\w+\.\w+)\1""", called)}
        if waiting := re.search(r'set name = "(\w+)"', template):
            named |= {f"{waiting[1]}.{part}" for part in ("heading", "text")}
    assert {"form.pay", "form.hold", "checking.text", "challenge.heading"} <= named
    assert named <= texts(Language.EN).keys()


def test_russian_is_written_in_cyrillic_alone() -> None:
    for key, text in texts(Language.RU).items():
        assert all("а" <= letter.lower() <= "я" or letter in "ёЁ" for letter in letters(text)), key


def test_english_is_written_in_plain_latin_alone() -> None:
    for key, text in texts(Language.EN).items():
        assert all(letter.isascii() for letter in letters(text)), key


def test_azerbaijani_is_written_in_its_own_latin() -> None:
    for key, text in texts(Language.AZ).items():
        assert all(it.isascii() or it in AZERBAIJANI for it in letters(text)), key
    assert set("əğıöüçş") <= letters(" ".join(texts(Language.AZ).values()))


def test_no_text_has_spaces_at_its_ends_or_doubled() -> None:
    for language in Language:
        for key, text in texts(language).items():
            assert text == " ".join(text.split()), (language, key)


@pytest.mark.parametrize(
    ("language", "written"),
    [
        (Language.AZ, "1.234.567,50 AZN"),
        (Language.EN, "1,234,567.50 AZN"),
        (Language.RU, "1 234 567,50 AZN"),
    ],
)
def test_an_amount_is_written_as_the_language_does(language: Language, written: str) -> None:
    money = Wording(language).money(Amount(123456750, AZN))
    assert money.replace("\N{NO-BREAK SPACE}", " ") == written
    assert " " not in money  # an amount never breaks over two lines


@pytest.mark.parametrize(
    ("language", "written"),
    [
        (Language.AZ, "25 noyabr 2026, 01:07"),
        (Language.EN, "25 November 2026, 01:07"),
        (Language.RU, "25 ноября 2026, 01:07"),
    ],
)
def test_a_moment_is_told_in_the_time_of_baku(language: Language, written: str) -> None:
    evening = datetime(2026, 11, 24, 21, 7, tzinfo=UTC)
    assert Wording(language).moment(evening) == written
    assert Wording(language).clock(evening) == "01:07"


@pytest.mark.parametrize(
    ("code", "written"),
    [
        ("392", "1,234,567 JPY"),
        ("008", "12,345.67 ALL"),
        ("414", "1,234.567 KWD"),
        ("990", "123.4567 CLF"),
    ],
)
def test_an_amount_has_all_the_decimals_of_its_currency(code: str, written: str) -> None:
    money = Wording(Language.EN).money(Amount(1234567, CURRENCIES[code]))
    assert money.replace("\N{NO-BREAK SPACE}", " ") == written


@pytest.mark.parametrize(
    ("language", "written"),
    [
        (Language.AZ, "1 ay, 2 ay, 6 ay, 21 ay"),
        (Language.EN, "1 month, 2 months, 6 months, 21 months"),
        (Language.RU, "1 месяц, 21 месяц, 91 месяц, 2 месяца, 4 месяца, 22 месяца, 33 месяца"),
        (Language.RU, "5 месяцев, 6 месяцев, 11 месяцев, 12 месяцев, 14 месяцев, 96 месяцев"),
    ],
)
def test_months_are_counted_in_the_grammar_of_the_language(
    language: Language, written: str
) -> None:
    for text in written.split(", "):
        told = Wording(language).months(int(text.split()[0]))
        assert told == text.replace(" ", "\N{NO-BREAK SPACE}")


@pytest.mark.parametrize(
    ("language", "written"),
    [
        (Language.AZ, "1 dəqiqə, 2 dəqiqə, 5 dəqiqə"),
        (Language.EN, "1 minute, 2 minutes, 5 minutes"),
        (Language.RU, "1 минута, 2 минуты, 3 минуты, 4 минуты, 5 минут"),
    ],
)
def test_minutes_are_counted_in_the_grammar_of_the_language(
    language: Language, written: str
) -> None:
    for text in written.split(", "):
        told = Wording(language).minutes(int(text.split()[0]))
        assert told == text.replace(" ", "\N{NO-BREAK SPACE}")


def test_a_text_without_its_words_is_an_error() -> None:
    with pytest.raises(KeyError, match="amount"):
        Wording(Language.EN).say("form.pay")


@pytest.mark.parametrize(
    ("written", "language"),
    [("RU", Language.RU), (" az ", Language.AZ), ("de", None), ("", None), ("\0", None)],
)
def test_a_language_is_read_in_any_case_and_others_are_none(
    written: str, language: Language | None
) -> None:
    assert read_language(written) is language


def test_of_a_browsers_languages_the_one_of_ours_that_it_likes_best_counts() -> None:
    for accepted, language in (
        ("az", Language.AZ),
        ("ru-RU,ru;q=0.9,en;q=0.8", Language.RU),
        ("tr, ru-RU;q=0.8, az;q=0.9, en;q=0.1", Language.AZ),
        ("en;q=0, ru;q=0.001", Language.RU),
        ("en;q=nonsense", Language.EN),
        ("", None),
        ("tr, de;q=0.5", None),
        ("x," * 40 + "en", None),
    ):
        assert preferred_language(accepted) is language, accepted
