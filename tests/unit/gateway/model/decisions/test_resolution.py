"""What becomes of a transaction that nobody answers for: parked, then resolved by the operator."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.model_factories import (
    NOW,
    NUMBERS,
    REFUND_NUMBERS,
    authenticating,
    authorisation_in,
    context_at,
    facts_of,
    order_in,
    refunding,
    waiting,
)

from tkkpg.gateway.model.decisions.resolution import (
    REASON_MAX,
    Resolution,
    plan_parking,
    plan_resolution,
)
from tkkpg.gateway.model.errors import PolicyRefusal
from tkkpg.gateway.model.ledger import Posting
from tkkpg.gateway.model.plan import Facts
from tkkpg.gateway.model.transaction import PARKED_AFTER, TranState
from tkkpg.protocol.values import OrderStatus

REFUND = REFUND_NUMBERS.tran_id
LATER = context_at(NOW + PARKED_AFTER)
WHY = "Host operator Aysel confirmed by telephone"


def with_last(facts: Facts, **changes: object) -> Facts:
    """Change the last transaction."""
    *before, last = facts.transactions
    changed = replace(last, **changes)  # type: ignore[arg-type]
    return replace(facts, transactions=(*before, changed))


def test_a_transaction_without_an_outcome_is_parked_after_a_day() -> None:
    plan = plan_parking(LATER, refunding(), REFUND)

    assert plan is not None
    (change,) = plan.transactions
    assert change.transaction.parked_at == LATER.now
    assert change.transaction.state is change.expected_state is TranState.SENT
    assert plan.orders == ()
    assert plan.entries == ()


def test_a_younger_one_is_not_parked() -> None:
    just_before = context_at(NOW + PARKED_AFTER - timedelta(seconds=1))

    assert plan_parking(just_before, refunding(), REFUND) is None


def test_the_day_begins_when_the_message_was_sent() -> None:
    sent_later = with_last(refunding(), sent_at=NOW + timedelta(hours=1))

    assert plan_parking(LATER, sent_later, REFUND) is None
    assert plan_parking(context_at(LATER.now + timedelta(hours=1)), sent_later, REFUND) is not None


def test_without_a_time_of_sending_the_day_begins_when_it_was_made() -> None:
    unknown = with_last(refunding(), sent_at=None)

    assert plan_parking(context_at(LATER.now - timedelta(seconds=1)), unknown, REFUND) is None
    assert plan_parking(LATER, unknown, REFUND) is not None


@pytest.mark.parametrize("changes", [{"parked_at": NOW}, {"state": TranState.APPROVED}])
def test_what_is_parked_or_resolved_stays_as_it_is(changes: dict[str, object]) -> None:
    assert plan_parking(LATER, with_last(refunding(), **changes), REFUND) is None


@pytest.mark.parametrize(
    ("resolution", "status", "posting"),
    [
        (Resolution.APPROVED, OrderStatus.REFUNDED, Posting.REFUND),
        (Resolution.DECLINED, OrderStatus.APPROVED, Posting.CANCEL_REFUND),
    ],
)
def test_a_refund_is_resolved_like_an_answer_and_the_audit_says_why(
    resolution: Resolution, status: OrderStatus, posting: Posting
) -> None:
    plan = plan_resolution(LATER, refunding(), REFUND, resolution, WHY)

    assert plan.action == "transaction_resolved"
    assert plan.detail["reason"] == WHY
    assert plan.detail["resolved_as"] == resolution.value
    assert [change.order.status for change in plan.orders] == [status]
    assert [entry.posting for entry in plan.entries] == [posting]


@pytest.mark.parametrize("state", [TranState.APPROVED, TranState.DECLINED])
def test_a_known_outcome_is_never_replaced(state: TranState) -> None:
    facts = with_last(refunding(), state=state)

    with pytest.raises(PolicyRefusal, match="its outcome is known"):
        plan_resolution(LATER, facts, REFUND, Resolution.APPROVED, WHY)


def test_what_was_never_sent_has_nothing_to_resolve() -> None:
    with pytest.raises(PolicyRefusal, match="waits for 3-D Secure"):
        plan_resolution(LATER, authenticating(), NUMBERS.tran_id, Resolution.DECLINED, WHY)


def test_a_refund_cannot_be_resolved_as_reversed() -> None:
    with pytest.raises(PolicyRefusal, match="approved or declined"):
        plan_resolution(LATER, refunding(), REFUND, Resolution.REVERSED, WHY)


@pytest.mark.parametrize("state", [TranState.SENT, TranState.UNKNOWN])
def test_an_authorisation_that_is_not_being_reversed_cannot_be_resolved(state: TranState) -> None:
    facts = with_last(waiting(), state=state)

    for resolution in Resolution:
        with pytest.raises(PolicyRefusal, match="that is being reversed as reversed"):
            plan_resolution(LATER, facts, NUMBERS.tran_id, resolution, WHY)


def test_an_authorisation_that_is_being_reversed_is_resolved_as_reversed() -> None:
    facts = facts_of(order_in(OrderStatus.DECLINED), authorisation_in(TranState.REVERSING))

    plan = plan_resolution(LATER, facts, NUMBERS.tran_id, Resolution.REVERSED, WHY)

    assert [one.transaction.state for one in plan.transactions] == [TranState.REVERSED]


def test_a_reason_may_be_as_long_as_the_bound_says() -> None:
    reason = "x" * REASON_MAX

    plan = plan_resolution(LATER, refunding(), REFUND, Resolution.APPROVED, reason)

    assert plan.detail["reason"] == reason


@pytest.mark.parametrize(
    "reason", ["", "  ", "x" * (REASON_MAX + 1), "card 4169733213495869", "4169 7332 1349 5869"]
)
def test_a_reason_is_a_sentence_and_holds_no_card(reason: str) -> None:
    with pytest.raises(PolicyRefusal, match="reason") as caught:
        plan_resolution(LATER, refunding(), REFUND, Resolution.APPROVED, reason)

    assert "7332" not in str(caught.value)
