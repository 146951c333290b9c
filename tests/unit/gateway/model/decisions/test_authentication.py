"""The steps of a payment around 3-D Secure: each row of the table, each step once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final, TypeAlias

import pytest
from tests.model_factories import (
    ATTEMPT,
    CARD,
    CARD_UID,
    CAVV,
    KEY,
    MASKED,
    MERCHANT,
    NOW,
    NUMBERS,
    PAN,
    PROVED,
    SERVER_TRANS_ID,
    attempt_in,
    authenticating,
    authorisation_in,
    context_at,
    facts_of,
    order_in,
)

from tkkpg.gateway.model.authentication import (
    Authentication,
    AuthenticationResult,
    Unauthenticated,
    Verdict,
)
from tkkpg.gateway.model.decisions.authentication import (
    abandoned,
    plan_attempt,
    plan_authenticated,
    plan_result,
)
from tkkpg.gateway.model.decisions.payment import plan_expiry, plan_leaving
from tkkpg.gateway.model.decisions.reservation import retrieval_reference
from tkkpg.gateway.model.errors import IllegalTransition
from tkkpg.gateway.model.lifecycle import EXPIRING
from tkkpg.gateway.model.order import ORDER_LIFE
from tkkpg.gateway.model.plan import Facts, OrderChange, Plan
from tkkpg.gateway.model.transaction import Transaction, TranState
from tkkpg.protocol.codec import decode_callback
from tkkpg.protocol.values import OrderStatus as S
from tkkpg.protocol.values import OrderType

V = Verdict
DECLINE, PROCEED = Unauthenticated
LATER: Final = NOW + timedelta(seconds=5)
ON_TIME: Final = NOW + ORDER_LIFE - timedelta(microseconds=1)
TOO_LATE: Final = NOW + ORDER_LIFE
SEALED: Final = "k1.sealed"
TAKES_CARDS: Final = {S.CREATED, S.ON_PAYMENT}

Told: TypeAlias = tuple[str, bool] | str
"""What is sent to the host, ECI and whether with a CAVV; or the code that declines."""
TABLE: Final[dict[tuple[Verdict, Unauthenticated], tuple[Told, Told]]] = {
    (V.PROVED, DECLINE): (("05", True), ("02", True)),
    (V.PROVED, PROCEED): (("05", True), ("02", True)),
    (V.ATTEMPTED, DECLINE): ("05", "05"),
    (V.ATTEMPTED, PROCEED): (("06", True), ("01", True)),
    (V.UNAVAILABLE, DECLINE): ("05", "05"),
    (V.UNAVAILABLE, PROCEED): (("07", False), ("00", False)),
    (V.INFORMATION, DECLINE): ("05", "05"),
    (V.INFORMATION, PROCEED): (("07", False), ("00", False)),
    (V.DECOUPLED, DECLINE): ("05", "05"),
    (V.DECOUPLED, PROCEED): (("07", False), ("00", False)),
    (V.NO_ANSWER, DECLINE): ("05", "05"),
    (V.NO_ANSWER, PROCEED): (("07", False), ("00", False)),
    (V.NOT_ENROLLED, DECLINE): ("00", "00"),
    (V.NOT_ENROLLED, PROCEED): (("07", False), ("00", False)),
    (V.REFUSED, DECLINE): ("05", "05"),
    (V.REFUSED, PROCEED): ("05", "05"),
    (V.REJECTED, DECLINE): ("05", "05"),
    (V.REJECTED, PROCEED): ("05", "05"),
    (V.CANCELLED, DECLINE): ("05", "05"),
    (V.CANCELLED, PROCEED): ("05", "05"),
    (V.TIMED_OUT, DECLINE): ("05", "05"),
    (V.TIMED_OUT, PROCEED): ("05", "05"),
}
"""The issue's table, written out: for Visa and for Mastercard."""
ROWS: Final = [
    pytest.param(verdict, setting, brand, told, id=f"{verdict}-{setting}-{brand}")
    for (verdict, setting), row in TABLE.items()
    for brand, told in zip(("VISA", "MC"), row, strict=True)
]


def facts_with(setting: Unauthenticated, brand: str = "VISA", **known: object) -> Facts:
    """Facts of a waiting attempt of a card of a brand, at a merchant with a setting."""
    facts = authenticating(**known)
    tran = replace(facts.transactions[0], brand=brand)
    return replace(facts, merchant=replace(MERCHANT, unauthenticated=setting), transactions=(tran,))


def authenticated(facts: Facts, result: AuthenticationResult = PROVED) -> Plan | None:
    """Go on from a result."""
    return plan_authenticated(context_at(LATER), facts, NUMBERS.tran_id, result)


def kept(facts: Facts, result: AuthenticationResult = PROVED) -> Plan | None:
    """Keep the result of a challenge."""
    return plan_result(context_at(LATER), facts, NUMBERS.tran_id, result, SEALED)


def moved(plan: Plan | None) -> tuple[S, Transaction, Authentication]:
    """Give what a plan makes of order, transaction and authentication."""
    assert plan is not None
    (order,), (change,) = plan.orders, plan.transactions
    assert change.expected_state is TranState.RESERVED
    assert change.transaction.authentication is not None
    return order.order.status, change.transaction, change.transaction.authentication


def after(facts: Facts, plan: Plan | None) -> Facts:
    """Give the facts with a plan committed."""
    assert plan is not None
    ((order,), changes) = plan.orders, plan.transactions
    old = {change.transaction.tran_id: change.transaction for change in changes}
    trans = [old.get(tran.tran_id, tran) for tran in facts.transactions]
    return replace(facts, order=order.order, transactions=(*trans, *plan.new_transactions))


# ---------------------------------------------------------------- a card is typed


def test_a_card_is_taken_and_all_that_may_be_transmitted_reserved() -> None:
    plan = plan_attempt(context_at(LATER), facts_of(order_in()), CARD, ATTEMPT)

    (change,), (tran,) = plan.orders, plan.new_transactions
    assert (change.order.status, change.expected_version) == (S.ON_PAYMENT, 1)
    assert change.order.version > change.expected_version
    assert tran == replace(attempt_in(), created_at=LATER)
    assert tran.authentication == Authentication(server_trans_id=SERVER_TRANS_ID, key=KEY)
    assert (plan.transactions, plan.entries, plan.notifications) == ((), (), ())


def test_neither_number_nor_code_of_the_card_nor_its_key_is_in_the_plan() -> None:
    plan = plan_attempt(context_at(), facts_of(order_in()), CARD, ATTEMPT)

    shown = repr(plan) + repr(ATTEMPT)
    assert MASKED in shown
    assert not any(secret in shown for secret in (PAN, "447", KEY.reveal()))


@pytest.mark.parametrize("status", sorted(set(S) - TAKES_CARDS))
def test_an_order_that_moved_on_takes_no_card(status: S) -> None:
    with pytest.raises(IllegalTransition):
        plan_attempt(context_at(), facts_of(order_in(status)), CARD, ATTEMPT)


@pytest.mark.parametrize("status", sorted(TAKES_CARDS))
def test_a_card_is_taken_until_the_deadline_and_not_at_it(status: S) -> None:
    facts = facts_of(order_in(status))

    assert plan_attempt(context_at(ON_TIME), facts, CARD, ATTEMPT).new_transactions
    with pytest.raises(IllegalTransition, match="time is over"):
        plan_attempt(context_at(TOO_LATE), facts, CARD, ATTEMPT)


def test_orders_take_cards_as_long_as_they_can_expire() -> None:
    assert TAKES_CARDS == EXPIRING


@pytest.mark.parametrize(
    ("order_type", "hold", "fee"), [(OrderType.PURCHASE, False, 30), (OrderType.PRE_AUTH, True, 0)]
)
def test_a_pre_authorisation_holds_and_has_no_fee_yet(
    order_type: OrderType, fee: int, *, hold: bool
) -> None:
    facts = facts_of(replace(order_in(), order_type=order_type, fee_minor=30))

    (tran,) = plan_attempt(context_at(), facts, CARD, ATTEMPT).new_transactions

    assert (tran.hold, tran.fee_minor) == (hold, fee)


def test_the_expiry_of_a_card_is_kept_only_while_it_is_to_be_saved() -> None:
    facts = facts_of(order_in())

    saved, other = (
        plan_attempt(
            context_at(), facts, CARD, replace(ATTEMPT, card_uid=card_uid)
        ).new_transactions[0]
        for card_uid in (CARD_UID, None)
    )

    assert (saved.register, saved.card_uid, saved.card_expiry) == (True, CARD_UID, "05/30")
    assert (other.register, other.card_uid, other.card_expiry) == (False, None, None)


def test_a_card_typed_again_abandons_the_attempt_before_and_its_key() -> None:
    again = replace(ATTEMPT, numbers=replace(NUMBERS, tran_id=8))

    plan = plan_attempt(context_at(LATER), authenticating(cavv=SEALED), CARD, again)

    status, old, authentication = moved(plan)
    assert status is S.ON_PAYMENT
    assert (old.tran_id, old.state, old.response_code) == (7, TranState.ABANDONED, None)
    assert (old.finished_at, authentication.key, authentication.cavv) == (LATER, None, None)
    assert [tran.tran_id for tran in plan.new_transactions] == [8]


def test_the_result_of_a_card_that_was_replaced_changes_nothing() -> None:
    again = replace(ATTEMPT, numbers=replace(NUMBERS, tran_id=8))
    facts = authenticating()

    now = after(facts, plan_attempt(context_at(LATER), facts, CARD, again))

    assert [tran.state for tran in now.transactions] == [TranState.ABANDONED, TranState.RESERVED]
    assert authenticated(now) is None
    assert kept(now) is None


# ---------------------------------------------------------------- a result decides


def test_every_row_is_tried_below() -> None:
    assert set(TABLE) == {(verdict, setting) for verdict in V for setting in Unauthenticated}


@pytest.mark.parametrize(("verdict", "setting", "brand", "told"), ROWS)
def test_a_result_sends_or_declines_as_its_row_says(
    verdict: Verdict, setting: Unauthenticated, brand: str, told: Told
) -> None:
    result = AuthenticationResult(verdict=verdict, cavv=CAVV, ds_trans_id="ds", reason="01")

    status, tran, authentication = moved(authenticated(facts_with(setting, brand), result))

    known = replace(authentication, eci=None)
    assert known == Authentication(
        server_trans_id=SERVER_TRANS_ID, verdict=verdict, reason="01", ds_trans_id="ds"
    )
    if isinstance(told, str):
        assert (status, tran.state) == (S.DECLINED, TranState.ABANDONED)
        assert (tran.response_code, tran.sent_at, tran.finished_at) == (told, None, LATER)
    else:
        assert (status, tran.state) == (S.ON_LOCK, TranState.SENT)
        assert (tran.response_code, tran.sent_at, tran.finished_at) == (None, LATER, None)
        assert authentication.eci == told[0]


@pytest.mark.parametrize(("verdict", "setting", "brand", "told"), ROWS)
def test_the_result_of_a_challenge_waits_or_declines_as_its_row_says(
    verdict: Verdict, setting: Unauthenticated, brand: str, told: Told
) -> None:
    result = AuthenticationResult(verdict=verdict, cavv=CAVV, ds_trans_id="ds", reason="01")

    status, tran, authentication = moved(kept(facts_with(setting, brand), result))

    assert (authentication.verdict, authentication.ds_trans_id) == (verdict, "ds")
    if isinstance(told, str):
        assert (status, tran.state) == (S.DECLINED, TranState.ABANDONED)
        assert (tran.response_code, authentication.key, authentication.cavv) == (told, None, None)
    else:
        assert (status, tran.state) == (S.ON_PAYMENT, TranState.RESERVED)
        assert (tran.response_code, authentication.key) == (None, KEY)
        assert authentication.cavv == SEALED


@pytest.mark.parametrize(("verdict", "setting", "brand", "told"), ROWS)
def test_a_result_that_was_kept_ends_like_one_without_a_challenge(
    verdict: Verdict, setting: Unauthenticated, brand: str, told: Told
) -> None:
    result = AuthenticationResult(verdict=verdict, cavv=CAVV, ds_trans_id="ds", reason="01")
    at_once = facts_with(setting, brand)
    waiting = after(at_once, kept(at_once, result))

    status, tran, authentication = moved(authenticated(at_once, result))

    if isinstance(told, str):
        assert authenticated(waiting, result) is None
        (ended,) = waiting.transactions
        assert (waiting.order.status, ended) == (status, tran)
    else:
        assert moved(authenticated(waiting, result)) == (status, tran, authentication)


def test_what_is_kept_of_a_result_is_what_it_is_worth() -> None:
    result = replace(PROVED, eci="07")
    facts = facts_with(PROCEED)

    assert moved(kept(facts, result))[2].verdict is V.UNAVAILABLE
    assert moved(authenticated(facts, result))[2].verdict is V.UNAVAILABLE


def test_a_sent_authorisation_locks_the_order_and_tells_nobody_yet() -> None:
    facts = facts_with(DECLINE)

    plan = authenticated(facts)

    assert plan is not None
    locked = replace(facts.order, status=S.ON_LOCK, version=2, updated_at=LATER)
    assert plan.orders == (OrderChange(locked, 1),)
    assert (plan.entries, plan.notifications) == ((), ())
    assert plan.detail == {"tran_id": 7, "stan": NUMBERS.stan, "eci": "05"}


def test_a_failed_authentication_declines_the_order_and_tells_the_merchant() -> None:
    facts = facts_with(DECLINE)
    result = AuthenticationResult(verdict=V.REFUSED, reason="19")

    for plan in (authenticated(facts, result), kept(facts, result)):
        assert plan is not None
        declined = replace(facts.order, status=S.DECLINED, version=2, updated_at=LATER)
        assert plan.orders == (OrderChange(declined, 1),)
        told = decode_callback(plan.notifications[0].xmlmsg)
        assert (told.order_status, told.response_code, told.rrn) == (S.DECLINED, "18", None)
        assert (told.three_ds_verification, told.three_ds_status) == ("N", "Declined")
        assert plan.entries == ()
        assert plan.detail == {"tran_id": 7, "response_code": "18", "result": "N"}


def test_a_kept_result_tells_nobody_and_moves_the_order_s_version() -> None:
    facts = facts_with(DECLINE)

    plan = kept(facts)

    assert plan is not None
    assert plan.orders == (OrderChange(replace(facts.order, version=2), 1),)
    assert (plan.entries, plan.notifications) == ((), ())


@pytest.mark.parametrize("step", [kept, authenticated])
@pytest.mark.parametrize("verdict", V)
def test_no_step_shows_the_proof_or_the_key(step: object, verdict: Verdict) -> None:
    assert callable(step)

    plan = step(facts_with(PROCEED), AuthenticationResult(verdict=verdict, cavv=CAVV))

    assert not any(secret in repr(plan) for secret in (CAVV.reveal(), KEY.reveal(), SEALED))


def test_a_declined_card_that_was_to_be_saved_is_forgotten() -> None:
    facts = facts_with(DECLINE)
    saving = replace(facts.transactions[0], register=True, card_uid=CARD_UID, card_expiry="05/30")

    _, tran, _ = moved(
        authenticated(
            replace(facts, transactions=(saving,)), AuthenticationResult(verdict=V.REFUSED)
        )
    )

    assert (tran.card_uid, tran.card_expiry, tran.saved_card_uid) == (None, None, None)


# ---------------------------------------------------------------- each step once


@pytest.mark.parametrize("second", V)
@pytest.mark.parametrize("first", [V.PROVED, V.ATTEMPTED, V.UNAVAILABLE, V.REFUSED])
def test_of_two_results_the_first_one_is_kept(first: Verdict, second: Verdict) -> None:
    facts = facts_with(PROCEED)

    now = after(facts, kept(facts, AuthenticationResult(verdict=first, cavv=CAVV)))

    assert kept(now, AuthenticationResult(verdict=second, cavv=CAVV)) is None


def test_two_results_at_once_move_the_same_version() -> None:
    facts = facts_with(PROCEED)

    plans = [kept(facts), kept(facts, AuthenticationResult(verdict=V.REFUSED))]

    assert [plan.orders[0].expected_version for plan in plans if plan] == [1, 1]


@pytest.mark.parametrize("result", [PROVED, AuthenticationResult(verdict=V.REFUSED)])
def test_a_result_decides_once(result: AuthenticationResult) -> None:
    facts = facts_with(DECLINE)

    now = after(facts, authenticated(facts, result))

    assert authenticated(now, result) is None
    assert kept(now, result) is None


@pytest.mark.parametrize("state", sorted(set(TranState) - {TranState.RESERVED}))
@pytest.mark.parametrize("verdict", [V.PROVED, V.REFUSED])
def test_an_attempt_that_no_longer_waits_is_left_alone(state: TranState, verdict: Verdict) -> None:
    facts = facts_of(order_in(S.ON_LOCK), attempt_in(state))
    result = AuthenticationResult(verdict=verdict, cavv=CAVV)

    assert authenticated(facts, result) is None
    assert kept(facts, result) is None
    assert abandoned(facts, NOW) == ()


@pytest.mark.parametrize("verdict", [V.PROVED, V.REFUSED])
@pytest.mark.parametrize("step", [plan_authenticated, plan_result])
def test_a_result_decides_until_the_deadline_and_not_at_it(step: object, verdict: Verdict) -> None:
    assert callable(step)
    sealed = () if step is plan_authenticated else (SEALED,)
    result = AuthenticationResult(verdict=verdict, cavv=CAVV)

    assert step(context_at(ON_TIME), authenticating(), 7, result, *sealed) is not None
    assert step(context_at(TOO_LATE), authenticating(), 7, result, *sealed) is None


def test_an_attempt_of_another_order_is_refused() -> None:
    with pytest.raises(IllegalTransition, match="has no transaction 9"):
        plan_authenticated(context_at(), authenticating(), 9, PROVED)
    with pytest.raises(IllegalTransition, match="has no transaction 9"):
        plan_result(context_at(), authenticating(), 9, PROVED, SEALED)


def test_a_transaction_without_3d_secure_is_never_authenticated() -> None:
    facts = facts_of(order_in(S.ON_PAYMENT), authorisation_in(TranState.RESERVED))

    with pytest.raises(IllegalTransition, match="not authenticated by 3-D Secure"):
        authenticated(facts)


# ---------------------------------------------------------------- the attempt is given up


@pytest.mark.parametrize(
    ("plan", "status"),
    [
        (plan_leaving(context_at(LATER), authenticating(cavv=SEALED)), S.CANCELED),
        (plan_expiry(context_at(TOO_LATE), authenticating(cavv=SEALED)), S.EXPIRED),
    ],
    ids=["leaving", "expiry"],
)
def test_an_order_that_ends_while_waiting_gives_the_attempt_up(
    plan: Plan | None, status: S
) -> None:
    ended, tran, authentication = moved(plan)

    assert plan is not None
    assert (ended, tran.state) == (status, TranState.ABANDONED)
    assert (tran.response_code, tran.sent_at) == (None, None)
    assert tran.finished_at == plan.context.now
    assert (authentication.key, authentication.cavv) == (None, None)
    told = decode_callback(plan.notifications[0].xmlmsg)
    assert (told.order_status, told.pan, told.three_ds_status) == (status, None, None)


def test_leaving_after_the_result_was_kept_keeps_its_verdict_and_sends_nothing() -> None:
    facts = facts_with(DECLINE)
    waiting = after(facts, kept(facts))

    status, tran, authentication = moved(plan_leaving(context_at(LATER), waiting))

    assert (status, tran.state, tran.response_code) == (S.CANCELED, TranState.ABANDONED, None)
    assert (authentication.verdict, authentication.cavv) == (V.PROVED, None)
    assert authenticated(after(waiting, plan_leaving(context_at(LATER), waiting))) is None


def test_whoever_types_an_eleventh_card_is_declined() -> None:
    waits = attempt_in()
    before = [replace(attempt_in(TranState.ABANDONED), tran_id=100 + n) for n in range(9)]
    facts = facts_of(order_in(S.ON_PAYMENT), *before, waits)

    plan = plan_attempt(context_at(), facts, CARD, ATTEMPT)

    assert plan.new_transactions == ()
    assert [change.order.status for change in plan.orders] == [S.DECLINED]
    (ended,) = (change.transaction for change in plan.transactions)
    assert (ended.tran_id, ended.state, ended.response_code) == (
        waits.tran_id,
        TranState.ABANDONED,
        "18",
    )
    fewer = facts_of(order_in(S.ON_PAYMENT), *before[1:], waits)
    assert plan_attempt(context_at(), fewer, CARD, ATTEMPT).new_transactions


def test_the_reference_names_the_day_on_which_the_message_is_sent() -> None:
    facts, later = authenticating(), NOW + timedelta(days=1)
    facts = replace(facts, order=replace(facts.order, expires_at=later + ORDER_LIFE))
    plan = plan_authenticated(context_at(later), facts, NUMBERS.tran_id, PROVED)

    assert plan is not None
    sent = plan.transactions[0].transaction
    assert sent.sent_at == later
    assert sent.rrn == retrieval_reference(later, sent.tran_id) != facts.transactions[0].rrn
