"""The life of an order: the table is walked, and whatever is not in it is refused."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest
from tests.model_factories import NOW

from tkkpg.gateway.model.errors import IllegalTransition
from tkkpg.gateway.model.ledger import Posting
from tkkpg.gateway.model.lifecycle import ENDED, EXPIRING, RULES, Event, status_at, step
from tkkpg.protocol.values import OrderStatus as S

ALLOWED = {(rule.source, rule.event) for rule in RULES}
NOT_ALLOWED = sorted(set(product(S, Event)) - ALLOWED)


def test_every_rule_is_found_by_its_status_and_event() -> None:
    for rule in RULES:
        assert step(rule.source, rule.event) == rule


def test_a_step_outside_the_table_is_refused_by_name() -> None:
    for status, event in NOT_ALLOWED:
        with pytest.raises(IllegalTransition, match=f"{status} cannot take the step {event}"):
            step(status, event)


def test_every_status_can_be_reached_from_created() -> None:
    reached, before = {S.CREATED}, set[S]()
    while reached != before:
        before = set(reached)
        reached |= {rule.target for rule in RULES if rule.source in reached}

    assert reached == set(S)


def test_every_event_has_a_rule() -> None:
    assert {rule.event for rule in RULES} == set(Event)


def test_every_posting_has_a_rule_but_settlement_fees_and_what_replaces_an_uncharge() -> None:
    booked = {rule.posting for rule in RULES if rule.posting}

    assert set(Posting) - booked == {
        Posting.SETTLE,
        Posting.DEPOSIT,
        Posting.FEE,
        Posting.RETURN_FEE,
        Posting.CANCEL_FEE,
        Posting.RESERVE_CLAWBACK,
        Posting.CLAWBACK,
        Posting.CANCEL_CLAWBACK,
    }


def test_only_orders_that_sent_nothing_expire() -> None:
    assert {S.CREATED, S.ON_PAYMENT} == EXPIRING


def test_the_payer_is_done_in_every_status_but_the_first_three() -> None:
    assert set(S) - ENDED == {S.CREATED, S.ON_PAYMENT, S.ON_LOCK}


@pytest.mark.parametrize("status", [S.DECLINED, S.CANCELED, S.REVERSED, S.EXPIRED, S.ERROR])
def test_an_order_without_money_never_moves_again(status: S) -> None:
    assert not [rule for rule in RULES if rule.source is status]


def test_money_is_charged_only_by_an_authorisation_or_a_completion() -> None:
    charging = {
        (rule.source, rule.event)
        for rule in RULES
        if rule.posting in {Posting.CHARGE, Posting.COMPLETE}
    }

    assert charging == {(S.ON_LOCK, Event.CHARGED), (S.ON_LOCK, Event.COMPLETED)}


def test_whatever_reserves_a_refund_is_posted_or_voided_on_every_way_out() -> None:
    entering = {rule.posting for rule in RULES if rule.target is S.ON_REFUND}
    leaving = {rule.posting for rule in RULES if rule.source is S.ON_REFUND}

    assert entering == {Posting.RESERVE_REFUND}
    assert leaving == {Posting.REFUND, Posting.CANCEL_REFUND}


@pytest.mark.parametrize("status", S)
def test_before_its_deadline_an_order_is_what_it_is(status: S) -> None:
    assert status_at(status, NOW + timedelta(microseconds=1), NOW) is status


@pytest.mark.parametrize("status", S)
def test_at_its_deadline_an_order_that_waits_for_its_payer_reads_expired(status: S) -> None:
    expected = S.EXPIRED if status in {S.CREATED, S.ON_PAYMENT} else status

    assert status_at(status, NOW, NOW) is expected
