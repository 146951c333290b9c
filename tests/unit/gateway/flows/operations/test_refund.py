"""The same Refund again: to the last second of the window, and only for who may ask."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.gateway_fixtures import Stage, merchant, stage
from tests.paying import AnsweringHost, paid, stored

from tkkpg.gateway.flows.operations.refund import refund
from tkkpg.gateway.model.errors import PolicyRefusal
from tkkpg.gateway.model.transaction import TranKind
from tkkpg.protocol.messages import RefundRequest
from tkkpg.protocol.values import AZN, Language, OperationStatus

pytestmark = pytest.mark.anyio

WINDOW = merchant(duplicate_window_s=60)


@asynccontextmanager
async def sold(home: Path) -> AsyncIterator[tuple[Stage, AnsweringHost, RefundRequest]]:
    """Open a gateway with a paid order, and a request to refund 1.00 of it."""
    host = AnsweringHost()
    async with stage(home, host=host, trader=WINDOW) as at:
        ref = await paid(at.client, at.gateway)
        yield (
            at,
            host,
            RefundRequest(
                language=Language.EN,
                merchant_id=WINDOW.merchant_id,
                order_id=ref.order_id,
                session_id=ref.session_id,
                amount_minor=100,
                currency=AZN,
            ),
        )


async def refunded(at: Stage, request: RefundRequest) -> int:
    """Read what was given back, in minor units."""
    return (await stored(at.gateway, request.ref)).refunded_minor


async def test_a_repeat_in_the_last_second_of_the_window_moves_nothing(tmp_path: Path) -> None:
    async with sold(tmp_path) as (at, host, request):
        first = await refund(at.gateway, WINDOW, request)
        at.clock.advance(timedelta(seconds=60))
        again = await refund(at.gateway, WINDOW, request)

        assert again == first
        assert (await refunded(at, request), host.count(TranKind.REFUND)) == (100, 1)


async def test_a_repeat_with_another_session_learns_nothing(tmp_path: Path) -> None:
    async with sold(tmp_path) as (at, host, request):
        await refund(at.gateway, WINDOW, request)

        with pytest.raises(PolicyRefusal) as refused:
            await refund(at.gateway, WINDOW, replace(request, session_id="0" * 32))

        assert refused.value.status is OperationStatus.INVALID_MESSAGE
        assert host.count(TranKind.REFUND) == 1
