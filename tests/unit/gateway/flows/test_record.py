"""The host may say the same thing twice, or too late: an order is charged once or not at all."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from tests.gateway_fixtures import stage
from tests.paying import APPROVED, AnsweringHost, create, paid, pay, stored

from tkkpg.gateway.config import DATABASE
from tkkpg.gateway.flows.record import record
from tkkpg.gateway.model.transaction import HostReply, TranKind, TranState
from tkkpg.gateway.store.sqlite import connect, select
from tkkpg.protocol.values import OrderStatus

pytestmark = pytest.mark.anyio


def charges(home: Path) -> list[int]:
    """Read what was charged, in minor units."""
    with closing(connect(home / DATABASE, writing=False)) as db:
        booked = select(db, "SELECT amount_minor FROM entry WHERE posting = 'CHARGE'")
    return [amount for (amount,) in booked]


async def test_an_approval_that_comes_twice_charges_once(tmp_path: Path) -> None:
    host = AnsweringHost()
    async with stage(tmp_path, host=host) as at:
        ref = await paid(at.client, at.gateway)
        before = await stored(at.gateway, ref)
        assert before.status is OrderStatus.APPROVED

        assert await record(at.gateway, host.asked[0][1], APPROVED) is None

        assert await stored(at.gateway, ref) == before
        assert charges(tmp_path) == [before.amount_minor]


async def test_an_approval_that_comes_after_the_reversal_charges_nothing(tmp_path: Path) -> None:
    host = AnsweringHost()
    host.answers(TranKind.AUTHORISATION, HostReply.silent())
    async with stage(tmp_path, host=host) as at:
        ref = await create(at.client)
        await pay(at.gateway, ref)
        before = await stored(at.gateway, ref)
        assert before.status is OrderStatus.DECLINED

        assert await record(at.gateway, host.asked[0][1], APPROVED) is None

        assert await stored(at.gateway, ref) == before
        assert charges(tmp_path) == []


async def test_a_reversal_that_nobody_confirmed_goes_on(tmp_path: Path) -> None:
    host = AnsweringHost()
    host.answers(TranKind.AUTHORISATION, HostReply.silent())
    host.answers(TranKind.REVERSAL, HostReply.silent())
    async with stage(tmp_path, host=host) as at:
        ref = await create(at.client)
        await pay(at.gateway, ref)

        assert host.count(TranKind.REVERSAL) == 1
        tran = await at.gateway.store.transaction(host.asked[0][1].tran_id)
        assert tran is not None
        assert tran.state is TranState.REVERSING
