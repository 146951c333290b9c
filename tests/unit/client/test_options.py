"""What the options of a new order become on the wire, and which ones are refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.client.scripted import ENDPOINT

from tkkpg.client import (
    AZN,
    NEVER,
    Amount,
    Language,
    LocalProtocolError,
    OrderOptions,
    OrderType,
    Position,
)
from tkkpg.client._requests import Requests
from tkkpg.client.options import NO_OPTIONS
from tkkpg.protocol import codec
from tkkpg.protocol.messages import CreateOrderRequest, CustomField, Param
from tkkpg.protocol.values import CURRENCIES


def written(
    options: OrderOptions = NO_OPTIONS, description: str = "", price: str = "30.00"
) -> CreateOrderRequest:
    """Write a new order with these options, and read it as a gateway does."""
    exchange = Requests(ENDPOINT, "E1000010").create_order(
        amount=Amount.of(price, AZN),
        description=description,
        language=Language.AZ,
        approve_url="",
        cancel_url="",
        decline_url="",
        order_type=OrderType.PURCHASE,
        options=options,
    )
    request = codec.decode_request(exchange.body)
    assert isinstance(request, CreateOrderRequest)
    return request


def test_every_option_arrives() -> None:
    position = Position(quantity="1", price="30.00", text="Ayaqqabı")
    request = written(
        OrderOptions(
            expires_after=timedelta(hours=2),
            change_status_url="https://shop.example/status?id=[OrderID]",
            email="payer@example.com",
            phone="+994501234567",
            fee=Amount.of("0.45", AZN),
            params={"INN": "123", "Key": "a & b"},
            saved_card="C0FFEE",
            positions=(position,),
        )
    )

    assert request.expiration_min == 120
    assert request.change_status_url == "https://shop.example/status?id=[OrderID]"
    assert (request.email, request.phone) == ("payer@example.com", "+994501234567")
    assert request.fee_minor == 45
    assert request.params == (Param(name="INN", value="123"), Param(name="Key", value="a & b"))
    assert request.sender_card_uid == "C0FFEE"
    assert request.positions == (position,)


def test_an_order_without_options_says_nothing_of_them() -> None:
    request = written()

    assert request.expiration_min is None
    assert request.fee_minor is None
    assert not request.register_card
    assert not request.save_card_uid


# ------------------------------------------------------------------ expiry


def test_an_order_that_never_expires_is_told_by_zero() -> None:
    assert written(OrderOptions(expires_after=NEVER)).expiration_min == 0


@pytest.mark.parametrize(
    "wrong",
    [
        timedelta(0),
        timedelta(minutes=-5),
        timedelta(seconds=90),
        timedelta(minutes=10_000_000),
    ],
)
def test_a_life_that_the_wire_would_mean_otherwise_is_refused(wrong: timedelta) -> None:
    with pytest.raises(LocalProtocolError, match="say NEVER for that"):
        OrderOptions(expires_after=wrong)


@given(minutes=st.integers(1, 9_999_999))
def test_any_whole_minutes_arrive(minutes: int) -> None:
    options = OrderOptions(expires_after=timedelta(minutes=minutes))

    assert written(options).expiration_min == minutes


# ------------------------------------------------------------------ instalments


@pytest.mark.parametrize(
    ("description", "expected"),
    [("", "TAKSIT=3"), ("  ", "TAKSIT=3"), ("Order 77", "Order 77/TAKSIT=3")],
)
def test_instalments_are_written_into_the_description(description: str, expected: str) -> None:
    assert written(OrderOptions(instalments=3), description).description == expected


@pytest.mark.parametrize("wrong", [-1, 0, 1, 100])
def test_a_number_of_instalments_that_is_none_is_refused(wrong: int) -> None:
    with pytest.raises(LocalProtocolError, match="2 to 99 instalments"):
        OrderOptions(instalments=wrong)


@pytest.mark.parametrize("description", ["77;TAKSIT=6", "TAKSİT=0", "taksit = 6"])
def test_two_numbers_of_instalments_are_refused(description: str) -> None:
    with pytest.raises(LocalProtocolError, match="already holds TAKSIT="):
        written(OrderOptions(instalments=3), description)


def test_a_description_without_options_may_hold_the_marker() -> None:
    assert written(description="77;TAKSIT=6").description == "77;TAKSIT=6"


def test_a_description_with_just_enough_room_takes_the_marker() -> None:
    assert len(written(OrderOptions(instalments=12), "x" * 502).description) == 512


def test_a_description_without_room_for_the_marker_is_refused() -> None:
    with pytest.raises(LocalProtocolError, match="room for 502 of your own"):
        written(OrderOptions(instalments=12), "x" * 503)


# ------------------------------------------------------------------ saved cards


def test_a_card_is_saved_with_the_payers_consent() -> None:
    request = written(OrderOptions(save_card=True, consent="Kartı yadda saxla"))

    assert request.register_card
    assert request.save_card_uid
    assert request.custom_fields == (CustomField(name="Attention", title="Kartı yadda saxla"),)


def test_nobody_consents_in_the_payers_place() -> None:
    assert not written(OrderOptions(save_card=True)).register_checked


def test_a_consent_to_nothing_is_refused() -> None:
    with pytest.raises(LocalProtocolError, match="save_card=True"):
        OrderOptions(consent="Kartı yadda saxla")


def test_a_saved_card_is_not_in_the_repr() -> None:
    assert "C0FFEE" not in repr(OrderOptions(saved_card="C0FFEE"))


# ------------------------------------------------------------------ fee and parameters


def test_a_fee_of_nothing_is_not_the_tariffs_fee() -> None:
    assert written(OrderOptions(fee=Amount(0, AZN))).fee_minor == 0


def test_a_fee_in_another_currency_is_refused() -> None:
    with pytest.raises(LocalProtocolError, match="The fee is in USD and the amount in AZN"):
        written(OrderOptions(fee=Amount(1, CURRENCIES["840"])))


def test_a_bare_number_is_no_fee() -> None:
    wrong: Any = 45

    with pytest.raises(TypeError, match="Write Amount"):
        OrderOptions(fee=wrong)


@pytest.mark.parametrize("name", ["UserEmail", "CustomFields", "two words", ""])
def test_a_parameter_that_cannot_have_this_name_is_refused(name: str) -> None:
    with pytest.raises(LocalProtocolError, match="Order/AddParams"):
        written(OrderOptions(params={name: "x"}))
