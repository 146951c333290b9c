"""The host of the sandbox does what the table of cards says."""

from __future__ import annotations

from time import perf_counter

import pytest
from tests.conformance.plans import tran

from tkkpg.gateway.host.fields import is_token
from tkkpg.gateway.host.scripted import Scenario, ScriptedHost
from tkkpg.gateway.model.authentication import Proceed
from tkkpg.gateway.model.card import Card, Expiry, StoredCard
from tkkpg.gateway.model.transaction import HostReply, Outcome, TranKind
from tkkpg.protocol.masking import Secret

pytestmark = pytest.mark.anyio

PAN = "4169730000005869"
TIMEOUT_S = 0.05


def card(pan: str = PAN) -> Card:
    """A card with this number."""
    return Card(Secret(pan), Expiry(2030, 12), Secret("123"))


def playing(outcome: Outcome, code: str = "001", delay_s: float = 0.0) -> ScriptedHost:
    """A host that knows one card and its scenario."""
    return ScriptedHost({PAN: Scenario(outcome, code, delay_s)}, TIMEOUT_S)


@pytest.mark.parametrize(
    ("outcome", "code", "reply"),
    [
        (Outcome.APPROVED, "001", HostReply(Outcome.APPROVED, "001", "000123")),
        (Outcome.DECLINED, "116", HostReply(Outcome.DECLINED, "116")),
        (Outcome.NOT_SENT, "", HostReply(Outcome.NOT_SENT, "-1")),
        (Outcome.UNKNOWN, "", HostReply(Outcome.UNKNOWN, "810")),
    ],
)
async def test_a_card_plays_its_scenario(outcome: Outcome, code: str, reply: HostReply) -> None:
    assert await playing(outcome, code).authorise(tran(), card()) == reply


@pytest.mark.parametrize("outcome", [Outcome.APPROVED, Outcome.DECLINED])
async def test_a_card_plays_its_scenario_whatever_was_proved(outcome: Outcome) -> None:
    host = playing(outcome, {Outcome.APPROVED: "001", Outcome.DECLINED: "116"}[outcome])

    assert await host.authorise(tran(), card(), Proceed("07", None)) == await host.authorise(
        tran(), card()
    )


async def test_a_card_that_is_not_in_the_table_is_declined_as_invalid() -> None:
    reply = await playing(Outcome.APPROVED).authorise(tran(), card("4000000000000002"))

    assert reply == HostReply(Outcome.DECLINED, "075")


async def test_a_repeat_of_a_message_gets_the_same_answer() -> None:
    host = playing(Outcome.APPROVED)

    first, again = [await host.authorise(tran(), card()) for _ in range(2)]

    assert first == again
    assert await host.authorise(tran(stan=124), card()) != first


async def test_a_kept_card_has_the_same_token_in_every_process() -> None:
    first, again = [
        await playing(Outcome.APPROVED).authorise(tran(stan=stan, register=True), card())
        for stan in (1, 2)
    ]

    assert first.token is not None
    assert first.token == again.token
    assert is_token(first.token.reveal())


async def test_a_kept_card_plays_the_scenario_of_its_number() -> None:
    given = (await playing(Outcome.APPROVED).authorise(tran(register=True), card())).token
    assert given is not None
    kept = StoredCard(given, Expiry(2030, 12), card().masked, "VISA")

    assert await playing(Outcome.DECLINED, "116").authorise(tran(), kept) == HostReply.of("116")
    assert await playing(Outcome.NOT_SENT, "").authorise(tran(), kept) == HostReply.not_sent()


@pytest.mark.parametrize("silent", [playing(Outcome.UNKNOWN), playing(Outcome.APPROVED, "001", 60)])
async def test_silence_lasts_as_long_as_the_time_out(silent: ScriptedHost) -> None:
    started = perf_counter()
    reply = await silent.authorise(tran(), card())

    assert reply == HostReply.silent()
    assert TIMEOUT_S * 0.9 <= perf_counter() - started < 5


async def test_a_slow_answer_within_the_time_out_is_an_answer() -> None:
    started = perf_counter()
    reply = await playing(Outcome.APPROVED, "001", 0.03).authorise(tran(), card())

    assert reply.outcome is Outcome.APPROVED
    assert perf_counter() - started >= 0.02


async def test_what_never_left_is_known_at_once() -> None:
    host = ScriptedHost({PAN: Scenario(Outcome.NOT_SENT, "", 60)}, timeout_s=60)
    started = perf_counter()

    assert await host.authorise(tran(), card()) == HostReply.not_sent()
    assert perf_counter() - started < 5


async def test_all_that_follows_an_authorisation_is_approved() -> None:
    host = playing(Outcome.DECLINED, "116")
    approved = HostReply(Outcome.APPROVED, "001", "000123")

    await host.start(lambda _unclaimed: None)
    assert await host.complete(tran(kind=TranKind.COMPLETION), tran()) == approved
    assert await host.refund(tran(kind=TranKind.REFUND), tran(), repeat=True) == approved
    assert await host.reverse(tran(kind=TranKind.REVERSAL), tran()) == approved
    assert await host.advise_reversal(tran()) == approved
    await host.aclose()
