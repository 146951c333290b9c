"""XMLOut in all its shapes, returns, and what belongs to which order."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tkkpg.client import (
    AZN,
    CallbackError,
    Language,
    OrderRef,
    OrderStatus,
    XMLOut,
    callbacks,
    is_about,
    read_return,
    read_xmlout,
)
from tkkpg.protocol import codec

REF = OrderRef(15859914, "02447E3150B781C426638A03706030A5")
XMLOUT = XMLOut(
    date=datetime(2026, 11, 24, 10, 44, 24),  # noqa: DTZ001 - the wire has no zone
    order_id=REF.order_id,
    session_id=REF.session_id,
    transaction_type="Purchase",
    pan="416973XXXXXX5869",
    amount_minor=328,
    currency=AZN,
    response_code="001",
    response_description="Approved & more",
    order_status=OrderStatus.APPROVED,
    two_id=2292054,
)
SHAPES = pytest.mark.parametrize(
    ("wrapped", "as_base64"), [(True, False), (True, True), (False, False), (False, True)]
)


@SHAPES
def test_an_xmlout_is_read_in_every_shape(wrapped: bool, as_base64: bool) -> None:
    xmlmsg = codec.encode_callback(XMLOUT, wrapped=wrapped, as_base64=as_base64)

    assert read_xmlout(xmlmsg) == XMLOUT
    assert read_xmlout({"xmlmsg": xmlmsg, "Version": "1.0"}) == XMLOUT


def test_the_name_of_the_root_around_a_message_does_not_matter() -> None:
    xmlmsg = codec.encode_callback(XMLOUT, wrapped=True, as_base64=False)

    assert read_xmlout(xmlmsg.replace("XMLOut>", "Whatever>")) == XMLOUT


TO_THE_MINUTE = datetime(2026, 3, 2, 10, 44)  # noqa: DTZ001 - the wire has no zone


def test_recorded_deviations_of_single_fields_are_read() -> None:
    written = codec.encode_callback(
        replace(XMLOUT, tran_date_time=TO_THE_MINUTE, date=TO_THE_MINUTE, language=Language.EN),
        wrapped=True,
        as_base64=False,
    )
    session = f"<SessionID>{REF.session_id}</SessionID>"
    other_case = f"<SessionId>{REF.session_id}</SessionId>"
    for element, instead in (
        ("02/03/2026 10:44:00</TranDateTime>", "02/03/2026 10:44</TranDateTime>"),
        ('date="02/03/2026 10:44:00"', 'date="02/03/2026 10:44"'),
        ("<Language>EN<", "<Language>eng<"),
        (session, other_case),
        (session, session + other_case),
    ):
        assert element in written
        told = read_xmlout(written.replace(element, instead))

        assert told == read_xmlout(written)
        assert told.tran_date_time == TO_THE_MINUTE
        assert told.ref == REF


def test_two_sessions_in_one_xmlout_are_refused() -> None:
    written = codec.encode_callback(XMLOUT, wrapped=True, as_base64=False)
    two = "<SessionId>277F3E926B1FADDA45E449B0C0E8CF76</SessionId></Message>"

    with pytest.raises(CallbackError, match="stands twice"):
        read_xmlout(written.replace("</Message>", two))


@pytest.mark.parametrize("wrapped", [True, False])
def test_spaces_that_arrived_as_plus_signs_are_spaces_again(wrapped: bool) -> None:
    written = codec.encode_callback(XMLOUT, wrapped=wrapped, as_base64=False)

    assert read_xmlout(written.replace(" ", "+")) == XMLOUT


def test_a_plus_sign_that_is_meant_stays_one() -> None:
    plus = replace(XMLOUT, response_description="1 + 1")

    assert read_xmlout(codec.encode_callback(plus, wrapped=True, as_base64=False)) == plus


@pytest.mark.parametrize("wrapped", [True, False])
def test_base64_whose_plus_signs_arrived_as_spaces_is_read(wrapped: bool) -> None:
    met = ""
    for length in range(1, 40):
        told = replace(XMLOUT, response_description=">" * length)
        written = codec.encode_callback(told, wrapped=wrapped, as_base64=True)
        met += written.replace("/", "").strip("=")[-1:]

        assert read_xmlout(written.replace("+", " ")) == told
    assert "+" in met  # the last one is lost where white space around a value is trimmed


@pytest.mark.parametrize("form", [{}, {"XMLMSG": "<Message/>"}, {"xmlmsg": None}, {"xmlmsg": 3}])
def test_a_form_without_an_xmlout_says_what_to_ask(form: dict[str, Any]) -> None:
    with pytest.raises(CallbackError, match="Ask get_order_status"):
        read_xmlout(form)


@given(st.text() | st.binary().map(lambda noise: noise.decode("latin-1")))
def test_noise_is_a_callback_error_and_nothing_else(noise: str) -> None:
    with pytest.raises(CallbackError):
        read_xmlout(noise)


def test_an_xmlout_with_a_doctype_is_refused() -> None:
    with pytest.raises(CallbackError, match="DOCTYPE"):
        read_xmlout('<!DOCTYPE a [<!ENTITY b "c">]><Message>&b;</Message>')


@SHAPES
def test_a_return_names_the_order_of_its_xmlout(wrapped: bool, as_base64: bool) -> None:
    xmlmsg = codec.encode_callback(XMLOUT, wrapped=wrapped, as_base64=as_base64)

    assert read_return([("action", "approve"), ("xmlmsg", xmlmsg)]) == REF


def test_a_return_without_an_xmlout_names_the_order_of_its_parameters() -> None:
    pairs = [("orderId", str(REF.order_id)), ("SESSIONID", REF.session_id), ("x", "")]

    assert read_return(iter(pairs)) == REF


@pytest.mark.parametrize(
    "pairs", [[], [("ORDERID", "828")], [("ORDERID", "x"), ("SESSIONID", "y")]]
)
def test_a_return_that_names_no_order_says_how_to_find_it(pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(CallbackError, match="Put your own order number into approve_url"):
        read_return(pairs)


def test_a_broken_xmlout_is_not_replaced_by_parameters_beside_it() -> None:
    with pytest.raises(CallbackError, match="not an XMLOut"):
        read_return([("ORDERID", "828"), ("SESSIONID", "AB12"), ("xmlmsg", "<Message>")])


@pytest.mark.parametrize(
    ("xmlout", "about"),
    [
        (XMLOUT, True),
        (replace(XMLOUT, session_id=""), True),
        (replace(XMLOUT, order_id=1), False),
        (replace(XMLOUT, order_id=1, session_id=""), False),
        (replace(XMLOUT, session_id="277F3E926B1FADDA45E449B0C0E8CF76"), False),
        (replace(XMLOUT, session_id="ş"), False),
    ],
)
def test_an_xmlout_is_about_the_order_of_its_number_and_session(
    xmlout: XMLOut, about: bool
) -> None:
    assert is_about(xmlout, REF) is about


@pytest.mark.parametrize("text", [callbacks.__doc__, read_xmlout.__doc__, read_return.__doc__])
def test_nobody_can_read_how_to_read_it_without_reading_not_to_trust_it(text: str | None) -> None:
    assert text is not None
    assert "NEVER TRUST IT" in text
    assert "status" in text
