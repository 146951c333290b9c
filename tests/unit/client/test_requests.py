"""What the operations on an order write, and what becomes of their replies."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import httpx2
import pytest
from tests.unit.client.scripted import ENDPOINT, REF, SESSION, row

from tkkpg.client import (
    AZN,
    Amount,
    CardPayment,
    Completion,
    InvalidMessage,
    Language,
    LocalProtocolError,
    OrderInformation,
    OrderRef,
    OrdersFilter,
    OrderStatus,
    OutcomeUnknown,
    RemoteProtocolError,
    Reversal,
    XMLOut,
)
from tkkpg.client._exchange import Exchange
from tkkpg.client._requests import Requests
from tkkpg.protocol import codec
from tkkpg.protocol.messages import (
    ClassicOrderInformation,
    CompletionResponse,
    EnvelopedPurchaseResponse,
    GetOrdersRequest,
    GetOrdersResponse,
    POSField,
    PurchaseResponse,
    Response,
    ReverseResponse,
)
from tkkpg.protocol.values import CURRENCIES, OperationStatus

EN = Language.EN
REQUESTS = Requests(ENDPOINT, "E1000010")
PRICE = Amount.of("30.00", AZN)
ORDER = b"<Order><Merchant>E1000010</Merchant><OrderID>14008766</OrderID></Order>"
SESSION_ELEMENT = b"<SessionID>277F3E926B1FADDA45E449B0C0E8CF76</SessionID>"

COMPLETE = REQUESTS.complete(REF, amount=PRICE, description="", fee=None, language=EN)
REVERSE = REQUESTS.reverse(REF, description="", two_id=None, language=EN)
PURCHASE = REQUESTS.pay_with_saved_card(REF, amount=PRICE, card_uid="C0FFEE", language=EN)
INFORMATION = REQUESTS.get_order_information(REF, language=EN)
ORDERS = REQUESTS.get_orders(OrdersFilter(), language=EN)


def answered(exchange: Exchange[Any], reply: Response) -> Any:  # noqa: ANN401 - each its own
    """Answer an exchange."""
    return exchange.answered(200, httpx2.Headers(), codec.encode(reply))


def xmlout(order_status: OrderStatus, **changes: object) -> XMLOut:
    """Make the XMLOut of a payment of the order."""
    values: dict[str, Any] = {
        "date": datetime(2026, 2, 22, 10, 44, 24),  # noqa: DTZ001 - the wire has no zone
        "order_id": REF.order_id,
        "session_id": SESSION,
        "transaction_type": "Purchase",
        "amount_minor": 3000,
        "currency": AZN,
        "response_description": "",
        "order_status": order_status,
    }
    return XMLOut(**(values | changes))


# ------------------------------------------------------------------ complete


def test_a_completion_is_written_with_its_amount_and_fee() -> None:
    exchange = REQUESTS.complete(
        REF, amount=PRICE, description="77", fee=Amount.of("0.45", AZN), language=EN
    )

    assert exchange.body == (
        b"<TKKPG><Request><Operation>Completion</Operation><Language>EN</Language>"
        + ORDER
        + SESSION_ELEMENT
        + b"<Amount>3000</Amount><Currency>944</Currency><Description>77</Description>"
        b"<Fee>45</Fee></Request></TKKPG>"
    )


def test_a_completion_with_a_fee_in_another_currency_is_refused() -> None:
    with pytest.raises(LocalProtocolError, match="The fee is in USD"):
        REQUESTS.complete(
            REF, amount=PRICE, description="", fee=Amount(1, CURRENCIES["840"]), language=EN
        )


@pytest.mark.parametrize(
    ("code", "approved"), [("001", True), ("000", True), ("", True), ("116", False), ("-1", False)]
)
def test_a_completion_says_whether_it_was_approved(code: str, approved: bool) -> None:
    codes = (POSField(name="ResponseCode", value=code),) if code else ()
    fields = (POSField(name="F", value="123456"),)

    result = answered(COMPLETE, CompletionResponse(codes=codes, fields=fields))

    assert result == Completion(approved=approved, response_code=code, approval_code="123456")


# ------------------------------------------------------------------ reverse


def test_a_reversal_is_written_whole_as_other_clients_do() -> None:
    exchange = REQUESTS.reverse(REF, description="54321", two_id=2292054, language=EN)

    assert exchange.body == (
        b"<TKKPG><Request><Operation>Reverse</Operation><Language>EN</Language>"
        + ORDER
        + b"<Description>54321</Description>"
        + SESSION_ELEMENT
        + b"<TranId>2292054</TranId><Source>1</Source></Request></TKKPG>"
    )


@pytest.mark.parametrize(
    ("code", "approved"), [("001", True), ("000", True), ("", True), ("205", False), ("9", False)]
)
def test_a_reversal_with_status_00_may_still_be_declined(code: str, approved: bool) -> None:
    reply = ReverseResponse(order_id=REF.order_id, response_code=code, response_message="Text")

    result = answered(REVERSE, reply)

    assert result == Reversal(approved=approved, response_code=code, response_text="Text")


FAILED = OperationStatus.SYSTEM_ERROR


def test_a_decline_with_a_failing_status_is_a_decline_all_the_same() -> None:
    codes = (POSField(name="ResponseCode", value="116"),)

    assert not COMPLETE.understood(CompletionResponse(status=FAILED, codes=codes)).approved
    reply = ReverseResponse(status=FAILED, order_id=REF.order_id, response_code="116")
    assert not REVERSE.understood(reply).approved


def test_a_failing_status_beside_an_approving_code_is_no_outcome() -> None:
    codes = (POSField(name="ResponseCode", value="001"),)

    with pytest.raises(InvalidMessage, match="contradict each other"):
        COMPLETE.understood(CompletionResponse(status=FAILED, codes=codes))


def test_a_reversal_of_another_order_leaves_this_one_unknown() -> None:
    with pytest.raises(OutcomeUnknown, match="about another order"):
        answered(REVERSE, ReverseResponse(order_id=1, response_code="001"))


# ------------------------------------------------------------------ pay_with_saved_card


def test_a_payment_with_a_saved_card_asks_for_the_envelope() -> None:
    assert PURCHASE.body == (
        b"<TKKPG><Request><Operation>Purchase</Operation><Language>EN</Language>"
        + ORDER
        + SESSION_ELEMENT
        + b"<Amount>3000</Amount><Currency>944</Currency><CardUID>C0FFEE</CardUID>"
        b"<ResponseFormat>TKKPG</ResponseFormat></Request></TKKPG>"
    )


@pytest.mark.parametrize("kind", [PurchaseResponse, EnvelopedPurchaseResponse])
@pytest.mark.parametrize(
    ("order_status", "approved", "is_final"),
    [
        (OrderStatus.APPROVED, True, True),
        (OrderStatus.PREAUTH_APPROVED, True, True),
        (OrderStatus.DECLINED, False, True),
        (OrderStatus.ON_LOCK, False, False),
    ],
)
def test_a_payment_with_a_saved_card_says_where_the_order_is(
    kind: type[PurchaseResponse], order_status: OrderStatus, approved: bool, is_final: bool
) -> None:
    result = answered(PURCHASE, kind(response_code="116", messages=(xmlout(order_status),)))

    assert isinstance(result, CardPayment)
    assert result.order_status is order_status
    assert (result.approved, result.is_final) == (approved, is_final)
    assert result.response_code == "116"


def test_the_code_of_the_xmlout_serves_where_the_reply_has_none() -> None:
    message = xmlout(OrderStatus.DECLINED, response_code="116")

    result = answered(PURCHASE, EnvelopedPurchaseResponse(messages=(message,)))

    assert result.response_code == "116"


@pytest.mark.parametrize("changes", [{"order_id": 1}, {"session_id": "0" * 32}])
def test_an_xmlout_of_another_order_leaves_this_one_unknown(changes: dict[str, Any]) -> None:
    message = xmlout(OrderStatus.APPROVED, **changes)

    with pytest.raises(OutcomeUnknown, match="another order") as unknown:
        answered(PURCHASE, EnvelopedPurchaseResponse(messages=(message,)))

    assert unknown.value.order_id == REF.order_id


@pytest.mark.parametrize("count", [0, 2])
def test_a_payment_without_its_one_xmlout_is_unknown(count: int) -> None:
    messages = (xmlout(OrderStatus.APPROVED),) * count

    with pytest.raises(OutcomeUnknown, match="does not hold one XMLOut"):
        answered(PURCHASE, EnvelopedPurchaseResponse(messages=messages))


@pytest.mark.parametrize("card_uid", ["", "  "])
def test_a_payment_without_a_card_is_refused(card_uid: str) -> None:
    with pytest.raises(LocalProtocolError, match="card_uid of the XMLOut"):
        REQUESTS.pay_with_saved_card(REF, amount=PRICE, card_uid=card_uid, language=EN)


def test_a_saved_card_is_in_no_repr_and_no_error() -> None:
    error = PURCHASE.unanswered(httpx2.ReadTimeout("timed out"))

    assert "C0FFEE" not in repr(PURCHASE)
    assert "C0FFEE" not in error.message
    assert "the card could be charged twice" in error.message


# ------------------------------------------------------------------ questions


@pytest.mark.parametrize("flag", ["show_params", "show_operations", "show_positions"])
def test_each_thing_to_be_shown_is_asked_for_by_its_own_flag(flag: str) -> None:
    exchange = REQUESTS.get_order_information(REF, language=EN, **{flag: True})

    request = codec.decode_request(exchange.body)

    assert [
        name
        for name in ("show_params", "show_operations", "show_positions")
        if getattr(request, name)
    ] == [flag]


def test_information_is_read_in_the_envelope_too() -> None:
    order = row(OrderStatus.APPROVED, 0)

    result = answered(INFORMATION, ClassicOrderInformation(orders=(order,)))

    assert isinstance(result, OrderInformation)
    assert result == order


def test_an_envelope_with_two_rows_is_no_reply() -> None:
    orders = (row(OrderStatus.APPROVED, 0),) * 2

    with pytest.raises(RemoteProtocolError, match="2 rows instead of one"):
        answered(INFORMATION, ClassicOrderInformation(orders=orders))


def test_an_envelope_with_another_orders_row_is_no_reply() -> None:
    other = REQUESTS.get_order_information(OrderRef(1, SESSION), language=EN)

    with pytest.raises(RemoteProtocolError, match="another order"):
        answered(other, ClassicOrderInformation(orders=(row(OrderStatus.APPROVED, 0),)))


def test_orders_are_asked_for_by_a_filter() -> None:
    only = OrdersFilter(
        start=datetime(2026, 2, 1),  # noqa: DTZ001 - the wire has no zone
        status=OrderStatus.APPROVED,
        amount_min_minor=100,
        last_count=50,
    )

    request = codec.decode_request(REQUESTS.get_orders(only, language=EN).body)

    assert isinstance(request, GetOrdersRequest)
    assert request.filter == only


def test_orders_are_a_tuple_of_rows() -> None:
    order = row(OrderStatus.APPROVED, 0)

    assert answered(ORDERS, GetOrdersResponse(orders=(order, order))) == (order, order)
    assert answered(ORDERS, GetOrdersResponse(orders=())) == ()
