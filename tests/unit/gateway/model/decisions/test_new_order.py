"""CreateOrder's decision: what is kept of a merchant's wish, and until when it can be paid."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.model_factories import MERCHANT, NOW, SESSION, context_at, order_in

from tkkpg.gateway.model.decisions.new_order import expiry, instalments_in, plan_order
from tkkpg.gateway.model.merchant import Merchant
from tkkpg.gateway.model.order import NEVER_EXPIRES, Order, Registration
from tkkpg.protocol.converters import minutes
from tkkpg.protocol.messages import CreateOrderRequest, CustomField, Param, Position
from tkkpg.protocol.values import AZN, Language, OrderRef, OrderStatus, OrderType

REQUEST = CreateOrderRequest(
    language=Language.RU,
    merchant_id=MERCHANT.merchant_id,
    amount_minor=100,
    currency=AZN,
    description="Two shirts",
    approve_url="/ok",
    cancel_url="/cancel",
    decline_url="/declined",
)


def made(merchant: Merchant = MERCHANT, **changes: object) -> Order:
    """Make an order of a request with some of it different."""
    request = replace(REQUEST, **changes)  # type: ignore[arg-type]
    (order,) = plan_order(context_at(), merchant, request, OrderRef(14008766, SESSION)).new_orders
    return order


def test_a_new_order_waits_half_an_hour_for_its_payer() -> None:
    plan = plan_order(context_at(), MERCHANT, REQUEST, OrderRef(14008766, SESSION))

    expected = replace(order_in(), language=Language.RU, amount_minor=100)
    assert plan.new_orders == (expected,)
    assert expected.expires_at == NOW + timedelta(minutes=30)
    assert (plan.entries, plan.notifications, plan.new_transactions) == ((), (), ())
    assert SESSION not in str(plan.detail)


@pytest.mark.parametrize(
    ("minutes_sent", "expected"),
    [
        (None, NOW + timedelta(minutes=30)),
        (1, NOW + timedelta(minutes=1)),
        (45, NOW + timedelta(minutes=45)),
        (9_999_999, NOW + timedelta(minutes=9_999_999)),
        (0, NEVER_EXPIRES),
        (-1, NEVER_EXPIRES),
        (-9_999_999, NEVER_EXPIRES),
    ],
)
def test_an_order_expires_after_the_minutes_that_were_sent(
    minutes_sent: int | None, expected: object
) -> None:
    assert made(expiration_min=minutes_sent).expires_at == expected


@given(st.integers(-9_999_999, 9_999_999))
def test_every_number_of_minutes_that_the_wire_allows_has_a_deadline(sent: int) -> None:
    deadline = expiry(NOW, minutes.read(str(sent)))

    assert NOW < deadline <= NEVER_EXPIRES
    assert made(expiration_min=sent).status_at(NOW) is OrderStatus.CREATED


@pytest.mark.parametrize("text", ["10000000", "-10000000", "1.5", "ten", "٣"])
def test_the_wire_allows_no_other_minutes(text: str) -> None:
    with pytest.raises(ValueError, match="whole minutes"):
        minutes.read(text)


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("TAKSIT=3", 3),
        ("12345/TAKSIT=5", 5),
        ("77;TAKSIT=3", 3),
        ("taksit=12;77", 12),
        ("Taksit = 6", 6),
        ("TAKSİT=6", 6),
        ("taksıt=6", 6),
        ("TAKSİT=0", 0),
        ("TAKSIT=0", 0),
        ("TAKSIT=03", 3),
        ("TAKSIT=", 0),
        ("TAKSIT=-3", 0),
        ("TAKSIT=100", 0),
        ("TAKSIT", 0),
        ("TAKSIT=٣", 0),
        ("", 0),
        ("Two shirts", 0),
        ("TAKSIT=3 TAKSIT=6", 3),
    ],
)
def test_instalments_are_read_from_anywhere_in_the_description(
    description: str, expected: int
) -> None:
    order = made(description=description)

    assert order.instalments == expected
    assert order.description == description


@given(st.text(max_size=512))
def test_no_description_asks_for_more_instalments_than_two_digits_say(text: str) -> None:
    assert 0 <= instalments_in(text) <= 99


@pytest.mark.parametrize(
    ("fee_bp", "sent", "fee"),
    [
        (0, None, 0),
        (100, None, 1),
        (150, None, 2),
        (149, None, 1),
        (100, 0, 1),
        (100, 7, 7),
        (0, 7, 7),
    ],
)
def test_the_fee_is_the_tariffs_or_more_where_the_merchant_says_so(
    fee_bp: int, sent: int | None, fee: int
) -> None:
    assert made(replace(MERCHANT, fee_bp=fee_bp), fee_minor=sent).fee_minor == fee


@pytest.mark.parametrize(
    ("register", "checked", "expected"),
    [
        (False, False, Registration.NONE),
        (False, True, Registration.NONE),
        (True, False, Registration.OFFERED),
        (True, True, Registration.CHECKED),
    ],
)
def test_a_card_is_saved_only_where_the_merchant_offers_it(
    expected: Registration, *, register: bool, checked: bool
) -> None:
    order = made(register_card=register, register_checked=checked)

    assert order.registration is expected


def test_what_the_merchant_sends_beside_the_order_is_kept_under_the_wires_names() -> None:
    order = made(
        order_type=OrderType.PRE_AUTH,
        phone="+994501234567",
        user_email="a@example.az",
        sender_card_uid="AB" * 16,
        save_card_uid=True,
        custom_fields=(CustomField(name="Attention", title="We keep it"),),
        params=(Param(name="FA-DATA", value="1"),),
        positions=(Position(text="Shirt"),),
    )

    assert {one.name: one.value for one in order.params} == {
        "phone": "+994501234567",
        "UserEmail": "a@example.az",
        "SenderCardUID": "AB" * 16,
        "SaveCardUIDToOrder": "true",
        "CustomFields.Attention": "We keep it",
        "FA-DATA": "1",
    }
    assert order.positions == (Position(text="Shirt"),)
    assert order.order_type is OrderType.PRE_AUTH
    assert order.param("FA-DATA") == "1"
    assert order.param("fa-data") == ""


def test_nothing_beside_the_order_is_no_parameter() -> None:
    assert made().params == ()


@pytest.mark.parametrize(
    ("sent", "kept"), [("a@b.az", "a@b.az"), ("", "user@b.az")], ids=["its own", "the user's"]
)
def test_the_email_is_the_orders_own_or_the_users(sent: str, kept: str) -> None:
    assert made(email=sent, user_email="user@b.az").email == kept


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("", ""),
        ("/status?o=%ORDERID%", "https://shop.example/status?o=%ORDERID%"),
        ("https://other.example/s", "https://other.example/s"),
    ],
)
def test_the_address_that_is_told_of_statuses_is_kept_absolute(sent: str, kept: str) -> None:
    assert made(change_status_url=sent).change_status_url == kept
