"""Asking the host with no transaction open, and recording what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tkkpg.gateway.crash import reach
from tkkpg.gateway.flows.decide import decide
from tkkpg.gateway.model.card import SavedCard
from tkkpg.gateway.model.decisions.operation import plan_operation_outcome
from tkkpg.gateway.model.decisions.payment import plan_outcome, plan_reversed
from tkkpg.gateway.model.errors import IllegalTransition
from tkkpg.gateway.model.transaction import (
    OPEN,
    HostReply,
    Outcome,
    TranKind,
    Transaction,
    TranState,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tkkpg.gateway.model.plan import Context, Facts, Plan
    from tkkpg.gateway.runtime import Gateway

GATEWAY = "gateway"
"""Actor of what the gateway does by itself."""


async def ask_and_record(
    gateway: Gateway, tran: Transaction, ask: Callable[[], Awaitable[HostReply]]
) -> None:
    """Send a reserved transaction and record its outcome; reverse it if nobody knows.

    Raises:
        StoreUnavailable: The outcome is not recorded; reconciliation finds the transaction.
    """
    reach("host.before", tran.kind.lower())
    reply = await ask()
    reach("host.answered", tran.kind.lower())
    gateway.metrics.host_asked(tran.kind, reply.outcome)
    reversing = await record(gateway, tran, reply)
    if reversing is not None:
        gateway.background.start(reverse(gateway, reversing))


async def record(gateway: Gateway, tran: Transaction, reply: HostReply) -> Transaction | None:
    """Record the outcome of a transaction; recording the same twice changes nothing.

    Returns:
        The transaction, if this reserved its reversal, which is to be sent now.
    """
    gateway.log.info(
        "host_answered",
        order_id=tran.order_id,
        tran_id=tran.tran_id,
        kind=tran.kind,
        outcome=reply.outcome,
        response_code=reply.response_code,
    )
    if tran.kind is not TranKind.AUTHORISATION:
        await decide(
            gateway,
            tran.order_id,
            GATEWAY,
            lambda context, facts: plan_operation_outcome(context, facts, tran.tran_id, reply),
        )
        return None
    stan = await gateway.ids.stan() if reply.outcome is Outcome.UNKNOWN else 0
    saved = _saved_card(gateway, tran, reply)

    def planner(context: Context, facts: Facts) -> Plan | None:
        return plan_outcome(context, facts, tran.tran_id, reply, reversal_stan=stan, saved=saved)

    plan = await decide(gateway, tran.order_id, GATEWAY, planner)
    for change in plan.transactions if plan else ():
        if change.expected_state in OPEN and change.transaction.state is TranState.REVERSING:
            return change.transaction
    return None


async def reverse(gateway: Gateway, tran: Transaction, *, repeat: bool = False) -> HostReply:
    """Advise the reversal of an authorisation that nobody knows, and record its confirmation.

    Without a confirmation the transaction stays REVERSING, and reconciliation asks again.
    """
    reach("host.before", "advice")
    reply = await gateway.host.advise_reversal(tran, repeat=repeat)
    reach("host.answered", "advice")
    gateway.metrics.host_asked(TranKind.REVERSAL, reply.outcome)
    await record_reversal(gateway, tran, reply)
    return reply


async def record_reversal(gateway: Gateway, tran: Transaction, reply: HostReply) -> None:
    """Record the answer to a reversal advice; only a confirmation ends it."""
    if reply.outcome is Outcome.APPROVED:
        await decide(
            gateway,
            tran.order_id,
            GATEWAY,
            lambda context, facts: plan_reversed(context, facts, tran.tran_id),
        )


def _saved_card(gateway: Gateway, tran: Transaction, reply: HostReply) -> SavedCard | None:
    """Make the saved card of an approval whose host keeps it; its token rests sealed."""
    if not tran.register or reply.token is None or reply.outcome is not Outcome.APPROVED:
        return None
    card_uid = tran.card_uid or ""
    return SavedCard(
        card_uid=card_uid,
        merchant_id=tran.merchant_id,
        order_id=tran.order_id,
        token=gateway.keys.seal(reply.token.reveal(), card_uid),
        pan_masked=tran.pan_masked or "",
        brand=tran.brand or "",
        expiry=tran.card_expiry or "",
        created_at=gateway.clock.now(),
    )


async def ask(gateway: Gateway, tran: Transaction, *, repeat: bool = False) -> HostReply:
    """Ask the host for an operation on the payment that it refers to.

    Raises:
        IllegalTransition: It refers to nothing that is stored.
    """
    original = await gateway.store.transaction(tran.original_id or 0)
    if original is None:
        message = f"Transaction {tran.tran_id} refers to a payment that is not stored."
        raise IllegalTransition(message)
    verbs = {
        TranKind.COMPLETION: gateway.host.complete,
        TranKind.REVERSAL: gateway.host.reverse,
        TranKind.REFUND: gateway.host.refund,
    }
    return await verbs[tran.kind](tran, original, repeat=repeat)
