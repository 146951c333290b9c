"""What every authorisation host promises: four outcomes, and never an exception for silence."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import pytest
from tests.conformance.plans import tran

from tkkpg.gateway.host.base import Host
from tkkpg.gateway.host.scripted import Scenario, ScriptedHost
from tkkpg.gateway.model.card import Card, Expiry
from tkkpg.gateway.model.transaction import Outcome, TranKind, TranState
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


def _scripted() -> Host:
    codes = {Outcome.APPROVED: "001", Outcome.DECLINED: "116"}
    table = {CARDS[outcome]: Scenario(outcome, codes.get(outcome, "")) for outcome in Outcome}
    return ScriptedHost(table, timeout_s=0.01)


@pytest.fixture(params=[_scripted], ids=["scripted"])
async def host(request: pytest.FixtureRequest) -> AsyncIterator[Host]:
    """A host that knows the cards above."""
    asked: Host = request.param()
    yield asked
    await asked.aclose()


def card(outcome: Outcome) -> Card:
    """The card that leads to an outcome."""
    return Card(Secret(CARDS[outcome]), Expiry(2030, 12), Secret("123"))


@pytest.mark.parametrize("outcome", Outcome)
async def test_every_outcome_is_an_answer(host: Host, outcome: Outcome) -> None:
    reply = await host.authorise(tran(), card(outcome))

    assert reply.outcome is outcome


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


async def test_a_refund_is_answered(host: Host) -> None:
    reply = await host.refund(tran(2, kind=TranKind.REFUND, original_id=1, stan=124))

    assert reply.outcome is Outcome.APPROVED


async def test_a_reversal_is_confirmed_also_of_what_the_host_never_saw(host: Host) -> None:
    reply = await host.reverse(tran(state=TranState.REVERSING, reversal_stan=125))

    assert reply.outcome is Outcome.APPROVED
