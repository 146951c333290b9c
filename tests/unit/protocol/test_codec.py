"""Messages to bytes and back: what is refused, with which status, and what is never written."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest
from tests.golden_files import golden_cases
from tests.unit.protocol.test_messages import ABOUT, CREATED, INFORMATION, XMLOUT

from tkkpg.protocol.codec import (
    decode_callback,
    decode_request,
    decode_response,
    encode,
    encode_callback,
    failure,
)
from tkkpg.protocol.errors import (
    CallbackError,
    InvalidMessage,
    InvalidOperation,
    LocalProtocolError,
)
from tkkpg.protocol.messages import (
    CreateOrderRequest,
    CreateOrderResponse,
    Failure,
    GetOrderStatusRequest,
    OrderStatusFailure,
    Position,
    RefundRequest,
    Request,
    Response,
)
from tkkpg.protocol.values import AZN, Language, Operation, OperationStatus, OrderType

GOLDEN = {case.name: case.body.decode() for case in golden_cases("requests", "replies")}
CREATE_ORDER = GOLDEN["requests/document_create_order"]
REFUND = GOLDEN["requests/document_refund_filled"]
ORDER = CreateOrderRequest(
    language=Language.EN, merchant_id="E1000010", amount_minor=3000, currency=AZN
)


def with_value(document: str, tag: str, value: str) -> bytes:
    """Put another value into the only (or last) element of this tag."""
    before, _, rest = document.rpartition(f"<{tag}>")
    return f"{before}<{tag}>{value}{rest[rest.index('</') :]}".encode()


def without(document: str, tag: str) -> bytes:
    """Leave the only (or last) element of this tag out."""
    before, _, rest = document.rpartition(f"<{tag}>")
    return f"{before}{rest.partition(f'</{tag}>')[2]}".encode()


BAD_VALUES = [
    (CREATE_ORDER, "Amount", ["0", "0.0", "-1", "-3000", "30.5", "1998.9999999999998", "30,00"]),
    (CREATE_ORDER, "Amount", ["1e3", "AZN 30", "1 000", "1000000000000", "9" * 5000, "NaN", "٣٠"]),
    (CREATE_ORDER, "Currency", ["643", "840", "AZN", "0944", "94", "null"]),
    (CREATE_ORDER, "Language", ["DE", "AZE", "A", "az-AZ", "null"]),
    (CREATE_ORDER, "OrderType", ["purchase", "Sale", "3DSOnly"]),
    (CREATE_ORDER, "Merchant", ["E" * 16]),
    (CREATE_ORDER, "Description", ["x" * 513]),
    (CREATE_ORDER, "ApproveURL", ["/" * 256, "java\tscript:alert(1)", "/a&#10;b", "/\x7f"]),
    (CREATE_ORDER, "CancelURL", ["/" * 256, "/a&#13;b"]),
    (CREATE_ORDER, "DeclineURL", ["/" * 256, "/a\nb"]),
    (REFUND, "OrderID", ["abc", "-1", "1.0", "1" * 19, "null"]),
    (REFUND, "SessionID", ["x" * 129]),
    (REFUND, "Amount", ["0", "-1", "0.5", "all", "1000000000000"]),
    (REFUND, "Currency", ["643", "AZN"]),
    (REFUND, "WithFee", ["yes", "2"]),
    (REFUND, "TranId", ["abc", "-1", "1" * 19]),
    (REFUND, "Text", ["x" * 129]),
]


@pytest.mark.parametrize(
    ("document", "tag", "value"),
    [
        pytest.param(document, tag, value, id=f"{row} {tag} {value[:20]!r}")
        for row, (document, tag, values) in enumerate(BAD_VALUES)
        for value in values
    ],
)
def test_a_value_that_is_not_allowed_is_refused_by_its_path(
    document: str, tag: str, value: str
) -> None:
    with pytest.raises(InvalidMessage, match=rf"^(\w+/)*{tag} \w.*\.$") as refusal:
        decode_request(with_value(document, tag, value))

    assert refusal.value.operation in {"CreateOrder", "Refund"}


@pytest.mark.parametrize("tag", ["Language", "Merchant", "Amount", "Currency"])
def test_an_order_without_a_mandatory_field_is_refused(tag: str) -> None:
    for body in (without(CREATE_ORDER, tag), with_value(CREATE_ORDER, tag, " \n ")):
        with pytest.raises(InvalidMessage, match=f"{tag} is missing or empty"):
            decode_request(body)


@pytest.mark.parametrize("tag", ["Language", "Merchant", "OrderID", "SessionID", "Amount"])
def test_a_refund_without_a_mandatory_field_is_refused(tag: str) -> None:
    for body in (without(REFUND, tag), with_value(REFUND, tag, "")):
        with pytest.raises(InvalidMessage, match=f"{tag} is missing or empty"):
            decode_request(body)


def test_a_refusal_never_repeats_the_value() -> None:
    with pytest.raises(InvalidMessage) as refusal:
        decode_request(with_value(CREATE_ORDER, "Amount", "4169733213495869 "))

    assert "4169733213495869" not in refusal.value.message


def test_an_order_without_a_type_is_a_purchase() -> None:
    message = decode_request(without(CREATE_ORDER, "OrderType"))

    assert isinstance(message, CreateOrderRequest)
    assert message.order_type is OrderType.PURCHASE


def test_the_elements_of_another_operation_are_passed_over() -> None:
    body = with_value(REFUND, "Operation", "GetOrderStatus")

    assert isinstance(decode_request(body), GetOrderStatusRequest)


@pytest.mark.parametrize(
    "name", ["Reverse", "createOrder", "CREATEORDER", "x", "Order<![CDATA[<]]>"]
)
def test_an_unknown_operation_is_refused_and_repeated(name: str) -> None:
    with pytest.raises(InvalidOperation, match="The operations are CreateOrder, ") as refusal:
        decode_request(with_value(CREATE_ORDER, "Operation", name))

    assert refusal.value.operation == name.replace("<![CDATA[<]]>", "<")
    assert encode(failure(refusal.value.operation, refusal.value.status)).startswith(b"<TKKPG>")


def test_a_long_name_of_an_operation_is_repeated_in_part() -> None:
    with pytest.raises(InvalidOperation) as refusal:
        decode_request(with_value(CREATE_ORDER, "Operation", "x" * 60_000))

    assert refusal.value.operation == "x" * 64


@pytest.mark.parametrize(
    ("inner", "twice"),
    [
        ("<Order><Merchant>A</Merchant></Order><Order/>", "<Order> stands twice inside <Request>"),
        ("<Language>AZ</Language>", "<Language> stands twice inside <Request>"),
    ],
)
def test_an_element_that_counts_may_not_stand_twice(inner: str, twice: str) -> None:
    body = CREATE_ORDER.replace("</Request>", f"{inner}</Request>").encode()

    with pytest.raises(InvalidMessage, match=twice):
        decode_request(body)


def test_positions_are_read_in_order_and_other_elements_between_them_ignored() -> None:
    positions = "<Position><Text>a</Text></Position><Total/><Position><Price>1</Price></Position>"
    before, _, after = REFUND.partition("<Positions>")
    body = f"{before}<Positions>{positions}{after[after.index('</Positions>') :]}".encode()

    message = decode_request(body)

    assert isinstance(message, RefundRequest)
    assert message.positions == (Position(text="a"), Position(price="1"))


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (replace(ORDER, amount_minor=0), "Order/Amount must be a whole number between 1 and"),
        (replace(ORDER, amount_minor=-1), "Order/Amount must be a whole number between 1 and"),
        (replace(ORDER, amount_minor=10**12), "Order/Amount must be a whole number between 1"),
        (replace(ORDER, merchant_id=""), "Order/Merchant is missing or empty."),
        (replace(ORDER, merchant_id="  "), "Order/Merchant is missing or empty."),
        (replace(ORDER, merchant_id="E" * 16), "Order/Merchant is longer than 15 characters."),
        (replace(ORDER, description="x" * 513), "Order/Description is longer than 512"),
        (replace(ORDER, description="a\x00b"), "A text holds a control character"),
        (replace(ORDER, approve_url="/" * 256), "Order/ApproveURL is longer than 255"),
        (replace(ORDER, cancel_url="/a\nb"), "Order/CancelURL holds a control character."),
        (GetOrderStatusRequest(**ABOUT | {"order_id": -1}), "Order/OrderID must be a whole"),
        (GetOrderStatusRequest(**ABOUT | {"session_id": ""}), "SessionID is missing or empty."),
        (RefundRequest(**ABOUT, amount_minor=0), "Refund/Amount must be a whole number"),
        (replace(CREATED, order_id=10**18), "Order/OrderID must be a whole number"),
        (replace(INFORMATION, fee_minor=-1), "Fee must be a whole number"),
        (Failure(operation="x" * 129, status="54"), "Operation is longer than 128"),
        (Failure(operation="", status=""), "Status is missing or empty."),
    ],
)
def test_what_no_peer_would_read_is_not_written(message: Request | Response, reason: str) -> None:
    with pytest.raises(LocalProtocolError) as refusal:
        encode(message)

    assert refusal.value.message.startswith(reason)


@pytest.mark.parametrize("amount", [30.0, "3000", None])
def test_an_amount_that_is_no_int_is_not_written(amount: Any) -> None:  # noqa: ANN401 - the subject
    with pytest.raises(LocalProtocolError, match="Order/Amount"):
        encode(replace(ORDER, amount_minor=amount))


def test_what_is_optional_and_absent_is_left_out_of_a_refund() -> None:
    written = encode(RefundRequest(**ABOUT, amount_minor=3000))

    assert b"<Refund><Amount>3000</Amount><WithFee>false</WithFee></Refund>" in written
    assert b"<TranId></TranId>" in written
    assert b"Positions" not in written


@pytest.mark.parametrize("status", ["10", "30", "54", "95", "96", "205", "4711"])
@pytest.mark.parametrize("operation", Operation)
def test_any_refusal_is_read_as_a_failure(operation: Operation, status: str) -> None:
    body = encode(Failure(operation=operation, status=status))

    assert decode_response(body, operation) == Failure(operation=operation, status=status)


@pytest.mark.parametrize("operation", Operation)
def test_a_refusal_without_an_operation_is_read_too(operation: Operation) -> None:
    body = b"<TKKPG><Response><Status>30</Status></Response></TKKPG>"

    assert decode_response(body, operation) == Failure(operation="", status="30")


@pytest.mark.parametrize(
    ("body", "operation"),
    [
        (b"<html><body>Bad gateway</body></html>", Operation.CREATE_ORDER),
        (b"<TKKPG/>", Operation.CREATE_ORDER),
        (b"<TKKPG><Response/></TKKPG>", Operation.REFUND),
        (b"<TKKPG><Response><Status></Status></Response></TKKPG>", Operation.REFUND),
        (b"<TKKPG><Response><Status>00</Status></Response></TKKPG>", Operation.CREATE_ORDER),
        (b"<TKKPG><Response><Status>00</Status></Response></TKKPG>", Operation.GET_ORDER_STATUS),
        (
            b"<TKKPG><Response><Status>00</Status></Response></TKKPG>",
            Operation.GET_ORDER_INFORMATION,
        ),
        (b"<TKKPG><Request><Status>00</Status></Request></TKKPG>", Operation.REFUND),
        (b"<Order><row><id>1</id></row></Order>", Operation.REFUND),
        (b"<Order/>", Operation.GET_ORDER_INFORMATION),
    ],
)
def test_a_reply_that_says_neither_yes_nor_no_is_refused(body: bytes, operation: Operation) -> None:
    with pytest.raises(InvalidMessage):
        decode_response(body, operation)


def test_a_refused_order_status_is_the_only_refusal_with_an_empty_order() -> None:
    refused = failure("GetOrderStatus", "30")

    assert refused == OrderStatusFailure(status=OperationStatus.INVALID_MESSAGE)
    assert encode(refused) == (
        b"<TKKPG><Response><Operation>GetOrderStatus</Operation><Status>30</Status>"
        b"<Order><OrderID></OrderID><OrderStatus></OrderStatus></Order></Response></TKKPG>"
    )


@pytest.mark.parametrize(
    ("operation", "status"),
    [("GetOrderStatus", "10"), ("GetOrderStatus", "96"), ("Refund", "205"), ("CreateOrder", "30")],
)
def test_any_other_refusal_is_operation_and_status_alone(operation: str, status: str) -> None:
    assert encode(failure(operation, status)).decode() == (
        f"<TKKPG><Response><Operation>{operation}</Operation><Status>{status}</Status>"
        "</Response></TKKPG>"
    )


def test_a_refusal_of_what_could_not_be_read_has_an_empty_operation() -> None:
    assert b"<Response><Operation></Operation><Status>30</Status></Response>" in encode(
        failure("", "30")
    )


def test_a_created_order_comes_with_its_session_inside_the_order() -> None:
    message = decode_response(encode(CREATED), Operation.CREATE_ORDER)

    assert isinstance(message, CreateOrderResponse)
    assert message.ref == CREATED.ref


@pytest.mark.parametrize("wrapped", [True, False], ids=["wrapped", "bare"])
@pytest.mark.parametrize("as_base64", [True, False], ids=["base64", "plain"])
def test_a_callback_is_read_in_every_shape(wrapped: bool, as_base64: bool) -> None:
    xmlmsg = encode_callback(XMLOUT, wrapped=wrapped, as_base64=as_base64)

    assert xmlmsg.startswith("<") is not as_base64
    assert decode_callback(f"\r\n {xmlmsg}\n") == XMLOUT


def test_a_callback_with_an_illegal_value_is_not_written() -> None:
    with pytest.raises(LocalProtocolError, match="PurchaseAmount must be a whole number"):
        encode_callback(replace(XMLOUT, amount_minor=0), wrapped=True, as_base64=False)


@pytest.mark.parametrize(
    "xmlmsg",
    [
        "",
        "   ",
        "hello",
        "ödəniş",
        "\ufeff<Message/>",
        "<\ud800>",
        "<Message>",
        "<Message/>",
        "<XMLOut/>",
        "<XMLOut><Message/><Message/></XMLOut>",
        "<!DOCTYPE a><Message/>",
        base64.b64encode(b"\xff\xfe").decode(),
        base64.b64encode(b"{}").decode(),
        encode_callback(XMLOUT, wrapped=False, as_base64=False).replace("14008766", "x"),
        encode_callback(XMLOUT, wrapped=False, as_base64=False).replace("22/02/2021", "today"),
        encode_callback(XMLOUT, wrapped=False, as_base64=False).replace(">APPROVED", ">PAID"),
    ],
    ids=range(16),
)
def test_what_is_no_callback_is_refused(xmlmsg: str) -> None:
    with pytest.raises(CallbackError, match=r"^The field xmlmsg is not an XMLOut: [@\w]"):
        decode_callback(xmlmsg)
