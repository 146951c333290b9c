"""The operator's word for an outcome, as the owner of the home is asked for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.gateway_fixtures import stage
from tests.paying import AnsweringHost, paid, post, refund_request, settled, stored

from tkkpg.gateway.app import open_offline
from tkkpg.gateway.model.errors import PolicyRefusal
from tkkpg.gateway.model.transaction import HostReply, TranKind
from tkkpg.gateway.verbs import RESOLVE, owner_verbs
from tkkpg.protocol.values import OrderRef, OrderStatus

pytestmark = pytest.mark.anyio


async def with_an_unknown_refund(home: Path) -> tuple[OrderRef, int]:
    """Leave a home in which nobody knows of a refund; give its order and its number."""
    host = AnsweringHost()
    async with stage(home, host=host) as at:
        ref = await paid(at.client, at.gateway)
        await settled(at.gateway)
        host.answers(TranKind.REFUND, HostReply.silent())
        await post(at.exec, refund_request(ref, 3000))
        facts = await at.gateway.store.facts(ref.order_id)
        assert facts is not None
        return ref, facts.transactions[-1].tran_id


@pytest.mark.parametrize(
    ("resolution", "status"),
    [("approved", OrderStatus.REFUNDED), ("declined", OrderStatus.APPROVED)],
)
async def test_a_home_without_a_running_gateway_is_changed_directly(
    tmp_path: Path, resolution: str, status: OrderStatus
) -> None:
    ref, tran_id = await with_an_unknown_refund(tmp_path)
    asked = {"tran_id": tran_id, "resolution": resolution, "reason": "Confirmed by the host"}

    async with open_offline(tmp_path) as gateway:
        done = await owner_verbs(gateway)[RESOLVE](asked)

        assert done == {**asked, "order_id": ref.order_id}
        assert (await stored(gateway, ref)).status is status


async def test_it_is_resolved_once(tmp_path: Path) -> None:
    _, tran_id = await with_an_unknown_refund(tmp_path)
    asked = {"tran_id": tran_id, "resolution": "approved", "reason": "Confirmed by the host"}

    async with open_offline(tmp_path) as gateway:
        resolve = owner_verbs(gateway)[RESOLVE]
        await resolve(asked)
        with pytest.raises(PolicyRefusal, match="its outcome is known"):
            await resolve(asked | {"resolution": "declined"})


async def test_a_transaction_that_does_not_exist_is_named(tmp_path: Path) -> None:
    async with open_offline(tmp_path) as gateway:
        with pytest.raises(PolicyRefusal, match="no transaction 77"):
            await owner_verbs(gateway)[RESOLVE](
                {"tran_id": 77, "resolution": "approved", "reason": "Confirmed"}
            )
