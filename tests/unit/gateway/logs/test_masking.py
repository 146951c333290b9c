"""What is taken out of log lines."""

from __future__ import annotations

import enum
from datetime import UTC, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tkkpg.gateway.logs.masking import HIDDEN, MAX_DEPTH, mask_event, mask_text
from tkkpg.protocol.masking import Secret

CARD = "4169733213495869"
MASKED = "416973••••••5869"
SESSION = "0123456789ABCDEF0123456789ABCDEF"


def with_check_digit(digits: str) -> str:
    """Append Luhn's check digit, found by trying; independent of the code under test."""

    def total(number: str) -> int:
        added = 0
        for place, digit in enumerate(reversed(number)):
            value = int(digit) * (2 if place % 2 else 1)
            added += value - 9 if value > 9 else value
        return added

    return next(digits + last for last in "0123456789" if total(digits + last) % 10 == 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CARD, MASKED),
        (f"card {CARD}, please", f"card {MASKED}, please"),
        ("4169 7332 1349 5869", MASKED),
        ("4169-7332-1349-5869", MASKED),
        ("4169  7332 -1349- 5869", MASKED),
        (f"pan={CARD};next", f"pan={MASKED};next"),
        (f";{CARD}=2305201", f";{MASKED}=2305201"),
        (f"a{CARD}b", f"a{MASKED}b"),
        (f"{CARD}, {CARD}", f"{MASKED}, {MASKED}"),
        (f"{CARD} {CARD}", f"{MASKED} {MASKED}"),
        ("5.00 AZN, order 181", "5.00 AZN, order 181"),
        (SESSION, "0123…"),
        (f"?ORDERID=181&SESSIONID={SESSION}&x", "?ORDERID=181&SESSIONID=0123…&x"),
        ("12345678901234567890123456789012", "1234…"),
    ],
)
def test_a_card_number_or_session_id_is_masked_where_it_stands(text: str, expected: str) -> None:
    assert mask_text(text) == expected


@pytest.mark.parametrize(
    "text", [f"{CARD} 447", f"181 {CARD}", f"30.00 {CARD} 05 23 447", f"1-{CARD}-2-3"]
)
def test_digits_beside_a_card_number_do_not_hide_it(text: str) -> None:
    assert "3321349" not in mask_text(text)
    assert "•" in mask_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "4169733213495860",  # the check digit is wrong
        "123456789012",  # twelve digits: an RRN
        "2026-10-01T12:34:56.123456Z",
        "0123456789abcdef0123456789abcdef",  # a digest or a trace id
        SESSION[:-1],
        SESSION + "0A",
        "",
    ],
)
def test_other_numbers_stay_readable(text: str) -> None:
    assert mask_text(text) == text


def test_a_run_longer_than_any_card_number_is_masked_without_a_check() -> None:
    assert mask_text(f"9{CARD}0000") == "941697•••••••••••0000"


@given(
    st.text(alphabet="0123456789", min_size=12, max_size=18).map(with_check_digit),
    st.sampled_from(["", " ", "-", "  "]),
    st.integers(1, 6),
    st.text(alphabet="abc ,:=<>\"'", max_size=5),
)
def test_no_card_number_survives_however_it_is_written(
    card: str, separator: str, width: int, around: str
) -> None:
    written = separator.join(card[at : at + width] for at in range(0, len(card), width))
    hidden = card[:6] + "•" * (len(card) - 10) + card[-4:]
    assert mask_text(f"{around}x{written}x{around}") == f"{around}x{hidden}x{around}"


@given(st.text(alphabet="0123456789", min_size=13, max_size=19))
def test_one_group_of_digits_is_masked_exactly_when_its_check_digit_is_right(digits: str) -> None:
    assert (mask_text(digits) != digits) == (with_check_digit(digits[:-1]) == digits)


@given(st.text(alphabet="0123456789ABCDEF", min_size=32, max_size=32))
def test_no_session_id_survives(session: str) -> None:
    assume(not session.isdigit())
    assert mask_text(f"<SessionID>{session}</SessionID>") == (
        f"<SessionID>{session[:4]}…</SessionID>"
    )


# ---------------------------------------------------------------- events


def masked(value: object) -> object:
    """Mask one value as part of an event."""
    return mask_event(None, "info", {"event": "e", "value": value})["value"]


class Status(enum.Enum):
    OPEN = "open"


@pytest.mark.parametrize(
    "name", ["pan", "cvv", "cvv2", "expiry", "password", "key", "Authorization"]
)
def test_a_secret_name_hides_its_value_at_any_depth(name: str) -> None:
    assert mask_event(None, "info", {"event": "e", name: "x"})[name] == HIDDEN
    assert masked({"card": [{name: 447}]}) == {"card": [{name: HIDDEN}]}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (1.5, 1.5),
        (5000, 5000),
        (int(CARD), MASKED),
        ([CARD, 1], [MASKED, 1]),
        ((CARD,), [MASKED]),
        ({CARD}, [MASKED]),
        ({CARD: {"raw": CARD}}, {MASKED: {"raw": MASKED}}),
        (CARD.encode(), f"b'{MASKED}'"),
        (Secret("447"), "Secret('•••')"),
        (ValueError(f"bad card {CARD}"), f"bad card {MASKED}"),
        (Status.OPEN, "Status.OPEN"),
        (datetime(2026, 10, 1, tzinfo=UTC), "2026-10-01 00:00:00+00:00"),
    ],
)
def test_a_value_of_any_type_is_masked(value: object, expected: object) -> None:
    assert masked(value) == expected


def test_the_event_itself_is_masked() -> None:
    assert mask_event(None, "info", {"event": f"paid with {CARD}"}) == {
        "event": f"paid with {MASKED}"
    }


def test_a_value_within_itself_ends() -> None:
    endless: list[object] = []
    endless.append(endless)
    shown = repr(masked(endless))
    assert shown == "[" * MAX_DEPTH + "'…'" + "]" * MAX_DEPTH
