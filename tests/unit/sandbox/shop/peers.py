"""The two others that a shop talks with: a bank on the wire, and a browser.

The bank is an ASGI application that speaks through the protocol's codec and does as it is told;
the browser keeps cookies and fills in the forms that it is shown.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from html import unescape

import httpx2
from starlette import requests, responses
from starlette.types import ASGIApp, Receive, Scope, Send

from tkkpg.client import AsyncClient, Endpoint, OrderRef, OrderStatus
from tkkpg.protocol import codec
from tkkpg.protocol.messages import (
    CreateOrderRequest,
    CreateOrderResponse,
    Failure,
    GetOrderInformationRequest,
    GetOrderStatusRequest,
    GetOrderStatusResponse,
    OrderInformation,
    Request,
    Response,
    XMLOut,
)

MERCHANT = "E1000010"
PAGE_URL = "https://bank.test:8443/index.jsp"
SHOP_URL = "http://shop.test"


@dataclass
class Known:
    """An order at the bank, and where the test has put it."""

    ref: OrderRef
    asked: CreateOrderRequest
    status: OrderStatus = OrderStatus.CREATED
    refunded_minor: int = 0


@dataclass
class Bank(httpx2.AsyncBaseTransport):
    """The bank, together with the line that leads to it.

    Attributes:
        orders: What it knows, oldest first.
        heard: Every request that came through.
        cut: Raised instead of an answer; a `ConnectError` before the bank hears anything.
        refusing: Status with which everything is refused.
    """

    orders: list[Known] = field(default_factory=list)
    heard: list[Request] = field(default_factory=list)
    cut: httpx2.TransportError | None = None
    refusing: str | None = None

    def __post_init__(self) -> None:
        self._line = httpx2.ASGITransport(app=self.answer)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if isinstance(self.cut, httpx2.ConnectError):
            raise self.cut
        response = await self._line.handle_async_request(request)
        if self.cut:
            raise self.cut
        return response

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request on the wire."""
        request = codec.decode_request(await requests.Request(scope, receive).body())
        self.heard.append(request)
        await asyncio.sleep(0)  # whoever else is waiting gets a turn, as over a network
        body = codec.encode(self._told(request))
        await responses.Response(body, media_type="text/xml")(scope, receive, send)

    def _told(self, request: Request) -> Response:
        if self.refusing:
            operation = type(request).__name__.removesuffix("Request")
            return Failure(operation=operation, status=self.refusing)
        match request:
            case CreateOrderRequest():
                return self._created(request)
            case GetOrderStatusRequest():
                known = self.known(request.ref)
                return GetOrderStatusResponse(
                    order_id=known.ref.order_id, order_status=known.status
                )
            case GetOrderInformationRequest():
                return _information(self.known(request.ref))
            case _:
                raise NotImplementedError(request)

    def _created(self, request: CreateOrderRequest) -> CreateOrderResponse:
        number = 800 + len(self.orders)
        self.orders.append(Known(OrderRef(number, f"{number:032X}"), request))
        return CreateOrderResponse(order_id=number, session_id=f"{number:032X}", url=PAGE_URL)

    def known(self, ref: OrderRef) -> Known:
        (known,) = (known for known in self.orders if known.ref == ref)
        return known

    @property
    def last(self) -> Known:
        return self.orders[-1]

    def asked_for(self, kind: type[Request]) -> int:
        return sum(isinstance(request, kind) for request in self.heard)

    @contextmanager
    def unreachable(self) -> Iterator[None]:
        """Let nothing through."""
        self.cut = httpx2.ConnectError("refused")
        yield
        self.cut = None

    @contextmanager
    def mute(self) -> Iterator[None]:
        """Let requests through, and no answer back."""
        self.cut = httpx2.ReadTimeout("silence")
        yield
        self.cut = None

    def client(self) -> AsyncClient:
        """Make the merchant's client that leads here."""
        endpoint = Endpoint("https://bank.test:5443/Exec")
        return AsyncClient(endpoint, merchant_id=MERCHANT, transport=self)


def xmlmsg(known: Known, claimed: OrderStatus, *, ref: OrderRef | None = None) -> str:
    """Write the message that the bank's page, or somebody else, hands to a browser."""
    ref = ref or known.ref
    message = XMLOut(
        date=None,
        order_id=ref.order_id,
        session_id=ref.session_id,
        transaction_type="Purchase",
        amount_minor=known.asked.amount_minor,
        currency=known.asked.currency,
        response_description=f"It is {claimed}",
        order_status=claimed,
    )
    return codec.encode_callback(message, wrapped=True, as_base64=False)


def _information(known: Known) -> OrderInformation:
    return OrderInformation(
        order_id=known.ref.order_id,
        session_id=known.ref.session_id,
        created=datetime(2026, 3, 20, 12, 0),  # noqa: DTZ001 - the wire has no zone
        updated=None,
        paid=None,
        merchant_id=MERCHANT,
        amount_minor=known.asked.amount_minor,
        currency=known.asked.currency,
        language=known.asked.language,
        description=known.asked.description,
        approve_url=known.asked.approve_url,
        cancel_url=known.asked.cancel_url,
        decline_url=known.asked.decline_url,
        order_status=known.status,
        receipt=None,
        two_id=77,
        refund_amount_minor=known.refunded_minor,
        refund_currency=known.asked.currency,
        order_type=known.asked.order_type,
        refunded=None,
        two_date=None,
        two_time=None,
    )


class Browser(httpx2.AsyncClient):
    """A visitor's browser: cookies, and the forms of the page it is looking at."""

    def __init__(self, app: ASGIApp) -> None:
        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
        super().__init__(transport=transport, base_url=SHOP_URL)
        self.page = ""

    async def open(self, path: str) -> httpx2.Response:
        """Look at a page."""
        reply = await self.get(path)
        self.page = reply.text
        return reply

    async def press(self, action: str, product: str = "") -> httpx2.Response:
        """Send the form with this action, of this product where it has one."""
        for form in re.findall(r"<form.*?</form>", self.page, re.DOTALL):
            fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
            if f'action="{action}"' in form and fields.get("product", "") == product:
                return await self.post(action, data=fields, headers={"Origin": SHOP_URL})
        raise AssertionError(f"there is no form for {action} {product} on the page")

    async def buy(self, *products: str) -> httpx2.Response:
        """Put products in the basket and press the button that pays."""
        await self.open("/")
        for product in products:
            await self.press("/basket/add", product)
        await self.open("/")
        return await self.press("/pay")

    @property
    def words(self) -> str:
        """The text of the page, without tags."""
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", self.page)).split())
