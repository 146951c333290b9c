"""A home with as many past orders as wanted: a few are lived through, then copied row by row."""

from __future__ import annotations

import asyncio
import os
import random
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import apsw
from benchmarks.in_process import (
    CREATE_ORDER,
    MERCHANT_ID,
    BenchmarkError,
    Reply,
    Stage,
    expect,
    stage,
)

from tkkpg.gateway.config import DATABASE
from tkkpg.gateway.flows.decide import context
from tkkpg.gateway.flows.pay import open_page
from tkkpg.gateway.flows.submit_card import submit_card
from tkkpg.gateway.flows.upkeep.expire import expire
from tkkpg.gateway.flows.upkeep.settle import settle
from tkkpg.gateway.model.card import read_card
from tkkpg.gateway.model.decisions.new_order import plan_order
from tkkpg.gateway.threeds.base import Browser
from tkkpg.protocol import codec
from tkkpg.protocol.messages import CreateOrderRequest, CreateOrderResponse
from tkkpg.protocol.values import Operation, OrderRef, OrderType
from tkkpg.sandbox.cards import find_card

APPROVED, REFUNDED, EXPIRED = 6, 1, 3
"""Of ten orders, so many end like this."""
TEMPLATES: Final = APPROVED + REFUNDED + EXPIRED
APART_MICROS: Final = 60_000_000
"""Ten orders a minute: a million of them are ten weeks."""
CACHE_KIB: Final = 500_000
"""Pages kept while copying, since keys are spread over the whole of their indexes."""
PLENTY_MINOR: Final = 10**12
"""On the merchant's account, so that every refund is covered."""

SPREADING: Final = 2_654_435_761
_SPREAD: Final = f"(n * {SPREADING}) % {2**32}"
"""Another number for every `n`, all over the range: what stands for a random key."""
_TIMES: Final = frozenset(
    {
        "created_at",
        "updated_at",
        "expires_at",
        "paid_at",
        "refunded_at",
        "sent_at",
        "finished_at",
        "due_at",
        "at",
    }
)
_NUMBERS: Final = frozenset({"order_id", "tran_id", "two_id", "original_id"})
_KEYS: Final = {
    "session_id": f"printf('%08X', {_SPREAD}) || substr(session_id, 9)",
    "plan_id": f"printf('%08x', {_SPREAD}) || substr(plan_id, 9)",
    "notification_id": f"printf('%08x', {_SPREAD}) || substr(notification_id, 9)",
    "stan": "(stan + n) % 999999 + 1",
}
_COUNTED: Final = frozenset({"entry_id", "audit_id"})
_TABLES: Final = ("orders", "tran", "entry", "notification", "audit")
_BLOCK: Final = 1_000
"""Numbers are this far apart for each `n`: as many as a home takes from a sequence at first."""


@dataclass(frozen=True, slots=True)
class Past:
    """The orders that a home was filled with.

    Attributes:
        paid: Those that were lived through and paid.
        copies: How many copies there are of each.
    """

    paid: tuple[OrderRef, ...]
    copies: int

    def any_paid(self) -> OrderRef:
        """Name one of the paid orders, lived through or copied."""
        ref, n = random.choice(self.paid), random.randint(0, self.copies)
        if n == 0:
            return ref
        spread = n * SPREADING % 2**32
        return OrderRef(ref.order_id + n * _BLOCK, f"{spread:08X}{ref.session_id[8:]}")


async def fill(home: Path, orders: int) -> Past:
    """Fill an empty home with orders, in tens; they end before the benchmark begins."""
    async with stage(home) as opened:
        paid = [await paid_order(opened) for _ in range(APPROVED + REFUNDED)]
        await settle(opened.gateway)  # what is refunded below must be on the merchant's account
        for ref in paid[APPROVED:]:
            await refund(opened, ref, 100)
        for _ in range(EXPIRED):
            await leave_overdue(opened)
        await expire(opened.gateway)
        while (await opened.gateway.store.backlog()).queued:  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.01)
    copies = orders // TEMPLATES - 1
    with closing(apsw.Connection(str(home / DATABASE))) as db:
        _copy(db, copies)
    _to_disk(home)
    return Past(tuple(paid[:APPROVED]), copies)


async def paid_order(opened: Stage, kind: OrderType = OrderType.PURCHASE) -> OrderRef:
    """Create an order and pay it, or hold its amount."""
    body = CREATE_ORDER.replace(OrderType.PURCHASE, kind)
    ref = _created(expect(await opened.ask([body.encode()]), "00"))
    gateway, typed = opened.gateway, find_card("approve")
    card = read_card(
        pan=typed.pan,
        expiry=typed.expiry,
        cvv2=typed.cvv2,
        now=gateway.clock.now(),
        test_cards=gateway.config.test_cards,
    )
    browser = Browser(accept_header="text/html", user_agent="benchmark", language="en")
    await submit_card(gateway, await open_page(gateway, ref), card, browser=browser)
    return ref


async def refund(opened: Stage, ref: OrderRef, amount_minor: int) -> float:
    """Refund some of an order; give the seconds."""
    more = f"<Refund><Amount>{amount_minor}</Amount><Currency>944</Currency></Refund>"
    return (await about(opened, "Refund", ref, more)).seconds


async def about(opened: Stage, operation: str, ref: OrderRef, more: str = "") -> Reply:
    """Send a request about an order, which must be answered with a success."""
    body = (
        f"<TKKPG><Request><Operation>{operation}</Operation><Language>EN</Language><Order>"
        f"<Merchant>{MERCHANT_ID}</Merchant><OrderID>{ref.order_id}</OrderID></Order>"
        f"<SessionID>{ref.session_id}</SessionID>{more}</Request></TKKPG>"
    )
    reply = await opened.ask([body.encode()])
    return reply if reply.body.startswith(b"<Order>") else expect(reply, "00")


async def leave_overdue(opened: Stage) -> None:
    """Commit an order whose time is over already."""
    request = codec.decode_request(CREATE_ORDER.encode())
    if not isinstance(request, CreateOrderRequest):
        message = f"A CreateOrder was expected, not {request}."
        raise BenchmarkError(message)
    now = context(opened.gateway, "benchmark")
    plan = plan_order(now, opened.merchant, request, await opened.gateway.ids.order_ref())
    order = replace(plan.new_orders[0], expires_at=now.now - timedelta(seconds=1))
    await opened.gateway.store.commit(replace(plan, new_orders=(order,)))


def _created(reply: Reply) -> OrderRef:
    created = codec.decode_response(reply.body, Operation.CREATE_ORDER)
    if not isinstance(created, CreateOrderResponse):
        message = f"An order was expected, not {created}."
        raise BenchmarkError(message)
    return created.ref


def _copy(db: apsw.Connection, times: int) -> None:
    db.execute("PRAGMA journal_mode=OFF")
    db.execute("PRAGMA synchronous=OFF")
    db.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
    with db:
        for table in _TABLES:
            db.execute(f"CREATE TEMP TABLE lived AS SELECT * FROM {table}")  # noqa: S608 - our names
            columns = [name for _, name, *_ in db.execute(f"PRAGMA table_info({table})")]
            kept = [name for name in columns if name not in _COUNTED]
            db.execute(
                f"INSERT INTO main.{table} ({', '.join(kept)})"  # noqa: S608 - our names
                " WITH RECURSIVE copies(n) AS"
                " (SELECT 1 UNION ALL SELECT n + 1 FROM copies WHERE n < :times)"
                f" SELECT {', '.join(map(_copied, kept))} FROM copies CROSS JOIN temp.lived",
                {"times": times},
            )
            db.execute("DROP TABLE temp.lived")
        db.execute("UPDATE sequence SET next = next + ?", (times * _BLOCK,))
        db.execute(
            "UPDATE balance SET posted_minor = ?,"
            " settled_through = (SELECT max(entry_id) FROM entry)",
            (PLENTY_MINOR,),
        )
    db.execute("PRAGMA journal_mode=WAL")


def _copied(column: str) -> str:
    if column in _TIMES:
        return f"{column} - (:times - n + 1) * {APART_MICROS}"
    if column in _NUMBERS:
        return f"{column} + n * {_BLOCK}"
    return _KEYS.get(column, column)


def _to_disk(home: Path) -> None:
    """Wait until it is written, so that what follows does not share the disk with it."""
    for path in home.iterdir():
        if path.is_file():
            with path.open("rb") as opened:
                os.fsync(opened.fileno())
