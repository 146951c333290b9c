"""What the issuer answers to each request, and what moves, over real TCP."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from tests.unit.issuer import peers
from tests.unit.issuer.peers import (
    Link,
    about,
    authorisation,
    by_token,
    claiming,
    network,
    of_merchant,
    refund,
    registering,
    repeated,
    token_in,
)

from tkkpg.gateway.host import fields
from tkkpg.gateway.host.fields import Message
from tkkpg.issuer.accounts import SILENCE
from tkkpg.issuer.journal import play
from tkkpg.issuer.statement import holds_by_original, movements, net_by_original, unbalanced

pytestmark = pytest.mark.anyio

HELD: Final = authorisation(fields.HOLD)
CHARGED: Final = authorisation(fields.CHARGE)
NEVER_SENT: Final = authorisation(fields.CHARGE)

EACH_AUTHORISATION = pytest.mark.parametrize("kind", [fields.HOLD, fields.CHARGE])
EACH_REVERSAL = pytest.mark.parametrize("kind", [fields.REVERSAL, fields.REVERSAL_ADVICE])


def kinds(journal: Path) -> list[str]:
    return [line.kind for line in movements(journal)]


async def test_a_charge_is_approved_with_a_code_of_six_digits_and_without_the_card(
    link: Link, journal: Path
) -> None:
    request = authorisation(fields.CHARGE)
    reply = await link.ask(request)
    approval = reply[fields.APPROVAL]

    assert len(approval) == 6
    assert approval.isdigit()
    assert net_by_original(journal) == {request[fields.RRN]: 1_000}
    del request[fields.PAN]
    answer = {fields.TYPE: "0210", fields.RESPONSE: "001", fields.APPROVAL: approval}
    assert reply == request | answer


async def test_a_hold_charges_nothing_yet(link: Link, journal: Path) -> None:
    request = authorisation(fields.HOLD)

    assert (await link.ask(request))[fields.TYPE] == "0110"
    assert net_by_original(journal) == {request[fields.RRN]: 0}
    assert holds_by_original(journal) == {request[fields.RRN]: 1_000}


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ((100_001, peers.PAN), "076"),
        ((1, peers.POOR), "076"),
        ((5_001, peers.LIMITED), "095"),
        ((1, peers.FORCED), "051"),
        ((1, peers.UNKNOWN), "075"),
        ((0, peers.PAN), "055"),
    ],
)
@EACH_AUTHORISATION
async def test_what_an_account_does_not_bear_is_declined_and_moves_nothing(
    link: Link, journal: Path, kind: str, asked: tuple[int, str], code: str
) -> None:
    reply = await link.ask(authorisation(kind, *asked))

    assert reply[fields.RESPONSE] == code
    assert fields.APPROVAL not in reply
    assert movements(journal) == []


@pytest.mark.parametrize(("pan", "amount"), [(peers.PAN, 100_000), (peers.LIMITED, 5_000)])
async def test_balance_and_limit_may_be_used_to_the_last(link: Link, pan: str, amount: int) -> None:
    assert await link.code(authorisation(fields.CHARGE, amount, pan)) == "001"


async def test_what_is_held_cannot_be_spent_again(link: Link) -> None:
    assert await link.code(authorisation(fields.HOLD, 60_000)) == "001"
    assert await link.code(authorisation(fields.CHARGE, 40_001)) == "076"


async def test_a_processing_code_that_is_none_of_ours_is_declined(
    link: Link, journal: Path
) -> None:
    request = {**authorisation(fields.CHARGE), fields.PROCESSING: "310000"}

    assert await link.code(request) == "209"
    assert movements(journal) == []


@pytest.mark.parametrize(
    ("request_again", "answer"),
    [
        (authorisation(fields.HOLD), ("0110", "001")),
        (authorisation(fields.CHARGE), ("0210", "001")),
        (authorisation(fields.CHARGE, 100_000), ("0210", "076")),
        (authorisation(fields.CHARGE, pan=peers.UNKNOWN), ("0210", "075")),
        (about(HELD, fields.COMPLETION, 600), ("0230", "001")),
        (refund(CHARGED, 600), ("0210", "001")),
        (about(CHARGED, fields.REVERSAL), ("0410", "001")),
        (about(CHARGED, fields.REVERSAL_ADVICE), ("0430", "001")),
        (about(NEVER_SENT, fields.REVERSAL_ADVICE), ("0430", "801")),
    ],
)
async def test_a_request_sent_again_gets_the_recorded_answer_and_moves_once(
    link: Link, journal: Path, request_again: Message, answer: tuple[str, str]
) -> None:
    await link.ask(HELD)
    await link.ask(CHARGED)
    first = await link.ask(request_again)
    moved = movements(journal)

    assert (first[fields.TYPE], first[fields.RESPONSE]) == answer
    for copy in (repeated(request_again), request_again, repeated(request_again)):
        assert await link.ask(copy) == first
    assert movements(journal) == moved


async def test_a_repeat_that_overtakes_its_original_is_the_one_that_counts(
    link: Link, journal: Path
) -> None:
    charge = authorisation(fields.CHARGE)
    answered = await link.ask(repeated(charge))

    assert await link.ask(charge) == answered
    assert net_by_original(journal) == {charge[fields.RRN]: 1_000}


async def test_a_trace_used_again_is_answered_about_what_was_moved(
    link: Link, journal: Path
) -> None:
    charge = authorisation(fields.CHARGE)
    await link.ask(charge)

    reply = await link.ask({**charge, fields.AMOUNT: f"{2_000:012d}"})

    assert (reply[fields.RESPONSE], reply[fields.AMOUNT]) == ("001", f"{1_000:012d}")
    assert net_by_original(journal) == {charge[fields.RRN]: 1_000}


async def test_a_decline_stays_a_decline_when_it_is_repeated(link: Link) -> None:
    request = authorisation(fields.CHARGE, 100_000)
    blocking = authorisation(fields.CHARGE, 1)
    await link.ask(blocking)
    assert await link.code(request) == "076"
    await link.ask(about(blocking, fields.REVERSAL, 1))

    assert await link.code(repeated(request)) == "076"


async def test_two_requests_that_differ_in_one_part_of_the_trace_are_two(
    link: Link, journal: Path
) -> None:
    request = authorisation(fields.CHARGE)
    link.send(
        request,
        {**request, fields.TRANSMITTED: "1124080001"},
        {**request, fields.TERMINAL: "E1000011"},
        {**request, fields.STAN: "999999"},
    )
    for _ in range(4):
        await link.receive()

    assert len(movements(journal)) == 4


# --------------------------------------------------------------------------- completion


async def test_a_completion_charges_part_of_a_hold_and_releases_the_rest(
    link: Link, journal: Path
) -> None:
    hold = authorisation(fields.HOLD)
    await link.ask(hold)

    reply = await link.ask(about(hold, fields.COMPLETION, 600))

    assert (reply[fields.TYPE], reply[fields.RESPONSE]) == ("0230", "001")
    assert net_by_original(journal) == {hold[fields.RRN]: 600}
    assert holds_by_original(journal) == {hold[fields.RRN]: 0}
    assert kinds(journal) == ["HOLD", "COMPLETE", "RELEASE"]
    assert await link.code(authorisation(fields.CHARGE, 99_401)) == "076"
    assert await link.code(authorisation(fields.CHARGE, 99_400)) == "001"


@pytest.mark.parametrize("amount_minor", [0, 1_001])
async def test_a_completion_of_more_than_is_held_or_of_nothing_is_declined(
    link: Link, journal: Path, amount_minor: int
) -> None:
    hold = authorisation(fields.HOLD)
    await link.ask(hold)

    assert await link.code(about(hold, fields.COMPLETION, amount_minor)) == "567"
    assert holds_by_original(journal) == {hold[fields.RRN]: 1_000}


async def test_a_hold_is_completed_once(link: Link, journal: Path) -> None:
    hold = authorisation(fields.HOLD)
    await link.ask(hold)
    first = about(hold, fields.COMPLETION, 400)
    answer = await link.ask(first)

    assert await link.code(about(hold, fields.COMPLETION, 400)) == "055"
    assert await link.ask(repeated(first)) == {**answer, fields.TYPE: "0230"}
    assert net_by_original(journal) == {hold[fields.RRN]: 400}


async def test_a_charge_is_not_completed(link: Link) -> None:
    charge = authorisation(fields.CHARGE)
    await link.ask(charge)

    assert await link.code(about(charge, fields.COMPLETION)) == "055"


# ------------------------------------------------------------------------------- refund


async def test_refunds_give_back_at_most_what_was_charged(link: Link, journal: Path) -> None:
    charge = authorisation(fields.CHARGE)
    await link.ask(charge)

    assert await link.code(refund(charge, 700)) == "001"
    assert await link.code(refund(charge, 301)) == "567"
    assert await link.code(refund(charge, 300)) == "001"
    assert await link.code(refund(charge, 1)) == "567"
    assert net_by_original(journal) == {charge[fields.RRN]: 0}


async def test_a_refund_may_name_the_hold_or_its_completion(link: Link, journal: Path) -> None:
    hold = authorisation(fields.HOLD)
    await link.ask(hold)
    completion = about(hold, fields.COMPLETION, 600)
    await link.ask(completion)

    assert await link.code(refund(completion, 400)) == "001"
    assert await link.code(refund(hold, 201)) == "567"
    assert await link.code(refund(hold, 200)) == "001"
    assert net_by_original(journal) == {hold[fields.RRN]: 0}


async def test_a_hold_alone_has_nothing_to_refund(link: Link) -> None:
    hold = authorisation(fields.HOLD)
    await link.ask(hold)

    assert await link.code(refund(hold, 1)) == "567"


async def test_a_refund_in_another_currency_is_declined(link: Link, journal: Path) -> None:
    charge = authorisation(fields.CHARGE)
    await link.ask(charge)

    assert await link.code({**refund(charge), fields.CURRENCY: "840"}) == "055"
    assert net_by_original(journal) == {charge[fields.RRN]: 1_000}


# ----------------------------------------------------------------------------- reversal


@EACH_REVERSAL
@pytest.mark.parametrize("original", [fields.HOLD, fields.CHARGE])
async def test_a_reversal_leaves_nothing_of_an_authorisation(
    link: Link, journal: Path, original: str, kind: str
) -> None:
    request = authorisation(original)
    await link.ask(request)

    reply = await link.ask(about(request, kind))

    assert (reply[fields.TYPE], reply[fields.RESPONSE]) == (fields.reply_to(kind), "001")
    assert net_by_original(journal) == holds_by_original(journal) == {request[fields.RRN]: 0}
    assert await link.code(authorisation(fields.CHARGE, 100_000)) == "001"


async def test_an_advice_after_a_reversal_has_nothing_left_to_undo(
    link: Link, journal: Path
) -> None:
    charge = authorisation(fields.CHARGE)
    await link.ask(charge)
    await link.ask(about(charge, fields.REVERSAL))

    assert await link.code(about(charge, fields.REVERSAL_ADVICE)) == "001"
    assert await link.code(about(charge, fields.REVERSAL)) == "055"
    assert kinds(journal) == ["CHARGE", "REVERSE"]


@EACH_REVERSAL
async def test_a_reversal_of_another_amount_is_declined(
    link: Link, journal: Path, kind: str
) -> None:
    charge = authorisation(fields.CHARGE)
    await link.ask(charge)

    assert await link.code(about(charge, kind, 999)) == "567"
    assert net_by_original(journal) == {charge[fields.RRN]: 1_000}


@EACH_REVERSAL
async def test_what_was_refunded_in_part_is_not_reversed(
    link: Link, journal: Path, kind: str
) -> None:
    charge = authorisation(fields.CHARGE)
    await link.ask(charge)
    await link.ask(refund(charge, 400))

    assert await link.code(about(charge, kind)) == "055"
    assert net_by_original(journal) == {charge[fields.RRN]: 600}


@EACH_REVERSAL
@pytest.mark.parametrize("named", ["hold", "completion"])
async def test_what_was_completed_is_reversed_whole(
    link: Link, journal: Path, kind: str, named: str
) -> None:
    hold = authorisation(fields.HOLD)
    await link.ask(hold)
    completion = about(hold, fields.COMPLETION)
    await link.ask(completion)

    original = {"hold": hold, "completion": completion}[named]
    assert await link.code(about(original, kind)) == "001"
    assert net_by_original(journal) == {hold[fields.RRN]: 0}


async def test_what_was_reversed_is_neither_completed_nor_refunded(link: Link) -> None:
    hold = authorisation(fields.HOLD)
    await link.ask(hold)
    await link.ask(about(hold, fields.REVERSAL))

    assert await link.code(about(hold, fields.COMPLETION)) == "055"
    assert await link.code(refund(hold)) == "567"


@pytest.mark.parametrize(
    "kind", [fields.COMPLETION, fields.REVERSAL, fields.REVERSAL_ADVICE, "refund"]
)
@pytest.mark.parametrize("declined", [False, True])
async def test_without_an_approved_original_the_answer_is_801(
    link: Link, journal: Path, kind: str, declined: bool
) -> None:
    original = authorisation(fields.CHARGE, pan=peers.FORCED)
    if declined:
        await link.ask(original)
    request = refund(original) if kind == "refund" else about(original, kind)

    assert await link.code(request) == await link.code(request) == "801"
    assert movements(journal) == []


@EACH_REVERSAL
@pytest.mark.parametrize("late", [fields.HOLD, fields.CHARGE])
async def test_an_authorisation_overtaken_by_its_reversal_is_declined(
    link: Link, journal: Path, kind: str, late: str
) -> None:
    original = authorisation(late)
    assert await link.code(about(original, kind)) == "801"

    assert await link.code(original) == await link.code(repeated(original)) == "055"
    assert await link.code(authorisation(late)) == "001"
    assert original[fields.RRN] not in net_by_original(journal)


# --------------------------------------------------------------------------- kept cards


@EACH_AUTHORISATION
async def test_an_approval_that_was_asked_to_keep_the_card_comes_with_its_token(
    link: Link, kind: str
) -> None:
    reply = await link.ask(registering(authorisation(kind)))

    assert reply[fields.RESPONSE] == "001"
    assert fields.is_token(token_in(reply))
    assert len(token_in(reply)) == fields.TOKEN_MAX
    assert peers.PAN not in str(reply)


async def test_an_approval_that_was_not_asked_gives_no_token(link: Link) -> None:
    await link.ask(registering(authorisation(fields.CHARGE)))

    assert fields.ADDITIONAL not in await link.ask(authorisation(fields.CHARGE))
    reply = await link.ask({**authorisation(fields.CHARGE), fields.ADDITIONAL: "71010"})
    assert fields.ADDITIONAL not in reply


@pytest.mark.parametrize(("pan", "code"), [(peers.POOR, "076"), (peers.UNKNOWN, "075")])
async def test_a_decline_keeps_no_card(link: Link, pan: str, code: str) -> None:
    reply = await link.ask(registering(authorisation(fields.CHARGE, pan=pan)))

    assert reply[fields.RESPONSE] == code
    assert fields.ADDITIONAL not in reply


@EACH_AUTHORISATION
async def test_a_token_moves_money_on_its_card(link: Link, journal: Path, kind: str) -> None:
    token = token_in(await link.ask(registering(authorisation(fields.CHARGE, 1))))

    assert await link.code(by_token(token, kind, 60_000)) == "001"
    assert await link.code(by_token(token, kind, 40_000)) == "076"
    assert {line.account for line in movements(journal)} == {"rich"}


async def test_a_card_has_one_token_for_each_merchant(link: Link) -> None:
    async def kept(request: Message, merchant: str) -> str:
        return token_in(await link.ask(registering(of_merchant(request, merchant))))

    first, again, other = [
        await kept(authorisation(fields.CHARGE), merchant) for merchant in ("A", "A", "B")
    ]
    limited = await kept(authorisation(fields.CHARGE, pan=peers.LIMITED), "A")

    assert first == again
    assert len({first, other, limited}) == 3
    asked_by_token = {**by_token(first), fields.ADDITIONAL: f"7101172{len(first)}{first}"}
    assert token_in(await link.ask(of_merchant(asked_by_token, "A"))) == first


@pytest.mark.parametrize("merchant", ["B", "a", "A1", ""])
async def test_a_token_is_of_no_use_to_another_merchant(
    link: Link, journal: Path, merchant: str
) -> None:
    kept = registering(of_merchant(authorisation(fields.CHARGE), "A"))
    token = token_in(await link.ask(kept))

    assert await link.code(of_merchant(by_token(token), merchant)) == "075"
    assert await link.code(of_merchant(by_token(token), "A")) == "001"
    assert len(movements(journal)) == 2


@pytest.mark.parametrize("token", ["NOBODYS", peers.PAN, "a' OR '1'='1", "", " "])
async def test_a_token_that_was_never_given_is_declined_like_an_unknown_card(
    link: Link, journal: Path, token: str
) -> None:
    await link.ask(registering(authorisation(fields.CHARGE, 1)))

    assert await link.code(by_token(token)) == "075"
    assert await link.code(registering(by_token(token))) == "075"
    assert len(movements(journal)) == 1


async def test_a_registration_sent_again_gets_the_same_token(link: Link, journal: Path) -> None:
    request = registering(authorisation(fields.CHARGE))
    first = await link.ask(request)

    assert await link.ask(repeated(request)) == await link.ask(request) == first
    assert len(movements(journal)) == 1


async def test_a_repeat_registers_no_card_that_its_first_message_did_not(link: Link) -> None:
    request = authorisation(fields.CHARGE)
    first = await link.ask(request)

    assert await link.ask(registering(repeated(request))) == first
    kept = await link.ask(registering(authorisation(fields.CHARGE)))
    assert await link.ask(registering(repeated(request))) == first
    assert token_in(kept)


async def test_a_card_stays_kept_when_its_authorisation_is_reversed(link: Link) -> None:
    request = registering(authorisation(fields.CHARGE))
    token = token_in(await link.ask(request))
    assert await link.code(about(request, fields.REVERSAL_ADVICE)) == "001"

    assert await link.code(by_token(token)) == "001"


async def test_a_request_that_names_a_card_twice_ends_the_link(link: Link, journal: Path) -> None:
    token = token_in(await link.ask(registering(authorisation(fields.CHARGE))))
    link.send({**by_token(token), fields.PAN: peers.PAN})

    assert await link.ended()
    assert len(movements(journal)) == 1


# --------------------------------------------------------------------------- 3-D Secure


@EACH_AUTHORISATION
@pytest.mark.parametrize("eci", ["05", "02"])
async def test_a_claim_of_full_proof_without_a_cavv_is_declined_and_stays_so(
    link: Link, journal: Path, kind: str, eci: str
) -> None:
    request = claiming(authorisation(kind), eci)

    assert await link.code(request) == "055"
    assert await link.code(claiming(repeated(request), None, peers.CAVV)) == "055"
    assert movements(journal) == []


async def test_a_proved_authorisation_moves_money_keeps_the_card_and_shows_no_proof(
    link: Link, journal: Path
) -> None:
    request = claiming(registering(authorisation(fields.CHARGE)), "05", peers.CAVV)
    reply = await link.ask(request)

    assert set(fields.elements_of(reply)) == {fields.KEPT_CARD_TAG}
    assert net_by_original(journal) == {request[fields.RRN]: 1_000}


# ---------------------------------------------------------------------------- scenarios


async def test_a_silent_card_is_charged_and_its_reversal_answered(
    link: Link, journal: Path
) -> None:
    charge = authorisation(fields.CHARGE, pan=peers.SILENT)
    link.send(charge, repeated(charge))
    await link.ask(network(fields.ECHO))
    assert net_by_original(journal) == {charge[fields.RRN]: 1_000}

    assert await link.code(about(charge, fields.REVERSAL_ADVICE)) == "001"
    assert net_by_original(journal) == {charge[fields.RRN]: 0}


async def test_a_slow_card_is_charged_at_once_and_answered_later(link: Link, journal: Path) -> None:
    slow, quick = authorisation(fields.CHARGE, pan=peers.SLOW), authorisation(fields.CHARGE)
    link.send(slow, quick)

    assert (await link.receive())[fields.STAN] == quick[fields.STAN]
    assert set(net_by_original(journal)) == {slow[fields.RRN], quick[fields.RRN]}
    assert (await link.receive())[fields.STAN] == slow[fields.STAN]


async def test_a_request_about_an_earlier_one_meets_the_code_that_is_played_to_it(
    link: Link, journal: Path
) -> None:
    held, charged = authorisation(fields.HOLD), authorisation(fields.CHARGE)
    for request in (held, charged):
        await link.ask(request)
    for request in (
        about(held, fields.COMPLETION),
        about(held, fields.REVERSAL),
        about(charged, fields.REVERSAL),
        refund(charged),
    ):
        play(journal, fields.trace_of(request), "568")
        assert [await link.code(one) for one in (request, repeated(request))] == ["568", "568"]
    assert kinds(journal) == ["HOLD", "CHARGE"]

    assert await link.code(refund(charged)) == "001", "it was played to another"


async def test_silence_that_is_played_is_carried_out_and_answered_when_it_is_repeated(
    link: Link, journal: Path
) -> None:
    charged = authorisation(fields.CHARGE)
    await link.ask(charged)
    request = refund(charged)
    play(journal, fields.trace_of(request), SILENCE)

    link.send(request, repeated(request))

    assert (await link.receive())[fields.RESPONSE] == "001"
    assert net_by_original(journal) == {charged[fields.RRN]: 0}


async def test_all_that_happened_keeps_stored_and_derived_balances_equal(
    link: Link, journal: Path
) -> None:
    hold, charge = authorisation(fields.HOLD), authorisation(fields.CHARGE, 2_000)
    for request in (hold, charge, about(hold, fields.COMPLETION, 600), refund(charge, 500)):
        assert await link.code(request) == "001"

    assert unbalanced(journal) == ()
    assert net_by_original(journal) == {hold[fields.RRN]: 600, charge[fields.RRN]: 1_500}
