"""What each transaction looks like on the link, field by field, and what a reply means."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conformance.plans import NOW, tran
from tests.unit.gateway.host.peers import reply_to

from tkkpg.gateway.host import fields, messages
from tkkpg.gateway.host.base import Unclaimed
from tkkpg.gateway.host.fields import Message, Trace
from tkkpg.gateway.host.messages import Oddity, read_reply, read_unclaimed
from tkkpg.gateway.model.authentication import Proceed
from tkkpg.gateway.model.card import Card, Expiry, StoredCard
from tkkpg.gateway.model.transaction import HostReply, Outcome, TranKind, Transaction
from tkkpg.protocol.masking import Secret

CARD: Final = Card(Secret("4169730000005869"), Expiry(2030, 5), Secret("123"))
KEPT: Final = StoredCard(Secret("K7TOKEN"), Expiry(2030, 5), "416973••••••5869", "VISA")
CAVV: Final = "AAECAwQFBgcICQoLDA0ODxAREhM="
PROVED: Final = Proceed("05", Secret(CAVV))
CHARGE: Final = tran()
REGISTERING: Final = tran(register=True)
HOLD: Final = tran(hold=True)
LATER: Final = NOW + timedelta(days=1, seconds=5)
COMMON: Final = {
    "3": "000000",
    "4": "000000003000",
    "7": "1124080000",
    "11": "000123",
    "37": "632808000123",
    "41": "E1000010",
    "42": "E1000010       ",
    "49": "944",
}
NO_MORE: Final = "0" * 22


def follow_up(kind: TranKind) -> Transaction:
    """A transaction about the authorisation, a day later."""
    return tran(2, kind=kind, original_id=1, stan=7, rrn="632908000007", sent_at=LATER)


FOLLOWING: Final = COMMON | {"7": "1125080005", "11": "000007", "37": "632908000007"}
COMPLETING: Final = follow_up(TranKind.COMPLETION)
REFUNDING: Final = follow_up(TranKind.REFUND)
REVERSING: Final = follow_up(TranKind.REVERSAL)
ADVISED: Final = tran(reversal_stan=8, reversal_at=LATER)


@pytest.mark.parametrize(("asked", "message_type"), [(CHARGE, "0200"), (HOLD, "0100")])
def test_an_authorisation_carries_the_card(asked: Transaction, message_type: str) -> None:
    assert messages.authorisation(asked, CARD) == COMMON | {
        "t": message_type,
        "2": "4169730000005869",
        "14": "3005",
        "22": "812",
        "25": "59",
        "48": "9203123",
    }


@pytest.mark.parametrize(("asked", "message_type"), [(CHARGE, "0200"), (HOLD, "0100")])
def test_a_kept_card_is_named_by_its_token_alone(asked: Transaction, message_type: str) -> None:
    assert messages.authorisation(asked, KEPT) == COMMON | {
        "t": message_type,
        "14": "3005",
        "22": "102",
        "25": "59",
        "48": "7207K7TOKEN",
    }


@pytest.mark.parametrize(
    ("card", "additional"), [(CARD, "71011" + "9203123"), (KEPT, "71011" + "7207K7TOKEN")]
)
def test_an_authorisation_may_ask_the_host_to_keep_the_card(
    card: Card | StoredCard, additional: str
) -> None:
    plain = messages.authorisation(CHARGE, card)

    assert messages.authorisation(REGISTERING, card) == plain | {"48": additional}


@pytest.mark.parametrize(
    ("proof", "additional"),
    [
        (PROVED, "9203123" + "730205" + "7428" + CAVV),
        (Proceed("01", Secret(CAVV)), "9203123" + "730201" + "7428" + CAVV),
        (Proceed("07", None), "9203123" + "730207"),
    ],
)
def test_a_proof_travels_beside_the_card(proof: Proceed, additional: str) -> None:
    plain = messages.authorisation(CHARGE, CARD)

    assert messages.authorisation(CHARGE, CARD, proof) == plain | {"48": additional}


@pytest.mark.parametrize(
    "proof", [Proceed("5", None), Proceed("03", None), Proceed("05", Secret(CAVV[1:]))]
)
def test_a_proof_without_its_form_is_not_sent_and_not_shown(proof: Proceed) -> None:
    with pytest.raises(ValueError, match="of field 48 does not fit") as refused:
        messages.authorisation(CHARGE, CARD, proof)

    assert CAVV[1:] not in str(refused.value)


def test_all_that_an_authorisation_can_hold_fits_field_48() -> None:
    card = Card(Secret("340000000000009"), Expiry(2030, 12), Secret("1234"))
    message = messages.authorisation(REGISTERING, card, PROVED)

    assert len(message["48"]) == 51
    assert fields.decode(fields.encode(message)) == message


def test_a_code_of_four_digits_is_told_by_its_length() -> None:
    card = Card(Secret("340000000000009"), Expiry(2030, 12), Secret("1234"))

    assert messages.authorisation(CHARGE, card)["48"] == "92041234"


@pytest.mark.parametrize(
    ("message", "different"),
    [
        (messages.completion(COMPLETING, HOLD), {"t": "0220", "90": "0100"}),
        (messages.refund(REFUNDING, CHARGE), {"t": "0200", "3": "200000", "90": "0200"}),
        (messages.reversal(REVERSING, CHARGE), {"t": "0400", "90": "0200"}),
        (messages.reversal(REVERSING, HOLD), {"t": "0400", "90": "0100"}),
    ],
)
def test_what_follows_an_authorisation_names_it(message: Message, different: Message) -> None:
    original = different["90"] + "000123" + "1124080000" + NO_MORE

    assert message == FOLLOWING | different | {"90": original}


def test_a_refund_of_a_completed_hold_names_the_completion() -> None:
    assert messages.refund(REFUNDING, COMPLETING)["90"][:20] == "0220" + "000007" + "1125080005"


def test_a_reversal_advice_has_a_trace_of_its_own_and_the_rrn_of_what_it_undoes() -> None:
    assert messages.reversal_advice(ADVISED) == COMMON | {
        "t": "0420",
        "7": "1125080005",
        "11": "000008",
        "90": "0200" + "000123" + "1124080000" + NO_MORE,
    }


@pytest.mark.parametrize(
    ("first", "repeat", "message_type"),
    [
        (
            messages.completion(COMPLETING, HOLD),
            messages.completion(COMPLETING, HOLD, repeat=True),
            "0221",
        ),
        (
            messages.refund(REFUNDING, CHARGE),
            messages.refund(REFUNDING, CHARGE, repeat=True),
            "0201",
        ),
        (
            messages.reversal(REVERSING, CHARGE),
            messages.reversal(REVERSING, CHARGE, repeat=True),
            "0401",
        ),
        (
            messages.reversal_advice(ADVISED),
            messages.reversal_advice(ADVISED, repeat=True),
            "0421",
        ),
    ],
)
def test_a_repeat_is_the_first_message_under_another_type(
    first: Message, repeat: Message, message_type: str
) -> None:
    assert repeat == first | {"t": message_type}


@pytest.mark.parametrize("code", [fields.SIGN_ON, fields.SIGN_OFF, fields.ECHO])
def test_a_network_message_has_no_terminal(code: str) -> None:
    assert messages.network(code, 1, NOW) == {
        "t": "0800",
        "7": "1124080000",
        "11": "000001",
        "70": code,
    }


def test_every_message_fits_the_table() -> None:
    for message in (
        messages.authorisation(CHARGE, CARD),
        messages.authorisation(REGISTERING, KEPT),
        messages.completion(COMPLETING, HOLD),
        messages.refund(REFUNDING, CHARGE),
        messages.reversal(REVERSING, CHARGE),
        messages.reversal_advice(ADVISED),
        messages.network(fields.ECHO, 1, NOW),
    ):
        assert fields.decode(fields.encode(message)) == message


def test_what_was_not_committed_cannot_be_sent() -> None:
    with pytest.raises(ValueError, match="no transmission time"):
        messages.authorisation(tran(sent_at=None), CARD)
    with pytest.raises(ValueError, match="no reversal reserved"):
        messages.reversal_advice(CHARGE)


ASKED: Final = messages.authorisation(CHARGE, CARD)


@pytest.mark.parametrize(
    ("code", "approval", "reply", "oddity"),
    [
        ("001", "A1B2C3", HostReply(Outcome.APPROVED, "001", "A1B2C3"), None),
        ("116", "", HostReply(Outcome.DECLINED, "116"), None),
        ("ZZZ", "", HostReply(Outcome.DECLINED, "ZZZ"), None),
        ("502", "A1B2C3", HostReply(Outcome.UNKNOWN, "502"), None),
        ("001", "A1\x00B2C", HostReply.silent(), Oddity.UNREADABLE),
        ("0\n1", "", HostReply.silent(), Oddity.UNREADABLE),
    ],
)
def test_a_reply_means_what_its_codes_say(
    code: str, approval: str, reply: HostReply, oddity: Oddity | None
) -> None:
    for asked in (ASKED, messages.refund(REFUNDING, CHARGE), messages.completion(COMPLETING, HOLD)):
        assert read_reply(asked, reply_to(asked, code, approval)) == (reply, oddity)


@pytest.mark.parametrize("approval", ["", "      "])
def test_only_an_authorisation_needs_an_approval_code(approval: str) -> None:
    answered = read_reply(ASKED, reply_to(ASKED, "001", approval))
    assert answered == (HostReply.silent(), Oddity.NO_APPROVAL_CODE)
    for asked in (messages.refund(REFUNDING, CHARGE), messages.completion(COMPLETING, HOLD)):
        assert read_reply(asked, reply_to(asked, "001", approval)) == (
            HostReply(Outcome.APPROVED, "001"),
            None,
        )


KEEPING: Final = messages.authorisation(REGISTERING, CARD)
TOKEN: Final = {"48": "7207K7TOKEN"}


@pytest.mark.parametrize("asked", [KEEPING, messages.authorisation(REGISTERING, KEPT)])
@pytest.mark.parametrize("additional", [TOKEN, {"48": "92031237207K7TOKEN"}])
def test_an_approval_that_was_asked_for_a_token_comes_with_it(
    asked: Message, additional: Message
) -> None:
    approved = HostReply(Outcome.APPROVED, "001", "123456", Secret("K7TOKEN"))

    assert read_reply(asked, reply_to(asked) | additional) == (approved, None)


@pytest.mark.parametrize(
    "additional",
    [
        {},
        {"48": ""},
        {"48": "9203123"},
        {"48": "7200"},
        {"48": "7216" + CARD.pan.reveal()},
        {"48": "7207k7token"},
        {"48": "7207K7 OKEN"},
        {"48": "7207K7\0OKEN"},
        {"48": "7233" + "K" * 33},
        {"48": "7207K7TOK"},
        {"48": "7207K7TOKEN7207K8TOKEN"},
        {"48": "nonsense"},
    ],
)
def test_an_approval_without_a_token_that_can_be_kept_is_an_approval_all_the_same(
    additional: Message,
) -> None:
    approved = HostReply(Outcome.APPROVED, "001", "123456")

    assert read_reply(KEEPING, reply_to(KEEPING) | additional) == (approved, Oddity.NOT_KEPT)


@given(additional=st.text(max_size=99) | st.text("K70123").map("7207{:.7}".format))
def test_whatever_is_said_of_the_card_the_money_stands(additional: str) -> None:
    reply, oddity = read_reply(KEEPING, reply_to(KEEPING) | {"48": additional})

    assert (reply.outcome, reply.approval_code) == (Outcome.APPROVED, "123456")
    assert (reply.token is None) == (oddity is Oddity.NOT_KEPT)
    assert reply.token is None or fields.is_token(reply.token.reveal())


@pytest.mark.parametrize("asked", [ASKED, messages.authorisation(CHARGE, KEPT)])
@pytest.mark.parametrize("additional", [TOKEN, {"48": "nonsense"}])
def test_a_token_that_was_not_asked_for_is_not_kept(asked: Message, additional: Message) -> None:
    approved = HostReply(Outcome.APPROVED, "001", "123456")

    assert read_reply(asked, reply_to(asked) | additional) == (approved, None)


@pytest.mark.parametrize(
    ("changed", "reply", "oddity"),
    [
        ({"39": "116", "38": "      "}, HostReply(Outcome.DECLINED, "116"), None),
        ({"39": "502"}, HostReply(Outcome.UNKNOWN, "502"), None),
        ({"38": "      "}, HostReply.silent(), Oddity.NO_APPROVAL_CODE),
        ({"4": "000000000001"}, HostReply.silent(), Oddity.AMOUNT_DIFFERS),
    ],
)
@pytest.mark.parametrize("additional", [TOKEN, {"48": "nonsense"}, {}])
def test_only_an_approval_has_a_token_or_misses_one(
    changed: Message, reply: HostReply, oddity: Oddity | None, additional: Message
) -> None:
    assert read_reply(KEEPING, reply_to(KEEPING) | changed | additional) == (reply, oddity)


def test_nothing_that_holds_a_token_shows_it() -> None:
    reply, _ = read_reply(KEEPING, reply_to(KEEPING) | TOKEN)

    assert "K7TOKEN" not in f"{reply!r} {KEPT!r}"


@pytest.mark.parametrize("changed", [{"4": "000000003001"}, {"49": "840"}])
@pytest.mark.parametrize("code", ["001", "116"])
def test_a_reply_about_another_amount_answers_nothing(changed: Message, code: str) -> None:
    reply = reply_to(ASKED, code) | changed

    assert read_reply(ASKED, reply) == (HostReply.silent(), Oddity.AMOUNT_DIFFERS)


@pytest.mark.parametrize("missing", ["4", "49", "39"])
def test_a_reply_without_amount_currency_or_code_answers_nothing(missing: str) -> None:
    reply = reply_to(ASKED)
    del reply[missing]
    oddity = Oddity.UNREADABLE if missing == "39" else Oddity.AMOUNT_DIFFERS

    assert read_reply(ASKED, reply) == (HostReply.silent(), oddity)


def test_a_reply_of_another_type_answers_nothing() -> None:
    reply = reply_to(ASKED) | {"t": "0230"}

    assert read_reply(ASKED, reply) == (HostReply.silent(), Oddity.UNREADABLE)


@pytest.mark.parametrize("repeat", [False, True])
@pytest.mark.parametrize(
    ("code", "outcome"),
    [("001", Outcome.APPROVED), ("801", Outcome.APPROVED), ("116", Outcome.UNKNOWN)],
)
def test_a_reversal_advice_is_done_when_nothing_can_be_left(
    code: str, outcome: Outcome, repeat: bool
) -> None:
    asked = messages.reversal_advice(ADVISED, repeat=repeat)

    assert read_reply(asked, reply_to(asked, code, "")) == (HostReply(outcome, code), None)


@pytest.mark.parametrize(
    ("code", "outcome"),
    [("001", Outcome.APPROVED), ("801", Outcome.DECLINED), ("116", Outcome.DECLINED)],
)
def test_a_reversal_needs_no_approval_code(code: str, outcome: Outcome) -> None:
    asked = messages.reversal(REVERSING, CHARGE)

    assert read_reply(asked, reply_to(asked, code, "")) == (HostReply(outcome, code), None)


def test_an_unclaimed_reply_says_what_it_is_found_by_and_what_it_means() -> None:
    unclaimed = Unclaimed(
        trace=Trace("2", "000123", "1124080000", "E1000010"),
        reply=HostReply(Outcome.APPROVED, "001", "123456"),
        amount_minor=30_00,
        currency="944",
    )

    assert read_unclaimed(reply_to(ASKED)) == (unclaimed, None)


@pytest.mark.parametrize(
    ("changed", "token"),
    [
        (TOKEN, Secret("K7TOKEN")),
        ({"48": "nonsense"}, None),
        ({"48": "7202" + "12"}, None),
        (TOKEN | {"39": "116"}, None),
        (TOKEN | {"38": "      "}, None),
    ],
)
def test_an_unclaimed_approval_passes_its_token_on(changed: Message, token: Secret | None) -> None:
    unclaimed, _ = read_unclaimed(reply_to(KEEPING) | changed)

    assert unclaimed is not None
    assert unclaimed.reply.token == token


def test_an_unclaimed_approval_without_code_is_as_odd_as_any() -> None:
    unclaimed, oddity = read_unclaimed(reply_to(ASKED, approval=""))

    assert unclaimed is not None
    assert unclaimed.reply == HostReply.silent()
    assert oddity is Oddity.NO_APPROVAL_CODE


@pytest.mark.parametrize("missing", ["4", "49", "39"])
def test_an_unclaimed_reply_that_says_too_little_is_dropped(missing: str) -> None:
    reply = reply_to(ASKED)
    del reply[missing]

    assert read_unclaimed(reply) == (None, Oddity.UNREADABLE)


def test_an_answer_about_the_link_is_no_reply_to_a_transaction() -> None:
    reply = reply_to(messages.network(fields.ECHO, 1, NOW)) | {"4": "000000000001", "49": "944"}

    assert read_unclaimed(reply) == (None, Oddity.UNREADABLE)
