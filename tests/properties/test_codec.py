"""What is written is read back equal, and no bytes make the readers fail in an unforeseen way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tkkpg.protocol.codec import (
    decode_callback,
    decode_request,
    decode_response,
    encode,
    encode_callback,
)
from tkkpg.protocol.converters import NUMBER_MAX
from tkkpg.protocol.errors import (
    CallbackError,
    LocalProtocolError,
    ProtocolError,
    RemoteProtocolError,
)
from tkkpg.protocol.messages import (
    CreateOrderRequest,
    CreateOrderResponse,
    Failure,
    GetOrderInformationRequest,
    GetOrderStatusRequest,
    GetOrderStatusResponse,
    OrderInformation,
    Position,
    RefundRequest,
    RefundResponse,
    Request,
    Response,
    UnpaidOrderInformation,
    XMLOut,
)
from tkkpg.protocol.redirect import (
    payment_url,
    read_order_ref,
    read_payment_url,
    resolve_return_url,
)
from tkkpg.protocol.values import (
    AMOUNT_MINOR_MAX,
    AZN,
    Amount,
    Language,
    Operation,
    OrderRef,
    OrderStatus,
    OrderType,
)

CONTROLS = "".join(map(chr, (*range(32), *range(127, 160))))
XML_ILLEGAL = "".join(map(chr, {*range(32)} - {9, 10, 13})) + "\ufffe\uffff"


def texts(longest: int, *, least: int = 0, without: str = XML_ILLEGAL) -> st.SearchStrategy[str]:
    """Trimmed texts over all characters that XML can carry."""
    characters = st.characters(exclude_categories=["Cs"], exclude_characters=without)
    found = st.text(characters, min_size=least, max_size=longest).map(str.strip)
    return found.filter(bool) if least else found


amounts = st.integers(1, AMOUNT_MINOR_MAX)
numbers = st.integers(0, NUMBER_MAX)
short = texts(128)
some_text = texts(128, least=1)
maybe_text = st.none() | some_text
descriptions = texts(512)
urls = texts(255, without=CONTROLS + XML_ILLEGAL)
moments = st.datetimes(datetime(1970, 1, 1), datetime(2068, 12, 31)).map(  # noqa: DTZ001 - local
    lambda moment: moment.replace(microsecond=0)
)
maybe_moment = st.none() | moments
languages = st.sampled_from(Language)
statuses = st.sampled_from(OrderStatus)
order_types = st.sampled_from(OrderType)
currencies = st.just(AZN)
about = {
    "language": languages,
    "merchant_id": texts(15, least=1),
    "order_id": numbers,
    "session_id": some_text,
}
urls_of_order = {"approve_url": urls, "cancel_url": urls, "decline_url": urls}
positions = st.builds(Position, **{field.name: short for field in fields(Position)})

requests: st.SearchStrategy[Request] = st.one_of(
    st.builds(
        CreateOrderRequest,
        language=languages,
        merchant_id=texts(15, least=1),
        amount_minor=amounts,
        currency=currencies,
        description=descriptions,
        order_type=order_types,
        **urls_of_order,
    ),
    st.builds(GetOrderStatusRequest, **about),
    st.builds(GetOrderInformationRequest, **about),
    st.builds(
        RefundRequest,
        amount_minor=amounts,
        currency=st.none() | currencies,
        with_fee=st.booleans(),
        description=descriptions,
        two_id=st.none() | numbers,
        source=short,
        positions=st.lists(positions, max_size=3).map(tuple),
        **about,
    ),
)
row = {
    "order_id": numbers,
    "session_id": some_text,
    "created": moments,
    "updated": maybe_moment,
    "paid": maybe_moment,
    "merchant_id": texts(15, least=1),
    "amount_minor": amounts,
    "currency": currencies,
    "language": languages,
    "description": descriptions,
    **urls_of_order,
    "order_status": statuses,
    "receipt": st.none() | st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    "two_id": st.none() | numbers,
    "refund_amount_minor": st.none() | numbers,
    "refund_currency": st.none() | currencies,
    "ext_system_process": numbers,
    "order_type": order_types,
    "order_sub_type": short,
    "fee_minor": numbers,
    "email": short,
    "refunded": maybe_moment,
    "two_date": st.none() | moments.map(datetime.date),
    "two_time": st.none() | moments.map(datetime.time),
}
replies: st.SearchStrategy[tuple[Operation, Response]] = st.one_of(
    st.tuples(
        st.just(Operation.CREATE_ORDER),
        st.builds(
            CreateOrderResponse,
            order_id=numbers,
            session_id=some_text,
            url=urls.filter(bool),
        ),
    ),
    st.tuples(
        st.just(Operation.GET_ORDER_STATUS),
        st.builds(
            GetOrderStatusResponse,
            order_id=numbers,
            order_status=statuses,
            receipt=row["receipt"],
        ),
    ),
    st.tuples(st.just(Operation.GET_ORDER_INFORMATION), st.builds(OrderInformation, **row)),
    st.tuples(st.just(Operation.REFUND), st.builds(RefundResponse)),
    st.tuples(
        st.sampled_from(Operation),
        st.builds(
            Failure,
            operation=short,
            status=some_text.filter(lambda status: status != "00"),
            details=st.none() | texts(512, least=1),
        ),
    ),
)
callbacks = st.builds(
    XMLOut,
    date=maybe_moment,
    order_id=numbers,
    session_id=short,
    transaction_type=short,
    rrn=maybe_text,
    pan=maybe_text,
    amount_minor=amounts,
    currency=currencies,
    tran_date_time=maybe_moment,
    response_code=maybe_text,
    response_description=descriptions,
    brand=maybe_text,
    order_status=statuses,
    approval_code=maybe_text,
    order_description=descriptions,
    fee_minor=numbers,
    status_text=short,
    two_id=st.none() | numbers,
    language=st.none() | languages,
    shop_name=maybe_text,
)


@st.composite
def mutated(draw: st.DrawFn, documents: st.SearchStrategy[bytes]) -> bytes:
    """Cut, double and replace pieces of a document a few times."""
    body = draw(documents)
    for _ in range(draw(st.integers(1, 4))):
        start, end = sorted(draw(st.tuples(*[st.integers(0, len(body))] * 2)))
        piece = draw(st.sampled_from([b"", body[start:end] * 2]) | st.binary(max_size=8) | MARKUP)
        body = body[:start] + piece + body[end:]
    return body


MARKUP = st.sampled_from(
    [b"<", b">", b"&", b"]]>", b"<![CDATA[", b"<!--", b"<!DOCTYPE a>", b"&e;", b"&#0;", b"</Order>"]
)


@given(requests)
def test_a_request_that_is_written_is_read_back_equal(message: Request) -> None:
    assert decode_request(encode(message)) == message


@given(replies)
def test_a_reply_that_is_written_is_read_back_equal(reply: tuple[Operation, Response]) -> None:
    operation, message = reply

    assert decode_response(encode(message), operation) == message


@given(st.builds(UnpaidOrderInformation, **row))
def test_the_row_of_an_unpaid_order_is_read_back_with_the_same_values(
    message: UnpaidOrderInformation,
) -> None:
    values = {field.name: getattr(message, field.name) for field in fields(message)}

    read_back = decode_response(encode(message), Operation.GET_ORDER_INFORMATION)

    assert read_back == OrderInformation(**values)


@given(callbacks, st.booleans(), st.booleans())
def test_a_callback_that_is_written_is_read_back_equal(
    message: XMLOut, wrapped: bool, as_base64: bool
) -> None:
    xmlmsg = encode_callback(message, wrapped=wrapped, as_base64=as_base64)

    assert decode_callback(xmlmsg) == message


@given(requests | replies.map(lambda reply: reply[1]))
def test_what_is_written_is_one_line_without_a_declaration(message: Request | Response) -> None:
    body = encode(message)

    assert body.startswith(
        b"<Order><row><id>" if isinstance(message, OrderInformation) else b"<TKKPG><"
    )
    assert b"\n" not in body
    assert b"\r" not in body
    assert b"<?" not in body
    assert b"> <" not in body.replace(b"&gt; &lt;", b"")


@given(callbacks, st.booleans())
def test_a_callback_is_one_line_too_so_that_a_form_carries_it_unchanged(
    message: XMLOut, wrapped: bool
) -> None:
    xmlmsg = encode_callback(message, wrapped=wrapped, as_base64=False)

    assert xmlmsg.startswith("<XMLOut><Message" if wrapped else "<Message")
    assert not {"\r", "\n"} & set(xmlmsg)


def trimmed(message: object) -> object:
    """Trim every text of a message, as any reader does."""
    if not is_dataclass(message) or isinstance(message, type):
        return message
    texts_of_it = {
        field.name: value.strip()
        for field in fields(message)
        if isinstance(value := getattr(message, field.name), str) and type(value) is str
    }
    return replace(message, **texts_of_it)


@given(
    st.builds(
        CreateOrderRequest,
        language=languages,
        merchant_id=st.text(max_size=20),
        amount_minor=st.integers(-10, 10**13),
        currency=currencies,
        description=st.text(max_size=600),
        approve_url=st.text(max_size=300),
    )
    | st.builds(
        GetOrderStatusRequest,
        language=languages,
        merchant_id=st.text(max_size=20),
        order_id=st.integers(),
        session_id=st.text(max_size=200),
    )
)
def test_any_values_are_either_refused_by_the_writer_or_read_back(message: Request) -> None:
    try:
        body = encode(message)
    except LocalProtocolError:
        return

    assert decode_request(body) == trimmed(message)


def refusal(kind: type[ProtocolError | CallbackError], read: Callable[[], object]) -> str | None:
    """Say why it was refused, if it was; anything but this kind of error comes through."""
    try:
        read()
    except kind as error:
        return error.message
    return None


@given(st.binary(max_size=500) | mutated(requests.map(encode)))
def test_any_bytes_are_a_request_or_a_protocol_error(body: bytes) -> None:
    why = refusal(RemoteProtocolError, lambda: decode_request(body))

    assert why is None or why.endswith(".")


@given(mutated(requests.map(encode)))
def test_whatever_is_read_can_be_written_and_is_read_back_equal(body: bytes) -> None:
    try:
        message = decode_request(body)
    except RemoteProtocolError:
        return

    assert decode_request(encode(message)) == message


@given(
    st.binary(max_size=500) | mutated(replies.map(lambda reply: encode(reply[1]))),
    st.sampled_from(Operation),
)
def test_any_bytes_are_a_reply_or_a_protocol_error(body: bytes, operation: Operation) -> None:
    why = refusal(RemoteProtocolError, lambda: decode_response(body, operation))

    assert why is None or why.endswith(".")


@given(
    st.text()
    | mutated(
        callbacks.map(
            lambda message: encode_callback(message, wrapped=True, as_base64=False).encode()
        )
    ).map(lambda body: body.decode(errors="replace"))
)
def test_any_text_is_a_callback_or_a_callback_error(xmlmsg: str) -> None:
    why = refusal(CallbackError, lambda: decode_callback(xmlmsg))

    assert why is None or why.startswith("The field xmlmsg is not an XMLOut: ")


@given(amounts)
def test_an_amount_survives_the_way_through_major_units(minor: int) -> None:
    amount = Amount(minor, AZN)

    assert Amount.of(amount.major, AZN) == amount
    assert Amount.of(str(amount).removesuffix(" AZN"), AZN) == amount


@given(st.builds(OrderRef, numbers, texts(40, least=1)))
def test_a_payment_url_is_read_back_equal(ref: OrderRef) -> None:
    assert read_payment_url(payment_url("https://bank.example/index.jsp", ref)) == ref


@given(st.lists(st.tuples(st.sampled_from(["ORDERID", "orderId", "SESSIONID", "x"]), st.text())))
def test_any_parameters_are_an_order_or_nothing(pairs: list[tuple[str, str]]) -> None:
    ref = read_order_ref(pairs)

    assert ref is None or (0 <= ref.order_id <= NUMBER_MAX and ref.session_id)


HOSTILE = st.sampled_from(
    ["javascript:", "data:", "https://", "//", "\\", "@", ":", "/", "\t", " ", "[", "]", "?", "#"]
)


@pytest.mark.parametrize("base", ["https://shop.example/pay/", ""])
@given(st.lists(HOSTILE | st.text(max_size=5), max_size=6).map("".join))
def test_any_address_is_refused_or_leads_to_the_web_or_nowhere(base: str, url: str) -> None:
    try:
        resolved = resolve_return_url(url, base)
    except ValueError:
        return

    assert resolved is None or resolved.lower().startswith(("https://", "http://"))
    assert resolved is not None or not base
    host = (
        (resolved or "").partition("://")[2].partition("/")[0].partition("?")[0].partition("#")[0]
    )
    assert "@" not in host
    assert not set(CONTROLS + " \\") & set(resolved or "")
