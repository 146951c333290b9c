"""The catalogue of codes against the bank's list, kept as printed in `tests/golden`."""

from __future__ import annotations

import re
import unicodedata
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tkkpg.protocol.codes import (
    Family,
    Origin,
    Outcome,
    ResponseCode,
    listed,
    response_code,
    status_text,
)
from tkkpg.protocol.values import Language, OperationStatus

ALL = {entry.code: entry for entry in listed()}
CORRECTED = {
    "500": "Причина не указана",
    "502": "Транзакция выполнена успешно на частичную сумму",
}
"""The only Russian texts that are not the bank's: one is missing there, one begins with ТТ."""

PADDED = {"response 057", "response 101", "response 211"}
"""Russian texts that the bank prints with a space at the end."""

STATUSES = ("00", "10", "11", "30", "54", "55", "60", "72", "95", "96", "97", "98", "205")
AZERBAIJANI_LETTERS = frozenset("AaBbCcÇçDdEeƏəFfGgĞğHhXxIıİiJjKkQqLlMmNnOoÖöPpRrSsŞşTtUuÜüVvYyZz")


def the_banks_list() -> list[tuple[str, str, str]]:
    """Code, English and Russian of every row, exactly as printed."""
    source = Path(__file__).parents[2] / "golden" / "response_codes.xml"
    root = ET.fromstring(source.read_text(encoding="utf-8"))  # noqa: S314 - our own file
    return [(row.attrib["code"], row.attrib["eng"], row.attrib["rus"]) for row in root]


def every_text(language: Language) -> dict[str, str]:
    """All texts in a language: response codes, statuses, and those for unlisted ones."""
    return (
        {f"response {code}": entry.text(language) for code, entry in ALL.items()}
        | {f"status {status}": status_text(status, language) for status in STATUSES}
        | {"unlisted response": response_code("999").text(language)}
        | {"unlisted status": status_text("01", language)}
    )


def with_outcome(outcome: Outcome) -> set[str]:
    return {entry.code for entry in listed() if entry.outcome is outcome}


def test_the_bank_prints_110_rows_with_109_codes() -> None:
    codes = [code for code, _, _ in the_banks_list()]
    assert (len(codes), len(set(codes)), codes.count("503")) == (110, 109, 2)


def test_the_catalogue_lists_the_banks_codes_in_their_order() -> None:
    assert [entry.code for entry in listed()] == list(
        dict.fromkeys(code for code, _, _ in the_banks_list())
    )


def test_english_is_the_banks() -> None:
    assert [(code, ALL[code].text(Language.EN)) for code, _, _ in the_banks_list()] == [
        (code, english) for code, english, _ in the_banks_list()
    ]


def test_russian_is_the_banks_but_for_two_corrections() -> None:
    assert {
        code: ALL[code].text(Language.RU)
        for code, _, russian in the_banks_list()
        if ALL[code].text(Language.RU) != russian
    } == CORRECTED


def test_the_two_corrections_are_needed() -> None:
    russian = {code: text for code, _, text in the_banks_list()}
    assert russian["500"] == " "
    assert russian["502"] == "Т" + CORRECTED["502"]


@pytest.mark.parametrize("language", Language)
def test_every_code_has_a_text_and_the_only_loose_white_space_is_the_banks(
    language: Language,
) -> None:
    loose = {name for name, text in every_text(language).items() if text != text.strip()}

    assert all(text.strip() for text in every_text(language).values())
    assert loose == (PADDED if language is Language.RU else set())


@pytest.mark.parametrize("language", [Language.AZ, Language.EN])
def test_no_text_joins_a_word_twice(language: Language) -> None:
    for name, text in every_text(language).items():
        assert not re.search(r"\b(\w+) \1\b|  ", text), name


def test_azerbaijani_is_written_with_azerbaijani_letters_only() -> None:
    for name, text in every_text(Language.AZ).items():
        assert {letter for letter in text if letter.isalpha()} <= AZERBAIJANI_LETTERS, name
        assert unicodedata.is_normalized("NFC", text), name


def test_azerbaijani_texts_are_not_the_english_ones() -> None:
    assert not [
        entry.code for entry in listed() if entry.text(Language.AZ) == entry.text(Language.EN)
    ]


def test_russian_is_cyrillic_and_no_word_mixes_two_alphabets() -> None:
    for name, text in every_text(Language.RU).items():
        assert re.search("[А-я]", text), name
        for word in re.findall(r"\w+", text):
            assert not (re.search("[A-Za-z]", word) and re.search("[А-яЁё]", word)), (name, word)


def test_english_has_no_cyrillic() -> None:
    for name, text in every_text(Language.EN).items():
        assert not re.search("[А-яЁё]", text), name


def test_five_codes_approve() -> None:
    assert with_outcome(Outcome.APPROVE) == {"000", "001", "003", "007", "501"}


def test_partial_approvals_are_reversed() -> None:
    assert with_outcome(Outcome.REVERSE) == {"502", "503"}


def test_all_other_codes_decline() -> None:
    assert len(with_outcome(Outcome.DECLINE)) == 109 - 5 - 2


def test_the_gateway_says_two_codes_and_3d_secure_three() -> None:
    origins = {code: entry.origin for code, entry in ALL.items() if entry.origin is not Origin.HOST}
    assert origins == {
        "-1": Origin.GATEWAY,
        "810": Origin.GATEWAY,
        "00": Origin.THREE_DS,
        "05": Origin.THREE_DS,
        "18": Origin.THREE_DS,
    }


def test_only_approvals_are_in_the_family_of_approvals() -> None:
    approved = {entry.code for entry in listed() if entry.family is Family.APPROVED}
    assert approved == with_outcome(Outcome.APPROVE)


def test_no_family_is_empty() -> None:
    assert {entry.family for entry in listed()} == set(Family)


@pytest.mark.parametrize(
    ("code", "family"),
    [
        ("076", Family.INSUFFICIENT_FUNDS),
        ("559", Family.INSUFFICIENT_FUNDS),
        ("095", Family.LIMIT),
        ("211", Family.CHECK_DETAILS),
        ("051", Family.TRY_ANOTHER_CARD),
        ("571", Family.ASK_ISSUER),
        ("05", Family.AUTHENTICATION),
        ("810", Family.RETRY_LATER),
        ("801", Family.CHECK_ORDER),
        ("820", Family.MERCHANT_SETUP),
        ("898", Family.TECHNICAL),
    ],
)
def test_the_family_says_what_to_do(code: str, family: Family) -> None:
    assert response_code(code).family is family


def test_response_code_00_is_never_success() -> None:
    entry = response_code("00")
    assert entry.outcome is Outcome.DECLINE
    assert not entry.approved
    assert entry.origin is Origin.THREE_DS


@pytest.mark.parametrize("language", Language)
def test_response_code_00_says_something_else_than_status_00(language: Language) -> None:
    assert "3-D" in response_code("00").text(Language.RU)
    assert response_code("00").text(language) != status_text("00", language)


def test_response_code_00_is_not_000() -> None:
    assert response_code("000").approved
    assert response_code("00") != response_code("000")


@given(st.text(max_size=8).filter(lambda code: code not in ALL))
def test_an_unlisted_code_is_declined_and_named_in_three_languages(code: str) -> None:
    entry = response_code(code)
    assert (entry.code, entry.outcome, entry.approved) == (code, Outcome.DECLINE, False)
    assert all(entry.text(language).endswith(f": {code}") for language in Language)
    assert len({entry.text(language) for language in Language}) == len(Language)


def test_an_unlisted_code_does_not_join_the_list() -> None:
    assert response_code("999") not in listed()
    response_code("999")
    assert len(listed()) == 109


def test_a_listed_code_is_looked_up_not_made_again() -> None:
    assert response_code("001") is response_code("001")


def test_a_listed_code_can_be_a_key_and_cannot_be_changed() -> None:
    entry = response_code("076")
    assert {entry: 1}[response_code("076")] == 1
    with pytest.raises(TypeError):
        entry.texts[Language.EN] = "Approved"  # type: ignore[index]  # what a caller must not do


def test_codes_with_equal_texts_are_still_different() -> None:
    assert response_code("800").texts == response_code("574").texts
    assert response_code("800") != response_code("574")
    assert isinstance(response_code("800"), ResponseCode)


def test_the_documents_statuses_keep_its_azerbaijani() -> None:
    assert {
        status: status_text(status, Language.AZ) for status in ("00", "10", "30", "54", "96")
    } == {
        "00": "Uğurlu",
        "10": "İnternet mağazanın CreateOrder əməliyyatına çıxışı yoxdur "
        "(yaxud internet mağaza qeydiyyatdan keçməyib)",
        "30": "Yanlış mesaj formatı (məcburi sahələr yoxdur və s.)",
        "54": "Yanlış əməliyyat",
        "96": "Sistem xətası",
    }


@pytest.mark.parametrize("language", Language)
def test_every_status_has_its_own_text(language: Language) -> None:
    assert len({status_text(status, language) for status in STATUSES}) == len(STATUSES)


@pytest.mark.parametrize("status", OperationStatus)
def test_every_status_that_the_gateway_answers_is_listed(status: OperationStatus) -> None:
    assert status in STATUSES
    assert str(status) not in status_text(status, Language.EN)


@pytest.mark.parametrize("language", Language)
def test_an_unlisted_status_is_named_by_its_number(language: Language) -> None:
    assert status_text("01", language).endswith(": 01")
    assert status_text("01", language) != status_text("02", language)


def test_status_205_is_the_merchants_account_and_response_code_205_the_amount() -> None:
    assert "account" in status_text("205", Language.EN)
    assert response_code("205").text(Language.EN) == "Invalid advance amount"


@pytest.mark.parametrize("family", list(Family))
def test_every_family_gives_one_sentence_of_advice(family: Family) -> None:
    assert family.advice.endswith(".")
    assert "\n" not in family.advice
