"""What is written is read back equal, and no bytes make the readers fail in an unforeseen way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tkkpg.protocol import converters as as_
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
from tkkpg.protocol.masking import Secret, mask_card_data
from tkkpg.protocol.messages import (
    ClassicOrderInformation,
    CreateOrderRequest,
    EnvelopedPurchaseResponse,
    Failure,
    GetOrderStatusRequest,
    OrderInformation,
    OrderStatusFailure,
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
from tkkpg.protocol.schema import (
    BARE_CALLBACK,
    ENCODINGS,
    REQUIRED,
    RESPONSES,
    Field,
    Leaves,
    Part,
    Row,
    Table,
)
from tkkpg.protocol.values import (
    AMOUNT_MINOR_MAX,
    AZN,
    CURRENCIES,
    Amount,
    Language,
    Operation,
    OperationStatus,
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
urls = texts(255, without=CONTROLS + XML_ILLEGAL)
moments = st.datetimes(datetime(1970, 1, 1), datetime(2068, 12, 31)).map(  # noqa: DTZ001 - local
    lambda moment: moment.replace(microsecond=0)
)
languages = st.sampled_from(Language)
currencies = st.sampled_from(list(CURRENCIES.values()))
tags = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,127}", fullmatch=True).map(mask_card_data)
base64_texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    **{as_.text(longest).name: texts(longest) for longest in (15, 128, 512)},
    **{as_.free_text(longest).name: texts(longest).map(mask_card_data) for longest in (128, 512)},
    as_.url.name: urls,
    as_.minor_units.name: amounts,
    as_.minor_units_or_zero.name: st.just(0) | amounts,
    as_.number.name: numbers,
    as_.nullable_number.name: numbers,
    as_.minutes.name: st.integers(-9_999_999, 9_999_999),
    as_.currency.name: currencies,
    as_.nullable_currency.name: currencies,
    as_.language.name: languages,
    as_.order_type.name: st.sampled_from(OrderType),
    as_.order_status.name: st.sampled_from(OrderStatus),
    as_.operation_status.name: st.just(OperationStatus.OK),
    as_.flag.name: st.booleans(),
    as_.legacy_datetime.name: moments,
    as_.screen_datetime.name: moments,
    as_.day_or_datetime.name: moments,
    as_.short_date.name: moments.map(datetime.date),
    as_.short_time.name: moments.map(datetime.time),
    as_.secret.name: texts(128, least=1).map(Secret),
    as_.base64_text.name: base64_texts,
}
"""What each converter carries, by its name."""


def valid(row: Row) -> st.SearchStrategy[Any]:
    """Make whatever a row of a table carries."""
    if isinstance(row, Field):
        value = VALUES[row.converter.name]
        if row.default is REQUIRED:
            return value.filter(lambda it: it != "")
        return st.none() | value.filter(lambda it: it != "") if row.default is None else value
    if isinstance(row, Part):
        return built(row.table)
    if isinstance(row, Leaves):
        params = st.builds(row.message, name=tags, value=texts(512).map(mask_card_data))
        others = params.filter(lambda param: param.name not in row.known)
        return st.lists(others, max_size=3).map(tuple)
    members = built(row.table)
    return st.lists(members, min_size=int(row.required), max_size=2).map(tuple)


def built(table: Table, **own: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Make messages of a table; some values may be given."""
    rows = [row for row in (*table.rows, *table.attributes) if not repeated(row)]
    return st.builds(table.message, **{row.attribute: valid(row) for row in rows} | own)


def repeated(row: Row) -> bool:
    """Whether the row writes what another one reads."""
    return isinstance(row, Field) and row.written_only


refused = texts(128, least=1).filter(lambda status: status != OperationStatus.OK)
GIVEN: dict[type, dict[str, st.SearchStrategy[Any]]] = {
    Failure: {"status": refused},
    OrderStatusFailure: {
        "status": st.sampled_from(OperationStatus).filter(lambda it: it is not OperationStatus.OK),
        "order_id": st.none(),
        "order_status": st.none(),
    },
}
MESSAGES = {message: built(table, **GIVEN.get(message, {})) for message, table in ENCODINGS.items()}
ANSWERS = {table.message: operation for operation, table in RESPONSES.items()} | {
    UnpaidOrderInformation: Operation.GET_ORDER_INFORMATION,
    ClassicOrderInformation: Operation.GET_ORDER_INFORMATION,
    EnvelopedPurchaseResponse: Operation.PURCHASE,
    OrderStatusFailure: Operation.GET_ORDER_STATUS,
    Failure: Operation.REFUND,
}
"""The operation that each reply answers; `Failure` answers them all."""
ASKING = [message for message in MESSAGES if message not in ANSWERS]

requests: st.SearchStrategy[Request] = st.one_of(*(MESSAGES[message] for message in ASKING))
replies: st.SearchStrategy[Response] = st.one_of(*(MESSAGES[message] for message in ANSWERS))
callbacks: st.SearchStrategy[XMLOut] = built(BARE_CALLBACK)


def as_read(message: Response) -> Response:
    """The reply as it is read back: one class for both rows, one for all refusals."""
    if isinstance(message, OrderStatusFailure):
        return Failure(operation=Operation.GET_ORDER_STATUS, status=message.status)
    if isinstance(message, UnpaidOrderInformation):
        values = {field.name: getattr(message, field.name) for field in fields(message)}
        return OrderInformation(**values)
    return message


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


def test_every_request_and_reply_there_is_gets_written_here() -> None:
    assert {*get_args(Request), *get_args(Response)} <= set(MESSAGES)
    assert set(ASKING) == set(get_args(Request))


@pytest.mark.parametrize("message_type", ASKING, ids=lambda it: it.__name__)
@given(st.data())
def test_a_request_that_is_written_is_read_back_equal(
    message_type: type[Request], data: st.DataObject
) -> None:
    message = data.draw(MESSAGES[message_type])

    assert decode_request(encode(message)) == message


@pytest.mark.parametrize("message_type", ANSWERS, ids=lambda it: it.__name__)
@given(st.data())
def test_a_reply_that_is_written_is_read_back_equal(
    message_type: type[Response], data: st.DataObject
) -> None:
    message = data.draw(MESSAGES[message_type])

    assert decode_response(encode(message), ANSWERS[message_type]) == as_read(message)


@given(MESSAGES[Failure], st.sampled_from(Operation))
def test_a_refusal_of_any_operation_is_read_back_equal(
    message: Failure, operation: Operation
) -> None:
    assert decode_response(encode(message), operation) == message


@given(callbacks, st.booleans(), st.booleans())
def test_a_callback_that_is_written_is_read_back_equal(
    message: XMLOut, wrapped: bool, as_base64: bool
) -> None:
    xmlmsg = encode_callback(message, wrapped=wrapped, as_base64=as_base64)

    assert decode_callback(xmlmsg) == message


@given(requests | replies)
def test_what_is_written_is_one_line_without_a_declaration(message: Request | Response) -> None:
    body = encode(message)

    assert body.startswith((b"<TKKPG><", b"<Order><row><id>", b"<Orders>", b"<out>"))
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
    st.binary(max_size=500) | mutated(replies.map(encode)),
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
