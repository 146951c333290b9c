"""The test card that never leaves the gateway, before any host."""

from __future__ import annotations

import pytest
from tests.conformance.plans import tran

from tkkpg.gateway.host.scripted import Scenario, ScriptedHost
from tkkpg.gateway.model.authentication import Proceed
from tkkpg.gateway.model.card import Card, Expiry, StoredCard
from tkkpg.gateway.model.transaction import HostReply, Outcome, Transaction
from tkkpg.protocol.masking import Secret
from tkkpg.sandbox.unplugged import Unplugged

pytestmark = pytest.mark.anyio

GOOD = "4169733213495869"
NEVER = "4000000000000010"
SOMETIMES = "4000000020000008"
BEHIND = ScriptedHost(
    {pan: Scenario(Outcome.APPROVED, "001") for pan in (GOOD, NEVER, SOMETIMES)}, 0.05
)


@pytest.fixture
async def host() -> Unplugged:
    """A host that would approve both cards."""
    unplugged = Unplugged(BEHIND, {NEVER: None, SOMETIMES: 99_999})
    await unplugged.start(lambda _unclaimed: None)
    return unplugged


def _card(pan: str) -> Card:
    return Card(Secret(pan), Expiry(2030, 12), Secret("123"))


async def test_its_card_is_not_sent(host: Unplugged) -> None:
    assert await host.authorise(tran(), _card(NEVER)) == HostReply.not_sent()


async def test_a_card_may_be_sent_but_for_one_amount(host: Unplugged) -> None:
    card = _card(SOMETIMES)

    assert await host.authorise(tran(amount_minor=99_999), card) == HostReply.not_sent()
    reply = await host.authorise(tran(amount_minor=99_998), card)
    assert reply.outcome is Outcome.APPROVED


async def test_every_other_card_goes_on(host: Unplugged) -> None:
    reply = await host.authorise(tran(), _card(GOOD))

    assert reply == await BEHIND.authorise(tran(), _card(GOOD))
    assert reply.outcome is Outcome.APPROVED


class _Noting(ScriptedHost):
    """A host that says what was proved."""

    noted: Proceed | None = None

    async def authorise(
        self, tran: Transaction, card: Card | StoredCard, proof: Proceed | None = None
    ) -> HostReply:
        self.noted = proof
        return await super().authorise(tran, card, proof)


async def test_what_was_proved_goes_on_with_the_card() -> None:
    behind = _Noting({GOOD: Scenario(Outcome.APPROVED, "001")}, 0.05)

    await Unplugged(behind, {NEVER: None}).authorise(tran(), _card(GOOD), Proceed("07", None))

    assert behind.noted == Proceed("07", None)


@pytest.mark.parametrize("verb", ["complete", "reverse", "refund"])
async def test_what_follows_an_authorisation_goes_on(host: Unplugged, verb: str) -> None:
    following = tran(2, original_id=1, stan=124)

    reply = await getattr(host, verb)(following, tran(), repeat=True)

    assert reply == await getattr(BEHIND, verb)(following, tran(), repeat=True)
    assert reply.outcome is Outcome.APPROVED


async def test_an_advice_goes_on(host: Unplugged) -> None:
    reply = await host.advise_reversal(tran(), repeat=True)

    assert reply == await BEHIND.advise_reversal(tran(), repeat=True)
    await host.aclose()
