"""Rules that refuse: who may ask, what an order may say, whose it is, what may be refunded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.model_factories import (
    MERCHANT,
    NUMBERS,
    SESSION,
    facts_of,
    order_in,
    paid,
    refund_of,
)

from tkkpg.gateway.model.errors import OrderUnknown, PolicyRefusal
from tkkpg.gateway.model.lifecycle import Event
from tkkpg.gateway.model.merchant import Merchant
from tkkpg.gateway.model.policy import (
    check_access,
    check_order_request,
    check_ownership,
    check_refund,
)
from tkkpg.protocol.messages import CreateOrderRequest
from tkkpg.protocol.values import (
    AZN,
    Currency,
    Language,
    Operation,
    OperationStatus,
    OrderRef,
    OrderStatus,
    OrderType,
)

REQUEST = CreateOrderRequest(
    language=Language.EN,
    merchant_id=MERCHANT.merchant_id,
    amount_minor=3000,
    currency=AZN,
    approve_url="/testshopPageReturn.jsp",
    cancel_url="app.com",
    decline_url="https://shop.example/declined",
)


def test_a_merchant_with_its_own_certificate_has_access() -> None:
    assert check_access(MERCHANT, MERCHANT.merchant_id, Operation.REFUND) is MERCHANT


@pytest.mark.parametrize(
    ("merchant", "merchant_id", "reason"),
    [
        (None, "E1000010", "not registered"),
        (MERCHANT, "E1000011", "not the merchant of the client certificate"),
        (MERCHANT, "", "not the merchant of the client certificate"),
        (replace(MERCHANT, active=False), "E1000010", "not active"),
        (replace(MERCHANT, operations=frozenset({Operation.REFUND})), "E1000010", "CreateOrder"),
    ],
)
def test_everybody_else_is_refused_with_10(
    merchant: Merchant | None, merchant_id: str, reason: str
) -> None:
    with pytest.raises(PolicyRefusal, match=reason) as caught:
        check_access(merchant, merchant_id, Operation.CREATE_ORDER)

    assert caught.value.status is OperationStatus.NOT_PERMITTED


@pytest.mark.parametrize("base_url", ["", "https://shop.example"])
def test_return_urls_may_be_relative_as_in_the_banks_document(base_url: str) -> None:
    check_order_request(REQUEST, replace(MERCHANT, base_url=base_url))


@pytest.mark.parametrize(
    ("element", "request_with"),
    [
        ("ApproveURL", lambda url: replace(REQUEST, approve_url=url)),
        ("CancelURL", lambda url: replace(REQUEST, cancel_url=url)),
        ("DeclineURL", lambda url: replace(REQUEST, decline_url=url)),
    ],
)
@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "https://shop.example@evil.example/",
        "https://a b",
        "ftp://shop.example",
    ],
)
def test_a_return_url_that_leads_astray_is_refused_with_30_by_its_name(
    element: str, request_with: Callable[[str], CreateOrderRequest], url: str
) -> None:
    with pytest.raises(PolicyRefusal, match=f"^Order/{element} ") as caught:
        check_order_request(request_with(url), MERCHANT)

    assert caught.value.status is OperationStatus.INVALID_MESSAGE


def test_a_pre_authorisation_is_refused_with_30() -> None:
    with pytest.raises(PolicyRefusal, match="Purchase") as caught:
        check_order_request(replace(REQUEST, order_type=OrderType.PRE_AUTH), MERCHANT)

    assert caught.value.status is OperationStatus.INVALID_MESSAGE


def test_the_owner_who_knows_the_session_gets_the_order() -> None:
    order = order_in()

    assert check_ownership(order, MERCHANT.merchant_id, order.ref) is order


def test_unknown_order_wrong_session_and_another_merchant_get_the_same_answer() -> None:
    order, wrong = order_in(), OrderRef(14008766, "0" * 32)
    attempts = [
        (None, MERCHANT.merchant_id, order.ref),
        (None, "", wrong),
        (order, MERCHANT.merchant_id, wrong),
        (order, MERCHANT.merchant_id, OrderRef(14008766, "")),
        (order, MERCHANT.merchant_id, OrderRef(14008766, "Ə" * 32)),
        (order, "E1000011", order.ref),
    ]

    answers = set()
    for found, merchant_id, ref in attempts:
        with pytest.raises(OrderUnknown) as caught:
            check_ownership(found, merchant_id, ref)
        answers.add((str(caught.value), caught.value.status))

    assert len(answers) == 1
    assert SESSION not in str(answers)


@pytest.mark.parametrize(
    ("refunded_minor", "amount_minor", "event"),
    [
        (0, 3000, Event.REFUND_SENT),
        (0, 1, Event.REFUND_SENT),
        (1000, 2000, Event.FURTHER_REFUND_SENT),
        (2999, 1, Event.FURTHER_REFUND_SENT),
    ],
)
def test_what_is_left_may_be_refunded(refunded_minor: int, amount_minor: int, event: Event) -> None:
    assert check_refund(refund_of(amount_minor), paid(refunded_minor), None) is event


@pytest.mark.parametrize(
    ("refunded_minor", "amount_minor"), [(0, 3001), (1000, 2001), (3000, 1), (2999, 2)]
)
def test_a_refund_larger_than_what_is_left_is_refused(
    refunded_minor: int, amount_minor: int
) -> None:
    with pytest.raises(PolicyRefusal, match=f"more than the {3000 - refunded_minor} ") as caught:
        check_refund(refund_of(amount_minor), paid(refunded_minor), None)

    assert caught.value.status is OperationStatus.INVALID_MESSAGE


@pytest.mark.parametrize(
    "status", sorted(set(OrderStatus) - {OrderStatus.APPROVED, OrderStatus.REFUNDED})
)
def test_an_order_that_is_not_paid_or_is_busy_is_not_refunded(status: OrderStatus) -> None:
    with pytest.raises(PolicyRefusal, match=f"{status} cannot be refunded"):
        check_refund(refund_of(1), facts_of(order_in(status)), None)


def test_a_tran_id_must_repeat_the_two_id_of_the_payment_where_it_is_given() -> None:
    right, wrong = refund_of(1, two_id=NUMBERS.two_id), refund_of(1, two_id=1)

    assert check_refund(right, paid(), NUMBERS.two_id) is Event.REFUND_SENT
    with pytest.raises(PolicyRefusal, match="TranId"):
        check_refund(wrong, paid(), NUMBERS.two_id)


def test_a_refund_is_in_the_currency_of_the_order() -> None:
    dollars = replace(refund_of(1), currency=Currency("840", "USD", 2))

    assert check_refund(replace(refund_of(1), currency=None), paid(), None) is Event.REFUND_SENT
    with pytest.raises(PolicyRefusal, match="Refund/Currency must be 944"):
        check_refund(dollars, paid(), None)
