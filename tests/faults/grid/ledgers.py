"""Three witnesses of each order: our books, the issuer's journal, the merchant's own questions."""

from __future__ import annotations

import asyncio
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.faults.grid.lives import Life
from tests.faults.grid.told import Told

from tkkpg.client import AsyncClient, OrderRef, OrderStatus
from tkkpg.gateway.clock import BusinessClock
from tkkpg.gateway.config import CLOCK, DATABASE
from tkkpg.gateway.home import check_home
from tkkpg.gateway.model.ledger import PAYABLE
from tkkpg.gateway.model.order import PAID
from tkkpg.gateway.store.sqlite import SIGNED, connect, select
from tkkpg.issuer.statement import holds_by_original, net_by_original

ASKED_AT_ONCE: Final = 16
PAYABLES: Final = ", ".join(f"'{posting}'" for posting in PAYABLE)
TAKEN: Final = frozenset({"Purchase", "Completion"})
"""Operations by which money left the payer."""
MOVED_ON: Final = {
    OrderStatus.PREAUTH_APPROVED: {*PAID, OrderStatus.REVERSED},
    OrderStatus.APPROVED: {*PAID, OrderStatus.REVERSED},
}
"""What an order may have become after somebody was told."""
WAITING: Final = (
    "SELECT (SELECT count(*) FROM orders"  # noqa: S608 - constants
    " WHERE status IN ('ON-LOCK', 'ON-REFUND')),"
    " (SELECT count(*) FROM tran WHERE state IN ('SENT', 'UNKNOWN', 'REVERSING')),"
    " (SELECT coalesce(sum(CASE WHEN posting = 'SETTLE' THEN -amount_minor"
    f" WHEN posting IN ({PAYABLES}) THEN {SIGNED} ELSE 0 END), 0) <> 0 FROM entry e),"
    " (SELECT count(*) FROM notification WHERE state = 'QUEUED')"
)
UNSETTLED_MERCHANTS: Final = "unsettled merchants"
WAITING_FOR: Final = (
    "orders without an outcome",
    "transactions without an outcome",
    UNSETTLED_MERCHANTS,
    "undelivered notifications",
)
"""What `WAITING` counts."""
CHARGED: Final = (
    "SELECT coalesce(sum(CASE WHEN posting IN ('CHARGE', 'COMPLETE') THEN amount_minor"
    " WHEN posting IN ('REFUND', 'UNCHARGE', 'CLAWBACK', 'CANCEL_FEE') THEN -amount_minor"
    " ELSE 0 END), 0) FROM entry e WHERE e.order_id = "
)
"""What was charged of an order and not given back, by our books."""
ORDERS: Final = (
    f"SELECT order_id, session_id, amount_minor, ({CHARGED} o.order_id),"  # noqa: S608 - constants
    " (SELECT coalesce(group_concat(rrn), '') FROM tran t WHERE t.order_id = o.order_id"
    " AND kind = 'AUTHORISATION')"
    " FROM orders o ORDER BY order_id"
)


@dataclass(slots=True)
class Comparison:
    """What the three ledgers say, and where they do not agree.

    Attributes:
        ours_minor: Charged less refunded, in our books.
        issuer_minor: What left the payers' accounts and did not come back.
        merchant_minor: What the merchant's questions add up to.
        lost: Orders that are not as somebody was told, or whose money not every ledger has.
        double: Orders charged twice, or given back twice.
        findings: One sentence about each, and what `tkkpg check` finds.
    """

    ours_minor: int = 0
    issuer_minor: int = 0
    merchant_minor: int = 0
    lost: set[int] = field(default_factory=set)
    double: set[int] = field(default_factory=set)
    findings: list[str] = field(default_factory=list)


class Merchant:
    """The merchant's view, asked over the wire; ended orders are asked about once."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._known: dict[int, tuple[OrderStatus, int]] = {}

    async def view(
        self, client: AsyncClient, refs: list[OrderRef]
    ) -> dict[int, tuple[OrderStatus, int]]:
        """Ask for status and money of each order."""
        at_once = asyncio.Semaphore(ASKED_AT_ONCE)

        async def ask(ref: OrderRef) -> None:
            async with at_once:
                state = await client.get_order_status(ref)
                row = await client.get_order_information(ref, show_operations=True)
            minor = sum(one.amount_minor for one in row.operations if one.name in TAKEN)
            minor -= row.refund_amount_minor or 0
            if state.order_status not in PAID:
                minor = 0
            self._known[ref.order_id] = state.order_status, minor

        await asyncio.gather(*(ask(ref) for ref in refs if ref.order_id not in self._known))
        return self._known


def waiting(home: Path) -> dict[str, int]:
    """Count what has no outcome yet, by what it is; empty when nothing is left."""
    with closing(connect(home / DATABASE, writing=False)) as db:
        ((*counts,),) = select(db, WAITING)
    return {name: count for name, count in zip(WAITING_FOR, counts, strict=True) if count}


async def compare(one: Life, told: Told, merchant: Merchant) -> Comparison:
    """Compare the three ledgers of all orders in a home, and both with what was told."""
    with closing(connect(one.home / DATABASE, writing=False)) as db:
        orders = select(db, ORDERS)
    journal = Path(one.info["journal"])
    issuer = net_by_original(journal)
    holds = holds_by_original(journal)
    view = await merchant.view(one.client, [OrderRef(row[0], row[1]) for row in orders])
    found = Comparison(issuer_minor=sum(issuer.values()))
    for order_id, _, amount, ours, rrns in orders:
        at_issuer = sum(issuer.pop(rrn, 0) for rrn in rrns.split(",") if rrn)
        status, at_merchant = view[order_id]
        held = sum(holds.get(rrn, 0) for rrn in rrns.split(",") if rrn)
        if held != (amount if status is OrderStatus.PREAUTH_APPROVED else 0):
            found.lost.add(order_id)
            found.findings.append(f"order {order_id} is {status}, the issuer holds {held}")
        found.ours_minor += ours
        found.merchant_minor += at_merchant
        if ours > amount or at_issuer > amount or at_issuer < ours:
            found.double.add(order_id)
        if at_issuer > ours or at_merchant != ours:
            found.lost.add(order_id)
        if not ours == at_issuer == at_merchant:
            found.findings.append(
                f"order {order_id}: ours {ours}, issuer {at_issuer}, merchant {at_merchant}"
            )
    for rrn, minor in issuer.items():
        if minor:
            found.lost.add(0)
            found.findings.append(f"The issuer moved {minor} for {rrn}, which no order has.")
    believe(told, {row[0]: row for row in orders}, view, found)
    found.findings += books(one.home)
    return found


def believe(
    told: Told,
    orders: dict[int, tuple[int, str, int, int, str]],
    view: dict[int, tuple[OrderStatus, int]],
    found: Comparison,
) -> None:
    """Compare what was told with what is so now; a told order may only have moved on."""
    untrue = {order_id: "it does not exist" for order_id in told.created if order_id not in orders}
    for order_id, outcome in told.outcomes.items():
        status = view[order_id][0] if order_id in view else None
        if status is not outcome and status not in MOVED_ON.get(outcome, ()):
            untrue[order_id] = f"{outcome} was told, it is {status}"
    for order_id, minor in told.refunded.items():
        if order_id in orders and orders[order_id][2] - orders[order_id][3] < minor:
            untrue[order_id] = f"a refund of {minor} was told"
    found.lost |= set(untrue)
    found.findings += [f"order {order_id}: {what}" for order_id, what in untrue.items()]


def books(home: Path) -> list[str]:
    """Say what `tkkpg check` finds."""
    return [
        f"{finding.rule}: {finding.rows}: {finding.sentence}"
        for finding in check_home(home, BusinessClock(home / CLOCK).now())
    ]
