"""A reply that nobody waits for: find its transaction in the store and record it there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tkkpg.gateway.flows.record import record, record_reversal
from tkkpg.gateway.host.fields import transmitted
from tkkpg.gateway.model.transaction import Outcome, TranKind

if TYPE_CHECKING:
    from tkkpg.gateway.host.base import Unclaimed
    from tkkpg.gateway.host.fields import Trace
    from tkkpg.gateway.model.transaction import Transaction
    from tkkpg.gateway.runtime import Gateway

_CLASSES = {
    TranKind.AUTHORISATION: {"1", "2"},
    TranKind.COMPLETION: {"2"},
    TranKind.REFUND: {"2"},
    TranKind.REVERSAL: {"4"},
}


async def claim(gateway: Gateway, unclaimed: Unclaimed) -> None:
    """Record a reply that came after its time-out, after a restart, or for another worker.

    A reply that belongs to no transaction of ours is logged and forgotten.
    """
    trace = unclaimed.trace
    log = gateway.log.bind(stan=trace.stan, message_class=trace.message_class)
    for tran in await gateway.store.transactions_traced(int(trace.stan)):
        advice = _is_advice(tran, trace)
        if not advice and not _is_request(tran, trace):
            continue
        log = log.bind(order_id=tran.order_id, tran_id=tran.tran_id)
        repeated = (unclaimed.amount_minor, unclaimed.currency)
        if repeated != (tran.amount_minor, tran.currency.code):
            log.warning("reply_amount_differs", amount_minor=unclaimed.amount_minor)
        elif advice:
            await record_reversal(gateway, tran, unclaimed.reply)
        elif unclaimed.reply.outcome is not Outcome.UNKNOWN:
            await record(gateway, tran, unclaimed.reply)
        return
    log.warning("reply_unclaimed")


def _is_request(tran: Transaction, trace: Trace) -> bool:
    return (
        tran.sent_at is not None
        and trace.message_class in _CLASSES[tran.kind]
        and int(trace.stan) == tran.stan
        and (trace.transmitted_at, trace.terminal_id)
        == (transmitted(tran.sent_at), tran.terminal_id)
    )


def _is_advice(tran: Transaction, trace: Trace) -> bool:
    return (
        tran.reversal_at is not None
        and trace.message_class == "4"
        and int(trace.stan) == tran.reversal_stan
        and (trace.transmitted_at, trace.terminal_id)
        == (transmitted(tran.reversal_at), tran.terminal_id)
    )
