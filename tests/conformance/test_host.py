"""What every authorisation host promises: four outcomes, and never an exception for silence."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Final

import pytest
import structlog
from tests.conformance.plans import NOW, tran
from tests.unit.gateway.host.peers import DEADLINE_S, Peer, SmallHost, now, reply_to, until

from tkkpg.gateway.host import fields
from tkkpg.gateway.host.base import Host
from tkkpg.gateway.host.fields import Message
from tkkpg.gateway.host.iso_host import IsoHost
from tkkpg.gateway.host.scripted import Scenario, ScriptedHost
from tkkpg.gateway.model.authentication import Proceed
from tkkpg.gateway.model.card import Card, Expiry, StoredCard
from tkkpg.gateway.model.transaction import HostReply, Outcome, TranKind, Transaction, TranState
from tkkpg.issuer.accounts import Account
from tkkpg.issuer.app import IssuerSettings, issuer
from tkkpg.protocol.codes import Outcome as CodeOutcome
from tkkpg.protocol.codes import response_code
from tkkpg.protocol.masking import Secret

pytestmark = pytest.mark.anyio

CARDS: Final = {
    Outcome.APPROVED: "4169730000005869",
    Outcome.DECLINED: "4000000000000002",
    Outcome.NOT_SENT: "4000000000000010",
    Outcome.UNKNOWN: "4000000000000028",
}
"""A card for each outcome, whatever host it is asked of."""


CODES: Final = {Outcome.APPROVED: "001", Outcome.DECLINED: "116"}
TIMEOUT_S: Final = 0.05
FOLLOWING: Final = {"original_id": 1, "stan": 124}


@asynccontextmanager
async def _scripted(_folder: Path) -> AsyncIterator[Host]:
    table = {CARDS[outcome]: Scenario(outcome, CODES.get(outcome, "")) for outcome in Outcome}
    host = ScriptedHost(table, timeout_s=TIMEOUT_S)
    await host.start(lambda _unclaimed: None)
    yield host
    await host.aclose()


def _answer(peer: Peer, request: Message) -> None:
    """Play the card; approve what has none."""
    pan = request.get(fields.PAN, CARDS[Outcome.APPROVED])
    if pan == CARDS[Outcome.APPROVED]:
        peer.send(reply_to(request))
    elif pan == CARDS[Outcome.DECLINED]:
        peer.send(reply_to(request, CODES[Outcome.DECLINED], ""))


class _IsoHost(IsoHost):
    """Over the loopback; the link is down when a card asks for that."""

    async def authorise(
        self, tran: Transaction, card: Card | StoredCard, proof: Proceed | None = None
    ) -> HostReply:
        if isinstance(card, Card) and card.pan.reveal() == CARDS[Outcome.NOT_SENT]:
            await self.aclose()
        return await super().authorise(tran, card, proof)


@asynccontextmanager
async def _iso(_folder: Path) -> AsyncIterator[Host]:
    small = SmallHost()
    small.on_request = _answer
    async with small.listening():
        log = structlog.get_logger()
        host = _IsoHost([small.address], timeout_s=TIMEOUT_S, now=now, log=log)
        await host.start(lambda _unclaimed: None)
        await until(lambda: host.ready)
        yield host
        await host.aclose()


@asynccontextmanager
async def _issuer(folder: Path) -> AsyncIterator[Host]:
    """Over the loopback, with the issuer of the sandbox at the other end."""
    accounts = (
        Account(name="good", pan=Secret(CARDS[Outcome.APPROVED])),
        Account(name="poor", pan=Secret(CARDS[Outcome.DECLINED]), balance_minor=0),
    )
    async with issuer(IssuerSettings(home=folder, accounts=accounts)) as info:
        log = structlog.get_logger()
        host = IsoHost([(info.host, info.port)], timeout_s=DEADLINE_S, now=now, log=log)
        await host.start(lambda _unclaimed: None)
        await until(lambda: host.ready)
        yield host
        await host.aclose()


@pytest.fixture(params=[_scripted, _iso], ids=["scripted", "iso"])
async def host(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Host]:
    """A host that knows the cards above."""
    async with request.param(tmp_path) as asked:
        yield asked


@pytest.fixture(params=[_scripted, _issuer], ids=["scripted", "issuer"])
async def keeper(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Host]:
    """A host that knows the cards that are approved and declined, and keeps cards."""
    async with request.param(tmp_path) as asked:
        yield asked


def card(outcome: Outcome) -> Card:
    """The card that leads to an outcome."""
    return Card(Secret(CARDS[outcome]), Expiry(2030, 12), Secret("123"))


@pytest.mark.parametrize("outcome", Outcome)
async def test_every_outcome_is_an_answer(host: Host, outcome: Outcome) -> None:
    reply = await host.authorise(tran(), card(outcome))

    assert reply.outcome is outcome


PROOFS: Final = [
    Proceed("05", Secret("AAECAwQFBgcICQoLDA0ODxAREhM=")),
    Proceed("01", Secret("AAECAwQFBgcICQoLDA0ODxAREhM=")),
    Proceed("06", None),
    Proceed("07", None),
    None,
]


@pytest.mark.parametrize("proof", PROOFS)
@pytest.mark.parametrize("outcome", Outcome)
async def test_every_outcome_is_an_answer_whatever_was_proved(
    host: Host, outcome: Outcome, proof: Proceed | None
) -> None:
    reply = await host.authorise(tran(), card(outcome), proof)

    assert reply.outcome is outcome


@pytest.mark.parametrize("proof", PROOFS)
async def test_a_card_is_kept_whatever_was_proved(keeper: Host, proof: Proceed | None) -> None:
    asked = tran(stan=next(_stans), register=True)

    reply = await keeper.authorise(asked, card(Outcome.APPROVED), proof)

    assert reply.outcome is Outcome.APPROVED
    assert reply.token is not None


async def test_an_approval_has_a_code_that_says_so_and_one_of_the_issuer(host: Host) -> None:
    reply = await host.authorise(tran(), card(Outcome.APPROVED))

    assert response_code(reply.response_code).outcome is CodeOutcome.APPROVE
    assert len(reply.approval_code) == 6


@pytest.mark.parametrize("outcome", [Outcome.DECLINED, Outcome.NOT_SENT, Outcome.UNKNOWN])
async def test_no_other_outcome_looks_like_an_approval(host: Host, outcome: Outcome) -> None:
    reply = await host.authorise(tran(), card(outcome))

    assert response_code(reply.response_code).outcome is not CodeOutcome.APPROVE
    assert reply.approval_code == ""


@pytest.mark.parametrize("outcome", [Outcome.APPROVED, Outcome.DECLINED])
async def test_a_message_repeated_is_answered_as_before(host: Host, outcome: Outcome) -> None:
    first = await host.authorise(tran(), card(outcome))

    assert await host.authorise(tran(), card(outcome)) == first


@pytest.mark.parametrize("repeat", [False, True])
async def test_what_follows_an_authorisation_is_answered(host: Host, repeat: bool) -> None:
    completion = tran(2, kind=TranKind.COMPLETION, **FOLLOWING)
    reversal = tran(2, kind=TranKind.REVERSAL, **FOLLOWING)
    refund = tran(2, kind=TranKind.REFUND, **FOLLOWING)

    replies = [
        await host.complete(completion, tran(hold=True), repeat=repeat),
        await host.reverse(reversal, tran(), repeat=repeat),
        await host.refund(refund, tran(), repeat=repeat),
    ]

    assert [reply.outcome for reply in replies] == [Outcome.APPROVED] * 3


@pytest.mark.parametrize("repeat", [False, True])
async def test_a_reversal_advice_is_confirmed(host: Host, repeat: bool) -> None:
    advised = tran(state=TranState.REVERSING, reversal_stan=125, reversal_at=NOW)

    reply = await host.advise_reversal(advised, repeat=repeat)

    assert reply.outcome is Outcome.APPROVED


_stans = count(1)


async def registered(keeper: Host, merchant_id: str = "E1000010") -> StoredCard:
    """Let the host keep the good card for a merchant."""
    asked = tran(stan=next(_stans), merchant_id=merchant_id, register=True)
    reply = await keeper.authorise(asked, card(Outcome.APPROVED))
    assert reply.token is not None
    return kept_as(reply.token)


def kept_as(token: Secret) -> StoredCard:
    """What the gateway knows of a card that is kept under a token."""
    return StoredCard(token, Expiry(2030, 12), card(Outcome.APPROVED).masked, "VISA")


@pytest.mark.parametrize("hold", [False, True])
async def test_a_card_that_was_kept_pays_by_its_token(keeper: Host, hold: bool) -> None:
    kept = await registered(keeper)

    reply = await keeper.authorise(tran(stan=next(_stans), hold=hold), kept)

    assert reply.outcome is Outcome.APPROVED
    assert reply.token is None


async def test_a_token_is_never_taken_for_a_card_number(keeper: Host) -> None:
    token = (await registered(keeper)).token.reveal()

    assert fields.is_token(token)
    assert not token.isdigit()


async def test_a_card_that_is_kept_again_has_the_token_that_it_had(keeper: Host) -> None:
    assert await registered(keeper) == await registered(keeper)


async def test_a_registration_repeated_gives_the_same_token(keeper: Host) -> None:
    asked = tran(stan=next(_stans), register=True)

    first, again = [await keeper.authorise(asked, card(Outcome.APPROVED)) for _ in range(2)]

    assert first == again
    assert first.token is not None


async def test_nothing_is_kept_that_was_not_asked_for_or_was_declined(keeper: Host) -> None:
    asked, declined = tran(stan=next(_stans)), tran(stan=next(_stans), register=True)

    assert (await keeper.authorise(asked, card(Outcome.APPROVED))).token is None
    reply = await keeper.authorise(declined, card(Outcome.DECLINED))
    assert (reply.outcome, reply.token) == (Outcome.DECLINED, None)


async def test_a_token_is_of_no_use_to_another_merchant_or_when_it_was_never_given(
    keeper: Host,
) -> None:
    kept = await registered(keeper)
    for_another = await registered(keeper, "E2000020")

    assert kept != for_another
    for stranger in (for_another, kept_as(Secret("NEVERGIVEN"))):
        reply = await keeper.authorise(tran(stan=next(_stans), register=True), stranger)
        assert reply == HostReply(Outcome.DECLINED, "075")
