"""Each fault of the host link, once, under a payment and under a refund: one documented end each.

A real issuer behind real TCP; afterwards our ledger, the issuer's journal and `check` agree.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import pytest
from tests.gateway_fixtures import Stage, stage
from tests.paying import create, pay, post, refund_request, settled

from tkkpg.gateway.clock import SystemClock
from tkkpg.gateway.flows.upkeep.reconcile import reconcile
from tkkpg.gateway.home import check_home
from tkkpg.gateway.host.iso_host import Address, IsoHost, tcp
from tkkpg.gateway.host.link import LinkLimits
from tkkpg.gateway.logs import get_logger
from tkkpg.gateway.model.transaction import Transaction, TranState
from tkkpg.issuer.app import IssuerSettings, issuer
from tkkpg.issuer.statement import net_by_original
from tkkpg.protocol.values import OrderRef, OrderStatus
from tkkpg.sandbox.accounts import accounts
from tkkpg.sandbox.faults import FAULTS, Dice, Place, faulty_line

pytestmark = pytest.mark.anyio

HOST_TIMEOUT_S: Final = 0.3
NAMES: Final = [fault.name for fault in FAULTS if fault.place is Place.HOST]
ANSWERED: Final = {"latency", "duplicate-reply"}
"""Faults that leave an answer, and so change nothing about the outcome."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A gateway whose line to the issuer goes wrong when the dice say so."""

    at: Stage
    dice: Dice
    home: Path
    journal: Path

    async def last(self, ref: OrderRef) -> tuple[OrderStatus, Transaction]:
        """Read an order's status and its last transaction."""
        facts = await self.at.gateway.store.facts(ref.order_id)
        assert facts is not None
        return facts.order.status, facts.transactions[-1]

    async def until(self, ready: Callable[[], Awaitable[bool]]) -> None:
        """Wait for something, asking the host again meanwhile as the gateway's worker does."""
        async with asyncio.timeout(15):
            while not await ready():
                await reconcile(self.at.gateway, datetime.max.replace(tzinfo=UTC))
                await asyncio.sleep(0.02)

    async def resolved(self, ref: OrderRef) -> bool:
        """Whether nothing of an order is unresolved."""
        state = (await self.last(ref))[1].state
        return state not in {TranState.SENT, TranState.UNKNOWN, TranState.REVERSING}

    def agree(self, charged_minor: int) -> None:
        """Compare what the cards were charged with what should be, and check our books."""
        assert sum(net_by_original(self.journal).values()) == charged_minor
        assert check_home(self.home, self.at.clock.now()) == []


@asynccontextmanager
async def trial(folder: Path) -> AsyncIterator[Trial]:
    """Open an issuer and a gateway that is linked to it."""
    home, dice = folder / "home", Dice(7, {})
    home.mkdir()
    settings = IssuerSettings(home=folder / "issuer", accounts=accounts())
    async with issuer(settings) as info:

        def dial(address: Address, make: Callable[[], asyncio.Protocol]) -> Awaitable[object]:
            line = partial(tcp(), address)
            faulty = faulty_line(line, dice, host_timeout_s=HOST_TIMEOUT_S, latency_s=0.1)
            return faulty(make)

        host = IsoHost(
            [(info.host, info.port)],
            timeout_s=HOST_TIMEOUT_S,
            now=SystemClock().now,
            log=get_logger("tests"),
            limits=LinkLimits(pause_s=0.01),
            dial=dial,
        )
        async with stage(home, host=host) as at:
            found = Trial(at, dice, home, info.journal)
            await found.until(lambda: _ready(host))
            yield found


async def _ready(host: IsoHost) -> bool:
    return host.ready


@pytest.mark.parametrize("name", NAMES)
async def test_a_payment_ends_in_a_documented_state_and_is_paid_at_most_once(
    tmp_path: Path, name: str
) -> None:
    async with trial(tmp_path) as on:
        ref = await create(on.at.client)
        on.dice.trigger(name)

        await pay(on.at.gateway, ref)
        await on.until(lambda: on.resolved(ref))

        status, tran = await on.last(ref)
        if name in ANSWERED:
            assert (status, tran.state) == (OrderStatus.APPROVED, TranState.APPROVED)
        else:
            assert (status, tran.state) == (OrderStatus.DECLINED, TranState.REVERSED)
            assert tran.response_code == "810"
        await settled(on.at.gateway)
        on.agree(3000 if name in ANSWERED else 0)


@pytest.mark.parametrize("name", NAMES)
async def test_a_refund_is_done_exactly_once(tmp_path: Path, name: str) -> None:
    async with trial(tmp_path) as on:
        ref = await create(on.at.client)
        await pay(on.at.gateway, ref)
        await settled(on.at.gateway)
        on.dice.trigger(name)

        reply = await post(on.at.exec, refund_request(ref, 1000))
        await on.until(lambda: on.resolved(ref))

        # Nothing reverses a refund, so an approval needs no approval code to be believed.
        at_once = name in ANSWERED or name == "no-approval-code"
        expected = b"<Status>00<" if at_once else b"<Status>96<"
        assert expected in reply.content
        status, tran = await on.last(ref)
        assert (status, tran.state) == (OrderStatus.REFUNDED, TranState.APPROVED)
        on.agree(2000)


async def test_an_approval_that_comes_too_late_is_kept_on_its_transaction(tmp_path: Path) -> None:
    async with trial(tmp_path) as on:
        ref = await create(on.at.client)
        on.dice.trigger("late-reply")
        await pay(on.at.gateway, ref)

        async def kept() -> bool:
            return (await on.last(ref))[1].late_reply is not None

        await on.until(kept)

        status, tran = await on.last(ref)
        assert status is OrderStatus.DECLINED
        assert (tran.late_reply or "").startswith("001 ")
        on.agree(0)
