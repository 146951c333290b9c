"""What is decided is committed first, and told after that."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.gateway_fixtures import Stage, stage
from tests.paying import create

from tkkpg.gateway.flows.decide import commit, context, decide
from tkkpg.gateway.model.decisions.payment import plan_leaving
from tkkpg.gateway.model.errors import StoreConflict
from tkkpg.gateway.model.plan import Plan
from tkkpg.protocol.values import OrderRef

pytestmark = pytest.mark.anyio


async def leaving(at: Stage, ref: OrderRef) -> Plan:
    """Decide that the payer leaves, which the merchant is to be told of."""
    facts = await at.gateway.store.facts(ref.order_id)
    assert facts is not None
    plan = plan_leaving(context(at.gateway, "payer"), facts)
    assert plan.notifications
    return plan


async def test_nobody_is_told_of_what_was_not_committed(tmp_path: Path) -> None:
    async with stage(tmp_path) as at:
        plan = await leaving(at, await create(at.client))
        (change,) = plan.orders
        outdated = replace(plan, orders=(replace(change, expected_version=99),))

        with pytest.raises(StoreConflict):
            await commit(at.gateway, outdated)

        assert at.courier.deliveries == ()
        assert (await at.gateway.store.backlog()).queued == 0


async def test_a_decision_that_loses_every_time_is_given_up(tmp_path: Path) -> None:
    async with stage(tmp_path) as at:
        ref = await create(at.client)
        plan = await leaving(at, ref)
        (change,) = plan.orders
        outdated = replace(plan, orders=(replace(change, expected_version=99),))

        with pytest.raises(StoreConflict):
            await decide(at.gateway, ref.order_id, "payer", lambda _context, _facts: outdated)
