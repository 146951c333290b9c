"""What the merchant is told about an order, in its language and in the shape it is set to."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from tests.model_factories import (
    MERCHANT,
    NOW,
    NUMBERS,
    authorisation_in,
    order_in,
    refund_in,
)

from tkkpg.gateway.model.transaction import Transaction, TranState
from tkkpg.gateway.model.xmlout import STATUS_TEXTS, local, payment_of, status_text, xmlmsg, xmlout
from tkkpg.protocol.codec import decode_callback
from tkkpg.protocol.codes import response_code
from tkkpg.protocol.values import Language, OrderStatus

LATER = NOW + timedelta(seconds=5)


def test_local_time_is_four_hours_ahead_and_has_no_zone() -> None:
    assert local(datetime(2026, 11, 24, 21, 30, tzinfo=UTC)) == datetime(2026, 11, 25, 1, 30)  # noqa: DTZ001 - the wire has no zone
    assert local(datetime(2026, 6, 1, tzinfo=UTC)) == datetime(2026, 6, 1, 4)  # noqa: DTZ001 - the same
    assert local(None) is None


@pytest.mark.parametrize("status", OrderStatus)
def test_every_status_has_a_text_of_its_own_in_three_languages(status: OrderStatus) -> None:
    texts = [status_text(status, language) for language in Language]

    assert tuple(texts) == STATUS_TEXTS[status]
    assert len(set(texts)) == 3
    assert all(texts)


def test_no_two_statuses_read_the_same() -> None:
    for language in Language:
        assert len({status_text(status, language) for status in OrderStatus}) == len(OrderStatus)


def test_a_paid_order_tells_card_codes_and_numbers() -> None:
    tran = authorisation_in(TranState.APPROVED)

    told = xmlout(order_in(OrderStatus.APPROVED), MERCHANT, tran, LATER)

    assert told.order_status is OrderStatus.APPROVED
    assert told.transaction_type == "Purchase"
    assert (told.pan, told.brand) == ("416973XXXXXX5869", "VISA")
    assert (told.response_code, told.approval_code) == ("001", "123456")
    assert told.response_description == response_code("001").text(Language.EN)
    assert (told.rrn, told.two_id) == (tran.rrn, NUMBERS.two_id)
    assert (told.tran_date_time, told.date) == (local(NOW), local(LATER))
    assert (told.amount_minor, told.shop_name) == (3000, "Nar")


@pytest.mark.parametrize("status", [OrderStatus.CANCELED, OrderStatus.EXPIRED])
def test_an_order_that_saw_no_card_tells_none_and_still_says_why(status: OrderStatus) -> None:
    told = xmlout(order_in(status), MERCHANT, None, LATER)

    card = (told.pan, told.brand, told.response_code, told.approval_code, told.rrn, told.two_id)
    assert set(card) == {None}
    assert told.tran_date_time is None
    assert told.order_status is status
    assert told.response_description == status_text(status, Language.EN)


@pytest.mark.parametrize("language", Language)
def test_texts_are_in_the_language_of_the_order(language: Language) -> None:
    order = replace(order_in(OrderStatus.DECLINED), language=language)
    tran = replace(authorisation_in(TranState.DECLINED), response_code="076")

    told = xmlout(order, MERCHANT, tran, LATER)

    assert told.response_description == response_code("076").text(language)
    assert told.status_text == status_text(OrderStatus.DECLINED, language)
    assert told.approval_code is None


def test_a_refund_is_told_as_one() -> None:
    told = xmlout(order_in(OrderStatus.REFUNDED), MERCHANT, refund_in(), LATER)

    assert told.transaction_type == "Refund"


@pytest.mark.parametrize(("wrapped", "as_base64"), list(product((True, False), repeat=2)))
def test_a_message_has_the_shape_that_the_merchant_is_set_to(
    *, wrapped: bool, as_base64: bool
) -> None:
    merchant = replace(MERCHANT, xmlout_wrapped=wrapped, xmlout_base64=as_base64)
    order, tran = order_in(OrderStatus.APPROVED), authorisation_in(TranState.APPROVED)

    written = xmlmsg(order, merchant, tran, LATER)

    text = base64.b64decode(written).decode() if as_base64 else written
    assert text.startswith("<XMLOut><Message " if wrapped else "<Message ")
    assert decode_callback(written) == xmlout(order, merchant, tran, LATER)


@pytest.mark.parametrize("status", OrderStatus)
@pytest.mark.parametrize("tran", [None, authorisation_in(TranState.APPROVED), refund_in()])
def test_every_status_can_be_written_and_read_back(
    status: OrderStatus, tran: Transaction | None
) -> None:
    assert decode_callback(xmlmsg(order_in(status), MERCHANT, tran, LATER)).order_status is status


def test_the_payment_is_the_last_authorisation_that_was_not_abandoned() -> None:
    abandoned = replace(authorisation_in(TranState.ABANDONED), tran_id=1)
    first = replace(authorisation_in(TranState.DECLINED), tran_id=2)
    last = replace(authorisation_in(TranState.APPROVED), tran_id=3)
    given_up = replace(authorisation_in(TranState.ABANDONED), tran_id=4)

    assert payment_of([abandoned, first, last, given_up, refund_in()]) is last


def test_an_order_without_an_authorisation_has_no_payment() -> None:
    assert payment_of([]) is None
    assert payment_of([authorisation_in(TranState.ABANDONED), refund_in()]) is None
