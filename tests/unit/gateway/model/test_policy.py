"""Rules that refuse: who may ask, what an order may say, whose it is, what may be refunded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.model_factories import (
    MASKED,
    MERCHANT,
    NOW,
    NUMBERS,
    SESSION,
    facts_of,
    order_in,
    paid,
    refund_of,
)

from tkkpg.gateway.model.card import SavedCard
from tkkpg.gateway.model.errors import OrderUnknown, PolicyRefusal
from tkkpg.gateway.model.lifecycle import Event
from tkkpg.gateway.model.merchant import Merchant
from tkkpg.gateway.model.order import ORDER_LIFE
from tkkpg.gateway.model.policy import (
    check_access,
    check_order_request,
    check_ownership,
    check_purchase,
    check_refund,
)
from tkkpg.protocol.messages import CreateOrderRequest, PurchaseRequest
from tkkpg.protocol.values import (
    AZN,
    CURRENCIES,
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
        ("AddParams/ChangeStatusURL", lambda url: replace(REQUEST, change_status_url=url)),
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


@pytest.mark.parametrize("order_type", OrderType)
def test_an_order_has_one_of_the_merchant_s_types(order_type: OrderType) -> None:
    asked = replace(REQUEST, order_type=order_type)

    check_order_request(asked, replace(MERCHANT, order_types=frozenset({order_type})))
    with pytest.raises(PolicyRefusal, match="Order/OrderType must be one"):
        check_order_request(
            asked, replace(MERCHANT, order_types=MERCHANT.order_types - {order_type})
        )


def test_payments_and_quasi_cash_are_for_merchants_that_have_them() -> None:
    assert MERCHANT.order_types == {OrderType.PURCHASE, OrderType.PRE_AUTH}


def test_an_app_may_be_returned_to_and_is_never_told_of_each_status() -> None:
    merchant = replace(MERCHANT, return_schemes=frozenset({"myapp"}))
    to_app = replace(
        REQUEST,
        approve_url="myapp://paid?order=1",
        cancel_url="MyApp:cancelled",
        decline_url="myapp://declined",
    )

    check_order_request(to_app, merchant)
    with pytest.raises(PolicyRefusal, match="Order/ApproveURL must begin with"):
        check_order_request(to_app, MERCHANT)
    with pytest.raises(PolicyRefusal, match="Order/AddParams/ChangeStatusURL must begin with"):
        check_order_request(replace(REQUEST, change_status_url="myapp://paid"), merchant)


@pytest.mark.parametrize(
    ("currencies", "code", "allowed"),
    [
        ({"944"}, "944", True),
        ({"944"}, "840", False),
        ({"840", "944"}, "840", True),
        ({"840"}, "944", False),
        (set(), "944", False),
    ],
)
def test_a_merchant_charges_in_its_own_currencies_alone(
    currencies: set[str], code: str, *, allowed: bool
) -> None:
    merchant = replace(MERCHANT, currencies=frozenset(currencies))
    request = replace(REQUEST, currency=CURRENCIES[code])

    if allowed:
        check_order_request(request, merchant)
        return
    with pytest.raises(PolicyRefusal, match="Order/Currency must be one") as caught:
        check_order_request(request, merchant)
    assert caught.value.status is OperationStatus.INVALID_MESSAGE


def test_the_bank_allows_manat_alone_unless_the_merchant_has_a_list() -> None:
    refused = {
        code
        for code, currency in CURRENCIES.items()
        if not _accepted(replace(REQUEST, currency=currency))
    }

    assert refused == set(CURRENCIES) - {"944"}


def _accepted(request: CreateOrderRequest) -> bool:
    try:
        check_order_request(request, MERCHANT)
    except PolicyRefusal:
        return False
    return True


def test_a_fee_is_less_than_the_amount() -> None:
    check_order_request(replace(REQUEST, fee_minor=2999), MERCHANT)
    with pytest.raises(PolicyRefusal, match="Order/Fee must be less than Order/Amount"):
        check_order_request(replace(REQUEST, fee_minor=3000), MERCHANT)


def test_a_merchant_that_may_not_have_cards_saved_is_refused_with_10() -> None:
    barred = replace(MERCHANT, card_registration=False)
    check_order_request(REQUEST, barred)
    check_order_request(replace(REQUEST, register_card=True), MERCHANT)

    with pytest.raises(PolicyRefusal, match="may not have cards saved") as caught:
        check_order_request(replace(REQUEST, register_card=True), barred)

    assert caught.value.status is OperationStatus.NOT_PERMITTED


def test_an_address_that_is_told_of_statuses_must_lead_somewhere() -> None:
    relative = replace(REQUEST, change_status_url="/status?o=%ORDERID%")
    check_order_request(relative, MERCHANT)

    with pytest.raises(PolicyRefusal, match=r"ChangeStatusURL must be an absolute address"):
        check_order_request(relative, replace(MERCHANT, base_url=""))


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
    assert check_refund(refund_of(amount_minor), paid(refunded_minor), NUMBERS.two_id) is event


@pytest.mark.parametrize(
    ("refunded_minor", "amount_minor"), [(0, 3001), (1000, 2001), (3000, 1), (2999, 2)]
)
def test_a_refund_larger_than_what_is_left_is_refused(
    refunded_minor: int, amount_minor: int
) -> None:
    with pytest.raises(PolicyRefusal, match=f"more than the {3000 - refunded_minor} ") as caught:
        check_refund(refund_of(amount_minor), paid(refunded_minor), NUMBERS.two_id)

    assert caught.value.status is OperationStatus.INVALID_MESSAGE


@pytest.mark.parametrize(
    "status", sorted(set(OrderStatus) - {OrderStatus.APPROVED, OrderStatus.REFUNDED})
)
def test_an_order_that_is_not_paid_or_is_busy_is_not_refunded(status: OrderStatus) -> None:
    with pytest.raises(PolicyRefusal, match=f"{status} cannot be refunded"):
        check_refund(refund_of(1), facts_of(order_in(status)), NUMBERS.two_id)


def test_a_tran_id_must_repeat_the_two_id_of_the_payment_where_it_is_given() -> None:
    right, wrong = refund_of(1, two_id=NUMBERS.two_id), refund_of(1, two_id=1)

    assert check_refund(right, paid(), NUMBERS.two_id) is Event.REFUND_SENT
    with pytest.raises(PolicyRefusal, match="TranId"):
        check_refund(wrong, paid(), NUMBERS.two_id)


def test_a_refund_is_in_the_currency_of_the_order() -> None:
    dollars = replace(refund_of(1), currency=Currency("840", "USD", 2))

    assert (
        check_refund(replace(refund_of(1), currency=None), paid(), NUMBERS.two_id)
        is Event.REFUND_SENT
    )
    with pytest.raises(PolicyRefusal, match="Refund/Currency must be 944"):
        check_refund(dollars, paid(), NUMBERS.two_id)


# ---------------------------------------------------------------- saved cards

SAVED = SavedCard(
    card_uid="AB" * 16,
    merchant_id=MERCHANT.merchant_id,
    order_id=1,
    token="k1.c2VhbGVk",
    pan_masked=MASKED,
    brand="VISA",
    expiry="05/30",
    created_at=NOW,
)
PURCHASE = PurchaseRequest(
    merchant_id=MERCHANT.merchant_id,
    order_id=14008766,
    session_id=SESSION,
    amount_minor=3000,
    card_uid=SAVED.card_uid,
)


@pytest.mark.parametrize("currency", [None, AZN])
def test_an_order_is_paid_whole_with_a_card_that_was_saved_for_its_merchant(
    currency: Currency | None,
) -> None:
    request = replace(PURCHASE, currency=currency)

    assert check_purchase(request, order_in(), SAVED, NOW) is SAVED


def test_another_merchants_card_and_an_unknown_one_are_refused_alike() -> None:
    answers = set()
    for found in (None, replace(SAVED, merchant_id="E1000011")):
        with pytest.raises(PolicyRefusal) as caught:
            check_purchase(PURCHASE, order_in(), found, NOW)
        answers.add((str(caught.value), caught.value.status))

    assert len(answers) == 1
    assert SAVED.card_uid not in str(answers)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"amount_minor": 2999}, "must be the order's 3000"),
        ({"amount_minor": 3001}, "must be the order's 3000"),
        ({"currency": CURRENCIES["840"]}, "Currency must be 944"),
    ],
)
def test_a_saved_card_pays_the_orders_amount_and_no_other(
    changes: dict[str, object], reason: str
) -> None:
    request = replace(PURCHASE, **changes)  # type: ignore[arg-type]

    with pytest.raises(PolicyRefusal, match=reason):
        check_purchase(request, order_in(), SAVED, NOW)


@pytest.mark.parametrize("status", sorted(set(OrderStatus) - {OrderStatus.CREATED}))
def test_only_an_order_that_waits_is_paid_with_a_saved_card(status: OrderStatus) -> None:
    with pytest.raises(PolicyRefusal, match=f"{status} cannot be paid"):
        check_purchase(PURCHASE, order_in(status), SAVED, NOW)


def test_an_order_whose_time_is_over_is_not_paid_with_a_saved_card() -> None:
    with pytest.raises(PolicyRefusal, match="EXPIRED cannot be paid"):
        check_purchase(PURCHASE, order_in(), SAVED, NOW + ORDER_LIFE)
