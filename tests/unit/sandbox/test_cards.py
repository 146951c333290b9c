"""The test cards: the bank's own, the names that programs rely on, and what each one does."""

from __future__ import annotations

import re

import pytest

from tkkpg.gateway.model.authentication import AuthenticationResult as Result
from tkkpg.gateway.model.authentication import (
    Decline,
    Unauthenticated,
    Verdict,
    decide_authentication,
)
from tkkpg.issuer.threeds.acs import STATUSES
from tkkpg.issuer.threeds.scenario import Answer, Fault
from tkkpg.protocol.codes import Origin, Outcome, listed, response_code
from tkkpg.protocol.errors import ConfigurationError
from tkkpg.protocol.masking import Secret
from tkkpg.sandbox import cards
from tkkpg.sandbox.cards import (
    CardOutcome,
    SandboxCard,
    amount_card,
    amount_minor_of,
    card_of,
    codes_of,
    every_card,
    find_card,
)

NAMED = cards.test_cards()
CARDS = every_card()
NAMES = ["approve", "challenge", "076", "051", "211", "810", "-1", "slow"]
NAMES += ["challenge-mc", "method", "method-challenge"]
NAMES += ["attempted", "unavailable", "information", "decoupled", "not-authenticated", "rejected"]
NAMES += ["00", "05", "18", "3ds-silent", "3ds-malformed", "3ds-other-transaction", "3ds-redirect"]
NAMES += ["challenge-no-result", "challenge-result-twice", "challenge-result-after"]
NAMES += ["challenge-result-late", "challenge-forged"]
ENDED_AT_ONCE = STATUSES.keys() - {Answer.CHALLENGE, Answer.OTHER_TRANSACTION}


def passes_the_check_digit(pan: str) -> bool:
    """ISO/IEC 7812-1, annex B: every second digit from the right counts double, less nine."""
    doubled = "0246813579"
    digits = [doubled[int(d)] if i % 2 else d for i, d in enumerate(reversed(pan))]
    return sum(int(digit) for digit in digits) % 10 == 0


def test_the_names_are_those_that_programs_rely_on() -> None:
    assert [card.name for card in NAMED] == NAMES


def test_the_first_card_is_the_banks_own() -> None:
    card = CARDS[0]
    assert (card.name, card.pan, card.expiry, card.cvv2) == (
        "approve",
        "4169733213495869",
        "05/23",
        "447",
    )


def test_a_number_has_sixteen_digits_and_passes_the_check_digit() -> None:
    for card in CARDS:
        assert re.fullmatch(r"\d{16}", card.pan), card.name
        assert passes_the_check_digit(card.pan), card.name


def test_one_wrong_digit_does_not_pass_the_check_digit() -> None:
    assert not passes_the_check_digit("4169733213495868")


def test_no_two_cards_share_a_number() -> None:
    assert len({card.pan for card in CARDS}) == len(CARDS)


def test_visa_and_mastercard_are_both_there() -> None:
    assert {card.pan[0] for card in NAMED} == {"4", "5"}


def test_what_is_printed_on_a_card_can_be_typed() -> None:
    for card in CARDS:
        assert re.fullmatch(r"(0[1-9]|1[0-2])/\d\d", card.expiry), card.name
        assert re.fullmatch(r"\d{3}", card.cvv2), card.name
        assert re.fullmatch(r"[A-Z]+( [A-Z]+)+", card.cardholder), card.name


def test_a_sentence_says_what_a_card_does() -> None:
    for card in CARDS:
        assert re.fullmatch(r"[A-Z].+[^.]\.", card.does), card.name


def test_a_response_code_is_listed() -> None:
    for card in CARDS:
        assert response_code(card.response_code) in listed(), card.name


def test_what_the_host_answers_agrees_with_the_outcome() -> None:
    says_so = {
        CardOutcome.APPROVED: (Outcome.APPROVE, Origin.HOST),
        CardOutcome.PART: (Outcome.REVERSE, Origin.HOST),
        CardOutcome.DECLINED: (Outcome.DECLINE, Origin.HOST),
        CardOutcome.NOT_SENT: (Outcome.DECLINE, Origin.GATEWAY),
        CardOutcome.UNKNOWN: (Outcome.DECLINE, Origin.GATEWAY),
    }
    for card in CARDS:
        code = response_code(card.host_code)
        assert (code.outcome, code.origin) == says_so[card.outcome], card.name


def test_a_card_named_by_a_code_ends_with_it() -> None:
    codes = {entry.code for entry in listed()}
    for card in CARDS:
        assert card.name not in codes or card.response_code == card.name, card.name


def test_all_outcomes_are_there() -> None:
    assert {card.outcome for card in CARDS} == set(CardOutcome)


def test_a_silent_host_and_a_dead_link_are_different_outcomes() -> None:
    assert find_card("810").outcome is CardOutcome.UNKNOWN
    assert find_card("-1").outcome is CardOutcome.NOT_SENT


def test_only_the_slow_card_is_slow() -> None:
    assert {card.name: card.delay_s for card in CARDS if card.delay_s} == {"slow": 5}


def test_a_card_is_found_by_name_by_number_and_as_it_is_printed() -> None:
    for card in CARDS:
        printed = " ".join(re.findall("....", card.pan))
        assert find_card(card.name) == find_card(card.pan) == find_card(printed) == card


@pytest.mark.parametrize("wanted", ["", "declined", "4111111111111111", "416973321349586"])
def test_an_unknown_card_is_refused_with_the_names(wanted: str) -> None:
    with pytest.raises(ConfigurationError, match=", ".join([*NAMES, "amount"])):
        find_card(wanted)


def test_a_real_number_is_not_repeated_in_the_error() -> None:
    with pytest.raises(ConfigurationError) as caught:
        find_card("4111 1111 1111 1111")
    assert "1111" not in str(caught.value)


def test_a_card_does_not_show_what_is_printed_on_it() -> None:
    for card in CARDS:
        shown = repr(card)
        assert card.name in shown
        assert card.pan not in shown
        assert f"'{card.cvv2}'" not in shown
        assert card.expiry not in shown


# ------------------------------------------------------------------------------ 3-D Secure


def test_a_card_is_frictionless_unless_its_entry_says_otherwise() -> None:
    plain = {card.name for card in CARDS if card.threeds_words == "frictionless"}

    assert plain >= {"approve", "slow", "amount", *codes_of(Origin.HOST, Origin.GATEWAY)}


def test_every_answer_and_every_fault_has_a_card() -> None:
    scenarios = [card.threeds for card in CARDS if card.threeds]

    assert {scenario.answer for scenario in scenarios} == set(Answer)
    assert {scenario.fault for scenario in scenarios} == {None, *Fault}
    assert {scenario.answer for scenario in scenarios if scenario.method} == {
        Answer.FRICTIONLESS,
        Answer.CHALLENGE,
    }


def test_a_fault_strikes_after_a_challenge_only() -> None:
    with_fault = [card.threeds for card in CARDS if card.threeds and card.threeds.fault]

    assert {scenario.answer for scenario in with_fault} == {Answer.CHALLENGE}


def test_a_visa_and_a_mastercard_are_challenged() -> None:
    challenged = {card.pan[0] for card in CARDS if card.threeds_words == "challenge"}

    assert challenged == {"4", "5"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("00", "range not known"),
        ("method-challenge", "method page, challenge"),
        ("challenge-forged", "challenge, forged"),
        ("076", "frictionless"),
    ],
)
def test_a_few_words_say_what_3d_secure_does(name: str, words: str) -> None:
    assert find_card(name).threeds_words == words


@pytest.mark.parametrize(
    "card",
    [card for card in NAMED if card.threeds and card.threeds.answer in ENDED_AT_ONCE],
    ids=lambda card: card.name,
)
def test_a_card_that_is_not_challenged_ends_with_what_the_gateway_makes_of_its_answer(
    card: SandboxCard,
) -> None:
    assert card.threeds
    status, reason = STATUSES[card.threeds.answer]
    result = Result(verdict=Verdict(status.value), reason=reason, cavv=Secret("x" * 28))
    decided = decide_authentication(result, Unauthenticated.DECLINE, None)

    threeds_code = decided.code if isinstance(decided, Decline) else None
    assert (card.response_code in codes_of(Origin.THREE_DS)) == (threeds_code is not None)
    assert threeds_code in {None, card.response_code}


# ------------------------------------------------------------------------------ codes


def test_every_code_has_a_card_named_by_it() -> None:
    assert {entry.code for entry in listed()} <= {card.name for card in CARDS}


def test_a_code_that_the_host_does_not_say_has_a_card_with_an_entry() -> None:
    assert set(codes_of(Origin.GATEWAY, Origin.THREE_DS)) <= {card.name for card in NAMED}


def test_a_made_card_shows_its_code() -> None:
    made = [card for card in CARDS if card not in (*NAMED, amount_card())]

    assert len(made) == len(listed()) - 8
    assert all(card.pan[8:12] == f"0{card.response_code}" for card in made)


@pytest.mark.parametrize("code", ["5", "999", "", "approve", "amount"])
def test_what_is_no_listed_code_has_no_card(code: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be had here"):
        card_of(code)


@pytest.mark.parametrize(
    ("code", "amount_minor"),
    [
        ("076", 100_076),
        ("000", 100_000),
        ("810", 100_810),
        ("-1", 99_999),
        ("00", 200_000),
        ("05", 200_005),
        ("18", 200_018),
    ],
)
def test_an_amount_is_a_thousand_and_the_code_and_two_for_3d_secure(
    code: str, amount_minor: int
) -> None:
    assert amount_minor_of(code) == amount_minor


def test_no_two_codes_share_an_amount() -> None:
    amounts = {amount_minor_of(entry.code) for entry in listed()}

    assert len(amounts) == len(listed())
