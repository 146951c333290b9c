"""A plan: what it does to balances follows from its entries, and it shows no secrets."""

from __future__ import annotations

from tests.model_factories import NOW, REFUND_NUMBERS, SESSION, context_at, paid, refund_of, waiting

from tkkpg.gateway.model.decisions.operation import plan_refund
from tkkpg.gateway.model.decisions.payment import plan_outcome
from tkkpg.gateway.model.ledger import BalanceChange, Entry, Posting
from tkkpg.gateway.model.plan import Plan
from tkkpg.gateway.model.transaction import HostReply
from tkkpg.protocol.values import AZN


def test_a_plan_without_entries_changes_no_balance() -> None:
    assert Plan(context=context_at(), action="nothing").balances == ()


def test_balances_of_a_plan_are_derived_from_its_entries() -> None:
    entry = Entry(
        posting=Posting.DEPOSIT, merchant_id="E1000010", amount_minor=500, currency=AZN, at=NOW
    )

    plan = Plan(context=context_at(), action="deposited", entries=(entry, entry))

    assert plan.balances == (BalanceChange("E1000010", AZN, 1000, 0),)


def test_a_refund_is_guarded_by_the_account_and_a_charge_by_nothing() -> None:
    refund = plan_refund(context_at(), paid(), refund_of(700), REFUND_NUMBERS)
    charge = plan_outcome(
        context_at(), waiting(), 7, HostReply.of("001", "123456"), reversal_stan=0
    )

    assert refund.balances == (BalanceChange("E1000010", AZN, 0, 700),)
    assert charge is not None
    assert charge.balances == ()


def test_a_plan_and_its_notification_never_show_the_session() -> None:
    plan = plan_outcome(context_at(), waiting(), 7, HostReply.of("001", "123456"), reversal_stan=0)

    assert plan is not None
    assert SESSION in plan.notifications[0].xmlmsg
    assert SESSION not in repr(plan)
