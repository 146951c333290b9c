"""Messages to bytes and back: what is refused, with which status, and what is never written."""

from __future__ import annotations

import base64
import re
from dataclasses import fields, replace
from typing import Any

import pytest
from tests.golden_files import GoldenCase, golden_cases
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
    ClassicOrderInformation,
    CompletionRequest,
    CompletionResponse,
    CreateOrderRequest,
    CreateOrderResponse,
    CustomField,
    Failure,
    GetOrderInformationRequest,
    GetOrdersRequest,
    GetOrdersResponse,
    GetOrderStatusRequest,
    OrdersFilter,
    OrderStatusFailure,
    Param,
    POSField,
    Position,
    PurchaseRequest,
    RefundRequest,
    Request,
    Response,
    ReverseRequest,
    ReverseResponse,
    UnpaidOrderInformation,
)
from tkkpg.protocol.schema import ENCODINGS, OUTCOMES
from tkkpg.protocol.values import AZN, Language, Operation, OperationStatus, OrderType

GOLDEN = {
    case.name: case.body.decode() for case in golden_cases("requests", "operations", "replies")
}
CREATE_ORDER = GOLDEN["requests/document_create_order"]
REFUND = GOLDEN["requests/document_refund_filled"]
EVERY_FIELD = GOLDEN["operations/create_order_every_field"]
COMPLETION = GOLDEN["operations/completion_every_field"]
REVERSE = GOLDEN["operations/reverse_two_capitals"]
PURCHASE = GOLDEN["operations/purchase_in_envelope"]
GET_ORDERS = GOLDEN["operations/get_orders_filtered"]
INFORMATION_ASKED = GOLDEN["operations/get_order_information_everything"]
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
    (CREATE_ORDER, "Currency", ["999", "000", "AZN", "0944", "94", "null"]),
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
    (REFUND, "Currency", ["999", "AZN"]),
    (REFUND, "WithFee", ["yes", "2"]),
    (REFUND, "TranId", ["abc", "-1", "1" * 19]),
    (REFUND, "Text", ["x" * 129]),
    (EVERY_FIELD, "Fee", ["-1", "0.45"]),
    (EVERY_FIELD, "phone", ["1" * 129]),
    (EVERY_FIELD, "email", ["x" * 129]),
    (EVERY_FIELD, "RegisterCardOnSuccess", ["yes", "2"]),
    (EVERY_FIELD, "UserEmail", ["x" * 129]),
    (EVERY_FIELD, "OrderExpirationPeriod", ["never", "0.5", "10000000", "-10000000"]),
    (EVERY_FIELD, "ChangeStatusURL", ["/" * 256, "/a&#10;b"]),
    (EVERY_FIELD, "SenderCardUID", ["x" * 129]),
    (EVERY_FIELD, "FA-DATA", ["x" * 513]),
    (COMPLETION, "Amount", ["0", "-1", "0.5"]),
    (COMPLETION, "Fee", ["-1"]),
    (REVERSE, "Amount", ["0", "-1"]),
    (PURCHASE, "CardUID", ["x" * 129]),
    (PURCHASE, "ResponseFormat", ["x" * 129]),
    (INFORMATION_ASKED, "ShowParams", ["yes"]),
    (INFORMATION_ASKED, "ClassicView", ["classic"]),
    (GET_ORDERS, "Start", ["yesterday", "22.02.2021", "2021-02-30", "' OR 1=1 --"]),
    (GET_ORDERS, "End", ["2021-02-22T10:43:36Z"]),
    (GET_ORDERS, "LastCount", ["-1", "1; DROP TABLE orders", "1" * 19]),
    (GET_ORDERS, "StartFrom", ["-1"]),
    (GET_ORDERS, "Status", ["%", "approved", "APPROVED' OR '1'='1"]),
    (GET_ORDERS, "Min", ["-1", "all"]),
    (GET_ORDERS, "Max", ["1e9"]),
    (GET_ORDERS, "Description", ["%" * 513]),
    (GET_ORDERS, "PARAMNAME", ["x" * 129]),
    (GET_ORDERS, "VAL", ["x" * 513]),
    (GET_ORDERS, "OrderBy", ["x" * 129]),
    (GET_ORDERS, "OrderingDirection", ["x" * 129]),
    (GET_ORDERS, "OrderId", ["0 OR 1=1"]),
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

    assert f"<Operation>{refusal.value.operation}</Operation>" in document


def test_a_value_with_anything_but_text_in_it_is_no_value() -> None:
    for value in ("3<!-- -->000", "3000<x/>", "<x>3000</x>", "3<?x?>000", "3000<!---->"):
        for tag in ("Amount", "Operation", "FA-DATA", "Text"):
            if tag == "FA-DATA" and "<x" in value:
                continue  # a parameter that holds elements is passed over
            with pytest.raises(InvalidMessage, match=f"{tag} must hold a text alone"):
                decode_request(with_value(EVERY_FIELD, tag, value))
    request = decode_request(with_value(EVERY_FIELD, "Amount", "3<![CDATA[000]]>"))
    assert isinstance(request, CreateOrderRequest)
    assert request.amount_minor == 3000


@pytest.mark.parametrize("tag", ["Language", "Merchant", "Amount", "Currency"])
def test_an_order_without_a_mandatory_field_is_refused(tag: str) -> None:
    for body in (without(CREATE_ORDER, tag), with_value(CREATE_ORDER, tag, " \n ")):
        with pytest.raises(InvalidMessage, match=f"{tag} is missing or empty"):
            decode_request(body)


@pytest.mark.parametrize("tag", ["Language", "Merchant", "OrderID", "SessionID", "Amount"])
@pytest.mark.parametrize("document", [REFUND, COMPLETION], ids=["Refund", "Completion"])
def test_a_request_that_moves_money_without_a_mandatory_field_is_refused(
    document: str, tag: str
) -> None:
    for body in (without(document, tag), with_value(document, tag, "")):
        with pytest.raises(InvalidMessage, match=f"{tag} is missing or empty"):
            decode_request(body)


@pytest.mark.parametrize("minutes", ["-9999999", "-1", "0", "5"])
def test_a_period_of_expiry_may_be_negative_for_a_life_without_end(minutes: str) -> None:
    message = decode_request(with_value(EVERY_FIELD, "OrderExpirationPeriod", minutes))

    assert isinstance(message, CreateOrderRequest)
    assert message.expiration_min == int(minutes)


def with_parameters(inner: str) -> bytes:
    """The document's CreateOrder with some parameters."""
    return CREATE_ORDER.replace("</Order>", f"<AddParams>{inner}</AddParams></Order>").encode()


def test_as_many_parameters_as_an_order_keeps_are_read_in_order() -> None:
    message = decode_request(with_parameters("".join(f"<P{n}>{n}</P{n}>" for n in range(32))))

    assert isinstance(message, CreateOrderRequest)
    assert message.params == tuple(Param(name=f"P{n}", value=str(n)) for n in range(32))


def test_a_parameter_that_holds_elements_is_passed_over() -> None:
    message = decode_request(with_parameters("<A><B>1</B></A><C>2</C>"))

    assert isinstance(message, CreateOrderRequest)
    assert message.params == (Param(name="C", value="2"),)


@pytest.mark.parametrize(
    "tag",
    ["UserEmail", "OrderExpirationPeriod", "ChangeStatusURL", "SenderCardUID", "CustomFields"],
)
def test_a_parameter_with_a_row_of_its_own_may_not_stand_twice(tag: str) -> None:
    with pytest.raises(InvalidMessage, match=f"^Element <{tag}> stands twice inside <AddParams>"):
        decode_request(with_parameters(f"<{tag}>1</{tag}><{tag}/>"))


@pytest.mark.parametrize("tag", ["ödəniş", "x:y", "x" * 129, "Ω", "_·"])
def test_a_parameter_with_a_hostile_name_is_refused_without_repeating_it(tag: str) -> None:
    with pytest.raises(InvalidMessage, match=r"^Order/AddParams/\* must have a name") as refusal:
        decode_request(with_parameters(f"<{tag}>1</{tag}>"))

    assert tag not in refusal.value.message


@pytest.mark.parametrize("attribute", ["name", "title"])
def test_a_long_attribute_of_a_custom_field_is_refused(attribute: str) -> None:
    param = f"<CustomFields><Param {attribute}='{'x' * 513}'/></CustomFields>"

    with pytest.raises(InvalidMessage, match=f"^{attribute} is longer than"):
        decode_request(with_parameters(param))


def test_a_custom_field_without_attributes_is_empty() -> None:
    message = decode_request(with_parameters("<CustomFields><Param/></CustomFields>"))

    assert isinstance(message, CreateOrderRequest)
    assert message.custom_fields == (CustomField(name="", title=""),)


ITEM = "<Item><PARAMNAME>UserEmail</PARAMNAME><VAL>1</VAL></Item>"


@pytest.mark.parametrize(
    ("inner", "reason"),
    [
        (f"<Description>{'%' * 65_536}</Description>", "The message is larger than 65536 bytes."),
        (f"<Description>{'%' * 60_000}</Description>", "Description is longer than 512 characters"),
        (f"<AddParams>{ITEM * 170}</AddParams>", "The XML has more than 500 elements."),
        ("<Period><Start/></Period>" * 2, "Element <Period> stands twice inside <OrdersFilter>."),
        ("<Amount>" * 16 + "</Amount>" * 16, "The XML is nested deeper than 16 levels."),
    ],
    ids=["64kB", "60kB", "many items", "twice", "deep"],
)
def test_a_filter_is_bounded(inner: str, reason: str) -> None:
    body = (
        "<TKKPG><Request><Operation>GetOrders</Operation><Merchant>E1000010</Merchant>"
        f"<OrdersFilter>{inner}</OrdersFilter></Request></TKKPG>"
    )

    with pytest.raises(InvalidMessage) as refusal:
        decode_request(body.encode())

    assert refusal.value.message.startswith(reason)


def test_an_absent_filter_narrows_nothing() -> None:
    message = decode_request(GOLDEN["operations/get_orders_without_filter"].encode())

    assert isinstance(message, GetOrdersRequest)
    assert message.filter == OrdersFilter()


def test_a_card_number_is_never_shown_and_what_stands_beside_it_is_not_kept() -> None:
    message = decode_request(GOLDEN["operations/purchase_with_card_number"].encode())

    assert isinstance(message, PurchaseRequest)
    assert message.pan is not None
    assert message.pan.reveal() == "4169733213495869"
    assert not [text for text in ("4169", "5869", "447", "202305") if text in repr(message)]


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
    "name", ["TransactionLog", "createOrder", "CREATEORDER", "x", "Order<![CDATA[<]]>"]
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


@pytest.mark.parametrize("inner", ["<TranId>1</TranId><TranID/>", "<TranID/><TranId>1</TranId>"])
def test_two_spellings_of_one_element_may_not_stand_side_by_side(inner: str) -> None:
    with pytest.raises(InvalidMessage, match=r"^Element <TranI[dD]> stands twice inside <Request>"):
        decode_request(REVERSE.replace("<TranID>2292054</TranID>", inner).encode())


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
        (replace(ORDER, expiration_min=10**7), "Order/AddParams/OrderExpirationPeriod must be"),
        (replace(ORDER, params=(Param(name="a b"),)), "Order/AddParams/* must have a name"),
        (replace(ORDER, params=(Param(name="<x>"),)), "Order/AddParams/* must have a name"),
        (replace(ORDER, params=(Param(name=""),)), "Order/AddParams/* must have a name"),
        (
            replace(ORDER, params=(Param(name="UserEmail"),)),
            "Order/AddParams/UserEmail is an attribute of the message: set it there.",
        ),
        (
            replace(ORDER, params=(Param(name="INN", value="x" * 513),)),
            "Order/AddParams/INN is longer than 512 characters.",
        ),
        (
            replace(ORDER, params=(Param(name="INN"),) * 33),
            "Order/AddParams holds at most 32 parameters.",
        ),
        (
            replace(ORDER, custom_fields=(CustomField(name="x" * 129),)),
            "name is longer than 128 characters.",
        ),
        (CompletionRequest(**ABOUT, amount_minor=0), "Amount must be a whole number between 1"),
        (ReverseRequest(**ABOUT, amount_minor=0), "Amount must be a whole number between 1"),
        (ClassicOrderInformation(orders=()), "Order/row is missing or empty."),
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


def test_what_is_optional_and_absent_is_left_out_of_an_order_and_a_filter() -> None:
    order = encode(ORDER).decode()
    filtered = encode(GetOrdersRequest(merchant_id="E1000010", filter=OrdersFilter()))

    assert re.findall(r"<(\w+)>", order.partition("<Order>")[2]) == [
        "OrderType",
        "Merchant",
        "Amount",
        "Currency",
        "Description",
        "ApproveURL",
        "CancelURL",
        "DeclineURL",
    ]
    assert filtered.endswith(
        b"<Merchant>E1000010</Merchant><OrdersFilter></OrdersFilter></Request></TKKPG>"
    )


def test_the_client_asks_for_nothing_more_than_it_was_told_to() -> None:
    asked = encode(GetOrderInformationRequest(**ABOUT, show_operations=True))

    assert asked.endswith(b"</SessionID><ShowOperations>true</ShowOperations></Request></TKKPG>")


def test_rows_of_paid_and_unpaid_orders_stand_side_by_side() -> None:
    values = {field.name: getattr(INFORMATION, field.name) for field in fields(INFORMATION)}
    unpaid = UnpaidOrderInformation(**values)

    written = encode(GetOrdersResponse(orders=(INFORMATION, unpaid)))

    assert re.findall(rb"<RefundCurrency>(\w*)</RefundCurrency>", written) == [b"null", b""]
    assert decode_response(written, Operation.GET_ORDERS) == GetOrdersResponse(
        orders=(INFORMATION, INFORMATION)
    )


ENVELOPED = [case for case in golden_cases("replies") if b"<Status>00</Status>" in case.body]


@pytest.mark.parametrize(
    ("case", "status"),
    [
        pytest.param(case, status, id=f"{case}-{status}")
        for case in ENVELOPED
        for status in ("10", "30", "95", "96", "205", "4711")
        if status != "96" or case.facts["operation"] not in OUTCOMES  # there the host has spoken
    ],
)
def test_a_refusal_that_says_more_than_its_status_is_a_failure(
    case: GoldenCase, status: str
) -> None:
    operation = Operation(case.facts["operation"])
    body = case.body.replace(b"<Status>00</Status>", f"<Status>{status}</Status>".encode())
    assert decode_response(body, operation) == Failure(operation=operation, status=status)


@pytest.mark.parametrize(
    "reply",
    [
        CompletionResponse(
            status=OperationStatus.SYSTEM_ERROR,
            codes=(POSField(name="ResponseCode", value="076"),),
        ),
        ReverseResponse(
            status=OperationStatus.SYSTEM_ERROR,
            order_id=1,
            response_code="076",
            response_message="Not sufficient funds",
        ),
    ],
)
def test_what_the_host_declined_is_read_with_its_code(
    reply: CompletionResponse | ReverseResponse,
) -> None:
    operation = ENCODINGS[type(reply)].operation
    assert operation is not None
    assert decode_response(encode(reply), operation) == reply


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
        (
            b"<TKKPG><Response><Status>00</Status><Order/></Response></TKKPG>",
            Operation.GET_ORDER_INFORMATION,
        ),
        (b"<TKKPG><Response><Status>00</Status></Response></TKKPG>", Operation.REVERSE),
        (b"<TKKPG><Response><Status>00</Status></Response></TKKPG>", Operation.GET_ORDERS),
        (b"<TKKPG/>", Operation.PURCHASE),
        (b"<Orders><row/></Orders>", Operation.GET_ORDERS),
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


def test_a_callback_says_nothing_of_3d_secure_where_nothing_is_known() -> None:
    xmlmsg = encode_callback(XMLOUT, wrapped=False, as_base64=False)

    assert "ThreeDS" not in xmlmsg
    assert "AuthorizationResponseCode" not in xmlmsg


def test_a_callback_is_read_whatever_another_gateway_says_of_3d_secure() -> None:
    elements = (
        "<ThreeDSVerification>Y</ThreeDSVerification><ThreeDSVerificaion>?</ThreeDSVerificaion>"
        "<ThreeDSStatus>Onaylandı</ThreeDSStatus><AuthorizationResponseCode/></Message>"
    )
    xmlmsg = encode_callback(XMLOUT, wrapped=False, as_base64=False)
    read = decode_callback(xmlmsg.replace("</Message>", elements))

    assert (read.three_ds_verification, read.three_ds_status) == ("?", "Onaylandı")
    assert read.authorization_response_code is None


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
