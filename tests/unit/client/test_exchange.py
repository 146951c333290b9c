"""What a reply, something else, or silence means for each kind of request; without any I/O."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tkkpg.client import (
    AZN,
    Amount,
    CreatedOrder,
    Endpoint,
    Language,
    LocalProtocolError,
    NotPermitted,
    NotSent,
    OperationRefused,
    OrderRef,
    OrderState,
    OrderStatus,
    OrderType,
    OutcomeUnknown,
    PeerFailure,
    RemoteProtocolError,
    TKKPGError,
    TransportError,
)
from tkkpg.client._exchange import READS, REPLY_SIZE_MAX, Exchange
from tkkpg.client._refusals import AFTER_UNKNOWN
from tkkpg.client._requests import Requests
from tkkpg.client.options import NO_OPTIONS
from tkkpg.protocol import codec, schema
from tkkpg.protocol.messages import (
    CreateOrderRequest,
    CreateOrderResponse,
    GetOrderStatusResponse,
    OrdersFilter,
    RefundRequest,
    RefundResponse,
)

SESSION = "277F3E926B1FADDA45E449B0C0E8CF76"
REF = OrderRef(14008766, SESSION)
PRICE = Amount.of("30.00", AZN)
NO_HEADERS = httpx2.Headers()

REQUESTS = Requests(Endpoint("https://pg.example:5443/Exec"), "E1000010")


def create_order(**changes: object) -> Exchange[CreatedOrder]:
    arguments: dict[str, Any] = {
        "amount": PRICE,
        "description": "shoes",
        "language": Language.AZ,
        "approve_url": "",
        "cancel_url": "",
        "decline_url": "",
        "order_type": OrderType.PURCHASE,
        "options": NO_OPTIONS,
    }
    arguments.update(changes)
    return REQUESTS.create_order(**arguments)


def refund(**changes: object) -> Exchange[None]:
    arguments: dict[str, Any] = {
        "amount": PRICE,
        "description": "",
        "two_id": None,
        "with_fee": False,
        "language": Language.EN,
    }
    arguments.update(changes)
    return REQUESTS.refund(REF, **arguments)


CREATE = create_order()
REFUND = refund()
STATUS = REQUESTS.get_order_status(REF, language=Language.EN)
INFORMATION = REQUESTS.get_order_information(REF, language=Language.EN)
ORDERS = REQUESTS.get_orders(OrdersFilter(), language=Language.EN)
COMPLETION = REQUESTS.complete(REF, amount=PRICE, description="", fee=None, language=Language.EN)
REVERSE = REQUESTS.reverse(REF, description="", two_id=None, language=Language.EN)
PURCHASE = REQUESTS.pay_with_saved_card(REF, amount=PRICE, card_uid="C0FFEE", language=Language.EN)
_READS: dict[str, Exchange[Any]] = {
    "GetOrderStatus": STATUS,
    "GetOrderInformation": INFORMATION,
    "GetOrders": ORDERS,
}
_WRITES: dict[str, Exchange[Any]] = {
    "CreateOrder": CREATE,
    "Refund": REFUND,
    "Completion": COMPLETION,
    "Reverse": REVERSE,
    "Purchase": PURCHASE,
}


def _each(exchanges: dict[str, Exchange[Any]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("exchange", exchanges.values(), ids=exchanges)


WRITES, ONLY_READS, EVERY = _each(_WRITES), _each(_READS), _each(_READS | _WRITES)


def refused(
    exchange: Exchange[Any], status: str, headers: dict[str, str] | None = None, more: str = ""
) -> OperationRefused:
    """Answer with a refusal, and give the error."""
    body = f"<TKKPG><Response><Operation>X</Operation><Status>{status}</Status>{more}</Response>"
    with pytest.raises(OperationRefused) as caught:
        exchange.answered(200, httpx2.Headers(headers), f"{body}</TKKPG>".encode())
    return caught.value


# ------------------------------------------------------------------ requests


def test_a_new_order_is_written_with_the_callers_values() -> None:
    exchange = create_order(
        description="Ayaqqabı & şal",
        approve_url="https://shop.example/a?n=1&m=2",
        cancel_url="https://shop.example/c",
        decline_url="/declined",
        order_type=OrderType.PRE_AUTH,
        language=Language.RU,
    )

    assert codec.decode_request(exchange.body) == CreateOrderRequest(
        language=Language.RU,
        order_type=OrderType.PRE_AUTH,
        merchant_id="E1000010",
        amount_minor=3000,
        currency=AZN,
        description="Ayaqqabı & şal",
        approve_url="https://shop.example/a?n=1&m=2",
        cancel_url="https://shop.example/c",
        decline_url="/declined",
    )


def test_a_refund_is_written_as_the_banks_document_has_it() -> None:
    assert refund(two_id=2292054, with_fee=True).body == (
        b"<TKKPG><Request><Operation>Refund</Operation><Language>EN</Language><Order>"
        b"<Merchant>E1000010</Merchant><OrderID>14008766</OrderID></Order>"
        b"<Description></Description><SessionID>277F3E926B1FADDA45E449B0C0E8CF76</SessionID>"
        b"<Refund><Amount>3000</Amount><Currency>944</Currency><WithFee>true</WithFee></Refund>"
        b"<TranId>2292054</TranId><Source>1</Source></Request></TKKPG>"
    )


def test_a_refund_without_the_payments_number_sends_it_empty() -> None:
    assert b"<WithFee>false</WithFee></Refund><TranId></TranId><Source>1</Source>" in REFUND.body


@pytest.mark.parametrize("start", [create_order, refund])
@pytest.mark.parametrize("bare", [30.0, 3000, "30.00"])
def test_a_bare_number_is_no_amount(start: Callable[..., object], bare: object) -> None:
    with pytest.raises(TypeError, match=r"Write Amount\.of\('30\.00', AZN\)"):
        start(amount=bare)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"amount": Amount(0, AZN)}, "Order/Amount must be a whole number between 1 and"),
        ({"description": "x" * 513}, "Order/Description is longer than 512 characters"),
        ({"approve_url": "https://shop.example/" + "x" * 255}, "Order/ApproveURL is longer"),
        ({"description": "\x00"}, "control character"),
    ],
)
def test_what_the_gateway_would_refuse_is_not_sent(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(LocalProtocolError, match=complaint):
        assert create_order(**changes).body


@given(st.text())
def test_any_description_either_arrives_or_is_refused_before_sending(description: str) -> None:
    try:
        body = create_order(description=description).body
    except LocalProtocolError:
        return
    arrived = codec.decode_request(body)
    assert isinstance(arrived, CreateOrderRequest)
    assert arrived.description == description.strip()


@EVERY
def test_the_session_is_not_in_the_repr_of_an_exchange(exchange: Exchange[Any]) -> None:
    assert SESSION not in repr(exchange)


# ------------------------------------------------------------------ replies


def test_a_created_order_knows_its_reference_and_where_to_pay() -> None:
    reply = CreateOrderResponse(
        order_id=664396, session_id=SESSION, url="https://pg.example/index.jsp"
    )

    order = CREATE.answered(200, NO_HEADERS, codec.encode(reply))

    assert (order.order_id, order.session_id) == (664396, SESSION)
    assert order.ref == OrderRef(664396, SESSION)
    assert order.payment_url == (f"https://pg.example/index.jsp?ORDERID=664396&SESSIONID={SESSION}")
    assert SESSION not in repr(order)


@pytest.mark.parametrize("order_status", list(OrderStatus))
def test_every_order_status_is_a_value(order_status: OrderStatus) -> None:
    reply = GetOrderStatusResponse(
        order_id=REF.order_id, order_status=order_status, receipt="30.00 AZN"
    )

    assert STATUS.answered(200, NO_HEADERS, codec.encode(reply)) == OrderState(
        order_id=REF.order_id, order_status=order_status, receipt="30.00 AZN"
    )


def test_order_information_is_read_from_the_banks_own_example() -> None:
    row = (
        "<Order><row><id>14008766</id><SessionID>277F3E926B1FADDA45E449B0C0E8CF76</SessionID>"
        "<createDate>2021-02-22 10:43:36</createDate>"
        "<lastUpdateDate>2021-02-22 10:44:24</lastUpdateDate>"
        "<payDate>2021-02-22 10:44:24</payDate><MerchantID>E1000010</MerchantID>"
        "<Amount>328</Amount><Currency>944</Currency><OrderLanguage>EN</OrderLanguage>"
        "<Description>xxxxx</Description><ApproveURL>app.com</ApproveURL>"
        "<CancelURL>can.com</CancelURL><DeclineURL>dec.com</DeclineURL>"
        "<Orderstatus>APPROVED</Orderstatus><Receipt></Receipt><twoId>2292054</twoId>"
        "<RefundAmount>0</RefundAmount><RefundCurrency>null</RefundCurrency>"
        "<ExtSystemProcess>0</ExtSystemProcess><OrderType>Purchase</OrderType>"
        "<OrderSubType></OrderSubType><Fee>0</Fee><Email></Email>"
        "<RefundDate>0000-00-00 00:00:00</RefundDate><TWODate>210222</TWODate>"
        "<TWOTime>104424</TWOTime></row></Order>"
    )

    information = INFORMATION.answered(200, NO_HEADERS, row.encode())

    assert information.order_status is OrderStatus.APPROVED
    assert (information.amount_minor, information.refund_amount_minor) == (328, 0)
    assert (information.two_id, information.refund_currency) == (2292054, None)


def test_a_refund_that_was_carried_out_returns_nothing() -> None:
    assert REFUND.answered(200, NO_HEADERS, codec.encode(RefundResponse())) is None


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "/index.jsp", "https://a@pg.example/", "https://pg.example/ x"]
)
def test_a_payer_is_not_sent_to_what_is_no_web_address(url: str) -> None:
    reply = CreateOrderResponse(order_id=664396, session_id=SESSION, url=url)

    with pytest.raises(OutcomeUnknown, match="Its Order/URL"):
        CREATE.answered(200, NO_HEADERS, codec.encode(reply))


def test_a_status_of_another_order_is_not_taken_for_this_ones() -> None:
    reply = GetOrderStatusResponse(order_id=1, order_status=OrderStatus.APPROVED)

    with pytest.raises(RemoteProtocolError, match="about another order"):
        STATUS.answered(200, NO_HEADERS, codec.encode(reply))


# ------------------------------------------------------------------ refusals


@EVERY
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("10", NotPermitted),
        ("30", OperationRefused),
        ("54", OperationRefused),
        ("95", OperationRefused),
        ("96", PeerFailure),
        ("97", PeerFailure),
        ("205", OperationRefused),
    ],
)
def test_a_refusal_carries_status_and_operation(
    exchange: Exchange[Any], status: str, kind: type[OperationRefused]
) -> None:
    error = refused(exchange, status)

    assert type(error) is kind
    assert error.status == status
    assert error.operation == codec_operation(exchange)
    assert f"{error.operation}" in error.message
    assert f"status {status}" in error.message


def codec_operation(exchange: Exchange[Any]) -> str:
    """Read the operation from the bytes that would be sent."""
    _, _, rest = exchange.body.decode().partition("<Operation>")
    return rest.partition("<")[0]


def test_a_refusal_repeats_what_the_gateway_says_in_its_headers() -> None:
    error = refused(
        CREATE,
        "30",
        {
            "tkkpg-reason": "Order/Amount must be\twhole minor units.",
            "tkkpg-request-id": "01JD8Z",
        },
    )

    assert error.message == (
        "CreateOrder was refused with status 30. Wrong message format (mandatory fields are "
        "missing, and so on). The gateway says: Order/Amount must be whole minor units. Its "
        "number of the request is 01JD8Z. Check amount, currency, language, texts and return "
        "addresses."
    )


def test_a_refusal_without_headers_repeats_the_details_of_the_reply() -> None:
    error = refused(REFUND, "30", more="<Details>No such order</Details>")

    assert "The gateway says: No such order." in error.message


def test_a_gateway_cannot_fill_our_log() -> None:
    error = refused(CREATE, "30", {"TKKPG-Reason": "x" * 5_000})

    assert len(error.message) < 700


def test_a_short_account_is_explained() -> None:
    assert "put money on the account" in refused(REFUND, "205").message


def test_a_refused_filter_is_what_is_to_be_checked() -> None:
    assert "Check the filter" in refused(ORDERS, "30").message


@_each(_WRITES | {"GetOrderStatus": STATUS})
def test_a_refusal_about_an_order_names_it(exchange: Exchange[Any]) -> None:
    message = refused(exchange, "30").message

    assert (exchange is CREATE) or f"of order {REF.order_id} was refused" in message
    assert (exchange is CREATE) == ("return addresses" in message)


def test_a_certificate_of_another_merchant_is_explained() -> None:
    assert "the CN of the certificate" in refused(CREATE, "10").message


def test_after_a_failure_inside_a_refund_nobody_is_told_to_repeat_it() -> None:
    assert "Do not repeat it" in refused(REFUND, "96").message


def test_a_refused_status_with_its_empty_order_is_a_refusal() -> None:
    empty_order = "<Order><OrderID></OrderID><OrderStatus></OrderStatus></Order>"

    assert refused(STATUS, "30", more=empty_order).status == "30"


def test_order_information_is_refused_in_the_envelope_it_lacks_otherwise() -> None:
    assert refused(INFORMATION, "30").status == "30"


# ------------------------------------------------------------------ what is no reply

NO_REPLIES = [
    b"",
    b"<html><body>Welcome</body></html>",
    b"<TKKPG><Response><Status>",
    b"<TKKPG><Response><Operation>CreateOrder</Operation></Response></TKKPG>",
    b"<TKKPG><Response><Status>00</Status><Order><OrderID/></Order></Response></TKKPG>x",
    b" " * (REPLY_SIZE_MAX + 1),
]


@WRITES
@pytest.mark.parametrize("body", NO_REPLIES)
def test_a_write_answered_with_no_reply_is_unknown(exchange: Exchange[Any], body: bytes) -> None:
    with pytest.raises(OutcomeUnknown, match="may have been carried out"):
        exchange.answered(200, NO_HEADERS, body)


@ONLY_READS
@pytest.mark.parametrize("body", NO_REPLIES)
def test_a_read_answered_with_no_reply_is_the_peers_error(
    exchange: Exchange[Any], body: bytes
) -> None:
    with pytest.raises(RemoteProtocolError, match="no reply of a gateway"):
        exchange.answered(200, NO_HEADERS, body)


def test_a_success_without_the_row_is_no_reply() -> None:
    body = b"<TKKPG><Response><Operation>X</Operation><Status>00</Status></Response></TKKPG>"

    with pytest.raises(RemoteProtocolError, match="no reply of a gateway"):
        INFORMATION.answered(200, NO_HEADERS, body)


@WRITES
@pytest.mark.parametrize("http_status", [201, 302, 404, 413, 500, 502, 504])
def test_a_write_with_another_http_status_is_unknown(
    exchange: Exchange[Any], http_status: int
) -> None:
    success = codec.encode(RefundResponse())

    with pytest.raises(OutcomeUnknown, match=f"HTTP status {http_status}"):
        exchange.answered(http_status, NO_HEADERS, success)


@ONLY_READS
@pytest.mark.parametrize(
    ("http_status", "kind"),
    [(302, RemoteProtocolError), (404, RemoteProtocolError), (503, TransportError)],
)
def test_a_read_with_another_http_status_is_asked_again_only_when_it_passes(
    exchange: Exchange[Any], http_status: int, kind: type[TKKPGError]
) -> None:
    with pytest.raises(kind, match=f"HTTP status {http_status}") as caught:
        exchange.answered(http_status, NO_HEADERS, b"")

    assert type(caught.value) is kind


# ------------------------------------------------------------------ silence


@EVERY
@pytest.mark.parametrize(
    "error",
    [
        httpx2.ConnectError("[Errno 111] Connection refused"),
        httpx2.ConnectTimeout("timed out"),
        httpx2.PoolTimeout("timed out"),
        httpx2.ProxyError("407 Proxy Authentication Required"),
    ],
)
def test_what_fails_before_the_request_is_written_is_not_sent(
    exchange: Exchange[Any], error: httpx2.HTTPError
) -> None:
    assert type(exchange.unanswered(error)) is NotSent


AFTERWARDS = [
    httpx2.ReadTimeout("timed out"),
    httpx2.WriteTimeout("timed out"),
    httpx2.ReadError("reset"),
    httpx2.WriteError("broken pipe"),
    httpx2.CloseError("closed"),
    httpx2.RemoteProtocolError("Server disconnected without sending a response."),
    httpx2.LocalProtocolError("cannot happen, and is not believed when it does"),
    httpx2.DecodingError("not gzip"),
    OSError("let through"),
]


@WRITES
@pytest.mark.parametrize("error", AFTERWARDS, ids=lambda error: type(error).__name__)
def test_what_fails_afterwards_leaves_a_write_unknown(
    exchange: Exchange[Any], error: httpx2.HTTPError | OSError
) -> None:
    unknown = exchange.unanswered(error)

    assert isinstance(unknown, OutcomeUnknown)
    assert unknown.operation == codec_operation(exchange)
    assert unknown.order_id == (None if exchange is CREATE else REF.order_id)


@ONLY_READS
@pytest.mark.parametrize("error", AFTERWARDS, ids=lambda error: type(error).__name__)
def test_what_fails_afterwards_does_not_harm_a_read(
    exchange: Exchange[Any], error: httpx2.HTTPError | OSError
) -> None:
    assert type(exchange.unanswered(error)) is TransportError


def test_an_unknown_refund_names_the_order_and_says_what_to_ask() -> None:
    message = REFUND.unanswered(httpx2.ReadTimeout("timed out")).message

    assert message == (
        "Refund of order 14008766 may have been carried out: it was not answered. pg.example was "
        "connected, but did not answer in time. Do not repeat it: the money could be returned "
        "twice. Ask get_order_status until the order is not ON-REFUND, then "
        "get_order_information: its refund_amount_minor says what has been returned. "
        "refund_safely does that by itself."
    )


def test_an_unknown_new_order_may_be_created_again() -> None:
    message = CREATE.unanswered(httpx2.ReadTimeout("timed out")).message

    assert "Nobody can pay it, and it expires by itself: create a new order" in message


def test_a_proxy_says_itself_why_it_refused() -> None:
    error = httpx2.ProxyError("407 Proxy Authentication Required")

    assert "407 Proxy Authentication Required" in REFUND.unanswered(error).message


@EVERY
def test_only_reads_are_repeated(exchange: Exchange[Any]) -> None:
    assert len(exchange.pauses_s) == (2 if isinstance(exchange.request, READS) else 0)


def test_every_operation_is_a_read_or_says_what_to_do_when_its_outcome_is_unknown() -> None:
    writes = {op for op, table in schema.REQUESTS.items() if table.message not in READS}

    assert writes == AFTER_UNKNOWN.keys()
    assert {table.message for table in schema.REQUESTS.values()} >= {RefundRequest, *READS}
