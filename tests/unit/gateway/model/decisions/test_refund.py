"""Decisions of one refund: reserve, then record what the host said."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.model_factories import (
    MERCHANT,
    NOW,
    NUMBERS,
    REFUND_NUMBERS,
    SILENT_MERCHANT,
    context_at,
    facts_of,
    order_in,
    paid,
    refund_in,
    refund_of,
    refunding,
    waiting,
)

from tkkpg.gateway.model.decisions.refund import plan_refund, plan_refund_outcome
from tkkpg.gateway.model.errors import IllegalTransition, PolicyRefusal
from tkkpg.gateway.model.ledger import BalanceChange, Posting
from tkkpg.gateway.model.plan import Facts, Plan
from tkkpg.gateway.model.transaction import HostReply, Outcome, TranKind, TranState
from tkkpg.protocol.codec import decode_callback
from tkkpg.protocol.values import AZN
from tkkpg.protocol.values import OrderStatus as S

LATER = NOW + timedelta(seconds=5)
APPROVED = HostReply.of("001", "654321")
DECLINED = HostReply.of("076")
REFUSALS = [DECLINED, HostReply.not_sent()]
TRAN_ID = REFUND_NUMBERS.tran_id


def recorded(facts: Facts, reply: HostReply) -> Plan:
    """Record a reply to the running refund."""
    plan = plan_refund_outcome(context_at(LATER), facts, TRAN_ID, reply)
    assert plan is not None
    return plan


def test_a_refund_is_reserved_on_order_and_account_before_it_is_sent() -> None:
    facts = paid()

    plan = plan_refund(context_at(LATER), facts, refund_of(1000), REFUND_NUMBERS)

    (change,), (entry,) = plan.orders, plan.entries
    assert (change.order.status, change.expected_version) == (S.ON_REFUND, facts.order.version)
    assert change.order.refunded_minor == 0
    assert (entry.posting, entry.amount_minor) == (Posting.RESERVE_REFUND, 1000)
    assert plan.balances == (BalanceChange(MERCHANT.merchant_id, AZN, 0, 1000),)
    assert plan.notifications == ()


def test_a_refund_carries_what_is_transmitted_and_refers_to_the_payment() -> None:
    plan = plan_refund(context_at(LATER), paid(), refund_of(1000), REFUND_NUMBERS)

    expected = replace(
        refund_in(amount_minor=1000), created_at=LATER, sent_at=LATER, description="Back"
    )
    assert plan.new_transactions == (expected,)
    assert expected.original_id == NUMBERS.tran_id


def test_a_tran_id_may_repeat_the_two_id_of_the_payment_and_no_other() -> None:
    right = refund_of(1, two_id=NUMBERS.two_id)
    wrong = refund_of(1, two_id=REFUND_NUMBERS.two_id)

    assert plan_refund(context_at(), paid(), right, REFUND_NUMBERS).new_transactions
    with pytest.raises(PolicyRefusal, match="TranId"):
        plan_refund(context_at(), paid(), wrong, REFUND_NUMBERS)


@pytest.mark.parametrize(("refunded_minor", "amount_minor"), [(0, 3001), (2000, 1001)])
def test_a_refund_larger_than_what_is_left_is_refused(
    refunded_minor: int, amount_minor: int
) -> None:
    with pytest.raises(PolicyRefusal, match="more than"):
        plan_refund(context_at(), paid(refunded_minor), refund_of(amount_minor), REFUND_NUMBERS)


def test_only_one_refund_runs_at_a_time() -> None:
    with pytest.raises(PolicyRefusal, match="ON-REFUND cannot be refunded"):
        plan_refund(context_at(), refunding(amount_minor=1), refund_of(1), REFUND_NUMBERS)


@pytest.mark.parametrize(("before", "amount"), [(0, 3000), (0, 1), (1000, 2000), (1000, 500)])
def test_a_confirmed_refund_adds_up_on_the_order_and_leaves_the_account(
    before: int, amount: int
) -> None:
    facts = refunding(amount_minor=amount, refunded_minor=before)

    plan = recorded(facts, APPROVED)

    order, tran = plan.orders[0].order, plan.transactions[0].transaction
    assert (order.status, order.refunded_minor) == (S.REFUNDED, before + amount)
    assert order.refunded_at == LATER
    assert (tran.state, tran.response_code) == (TranState.APPROVED, "001")
    assert (tran.approval_code, tran.finished_at) == ("654321", LATER)
    assert [entry.posting for entry in plan.entries] == [Posting.REFUND]
    assert plan.balances == (BalanceChange(MERCHANT.merchant_id, AZN, -amount, -amount),)


@pytest.mark.parametrize("reply", REFUSALS, ids=lambda reply: reply.outcome)
@pytest.mark.parametrize(("before", "status"), [(0, S.APPROVED), (1000, S.REFUNDED)])
def test_a_refused_refund_leads_back_and_frees_the_account(
    reply: HostReply, before: int, status: S
) -> None:
    plan = recorded(refunding(amount_minor=700, refunded_minor=before), reply)

    order, tran = plan.orders[0].order, plan.transactions[0].transaction
    assert (order.status, order.refunded_minor, order.refunded_at) == (status, before, None)
    assert tran.state == TranState(reply.outcome.value)
    assert [entry.posting for entry in plan.entries] == [Posting.CANCEL_REFUND]
    assert plan.balances == (BalanceChange(MERCHANT.merchant_id, AZN, 0, -700),)


def test_silence_leaves_order_and_account_as_they_are() -> None:
    plan = recorded(refunding(), HostReply.silent())

    assert plan.transactions[0].transaction.state is TranState.UNKNOWN
    assert plan.transactions[0].expected_state is TranState.SENT
    assert (plan.orders, plan.entries, plan.notifications) == ((), (), ())


def test_silence_about_a_repeat_is_nothing_new() -> None:
    facts = refunding(TranState.UNKNOWN)

    assert plan_refund_outcome(context_at(LATER), facts, TRAN_ID, HostReply.silent()) is None


@pytest.mark.parametrize("reply", [APPROVED, DECLINED], ids=lambda reply: reply.outcome)
def test_a_late_answer_resolves_an_unknown_refund(reply: HostReply) -> None:
    plan = recorded(refunding(TranState.UNKNOWN), reply)

    assert plan.transactions[0].expected_state is TranState.UNKNOWN
    assert plan.orders[0].order.status in {S.REFUNDED, S.APPROVED}


def test_a_refund_that_may_have_arrived_is_never_called_not_sent() -> None:
    with pytest.raises(IllegalTransition):
        plan_refund_outcome(
            context_at(LATER), refunding(TranState.UNKNOWN), TRAN_ID, HostReply.not_sent()
        )


@pytest.mark.parametrize("reply", [APPROVED, *REFUSALS, HostReply.silent()])
@pytest.mark.parametrize("state", [TranState.APPROVED, TranState.DECLINED, TranState.NOT_SENT])
def test_an_answer_to_a_finished_refund_changes_nothing(state: TranState, reply: HostReply) -> None:
    facts = refunding(state)

    assert plan_refund_outcome(context_at(LATER), facts, TRAN_ID, reply) is None


@pytest.mark.parametrize("reply", [APPROVED, *REFUSALS, HostReply.silent()])
def test_the_outcome_of_a_payment_is_not_recorded_as_one_of_a_refund(reply: HostReply) -> None:
    with pytest.raises(IllegalTransition, match="no refund"):
        plan_refund_outcome(context_at(LATER), waiting(), NUMBERS.tran_id, reply)


def test_an_order_that_waits_for_no_refund_takes_no_outcome() -> None:
    facts = facts_of(order_in(S.APPROVED), refund_in())

    with pytest.raises(IllegalTransition):
        plan_refund_outcome(context_at(LATER), facts, TRAN_ID, APPROVED)


@pytest.mark.parametrize("reply", [APPROVED, *REFUSALS], ids=lambda reply: reply.outcome)
def test_the_outcome_of_a_refund_is_told_to_the_merchant(reply: HostReply) -> None:
    plan = recorded(refunding(), reply)

    told = decode_callback(plan.notifications[0].xmlmsg)
    assert told.transaction_type == "Refund"
    assert told.order_status is plan.orders[0].order.status
    assert told.response_code == reply.response_code


def test_a_merchant_without_an_address_is_told_nothing() -> None:
    assert recorded(replace(refunding(), merchant=SILENT_MERCHANT), APPROVED).notifications == ()


def test_kinds_and_outcomes_are_those_of_refunds() -> None:
    assert refund_in().kind is TranKind.REFUND
    assert {APPROVED.outcome, *(reply.outcome for reply in REFUSALS)} == set(Outcome) - {
        Outcome.UNKNOWN
    }
