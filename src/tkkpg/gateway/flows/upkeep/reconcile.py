"""Finding out what really happened to transactions that nobody is waiting for any more.

| no answer to      | the gateway sends            | order meanwhile, in the end              |
| ----------------- | ---------------------------- | ---------------------------------------- |
| an authorisation  | a reversal, until confirmed  | DECLINED 810 in the commit that reserves |
| a refund          | the same refund again        | ON-REFUND, then REFUNDED or back         |
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from tkkpg.gateway.flows.record import record, reverse
from tkkpg.gateway.model.transaction import HostReply, Outcome, TranKind, TranState

if TYPE_CHECKING:
    from datetime import datetime

    from tkkpg.gateway.model.transaction import Transaction
    from tkkpg.gateway.runtime import Gateway

AT_ONCE: Final = 10_000
"""Transactions per round; the rest waits for the next one."""
HOST_AT_ONCE: Final = 100
"""Transactions being resolved at a time, so that one round does not flood a host that is back."""


async def reconcile(gateway: Gateway, sent_before: datetime) -> int:
    """Resolve transactions that were sent before a time and have no final state.

    Args:
        gateway: What to work with.
        sent_before: At start-up: ever, since nothing is under way. While running: longer ago than
            the host may take, so that nothing under way is touched.

    Returns:
        The number of transactions looked at.
    """
    found = await gateway.store.unresolved(sent_before, AT_ONCE)
    lines = asyncio.Semaphore(HOST_AT_ONCE)
    await asyncio.gather(*(_attempt(gateway, tran, lines) for tran in found))
    return len(found)


async def _attempt(gateway: Gateway, tran: Transaction, lines: asyncio.Semaphore) -> None:
    """Resolve one transaction; one that cannot be resolved keeps nobody else waiting."""
    log = gateway.log.bind(order_id=tran.order_id, tran_id=tran.tran_id, state=tran.state)
    async with lines:
        log.warning("transaction_unresolved")
        try:
            await _resolve(gateway, tran)
        except Exception:
            log.exception("transaction_not_resolved")


async def _resolve(gateway: Gateway, tran: Transaction) -> None:
    if tran.state is TranState.REVERSING:
        await reverse(gateway, tran)
    elif tran.kind is TranKind.REFUND:
        reply = await gateway.host.refund(tran)
        # A repeat that did not leave says nothing about the message before it.
        known = HostReply.silent() if reply.outcome is Outcome.NOT_SENT else reply
        await record(gateway, tran, known)
    else:
        await record(gateway, tran, HostReply.silent())
