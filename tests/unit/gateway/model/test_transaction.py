"""Transactions: their own life, the host's answers, and what these do to the order."""

from __future__ import annotations

from itertools import product

import pytest
from tests.model_factories import authorisation_in

from tkkpg.gateway.model.errors import IllegalTransition
from tkkpg.gateway.model.lifecycle import NEXT, Event
from tkkpg.gateway.model.transaction import (
    OPEN,
    STEPS,
    UNRESOLVED,
    HostReply,
    Outcome,
    TranKind,
    TranState,
    event_of,
)
from tkkpg.protocol.codes import Outcome as CodeOutcome
from tkkpg.protocol.codes import listed
from tkkpg.protocol.values import OrderStatus, OrderType

K, O, T = TranKind, Outcome, TranState  # noqa: E741 - a table reads best with short names
PAIRS = sorted(product(TranState, TranState))
ANY = (False, True)
TWO_FLAGS = list(product(ANY, ANY))


def test_a_transaction_moves_along_its_steps() -> None:
    for state, after in PAIRS:
        if after in STEPS.get(state, ()):
            assert authorisation_in(state).moved(after).state is after


def test_a_transaction_takes_no_other_step() -> None:
    for state, after in PAIRS:
        if after not in STEPS.get(state, ()):
            with pytest.raises(IllegalTransition, match=f"in {state} cannot become {after}"):
                authorisation_in(state).moved(after)


def test_every_state_but_the_first_is_reached_and_the_final_ones_are_known() -> None:
    reached = set[TranState]().union(*STEPS.values())

    assert reached == set(T) - {T.RESERVED}
    assert set(T) - STEPS.keys() == {T.ABANDONED, T.APPROVED, T.DECLINED, T.NOT_SENT, T.REVERSED}


def test_reconciliation_looks_at_what_was_sent_and_is_not_final() -> None:
    assert set(UNRESOLVED) == STEPS.keys() - {T.RESERVED}
    assert set(OPEN) == {T.SENT, T.UNKNOWN}


def test_masked_number_and_brand_are_all_that_a_transaction_shows_of_a_card() -> None:
    assert "4169733213495869" not in repr(authorisation_in())


CHARGED_AS = [OrderType.PURCHASE, OrderType.PRE_AUTH]
"""What an order is stored as."""

EXPECTED = {
    (K.AUTHORISATION, O.DECLINED): Event.REFUSED,
    (K.AUTHORISATION, O.NOT_SENT): Event.NOT_SENT,
    (K.AUTHORISATION, O.UNKNOWN): Event.GIVEN_UP,
    (K.COMPLETION, O.APPROVED): Event.COMPLETED,
    (K.COMPLETION, O.DECLINED): Event.COMPLETION_REFUSED,
    (K.COMPLETION, O.NOT_SENT): Event.COMPLETION_REFUSED,
    (K.COMPLETION, O.UNKNOWN): None,
    (K.REVERSAL, O.UNKNOWN): None,
    (K.REFUND, O.APPROVED): Event.REFUND_CONFIRMED,
    (K.REFUND, O.UNKNOWN): None,
}
"""Events that depend on nothing but kind and outcome."""


def events_of_every_order(kind: TranKind, outcome: Outcome) -> set[Event | None]:
    """Return what an outcome means, of orders of every type and history."""
    return {
        event_of(kind, outcome, order_type=order_type, charged=charged, refunded=refunded)
        for order_type, (charged, refunded) in product(CHARGED_AS, TWO_FLAGS)
    }


def test_most_outcomes_mean_the_same_for_every_order() -> None:
    for (kind, outcome), event in EXPECTED.items():
        assert events_of_every_order(kind, outcome) == {event}, (kind, outcome)


@pytest.mark.parametrize(
    ("order_type", "event"), [(OrderType.PURCHASE, Event.CHARGED), (OrderType.PRE_AUTH, Event.HELD)]
)
@pytest.mark.parametrize(("charged", "refunded"), TWO_FLAGS)
def test_an_approved_authorisation_charges_or_holds_by_the_order_type(
    order_type: OrderType, event: Event, *, charged: bool, refunded: bool
) -> None:
    found = event_of(
        K.AUTHORISATION, O.APPROVED, order_type=order_type, charged=charged, refunded=refunded
    )

    assert found is event


@pytest.mark.parametrize(
    ("outcome", "charged", "event"),
    [
        (O.APPROVED, True, Event.CHARGE_REVERSED),
        (O.APPROVED, False, Event.HOLD_REVERSED),
        (O.DECLINED, True, Event.CHARGE_REVERSAL_REFUSED),
        (O.DECLINED, False, Event.HOLD_REVERSAL_REFUSED),
        (O.NOT_SENT, True, Event.CHARGE_REVERSAL_REFUSED),
        (O.NOT_SENT, False, Event.HOLD_REVERSAL_REFUSED),
    ],
)
@pytest.mark.parametrize("order_type", CHARGED_AS)
@pytest.mark.parametrize("refunded", ANY)
def test_a_reversal_undoes_what_there_is(
    outcome: Outcome, event: Event, order_type: OrderType, *, charged: bool, refunded: bool
) -> None:
    found = event_of(K.REVERSAL, outcome, order_type=order_type, charged=charged, refunded=refunded)

    assert found is event


@pytest.mark.parametrize(
    ("refunded", "event"), [(False, Event.REFUND_REFUSED), (True, Event.FURTHER_REFUND_REFUSED)]
)
@pytest.mark.parametrize("outcome", [O.DECLINED, O.NOT_SENT])
@pytest.mark.parametrize("order_type", CHARGED_AS)
@pytest.mark.parametrize("charged", ANY)
def test_a_refused_refund_leads_back_to_where_the_order_was(
    outcome: Outcome, event: Event, order_type: OrderType, *, charged: bool, refunded: bool
) -> None:
    found = event_of(K.REFUND, outcome, order_type=order_type, charged=charged, refunded=refunded)

    assert found is event


def test_every_outcome_of_every_kind_has_a_rule_where_the_order_waits_for_it() -> None:
    for kind, outcome in product(TranKind, Outcome):
        busy = OrderStatus.ON_REFUND if kind is K.REFUND else OrderStatus.ON_LOCK
        for event in events_of_every_order(kind, outcome):
            assert event is None or (busy, event) in NEXT, (kind, outcome)


@pytest.mark.parametrize("code", [one.code for one in listed() if one.approved])
def test_an_approval_needs_an_approval_code_to_be_one(code: str) -> None:
    assert HostReply.of(code, "123456") == HostReply(O.APPROVED, code, "123456")
    assert HostReply.of(code) == HostReply.silent()


@pytest.mark.parametrize("code", ["502", "503"])
def test_a_part_approval_is_unknown_and_so_reversed(code: str) -> None:
    assert HostReply.of(code, "123456") == HostReply(O.UNKNOWN, code)


def test_every_declining_code_declines_and_carries_no_approval_code() -> None:
    for one in listed():
        if one.outcome is CodeOutcome.DECLINE:
            assert HostReply.of(one.code, "123456") == HostReply(O.DECLINED, one.code)


@pytest.mark.parametrize("code", ["999", "00", ""])
def test_a_code_that_is_no_success_declines(code: str) -> None:
    assert HostReply.of(code, "123456").outcome is O.DECLINED


def test_not_sent_and_silence_have_their_own_codes() -> None:
    assert HostReply.not_sent() == HostReply(O.NOT_SENT, "-1")
    assert HostReply.silent() == HostReply(O.UNKNOWN, "810")
