"""The demo shop as a web application: its addresses, cookies and forms."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from tkkpg.client import AsyncClient, CallbackError, read_xmlout
from tkkpg.client.callbacks import XMLMSG
from tkkpg.protocol.values import Language
from tkkpg.sandbox.shop import arrivals, pages
from tkkpg.sandbox.shop.baskets import BASKET_ID, QUANTITY_MAX, Baskets, new_basket_id, total_of
from tkkpg.sandbox.shop.catalogue import products
from tkkpg.sandbox.shop.checkout import Checkout
from tkkpg.sandbox.shop.database import Database
from tkkpg.sandbox.shop.notifications import Notifications
from tkkpg.sandbox.shop.orders import OrderBook, ShopOrder
from tkkpg.sandbox.shop.security import (
    STATIC_PATH,
    TOKEN_FIELD,
    FormTokens,
    PageHeaders,
    is_own_form,
    page_headers,
)
from tkkpg.sandbox.shop.settings import ShopSettings
from tkkpg.sandbox.shop.verdicts import Verdict

BODY_BYTES_MAX: Final = 64 * 1024
"""A form of the bank holds one XMLOut of a few kilobytes; our own hold a token."""

FORM_FIELDS_MAX: Final = 50
"""Fields of a form; banks are known to add some beside `xmlmsg`."""

BASKET_COOKIE: Final = "basket"
LANGUAGE_COOKIE: Final = "language"
COOKIE_AGE_S: Final = 30 * 24 * 3600

REFRESH_S: Final = 4
"""Pause before a page asks the bank again (protocol description, 2.3: every 3 to 5 seconds)."""

OUTCOMES: Final = "approve|cancel|decline"
DELIVERY_ID: Final = re.compile(r"[!-~]{1,100}")
LANGUAGES: Final = {language.lower(): language for language in Language}
STATIC_FOLDER: Final = Path(__file__).with_name("static")


def demo_shop(client: AsyncClient, settings: ShopSettings) -> Starlette:
    """Make the shop.

    It needs no lifespan, keeps nothing open, and closes neither the client nor anything else. The
    addresses of orders are secrets of their payers: keep them out of access logs.

    Args:
        client: The merchant's line to the gateway.
        settings: Where the shop is and keeps its orders.

    Raises:
        OSError: The database's file cannot be made.
        sqlite3.Error: It cannot be used.
    """
    shop = _Shop(client, settings)
    headers = page_headers(settings.page_origin)

    async def broken(request: Request, _: Exception) -> Response:
        return HTMLResponse(pages.answer_page(500, _language(request)), 500, headers)

    return Starlette(
        routes=shop.routes(),
        middleware=[
            Middleware(PageHeaders, headers=headers),
            Middleware(RequestBodyLimitMiddleware, max_body_size=BODY_BYTES_MAX),
        ],
        exception_handlers={HTTPException: _answer, Exception: broken},
    )


class _Shop:
    """The endpoints, and what they share."""

    def __init__(self, client: AsyncClient, settings: ShopSettings) -> None:
        database = Database(settings.database)
        self._baskets = Baskets(database)
        self._book = OrderBook(database)
        self._tokens = FormTokens(database)
        self._checkout = Checkout(client, self._book, Notifications(database), settings.base_url)
        self._secure = settings.base_url.startswith("https:")

    def routes(self) -> list[Route | Mount]:
        """Give the addresses of the shop."""
        return [
            Route("/", self._shelf),
            Route("/", _arrived, methods=["POST"]),
            *(Route(path, _arrived, methods=["GET", "POST"]) for path in arrivals.SAMPLE_PATHS),
            Route("/basket/{change:str}", self._change_basket, methods=["POST"]),
            Route("/pay", self._pay_basket, methods=["POST"]),
            Route("/order/{reference}", self._show_order),
            Route("/order/{reference}/pay", self._pay_order, methods=["POST"]),
            Route("/return/{reference}/{outcome}", self._payer_returned, methods=["GET", "POST"]),
            Route("/notify", self._notified, methods=["POST"]),
            Mount(STATIC_PATH, StaticFiles(directory=STATIC_FOLDER)),
        ]

    async def _shelf(self, request: Request) -> Response:
        """Show products and basket."""
        basket_id = _basket_id(request) or new_basket_id()
        language = _language(request)
        lines = self._baskets.lines(basket_id)
        html = pages.render(
            "shelf.html",
            language,
            products=tuple(products().values()),
            lines=lines,
            quantity_max=QUANTITY_MAX,
            total=total_of(lines),
            last_order=self._book.last_of(basket_id),
            token=self._tokens.token(basket_id),
        )
        response = self._page(request, html)
        self._set_cookie(response, BASKET_COOKIE, basket_id)
        return response

    async def _change_basket(self, request: Request) -> Response:
        """Put a piece in or take it out."""
        changes = {"add": self._baskets.add, "remove": self._baskets.remove}
        change = changes.get(request.path_params["change"])
        if change is None:
            raise HTTPException(404)
        basket_id, form = await self._own_basket_form(request)
        product = form.get("product", "")
        if product not in products():
            raise HTTPException(400)
        change(basket_id, product)
        return RedirectResponse("/#basket", 303)

    async def _pay_basket(self, request: Request) -> Response:
        """Turn the basket into an order, and send the payer to the bank."""
        basket_id, _ = await self._own_basket_form(request)
        order = self._book.place(basket_id, _language(request))
        return await self._to_payment(order) if order else RedirectResponse("/", 303)

    async def _pay_order(self, request: Request) -> Response:
        """Send the payer of an order to the bank, perhaps once more."""
        order = self._order(request)
        await self._own_form(request, order.reference)
        return await self._to_payment(order)

    async def _show_order(self, request: Request) -> Response:
        """Tell where an order stands, as the bank says now."""
        reference = self._order(request).reference
        trouble = await self._checkout.confirm(reference)
        order = self._book.get(reference)
        token = self._tokens.token(reference)
        html = pages.order_page(order, _language(request, order.language), trouble, token)
        response = self._page(request, html)
        if pages.shown_verdict(order, trouble) is Verdict.CHECKING:
            response.headers["Refresh"] = str(REFRESH_S)
        return response

    async def _payer_returned(self, request: Request) -> Response:
        """Take the payer back from the bank.

        The browser comes from another site and brings no cookie of ours: the address alone says
        which order this is. Which of the three addresses it is says nothing.
        """
        if re.fullmatch(OUTCOMES, request.path_params["outcome"]) is None:
            raise HTTPException(404)
        order = self._order(request)
        form = await _form(request) if request.method == "POST" else {}
        await self._checkout.payer_returned(order.reference, form)
        return RedirectResponse(f"/order/{order.reference}", 303)

    async def _notified(self, request: Request) -> Response:
        """Take a notification; any answer but 200 asks the bank to send it again later."""
        delivery_id = request.headers.get("TKKPG-Delivery-Id", "")
        if DELIVERY_ID.fullmatch(delivery_id) is None:
            return PlainTextResponse("The header TKKPG-Delivery-Id is missing.\n", 400)
        try:
            settled = await self._checkout.notified(delivery_id, await _form(request))
        except CallbackError as error:
            return PlainTextResponse(f"{error.message}\n", 400)
        if not settled:
            return PlainTextResponse("Kept, but the bank could not be asked. Come again.\n", 503)
        return PlainTextResponse("Thank you.\n")

    async def _to_payment(self, order: ShopOrder) -> Response:
        address = await self._checkout.pay(order.reference)
        return RedirectResponse(address or f"/order/{order.reference}", 303)

    def _order(self, request: Request) -> ShopOrder:
        try:
            return self._book.get(request.path_params["reference"])
        except LookupError:
            raise HTTPException(404) from None

    async def _own_basket_form(self, request: Request) -> tuple[str, dict[str, str]]:
        basket_id = _basket_id(request)
        if basket_id is None:
            raise HTTPException(403)
        return basket_id, await self._own_form(request, basket_id)

    async def _own_form(self, request: Request, subject: str) -> dict[str, str]:
        """Read a form that only a page of ours about this subject can hold."""
        form = await _form(request)
        if not (is_own_form(request) and self._tokens.fits(form.get(TOKEN_FIELD, ""), subject)):
            raise HTTPException(403)
        return form

    def _page(self, request: Request, html: str) -> Response:
        response = HTMLResponse(html)
        chosen = request.query_params.get("language", "")
        if chosen in LANGUAGES:
            self._set_cookie(response, LANGUAGE_COOKIE, chosen)
        return response

    def _set_cookie(self, response: Response, name: str, value: str) -> None:
        response.set_cookie(
            name, value, max_age=COOKIE_AGE_S, httponly=True, samesite="lax", secure=self._secure
        )


async def _arrived(request: Request) -> Response:
    """Show what a browser brings about an order that this shop did not make.

    Nothing is changed, nobody is asked, and no cookie is set.
    """
    posted = request.method == "POST"
    fields = await _form(request) if posted else dict(request.query_params)
    if not posted and XMLMSG not in fields:
        return RedirectResponse("/", 303)
    try:
        claim = read_xmlout(fields)
    except CallbackError as error:
        return HTMLResponse(arrivals.unread_page(error.message, _language(request)), 400)
    language = _language(request, claim.language or Language.EN)
    return HTMLResponse(arrivals.claim_page(claim, language))


async def _answer(request: Request, error: Exception) -> Response:
    """Make a page of an HTTP status."""
    assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for nothing else
    html = pages.answer_page(error.status_code, _language(request))
    return HTMLResponse(html, error.status_code, error.headers)


async def _form(request: Request) -> dict[str, str]:
    fields = await request.form(max_files=0, max_fields=FORM_FIELDS_MAX)
    return {name: value for name, value in fields.items() if isinstance(value, str)}


def _basket_id(request: Request) -> str | None:
    basket_id = request.cookies.get(BASKET_COOKIE, "")
    return basket_id if BASKET_ID.fullmatch(basket_id) else None


def _language(request: Request, otherwise: Language = Language.EN) -> Language:
    """Give the language that was chosen last: now by a link, or earlier."""
    chosen = request.query_params.get("language", ""), request.cookies.get(LANGUAGE_COOKIE, "")
    return next((LANGUAGES[text] for text in chosen if text in LANGUAGES), otherwise)
