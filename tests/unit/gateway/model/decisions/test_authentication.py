"""What follows from an authentication: the table whole, and each step once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.model_factories import (
    CARD,
    NOW,
    NUMBERS,
    authorisation_in,
    facts_of,
    order_in,
)

from tkkpg.gateway.model.card import Scheme
from tkkpg.gateway.model.decisions.authentication import (
    ACTIONS,
    AuthenticationResult,
    Decline,
    Proceed,
    Unauthenticated,
    Verdict,
    abandoned,
    decide_authentication,
    plan_attempt,
    plan_decline,
    plan_proceed,
)
from tkkpg.gateway.model.errors import IllegalTransition
from tkkpg.gateway.model.plan import Context, Facts
from tkkpg.gateway.model.transaction import TranState
from tkkpg.protocol.codes import Origin, response_code
from tkkpg.protocol.masking import Secret
from tkkpg.protocol.values import OrderStatus, OrderType

V = Verdict
DECLINE, PROCEED = Unauthenticated
CAVV = Secret("MTIzNDU2Nzg5MDA5ODc2NTQzMjE=")
CONTEXT = Context(plan_id="p", now=NOW, request_id="r", actor="payer")


def decide(
    verdict: Verdict,
    setting: Unauthenticated,
    scheme: Scheme | None = Scheme.VISA,
    reason: str | None = None,
) -> Proceed | Decline:
    result = AuthenticationResult(verdict=verdict, cavv=CAVV, reason=reason)
    return decide_authentication(result, setting, scheme)


def test_every_verdict_has_one_row() -> None:
    assert sorted(action.verdict for action in ACTIONS) == sorted(Verdict)


def test_every_code_is_one_of_3d_secure() -> None:
    assert {response_code(action.code).origin for action in ACTIONS} == {Origin.THREE_DS}


@pytest.mark.parametrize("setting", Unauthenticated)
def test_a_proved_cardholder_pays_with_the_proof_whatever_the_setting(
    setting: Unauthenticated,
) -> None:
    assert decide(V.PROVED, setting) == Proceed("05", CAVV)
    assert decide(V.PROVED, setting, Scheme.MASTERCARD) == Proceed("02", CAVV)


def test_an_attempt_pays_only_where_the_merchant_says_so() -> None:
    assert decide(V.ATTEMPTED, DECLINE) == Decline("05")
    assert decide(V.ATTEMPTED, PROCEED) == Proceed("06", CAVV)
    assert decide(V.ATTEMPTED, PROCEED, Scheme.MASTERCARD) == Proceed("01", CAVV)


@pytest.mark.parametrize("verdict", [V.UNAVAILABLE, V.INFORMATION, V.NO_ANSWER, V.DECOUPLED])
def test_an_unavailable_authentication_pays_without_a_proof_where_the_merchant_says_so(
    verdict: Verdict,
) -> None:
    assert decide(verdict, DECLINE) == Decline("05")
    assert decide(verdict, PROCEED) == Proceed("07", None)
    assert decide(verdict, PROCEED, Scheme.MASTERCARD) == Proceed("00", None)


def test_a_card_that_is_not_enrolled_declines_with_00() -> None:
    assert decide(V.NOT_ENROLLED, DECLINE) == Decline("00")
    assert decide(V.NOT_ENROLLED, PROCEED) == Proceed("07", None)


@pytest.mark.parametrize("setting", Unauthenticated)
@pytest.mark.parametrize("verdict", [V.REFUSED, V.REJECTED, V.CANCELLED, V.TIMED_OUT])
def test_a_refused_cardholder_never_pays(verdict: Verdict, setting: Unauthenticated) -> None:
    assert decide(verdict, setting) == Decline("05")
    assert decide(verdict, setting, reason="04") == Decline("18")
    assert decide(verdict, setting, reason="19") == Decline("18")
    assert decide(verdict, setting, reason="01") == Decline("05")


def test_a_proof_without_its_value_is_none() -> None:
    result = AuthenticationResult(verdict=V.PROVED, eci="05")
    assert decide_authentication(result, DECLINE, Scheme.VISA) == Decline("05")
    assert decide_authentication(result, PROCEED, Scheme.VISA) == Proceed("07", None)


@pytest.mark.parametrize("verdict", [V.PROVED, V.ATTEMPTED])
def test_a_proof_whose_eci_says_less_is_none(verdict: Verdict) -> None:
    result = AuthenticationResult(verdict=verdict, eci="07", cavv=CAVV)
    assert decide_authentication(result, DECLINE, Scheme.VISA) == Decline("05")
    assert decide_authentication(result, PROCEED, Scheme.VISA) == Proceed("07", None)


def test_a_result_shows_no_proof() -> None:
    result = AuthenticationResult(verdict=V.PROVED, cavv=CAVV)
    assert CAVV.reveal() not in repr(result)
    assert CAVV.reveal() not in repr(decide_authentication(result, DECLINE, None))


def reserved_facts() -> Facts:
    """Facts of an order whose card waits for its authentication."""
    tran = replace(authorisation_in(TranState.RESERVED), sent_at=None)
    return facts_of(order_in(OrderStatus.ON_PAYMENT), tran)


def test_a_card_is_taken_and_its_authorisation_reserved() -> None:
    plan = plan_attempt(CONTEXT, facts_of(order_in()), CARD, NUMBERS, pan_hash="ab")
    (tran,) = plan.new_transactions
    assert plan.orders[0].order.status is OrderStatus.ON_PAYMENT
    assert (tran.state, tran.sent_at, tran.pan_hash) == (TranState.RESERVED, None, "ab")
    assert CARD.pan.reveal() not in repr(plan)


def test_a_card_typed_again_replaces_the_one_before() -> None:
    numbers = replace(NUMBERS, tran_id=8)
    plan = plan_attempt(CONTEXT, reserved_facts(), CARD, numbers, pan_hash="ab")
    (old,) = plan.transactions
    assert (old.transaction.tran_id, old.transaction.state) == (7, TranState.ABANDONED)
    assert [tran.tran_id for tran in plan.new_transactions] == [8]


def test_a_hold_waits_like_a_charge_and_has_no_fee_yet() -> None:
    order = replace(order_in(), order_type=OrderType.PRE_AUTH, fee_minor=90)
    (tran,) = plan_attempt(CONTEXT, facts_of(order), CARD, NUMBERS, pan_hash="ab").new_transactions
    assert (tran.hold, tran.fee_minor) == (True, 0)


@pytest.mark.parametrize("status", [OrderStatus.ON_LOCK, OrderStatus.DECLINED])
def test_an_order_that_moved_on_takes_no_card(status: OrderStatus) -> None:
    with pytest.raises(IllegalTransition):
        plan_attempt(CONTEXT, facts_of(order_in(status)), CARD, NUMBERS, pan_hash="ab")


def test_a_proved_attempt_is_sent_in_the_commit_that_locks_the_order() -> None:
    plan = plan_proceed(CONTEXT, reserved_facts(), 7, Proceed("05", CAVV))
    assert plan is not None
    assert plan.orders[0].order.status is OrderStatus.ON_LOCK
    (change,) = plan.transactions
    assert (change.transaction.state, change.transaction.sent_at) == (TranState.SENT, NOW)
    assert plan.detail["eci"] == "05"
    assert CAVV.reveal() not in repr(plan)


def test_a_failed_attempt_declines_the_order_with_its_code() -> None:
    plan = plan_decline(CONTEXT, reserved_facts(), 7, Decline("18"))
    assert plan is not None
    assert plan.orders[0].order.status is OrderStatus.DECLINED
    ended = plan.transactions[0].transaction
    assert (ended.state, ended.response_code) == (TranState.ABANDONED, "18")
    assert plan.notifications


@pytest.mark.parametrize("state", set(TranState) - {TranState.RESERVED})
def test_an_attempt_that_was_decided_is_decided_once(state: TranState) -> None:
    facts = facts_of(order_in(OrderStatus.ON_LOCK), authorisation_in(state))
    assert plan_proceed(CONTEXT, facts, 7, Proceed("05", CAVV)) is None
    assert plan_decline(CONTEXT, facts, 7, Decline("05")) is None
    assert abandoned(facts, NOW) == ()


def test_after_the_orders_time_nothing_is_sent() -> None:
    late = replace(CONTEXT, now=NOW + timedelta(days=1))
    with pytest.raises(IllegalTransition, match="time is over"):
        plan_proceed(late, reserved_facts(), 7, Proceed("05", CAVV))
    with pytest.raises(IllegalTransition, match="time is over"):
        plan_attempt(late, reserved_facts(), CARD, NUMBERS, pan_hash="ab")
    assert plan_decline(late, reserved_facts(), 7, Decline("05")) is None


def test_an_attempt_of_another_order_is_refused() -> None:
    with pytest.raises(IllegalTransition, match="has no transaction 9"):
        plan_proceed(CONTEXT, reserved_facts(), 9, Proceed("05", CAVV))
