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
    attempt_in,
    authorisation_in,
    order_in,
    refund_in,
)

from tkkpg.gateway.model.authentication import Verdict
from tkkpg.gateway.model.transaction import TranKind, Transaction, TranState
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
    assert told.operation_minor is None
    assert told.order_status is status
    assert told.response_description == status_text(status, Language.EN)


def test_an_order_that_saw_no_card_tells_when_it_took_its_last_step() -> None:
    ended = replace(order_in(OrderStatus.CANCELED), updated_at=NOW)

    assert xmlout(ended, MERCHANT, None, LATER).tran_date_time == local(NOW)
    assert xmlout(order_in(), MERCHANT, None, LATER).tran_date_time == local(LATER)


@pytest.mark.parametrize("language", Language)
def test_texts_are_in_the_language_of_the_order(language: Language) -> None:
    order = replace(order_in(OrderStatus.DECLINED), language=language)
    tran = replace(authorisation_in(TranState.DECLINED), response_code="076")

    told = xmlout(order, MERCHANT, tran, LATER)

    assert told.response_description == response_code("076").text(language)
    assert told.status_text == status_text(OrderStatus.DECLINED, language)
    assert told.approval_code is None


def test_a_refund_is_told_as_one() -> None:
    told = xmlout(order_in(OrderStatus.REFUNDED), MERCHANT, refund_in(amount_minor=500), LATER)

    assert told.transaction_type == "Refund"
    assert (told.amount_minor, told.operation_minor) == (3000, 500)
    assert (told.amount_text, told.operation_text) == ("30.00", "5.00")


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


def test_an_abandoned_attempt_that_declined_the_order_is_its_payment() -> None:
    typed_before = replace(attempt_in(TranState.ABANDONED), tran_id=1)
    declined = replace(attempt_in(TranState.ABANDONED), tran_id=2, response_code="05")

    assert payment_of([typed_before, declined]) is declined
    assert payment_of([typed_before, replace(declined, response_code=None)]) is None


def test_an_attempt_that_waits_decides_nothing() -> None:
    typed_before = replace(attempt_in(TranState.ABANDONED), tran_id=1)
    waits = replace(attempt_in(), tran_id=2)

    assert payment_of([typed_before, waits]) is None


@pytest.mark.parametrize(
    ("verdict", "verification"),
    [
        (Verdict.PROVED, "Y"),
        (Verdict.ATTEMPTED, "A"),
        (Verdict.UNAVAILABLE, "U"),
        (Verdict.INFORMATION, "U"),
        (Verdict.DECOUPLED, "U"),
        (Verdict.NO_ANSWER, "U"),
        (Verdict.NOT_ENROLLED, "U"),
        (Verdict.REFUSED, "N"),
        (Verdict.REJECTED, "N"),
        (Verdict.CANCELLED, "N"),
        (Verdict.TIMED_OUT, "N"),
    ],
)
@pytest.mark.parametrize(
    ("sent_at", "status"), [(NOW, "Approved"), (None, "Declined")], ids=["sent", "not sent"]
)
def test_an_authentication_is_told_with_what_followed_from_it(
    verdict: Verdict, verification: str, sent_at: datetime | None, status: str
) -> None:
    tran = replace(attempt_in(TranState.DECLINED, verdict=verdict), sent_at=sent_at)

    told = xmlout(order_in(OrderStatus.DECLINED), MERCHANT, tran, LATER)

    assert (told.three_ds_verification, told.three_ds_status) == (verification, status)
    assert decode_callback(xmlmsg(order_in(OrderStatus.DECLINED), MERCHANT, tran, LATER)) == told


@pytest.mark.parametrize("tran", [None, authorisation_in(TranState.APPROVED), attempt_in()])
def test_without_a_verdict_nothing_is_told_of_an_authentication(tran: Transaction | None) -> None:
    told = xmlout(order_in(), MERCHANT, tran, LATER)

    assert (told.three_ds_verification, told.three_ds_status) == (None, None)


@pytest.mark.parametrize("kind", sorted(set(TranKind) - {TranKind.AUTHORISATION}))
def test_an_operation_tells_the_authentication_of_its_payment(kind: TranKind) -> None:
    payment = replace(attempt_in(TranState.APPROVED, verdict=Verdict.PROVED), sent_at=NOW)
    operation = replace(refund_in(TranState.DECLINED), kind=kind)

    told = xmlout(order_in(OrderStatus.REFUNDED), MERCHANT, operation, LATER, payment)

    assert (told.three_ds_verification, told.three_ds_status) == ("Y", "Approved")
    assert told.authorization_response_code == "01"


@pytest.mark.parametrize("state", TranState)
def test_only_an_approved_payment_has_an_authorisation_response_code(state: TranState) -> None:
    told = xmlout(order_in(), MERCHANT, authorisation_in(state), LATER)

    expected = "01" if state is TranState.APPROVED else None
    assert told.authorization_response_code == expected


def test_a_card_that_was_never_sent_has_no_reference_at_the_host() -> None:
    tran = replace(attempt_in(TranState.ABANDONED, verdict=Verdict.REFUSED), response_code="05")

    told = xmlout(order_in(OrderStatus.DECLINED), MERCHANT, tran, LATER)

    assert (told.rrn, told.response_code, told.pan) == (None, "05", "416973XXXXXX5869")
    assert told.response_description == response_code("05").text(Language.EN)


def test_an_order_without_an_authorisation_has_no_payment() -> None:
    assert payment_of([]) is None
    assert payment_of([authorisation_in(TranState.ABANDONED), refund_in()]) is None
