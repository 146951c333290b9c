"""Two refunds that one account can pay only one of, at once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.gateway_fixtures import MERCHANT_ID
from tests.paying import paid, post, refund_request, unsettled

from tkkpg.gateway.config import DATABASE
from tkkpg.gateway.store.sqlite import connect

pytestmark = pytest.mark.anyio

ROUNDS = 50


def books(home: Path) -> tuple[int, int, int]:
    """Read the stored balance, what is reserved, and the balance that the ledger adds up to."""
    db = connect(home / DATABASE, writing=False)
    try:
        ((posted, reserved),) = db.execute(
            "SELECT posted_minor, reserved_minor FROM balance WHERE merchant_id = ?",
            (MERCHANT_ID,),
        ).fetchall()
        ((derived,),) = db.execute(
            "SELECT sum(CASE posting WHEN 'DEPOSIT' THEN amount_minor"
            " WHEN 'REFUND' THEN -amount_minor ELSE 0 END) FROM entry WHERE merchant_id = ?",
            (MERCHANT_ID,),
        ).fetchall()
    finally:
        db.close()
    return int(str(posted)), int(str(reserved)), int(str(derived))


async def test_exactly_one_of_two_refunds_of_60_from_an_account_of_100_succeeds(
    tmp_path: Path,
) -> None:
    for number in range(ROUNDS):
        home = tmp_path / str(number)
        home.mkdir()
        async with unsettled(home, opening="100.00") as desk:
            refs = [await paid(desk.client, desk.gateway, "60.00") for _ in range(2)]
            replies = await asyncio.gather(
                *(post(desk.exec, refund_request(ref, 6000)) for ref in refs)
            )
            statuses = sorted(reply.content.split(b"Status>")[1][:-2] for reply in replies)
            assert statuses == [b"00", b"205"]
            assert books(home) == (4000, 0, 4000)
