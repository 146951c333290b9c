"""The state of a challenge, without anything around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tkkpg.issuer.threeds import challenges
from tkkpg.issuer.threeds.challenges import KEPT, LIFE, Asked, Challenge, Challenges, End, Note
from tkkpg.protocol.masking import Secret
from tkkpg.protocol.values import AZN, Amount, Language

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
ASKED = Asked(
    three_ds_server_trans_id="server",
    ds_trans_id="ds",
    acs_trans_id="acs",
    notification_url="https://localhost/back",
    merchant_name="Nar",
    amount=Amount(3000, AZN),
    card="400000••••••0002",
    eci="05",
    language=Language.AZ,
    fault=None,
)


def challenge(name: str = "acs") -> Challenge:
    return Challenge(asked=replace(ASKED, acs_trans_id=name), made_at=NOW, code=Secret("123456"))


def code(text: str) -> Callable[[], Secret]:
    return lambda: Secret(text)


@pytest.mark.parametrize("typed", ["123456", " 123 456 ", "123-456"])
def test_the_right_code_passes(typed: str) -> None:
    assert challenge().try_code(typed, 0) is End.PASSED


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦"])
def test_what_cannot_be_a_code_is_no_attempt(typed: str) -> None:
    one = challenge()

    assert one.try_code(typed, 0) is Note.INCOMPLETE
    assert (one.wrong, one.step) == (0, 0)


def test_the_third_wrong_code_ends_it() -> None:
    one = challenge()

    assert [one.try_code("000000", step) for step in range(3)] == [
        Note.WRONG,
        Note.WRONG,
        End.FAILED,
    ]


def test_a_form_that_was_sent_before_does_nothing_again() -> None:
    one = challenge()
    one.try_code("000000", 0)

    assert one.try_code("000000", 0) is None
    assert one.resend(0, code("654321")) is None
    assert (one.wrong, one.resends) == (1, 0)


def test_a_new_code_replaces_the_old_one() -> None:
    one = challenge()

    assert one.resend(0, code("654321")) is Note.RESENT
    assert one.try_code("123456", 1) is Note.WRONG
    assert one.try_code("654321", 2) is End.PASSED


def test_new_codes_have_an_end() -> None:
    one = challenge()
    told = [one.resend(step, code("654321")) for step in range(4)]

    assert told == [Note.RESENT] * 3 + [Note.RESENT_OUT]


def test_a_challenge_is_overdue_when_its_time_is_over_and_forgotten_later() -> None:
    kept = Challenges()
    one = challenge()
    kept.add(one)

    assert list(kept.overdue(NOW + LIFE - timedelta(seconds=1))) == []
    assert list(kept.overdue(NOW + LIFE)) == [one]
    one.end = End.TIMED_OUT
    assert list(kept.overdue(NOW + KEPT - timedelta(seconds=1))) == []
    assert kept.find("acs") is one
    assert list(kept.overdue(NOW + KEPT)) == []
    assert kept.find("acs") is None


def test_there_is_room_for_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(challenges, "CHALLENGES_MAX", 2)
    kept = Challenges()

    assert [kept.add(challenge(str(number))) for number in range(3)] == [True, True, False]


def test_neither_code_nor_card_shows_itself() -> None:
    assert "123456" not in repr(challenge())
