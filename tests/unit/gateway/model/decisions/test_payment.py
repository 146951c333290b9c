"""Decisions of one payment, from the new order to its end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.model_factories import (
    CARD_UID,
    MASKED,
    MERCHANT,
    NOW,
    NUMBERS,
    SILENT_MERCHANT,
    STORED_CARD,
    authorisation_in,
    context_at,
    facts_of,
    order_in,
    paid,
    refunding,
    waiting,
)

from tkkpg.gateway.model.card import SavedCard
from tkkpg.gateway.model.decisions.payment import (
    plan_authorisation,
    plan_expiry,
    plan_leaving,
    plan_outcome,
    plan_reversed,
)
from tkkpg.gateway.model.decisions.reservation import (
    authorisation,
    find_transaction,
    retrieval_reference,
)
from tkkpg.gateway.model.errors import IllegalTransition
from tkkpg.gateway.model.ledger import Posting
from tkkpg.gateway.model.order import ORDER_LIFE
from tkkpg.gateway.model.plan import Facts, OrderChange, Plan
from tkkpg.gateway.model.transaction import (
    UNRESOLVED,
    HostReply,
    Outcome,
    TranKind,
    TranState,
)
from tkkpg.protocol.codec import decode_callback
from tkkpg.protocol.values import OrderStatus as S
from tkkpg.protocol.values import OrderType

LATER = NOW + timedelta(seconds=5)
APPROVED = HostReply.of("001", "123456")
DECLINED = HostReply.of("076")
REPLIES = [APPROVED, DECLINED, HostReply.not_sent(), HostReply.silent()]
REVERSAL_STAN = 99
ON_TIME = NOW + ORDER_LIFE - timedelta(microseconds=1)
TOO_LATE = NOW + ORDER_LIFE
SAVED = SavedCard(
    card_uid=CARD_UID,
    merchant_id=MERCHANT.merchant_id,
    order_id=14008766,
    token="k1.c2VhbGVk",
    pan_masked=MASKED,
    brand="VISA",
    expiry="05/30",
    created_at=LATER,
)


def outcome(reply: HostReply) -> Plan:
    """Record a reply to an authorisation that is with the host."""
    plan = plan_outcome(
        context_at(LATER), waiting(), NUMBERS.tran_id, reply, reversal_stan=REVERSAL_STAN
    )
    assert plan is not None
    return plan


def pay_with_saved_card(facts: Facts, now: datetime = LATER) -> Plan:
    """Pay with a card that the host keeps."""
    return plan_authorisation(context_at(now), facts, STORED_CARD, NUMBERS, card_uid=CARD_UID)


def test_a_saved_card_locks_the_order_and_reserves_all_that_is_transmitted() -> None:
    plan = pay_with_saved_card(facts_of(order_in()))

    (change,), (tran,) = plan.orders, plan.new_transactions
    assert (change.order.status, change.expected_version) == (S.ON_LOCK, 1)
    assert change.order.version > change.expected_version
    sent = replace(authorisation_in(), created_at=LATER, sent_at=LATER)
    assert tran == replace(sent, card_uid=CARD_UID, pan_hash=None)
    assert (plan.entries, plan.notifications) == ((), ())


def test_a_saved_card_pays_without_its_number_or_token_in_the_plan() -> None:
    plan = pay_with_saved_card(facts_of(order_in()))

    (tran,) = plan.new_transactions
    assert (tran.pan_masked, tran.brand, tran.pan_hash) == (MASKED, "VISA", None)
    assert (tran.card_uid, tran.register) == (CARD_UID, False)
    assert tran.card_expiry is None
    assert STORED_CARD.token.reveal() not in repr(plan)
    assert CARD_UID not in str(plan.detail)


def test_a_saved_card_is_not_authenticated_again() -> None:
    (tran,) = pay_with_saved_card(facts_of(order_in())).new_transactions

    assert tran.authentication is None


@pytest.mark.parametrize("status", sorted(set(S) - {S.CREATED}))
def test_a_saved_card_is_refused_wherever_the_order_has_begun(status: S) -> None:
    with pytest.raises(IllegalTransition):
        pay_with_saved_card(facts_of(order_in(status)))


def test_a_saved_card_is_taken_until_the_deadline_and_not_at_it() -> None:
    facts = facts_of(order_in())

    assert pay_with_saved_card(facts, ON_TIME).new_transactions
    with pytest.raises(IllegalTransition, match="time is over"):
        pay_with_saved_card(facts, TOO_LATE)


@pytest.mark.parametrize(
    ("order_type", "hold", "fee"), [(OrderType.PURCHASE, False, 30), (OrderType.PRE_AUTH, True, 0)]
)
def test_a_pre_authorisation_holds_and_has_no_fee_yet(
    order_type: OrderType, fee: int, *, hold: bool
) -> None:
    facts = facts_of(replace(order_in(), order_type=order_type, fee_minor=30))

    (tran,) = pay_with_saved_card(facts).new_transactions

    assert (tran.hold, tran.fee_minor) == (hold, fee)


def registering(**changes: object) -> Facts:
    """Facts of an order whose payment asks the host to keep the card."""
    tran = replace(authorisation_in(), register=True, card_uid=CARD_UID, card_expiry="05/30")
    return facts_of(order_in(S.ON_LOCK), replace(tran, **changes))  # type: ignore[arg-type]


def test_a_card_that_the_host_keeps_is_saved_with_the_approval_and_told() -> None:
    plan = plan_outcome(
        context_at(LATER), registering(), NUMBERS.tran_id, APPROVED, reversal_stan=0, saved=SAVED
    )

    assert plan is not None
    assert plan.saved_cards == (SAVED,)
    assert plan.transactions[0].transaction.saved_card_uid == CARD_UID
    (told,) = decode_callback(plan.notifications[0].xmlmsg).registrations
    assert (told.card_uid, told.brand) == (CARD_UID, "VISA")


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: reply.outcome)
def test_a_card_that_the_host_does_not_keep_is_neither_saved_nor_told(reply: HostReply) -> None:
    plan = plan_outcome(context_at(LATER), registering(), NUMBERS.tran_id, reply, reversal_stan=99)

    assert plan is not None
    assert plan.saved_cards == ()
    assert plan.transactions[0].transaction.saved_card_uid is None
    assert decode_callback(plan.notifications[0].xmlmsg).registrations == ()


def test_an_approval_books_the_fee_beside_the_charge_and_notes_what_was_charged() -> None:
    facts = facts_of(order_in(S.ON_LOCK), replace(authorisation_in(), fee_minor=30))

    plan = plan_outcome(context_at(LATER), facts, NUMBERS.tran_id, APPROVED, reversal_stan=0)

    assert plan is not None
    assert plan.orders[0].order.captured_minor == 3000
    assert [(entry.posting, entry.amount_minor) for entry in plan.entries] == [
        (Posting.CHARGE, 3000),
        (Posting.FEE, 30),
    ]


def test_a_retrieval_reference_is_year_day_and_the_transactions_number() -> None:
    for moment, tran_id, rrn in (
        (datetime(2026, 11, 24, 8, tzinfo=UTC), 42, "632800000042"),
        (datetime(2030, 1, 1, 0, tzinfo=UTC), 99_999_999, "000199999999"),
        (datetime(2028, 12, 31, 23, 59, tzinfo=UTC), 100_000_042, "836600000042"),
    ):
        assert retrieval_reference(moment, tran_id) == rrn


def test_an_rrn_does_not_come_again_with_its_trace_number() -> None:
    facts = facts_of(order_in(S.CREATED))
    first = authorisation(context_at(), facts, STORED_CARD, NUMBERS)
    later = replace(NUMBERS, tran_id=NUMBERS.tran_id + 999_999)  # in the same hour, at 278 a second
    again = authorisation(context_at(), facts, STORED_CARD, later)
    assert first.stan == again.stan
    assert first.rrn != again.rrn


def test_an_approval_charges_the_order_and_books_it_once() -> None:
    plan = outcome(APPROVED)

    (change,), (moved,), (entry,) = plan.orders, plan.transactions, plan.entries
    assert (change.order.status, change.order.paid_at) == (S.APPROVED, LATER)
    assert change.expected_version == waiting().order.version
    assert moved.expected_state is TranState.SENT
    assert moved.transaction.state is TranState.APPROVED
    assert (moved.transaction.response_code, moved.transaction.approval_code) == ("001", "123456")
    assert moved.transaction.finished_at == LATER
    assert (entry.posting, entry.amount_minor) == (Posting.CHARGE, 3000)
    assert (entry.order_id, entry.tran_id) == (14008766, NUMBERS.tran_id)


def test_an_approved_pre_authorisation_holds_the_money_and_charges_nothing() -> None:
    order = replace(order_in(S.ON_LOCK), order_type=OrderType.PRE_AUTH)
    facts = facts_of(order, authorisation_in())

    plan = plan_outcome(
        context_at(LATER), facts, NUMBERS.tran_id, APPROVED, reversal_stan=REVERSAL_STAN
    )

    assert plan is not None
    assert plan.orders[0].order.status is S.PREAUTH_APPROVED
    assert plan.orders[0].order.paid_at is None
    assert [entry.posting for entry in plan.entries] == [Posting.HOLD]


def test_a_refusal_declines_the_order() -> None:
    plan = outcome(DECLINED)

    assert plan.orders[0].order.status is S.DECLINED
    assert plan.transactions[0].transaction.state is TranState.DECLINED
    assert plan.transactions[0].transaction.approval_code is None
    assert plan.entries == ()


def test_a_message_that_never_left_ends_the_order_in_error_with_nothing_to_reverse() -> None:
    plan = outcome(HostReply.not_sent())

    tran = plan.transactions[0].transaction
    assert plan.orders[0].order.status is S.ERROR
    assert (tran.state, tran.response_code, tran.reversal_stan) == (TranState.NOT_SENT, "-1", None)
    assert plan.entries == ()


def test_silence_declines_the_order_and_reserves_the_reversal_in_one_plan() -> None:
    plan = outcome(HostReply.silent())

    (moved,) = plan.transactions
    assert plan.orders[0].order.status is S.DECLINED
    assert moved.expected_state is TranState.SENT
    assert moved.transaction.state is TranState.REVERSING
    assert (moved.transaction.response_code, moved.transaction.reversal_stan) == ("810", 99)
    assert plan.entries == ()


def test_silence_about_a_transaction_that_was_already_unknown_reverses_it_too() -> None:
    facts = facts_of(order_in(S.ON_LOCK), authorisation_in(TranState.UNKNOWN))

    plan = plan_outcome(
        context_at(LATER), facts, 7, HostReply.silent(), reversal_stan=REVERSAL_STAN
    )

    assert plan is not None
    assert plan.transactions[0].expected_state is TranState.UNKNOWN
    assert plan.transactions[0].transaction.state is TranState.REVERSING


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: reply.outcome)
@pytest.mark.parametrize("state", sorted(set(TranState) - set(UNRESOLVED) - {TranState.REVERSED}))
def test_an_answer_to_what_is_no_longer_open_changes_nothing(
    state: TranState, reply: HostReply
) -> None:
    facts = facts_of(order_in(S.DECLINED), authorisation_in(state))

    assert plan_outcome(context_at(LATER), facts, 7, reply, reversal_stan=REVERSAL_STAN) is None


@pytest.mark.parametrize("state", [TranState.REVERSING, TranState.REVERSED])
def test_an_answer_after_the_reversal_was_reserved_is_kept_and_changes_nothing_else(
    state: TranState,
) -> None:
    facts = facts_of(order_in(S.DECLINED), authorisation_in(state))

    plan = plan_outcome(
        context_at(LATER), facts, 7, HostReply.of("001", "123456"), reversal_stan=REVERSAL_STAN
    )

    assert plan is not None
    (change,) = plan.transactions
    assert change.transaction == replace(facts.transactions[0], late_reply="001 123456")
    assert change.expected_state is state
    assert (plan.orders, plan.entries, plan.notifications) == ((), (), ())
    kept = replace(facts, transactions=(change.transaction,))
    assert (
        plan_outcome(context_at(LATER), kept, 7, HostReply.of("076"), reversal_stan=REVERSAL_STAN)
        is None
    )


@pytest.mark.parametrize("reply", [HostReply.silent(), HostReply.not_sent()])
def test_no_answer_is_not_kept_as_a_late_one(reply: HostReply) -> None:
    facts = facts_of(order_in(S.DECLINED), authorisation_in(TranState.REVERSING))

    assert plan_outcome(context_at(LATER), facts, 7, reply, reversal_stan=REVERSAL_STAN) is None


def test_a_transaction_that_may_have_arrived_is_never_called_not_sent() -> None:
    facts = facts_of(order_in(S.ON_LOCK), authorisation_in(TranState.UNKNOWN))

    with pytest.raises(IllegalTransition):
        plan_outcome(context_at(LATER), facts, 7, HostReply.not_sent(), reversal_stan=REVERSAL_STAN)


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: reply.outcome)
def test_the_outcome_of_a_refund_is_not_recorded_as_one_of_a_payment(reply: HostReply) -> None:
    with pytest.raises(IllegalTransition, match="no authorisation"):
        plan_outcome(context_at(LATER), refunding(), 8, reply, reversal_stan=REVERSAL_STAN)


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: reply.outcome)
@pytest.mark.parametrize("status", sorted(set(S) - {S.ON_LOCK}))
def test_an_order_that_waits_for_no_answer_takes_none(status: S, reply: HostReply) -> None:
    facts = facts_of(order_in(status), authorisation_in())

    with pytest.raises(IllegalTransition):
        plan_outcome(context_at(LATER), facts, 7, reply, reversal_stan=REVERSAL_STAN)


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: reply.outcome)
def test_every_outcome_is_told_to_the_merchant_as_it_is_committed(reply: HostReply) -> None:
    plan = outcome(reply)

    (notification,) = plan.notifications
    told = decode_callback(notification.xmlmsg)
    assert told.order_status is plan.orders[0].order.status
    assert told.response_code == reply.response_code
    assert (notification.url, notification.due_at) == (MERCHANT.notification_url, LATER)
    assert (notification.notification_id, notification.attempts) == ("plan-1", 0)


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: reply.outcome)
def test_a_merchant_without_an_address_is_told_nothing(reply: HostReply) -> None:
    facts = replace(waiting(), merchant=SILENT_MERCHANT)

    plan = plan_outcome(context_at(LATER), facts, 7, reply, reversal_stan=REVERSAL_STAN)

    assert plan is not None
    assert plan.notifications == ()


def test_a_confirmed_reversal_ends_the_transaction_and_leaves_the_order() -> None:
    facts = facts_of(order_in(S.DECLINED), authorisation_in(TranState.REVERSING))

    plan = plan_reversed(context_at(LATER), facts, 7)

    assert plan is not None
    assert plan.transactions[0].transaction.state is TranState.REVERSED
    assert plan.transactions[0].expected_state is TranState.REVERSING
    assert (plan.orders, plan.entries, plan.notifications) == ((), (), ())


@pytest.mark.parametrize("state", sorted(set(TranState) - {TranState.REVERSING}))
def test_a_reversal_is_recorded_once_and_only_where_one_runs(state: TranState) -> None:
    facts = facts_of(order_in(S.DECLINED), authorisation_in(state))

    assert plan_reversed(context_at(LATER), facts, 7) is None


@pytest.mark.parametrize("status", [S.CREATED, S.ON_PAYMENT])
def test_a_payer_who_leaves_cancels_the_order(status: S) -> None:
    facts = facts_of(order_in(status))

    plan = plan_leaving(context_at(LATER), facts)

    cancelled = replace(facts.order, status=S.CANCELED, version=2, updated_at=LATER)
    assert plan.orders == (OrderChange(cancelled, 1),)
    assert decode_callback(plan.notifications[0].xmlmsg).order_status is S.CANCELED
    assert plan.entries == ()


@pytest.mark.parametrize("status", sorted(set(S) - {S.CREATED, S.ON_PAYMENT}))
def test_nobody_leaves_once_a_card_was_sent(status: S) -> None:
    with pytest.raises(IllegalTransition):
        plan_leaving(context_at(LATER), facts_of(order_in(status)))


def test_nobody_leaves_an_order_whose_time_is_over() -> None:
    facts = facts_of(order_in())

    assert plan_leaving(context_at(ON_TIME), facts).orders
    with pytest.raises(IllegalTransition, match="time is over"):
        plan_leaving(context_at(TOO_LATE), facts)


@pytest.mark.parametrize("status", [S.CREATED, S.ON_PAYMENT])
def test_an_order_that_waits_expires_at_its_deadline_and_not_before(status: S) -> None:
    facts = facts_of(order_in(status))

    plan = plan_expiry(context_at(TOO_LATE), facts)

    assert plan is not None
    assert plan.orders[0].order.status is S.EXPIRED
    assert decode_callback(plan.notifications[0].xmlmsg).order_status is S.EXPIRED
    assert plan_expiry(context_at(ON_TIME), facts) is None


@pytest.mark.parametrize("status", sorted(set(S) - {S.CREATED, S.ON_PAYMENT}))
def test_an_order_that_no_longer_waits_never_expires(status: S) -> None:
    assert plan_expiry(context_at(NOW + timedelta(days=9)), facts_of(order_in(status))) is None


def test_a_transaction_is_found_by_its_number() -> None:
    assert find_transaction(paid(), NUMBERS.tran_id).kind is TranKind.AUTHORISATION
    with pytest.raises(IllegalTransition, match="no transaction 12345"):
        find_transaction(paid(), 12345)


def test_the_four_outcomes_are_all_tried_above() -> None:
    assert {reply.outcome for reply in REPLIES} == set(Outcome)
