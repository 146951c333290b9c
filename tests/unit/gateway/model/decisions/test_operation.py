"""Decisions of an operation on a paid order: reserve, then record what the host said."""

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
    completed,
    completing,
    completion_of,
    context_at,
    facts_of,
    held,
    operation_in,
    order_in,
    paid,
    refund_in,
    refund_of,
    refunding,
    reversal_of,
    waiting,
)

from tkkpg.gateway.model.decisions.operation import (
    plan_completion,
    plan_operation_outcome,
    plan_refund,
    plan_reversal,
)
from tkkpg.gateway.model.decisions.reservation import Numbers
from tkkpg.gateway.model.errors import IllegalTransition, PolicyRefusal
from tkkpg.gateway.model.ledger import BalanceChange, Posting
from tkkpg.gateway.model.plan import Capture, Facts, Plan, StillUnsettled
from tkkpg.gateway.model.transaction import HostReply, Outcome, TranKind, TranState
from tkkpg.protocol.codec import decode_callback
from tkkpg.protocol.converters import DESCRIPTION_MAX
from tkkpg.protocol.messages import Position
from tkkpg.protocol.values import AZN, CURRENCIES
from tkkpg.protocol.values import OrderStatus as S

LATER = NOW + timedelta(seconds=5)
APPROVED = HostReply.of("001", "654321")
DECLINED = HostReply.of("076")
REFUSALS = [DECLINED, HostReply.not_sent()]
TRAN_ID = REFUND_NUMBERS.tran_id
LAST_NUMBERS = Numbers(tran_id=9, two_id=2292056, stan=44)
"""Of an operation after a completion."""
UNSETTLED, SETTLED = Capture(17, settled=False), Capture(17, settled=True)


def recorded(facts: Facts, reply: HostReply) -> Plan:
    """Record a reply to the running operation."""
    plan = plan_operation_outcome(context_at(LATER), facts, TRAN_ID, reply)
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

    assert plan_operation_outcome(context_at(LATER), facts, TRAN_ID, HostReply.silent()) is None


@pytest.mark.parametrize("reply", [APPROVED, DECLINED], ids=lambda reply: reply.outcome)
def test_a_late_answer_resolves_an_unknown_refund(reply: HostReply) -> None:
    plan = recorded(refunding(TranState.UNKNOWN), reply)

    assert plan.transactions[0].expected_state is TranState.UNKNOWN
    assert plan.orders[0].order.status in {S.REFUNDED, S.APPROVED}


def test_a_refund_that_may_have_arrived_is_never_called_not_sent() -> None:
    with pytest.raises(IllegalTransition):
        plan_operation_outcome(
            context_at(LATER), refunding(TranState.UNKNOWN), TRAN_ID, HostReply.not_sent()
        )


@pytest.mark.parametrize("reply", [APPROVED, *REFUSALS, HostReply.silent()])
@pytest.mark.parametrize("state", [TranState.APPROVED, TranState.DECLINED, TranState.NOT_SENT])
def test_an_answer_to_a_finished_refund_is_kept_where_it_contradicts_it(
    state: TranState, reply: HostReply
) -> None:
    facts = refunding(state)
    plan = plan_operation_outcome(context_at(LATER), facts, TRAN_ID, reply)

    says_done = reply.outcome is Outcome.APPROVED
    definite = reply.outcome in {Outcome.APPROVED, Outcome.DECLINED}
    if not definite or says_done is (state is TranState.APPROVED):
        assert plan is None
        return
    assert plan is not None
    (change,) = plan.transactions
    assert (change.transaction.state, plan.entries, plan.orders) == (state, (), ())
    assert (change.transaction.late_reply or "").startswith(reply.response_code)
    kept = replace(facts, transactions=(*facts.transactions[:-1], change.transaction))
    assert plan_operation_outcome(context_at(LATER), kept, TRAN_ID, reply) is None


@pytest.mark.parametrize("reply", [APPROVED, *REFUSALS, HostReply.silent()])
def test_the_outcome_of_a_payment_is_not_recorded_as_one_of_a_refund(reply: HostReply) -> None:
    with pytest.raises(IllegalTransition, match="is an authorisation"):
        plan_operation_outcome(context_at(LATER), waiting(), NUMBERS.tran_id, reply)


def test_an_order_that_waits_for_no_refund_takes_no_outcome() -> None:
    facts = facts_of(order_in(S.APPROVED), refund_in())

    with pytest.raises(IllegalTransition):
        plan_operation_outcome(context_at(LATER), facts, TRAN_ID, APPROVED)


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


# ---------------------------------------------------------------- completion


@pytest.mark.parametrize("amount", [1, 2000, 3000])
def test_a_completion_is_reserved_and_books_nothing_yet(amount: int) -> None:
    plan = plan_completion(context_at(LATER), held(), completion_of(amount), REFUND_NUMBERS)

    (change,), (tran,) = plan.orders, plan.new_transactions
    assert (change.order.status, change.order.captured_minor) == (S.ON_LOCK, 0)
    expected = replace(
        operation_in(TranKind.COMPLETION, amount_minor=amount), created_at=LATER, sent_at=LATER
    )
    assert tran == expected
    assert (plan.entries, plan.unsettled, plan.notifications) == ((), (), ())


@pytest.mark.parametrize(
    ("fee_of_order", "sent", "amount", "fee"),
    [
        (30, None, 3000, 30),
        (31, None, 1000, 10),
        (31, None, 1, 0),
        (30, 0, 3000, 30),
        (30, 7, 1000, 10),
        (30, 70, 1000, 70),
        (0, None, 3000, 0),
        (0, 999, 1000, 999),
    ],
)
def test_the_fee_of_a_completion_is_a_share_of_the_orders_or_more_where_it_says_so(
    fee_of_order: int, sent: int | None, amount: int, fee: int
) -> None:
    plan = plan_completion(
        context_at(), held(fee_of_order), completion_of(amount, fee_minor=sent), REFUND_NUMBERS
    )

    assert plan.new_transactions[0].fee_minor == fee


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"amount_minor": 3001}, "more than the 3000 minor units that are held"),
        ({"currency": CURRENCIES["840"]}, "Currency must be 944"),
        ({"fee_minor": 3000}, "Fee must be less than Amount"),
    ],
)
def test_a_completion_that_does_not_fit_what_is_held_is_refused(
    changes: dict[str, object], reason: str
) -> None:
    request = replace(completion_of(3000), **changes)  # type: ignore[arg-type]

    with pytest.raises(PolicyRefusal, match=reason):
        plan_completion(context_at(), held(), request, REFUND_NUMBERS)


def test_a_completion_may_name_the_orders_currency() -> None:
    request = completion_of(3000, currency=AZN)

    assert plan_completion(context_at(), held(), request, REFUND_NUMBERS).new_transactions


@pytest.mark.parametrize("status", sorted(set(S) - {S.PREAUTH_APPROVED}))
def test_only_what_is_held_is_completed(status: S) -> None:
    facts = replace(held(), order=order_in(status))

    with pytest.raises(PolicyRefusal, match=f"{status} cannot be completed"):
        plan_completion(context_at(), facts, completion_of(1), REFUND_NUMBERS)


@pytest.mark.parametrize("plan", [plan_completion, plan_reversal, plan_refund])
def test_nothing_follows_from_an_order_that_nobody_paid(plan: object) -> None:
    request = {
        plan_completion: completion_of(1),
        plan_reversal: reversal_of(),
        plan_refund: refund_of(1),
    }[plan]  # type: ignore[index]

    with pytest.raises(PolicyRefusal, match="CREATED was not paid"):
        plan(context_at(), facts_of(order_in()), request, REFUND_NUMBERS)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("amount", "booked"),
    [
        (3000, [(Posting.COMPLETE, 3000), (Posting.FEE, 20)]),
        (2000, [(Posting.COMPLETE, 2000), (Posting.FEE, 20), (Posting.RELEASE, 1000)]),
    ],
)
def test_a_confirmed_completion_charges_and_releases_the_rest(
    amount: int, booked: list[tuple[Posting, int]]
) -> None:
    plan = recorded(completing(amount, fee_minor=20), APPROVED)

    order, tran = plan.orders[0].order, plan.transactions[0].transaction
    assert (order.status, order.captured_minor, order.amount_minor) == (S.APPROVED, amount, 3000)
    assert (order.fee_minor, order.paid_at) == (20, LATER)
    assert order.refundable_minor == amount
    assert (tran.state, tran.approval_code) == (TranState.APPROVED, "654321")
    assert [(entry.posting, entry.amount_minor) for entry in plan.entries] == booked
    assert plan.balances == ()


@pytest.mark.parametrize(("sent", "kept"), [("", "Two shirts"), ("One shirt", "One shirt")])
def test_the_description_of_a_completion_replaces_the_orders(sent: str, kept: str) -> None:
    request = completion_of(3000, description=sent)
    reserved = plan_completion(context_at(), held(), request, REFUND_NUMBERS)
    facts = replace(
        held(),
        order=reserved.orders[0].order,
        transactions=(*held().transactions, *reserved.new_transactions),
    )

    assert reserved.orders[0].order.description == "Two shirts"
    assert recorded(facts, APPROVED).orders[0].order.description == kept


@pytest.mark.parametrize("reply", REFUSALS, ids=lambda reply: reply.outcome)
def test_a_refused_completion_leaves_the_hold(reply: HostReply) -> None:
    plan = recorded(completing(2000, fee_minor=20), reply)

    order = plan.orders[0].order
    assert (order.status, order.captured_minor) == (S.PREAUTH_APPROVED, 0)
    assert order.paid_at is None
    assert plan.entries == ()


# ---------------------------------------------------------------- reversal


def reversing(facts: Facts) -> tuple[Plan, Facts]:
    """Reserve a reversal; give the plan and the facts after it."""
    plan = plan_reversal(context_at(), facts, reversal_of(description="; sorry"), LAST_NUMBERS)
    return plan, replace(
        facts,
        order=plan.orders[0].order,
        transactions=(*facts.transactions, *plan.new_transactions),
    )


def charged(capture: Capture, fee_minor: int = 30) -> Facts:
    """Facts of a Purchase of 30.00 with a fee."""
    payment = replace(paid().transactions[0], fee_minor=fee_minor)
    order = replace(paid().order, fee_minor=fee_minor)
    return replace(paid(), order=order, transactions=(payment,), capture=capture)


REVERSALS = {
    "hold": (held(30), [], [Posting.RELEASE], [], 3000),
    "unsettled": (
        charged(UNSETTLED),
        [Posting.RESERVE_UNCHARGE],
        [Posting.UNCHARGE, Posting.CANCEL_FEE],
        [Posting.CANCEL_UNCHARGE],
        3000,
    ),
    "settled": (
        charged(SETTLED),
        [Posting.RESERVE_CLAWBACK],
        [Posting.CLAWBACK, Posting.CANCEL_FEE],
        [Posting.CANCEL_CLAWBACK],
        3000,
    ),
    "completed": (
        replace(completed(2000, fee_minor=30), capture=UNSETTLED),
        [Posting.RESERVE_UNCHARGE],
        [Posting.UNCHARGE, Posting.CANCEL_FEE],
        [Posting.CANCEL_UNCHARGE],
        2000,
    ),
    "completed and settled": (
        replace(completed(2000, fee_minor=30), capture=SETTLED),
        [Posting.RESERVE_CLAWBACK],
        [Posting.CLAWBACK, Posting.CANCEL_FEE],
        [Posting.CANCEL_CLAWBACK],
        2000,
    ),
}
"""What is reversed: facts, postings reserved, of a success and of a refusal, the amount."""


@pytest.mark.parametrize("name", REVERSALS)
def test_a_reversal_reserves_all_that_the_merchant_had(name: str) -> None:
    facts, reserved, _, _, amount = REVERSALS[name]

    plan, _ = reversing(facts)

    (tran,) = plan.new_transactions
    assert plan.orders[0].order.status is S.ON_LOCK
    assert plan.orders[0].order.captured_minor == facts.order.captured_minor
    assert (tran.kind, tran.amount_minor) == (TranKind.REVERSAL, amount)
    assert (tran.original_id, tran.fee_minor) == (NUMBERS.tran_id, 30 if reserved else 0)
    assert [entry.posting for entry in plan.entries] == reserved
    assert all(entry.amount_minor == amount - 30 for entry in plan.entries)


@pytest.mark.parametrize("name", REVERSALS)
def test_only_an_unsettled_charge_must_still_be_so_at_the_commit(name: str) -> None:
    facts, *_ = REVERSALS[name]

    plan, _ = reversing(facts)

    guard = StillUnsettled(MERCHANT.merchant_id, AZN, UNSETTLED.entry_id)
    assert plan.unsettled == ((guard,) if facts.capture == UNSETTLED else ())
    assert plan.new_transactions[0].settled is (facts.capture == SETTLED)


@pytest.mark.parametrize("name", REVERSALS)
def test_a_confirmed_reversal_ends_the_order_with_nothing_charged(name: str) -> None:
    before, _, booked, _, _ = REVERSALS[name]
    _, facts = reversing(before)

    plan = plan_operation_outcome(context_at(LATER), facts, LAST_NUMBERS.tran_id, APPROVED)

    assert plan is not None
    order = plan.orders[0].order
    assert (order.status, order.captured_minor) == (S.REVERSED, 0)
    assert order.refundable_minor == 0
    assert order.description == "Two shirts; sorry"
    assert [entry.posting for entry in plan.entries] == booked


@pytest.mark.parametrize("reply", REFUSALS, ids=lambda reply: reply.outcome)
@pytest.mark.parametrize("name", REVERSALS)
def test_a_refused_reversal_leads_back(name: str, reply: HostReply) -> None:
    before, _, _, booked, _ = REVERSALS[name]
    _, facts = reversing(before)

    plan = plan_operation_outcome(context_at(LATER), facts, LAST_NUMBERS.tran_id, reply)

    assert plan is not None
    order = plan.orders[0].order
    assert order.status is before.order.status
    assert order.captured_minor == before.order.captured_minor
    assert order.description == "Two shirts"
    assert [entry.posting for entry in plan.entries] == booked


def test_a_settled_reversal_is_guarded_by_the_account() -> None:
    plan, _ = reversing(charged(SETTLED))

    assert plan.balances == (BalanceChange(MERCHANT.merchant_id, AZN, 0, 2970),)


def test_the_joined_description_is_no_longer_than_a_description_may_be() -> None:
    facts = held()
    long = replace(facts.order, description="x" * DESCRIPTION_MAX)
    _, running = reversing(replace(facts, order=long))

    plan = plan_operation_outcome(context_at(LATER), running, LAST_NUMBERS.tran_id, APPROVED)

    assert plan is not None
    assert plan.orders[0].order.description == "x" * DESCRIPTION_MAX


@pytest.mark.parametrize("name", REVERSALS)
def test_a_reversal_may_name_the_whole_amount_and_no_other(name: str) -> None:
    facts, _, _, _, amount = REVERSALS[name]

    whole = plan_reversal(context_at(), facts, reversal_of(amount_minor=amount), LAST_NUMBERS)

    assert whole.new_transactions
    for other in (amount - 1, amount + 1, 1):
        with pytest.raises(PolicyRefusal, match="a reversal is never partial"):
            plan_reversal(context_at(), facts, reversal_of(amount_minor=other), LAST_NUMBERS)


@pytest.mark.parametrize("name", REVERSALS)
def test_a_reversal_names_the_payment_or_nothing(name: str) -> None:
    facts, *_ = REVERSALS[name]
    right, wrong = reversal_of(two_id=NUMBERS.two_id), reversal_of(two_id=REFUND_NUMBERS.two_id)

    assert plan_reversal(context_at(), facts, right, LAST_NUMBERS).new_transactions
    with pytest.raises(PolicyRefusal, match="TranId"):
        plan_reversal(context_at(), facts, wrong, LAST_NUMBERS)


@pytest.mark.parametrize("status", sorted(set(S) - {S.APPROVED, S.PREAUTH_APPROVED}))
def test_nothing_else_is_reversed_least_of_all_what_was_refunded(status: S) -> None:
    facts = replace(paid(), order=order_in(status))

    with pytest.raises(PolicyRefusal, match=f"{status} cannot be reversed") as refusal:
        plan_reversal(context_at(), facts, reversal_of(), LAST_NUMBERS)
    assert ("refunded" in refusal.value.message) == (status in {S.ON_REFUND, S.REFUNDED})


def test_a_refused_refund_leaves_an_order_that_may_be_reversed() -> None:
    refused = recorded(refunding(), DECLINED)
    facts = replace(
        paid(),
        order=refused.orders[0].order,
        transactions=(*paid().transactions, refused.transactions[0].transaction),
        capture=SETTLED,
    )

    assert plan_reversal(context_at(), facts, reversal_of(), LAST_NUMBERS).new_transactions


# ---------------------------------------------------------------- refund with fee, and in part


@pytest.mark.parametrize(
    ("refunded", "amount", "with_fee", "fee"),
    [
        (0, 3000, True, 31),
        (0, 1000, True, 10),
        (1000, 1000, True, 10),
        (2000, 1000, True, 11),
        (0, 3000, False, 0),
    ],
)
def test_a_refund_gives_its_share_of_the_fee_back_where_it_is_asked_for(
    refunded: int, amount: int, fee: int, *, with_fee: bool
) -> None:
    before = paid(refunded)
    facts = replace(before, transactions=(replace(before.transactions[0], fee_minor=31),))
    request = replace(refund_of(amount), with_fee=with_fee)

    plan = plan_refund(context_at(), facts, request, REFUND_NUMBERS)

    assert plan.new_transactions[0].fee_minor == fee
    assert plan.balances == (BalanceChange(MERCHANT.merchant_id, AZN, 0, amount),)


def test_the_fee_comes_back_when_the_refund_is_confirmed() -> None:
    facts = refunding(amount_minor=1000)
    payment, tran = facts.transactions
    facts = replace(facts, transactions=(payment, replace(tran, fee_minor=10)))

    plan = recorded(facts, APPROVED)

    assert [(entry.posting, entry.amount_minor) for entry in plan.entries] == [
        (Posting.REFUND, 1000),
        (Posting.RETURN_FEE, 10),
    ]
    assert plan.balances == (BalanceChange(MERCHANT.merchant_id, AZN, -990, -1000),)
    assert [entry.posting for entry in recorded(facts, DECLINED).entries] == [Posting.CANCEL_REFUND]


@pytest.mark.parametrize(("refunded", "amount"), [(0, 2000), (500, 1500), (1999, 1)])
def test_of_a_part_completion_no_more_is_refunded_than_was_charged(
    refunded: int, amount: int
) -> None:
    facts = completed(2000, refunded_minor=refunded)

    assert plan_refund(context_at(), facts, refund_of(amount), LAST_NUMBERS).new_transactions
    with pytest.raises(PolicyRefusal, match=f"more than the {2000 - refunded} minor units"):
        plan_refund(context_at(), facts, refund_of(amount + 1), LAST_NUMBERS)


def test_the_fee_of_a_part_completion_is_the_one_that_comes_back() -> None:
    facts = completed(2000, fee_minor=20)
    request = replace(refund_of(1000), with_fee=True)

    plan = plan_refund(context_at(), facts, request, LAST_NUMBERS)

    assert plan.new_transactions[0].fee_minor == 10


def test_source_positions_and_digest_of_a_refund_are_kept() -> None:
    lines = (Position(text="Shirt"),)
    request = replace(refund_of(1), source="1", positions=lines)

    (tran,) = plan_refund(context_at(), paid(), request, REFUND_NUMBERS, "ab").new_transactions

    assert (tran.source, tran.positions, tran.request_digest) == ("1", lines, "ab")


# ---------------------------------------------------------------- every kind, every outcome


RUNNING = {
    "completion": (completing(2000), TRAN_ID),
    "hold reversal": (reversing(held())[1], LAST_NUMBERS.tran_id),
    "charge reversal": (reversing(charged(UNSETTLED))[1], LAST_NUMBERS.tran_id),
    "refund": (refunding(), TRAN_ID),
}
ENDS = {
    ("completion", Outcome.APPROVED): S.APPROVED,
    ("hold reversal", Outcome.APPROVED): S.REVERSED,
    ("charge reversal", Outcome.APPROVED): S.REVERSED,
    ("refund", Outcome.APPROVED): S.REFUNDED,
    **{
        (name, outcome): back
        for name, back in (
            ("completion", S.PREAUTH_APPROVED),
            ("hold reversal", S.PREAUTH_APPROVED),
            ("charge reversal", S.APPROVED),
            ("refund", S.APPROVED),
        )
        for outcome in (Outcome.DECLINED, Outcome.NOT_SENT)
    },
}
ANSWERS = [APPROVED, *REFUSALS, HostReply.silent()]


@pytest.mark.parametrize("reply", ANSWERS, ids=lambda reply: reply.outcome)
@pytest.mark.parametrize("name", RUNNING)
def test_every_outcome_of_every_operation_is_recorded_once_and_told(
    name: str, reply: HostReply
) -> None:
    facts, tran_id = RUNNING[name]

    plan = plan_operation_outcome(context_at(LATER), facts, tran_id, reply)

    assert plan is not None
    moved = plan.transactions[0].transaction
    assert moved.state == TranState(reply.outcome.value)
    assert plan.action == f"{moved.kind.lower()}_{reply.outcome.lower()}"
    if reply.outcome is Outcome.UNKNOWN:
        assert (plan.orders, plan.entries, plan.notifications) == ((), (), ())
        order = facts.order
    else:
        order = plan.orders[0].order
        assert order.status is ENDS[name, reply.outcome]
        told = decode_callback(plan.notifications[0].xmlmsg)
        assert (told.order_status, told.two_id) == (order.status, NUMBERS.two_id)
    after = replace(facts, order=order, transactions=(*facts.transactions[:-1], moved))
    assert plan_operation_outcome(context_at(LATER), after, tran_id, reply) is None


@pytest.mark.parametrize("reply", [APPROVED, DECLINED], ids=lambda reply: reply.outcome)
@pytest.mark.parametrize("name", RUNNING)
def test_every_unknown_operation_is_resolved_by_a_later_answer(name: str, reply: HostReply) -> None:
    facts, tran_id = RUNNING[name]
    unknown = replace(facts.transactions[-1], state=TranState.UNKNOWN)
    facts = replace(facts, transactions=(*facts.transactions[:-1], unknown))

    plan = plan_operation_outcome(context_at(LATER), facts, tran_id, reply)

    assert plan is not None
    assert plan.orders[0].order.status is ENDS[name, reply.outcome]
    with pytest.raises(IllegalTransition):
        plan_operation_outcome(context_at(LATER), facts, tran_id, HostReply.not_sent())
