"""The hosted page: where the payer types a card, waits, sees the outcome and goes back to the shop.

GET changes nothing. The forms that change something end in a redirect to `/outcome`, or in a page
that takes the browser to the card's issuer; a form that was shown before the order moved on leads
to `/outcome` without doing anything. So neither reload nor the way back sends anything twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from tkkpg.gateway.crash import reach, reach_written
from tkkpg.gateway.flows.authenticate import (
    METHOD_DONE,
    RETURN,
    ChallengeStep,
    MethodStep,
    after_method,
    return_from_challenge,
)
from tkkpg.gateway.flows.pay import PageGone, PageUnknown, PageView, hand_over, leave, open_page
from tkkpg.gateway.flows.submit_card import submit_card
from tkkpg.gateway.model.card import CardField, CardInvalid, CardProblem, read_card
from tkkpg.gateway.model.lifecycle import ENDED
from tkkpg.gateway.model.receipt import receipt
from tkkpg.gateway.runtime import Gateway
from tkkpg.gateway.threeds.base import Browser
from tkkpg.gateway.threeds.messages import MethodCompleted
from tkkpg.gateway.web.authentication import (
    browser_of,
    challenge_screen,
    method_done,
    method_screen,
)
from tkkpg.gateway.web.forms import Fields, read_fields
from tkkpg.gateway.web.rendering import serve_asset
from tkkpg.gateway.web.screens import (
    OUTCOME,
    PAGE,
    REGISTER,
    Typed,
    Visit,
    card_form,
    checking,
    final,
)
from tkkpg.gateway.web.security import Action, Verdict, is_foreign, judge_token, page_headers
from tkkpg.gateway.web.trouble import trouble
from tkkpg.protocol.values import OrderStatus

SEE_OTHER: Final = 303
AUTHENTICATE: Final = "/authenticate"
TROUBLES: Final[dict[type[Exception], int]] = {PageUnknown: 404, PageGone: 410}


class FormForged(HTTPException):
    """A form names an order and its session, but is none that was made for it."""

    def __init__(self, view: PageView) -> None:
        """Keep the order, to which there is a way back."""
        super().__init__(403)
        self.view = view


class HostedPage:
    """Answers the requests of payers' browsers."""

    def __init__(self, gateway: Gateway) -> None:
        """Serve the orders of a gateway."""
        self._gateway = gateway

    async def open(self, request: Request) -> Response:
        """Show the order as it is: card form, being checked, or how it ended."""
        visit = await self._visit(await read_fields(request))
        if visit.view.takes_card:
            return card_form(self._gateway, visit)
        return self._outcome(visit, automatic=False)

    async def outcome(self, request: Request) -> Response:
        """Wait for the outcome, then hand the payer over to the shop."""
        visit = await self._visit(await read_fields(request))
        if visit.view.takes_card:
            return self._see_other(visit, PAGE)
        return self._outcome(visit, automatic=True)

    async def pay(self, request: Request) -> Response:
        """Take the card form."""
        fields, visit, waiting = await self._form(request, Action.PAY)
        if not waiting:
            return self._see_other(visit, OUTCOME)
        try:
            card = read_card(
                pan=fields.typed(CardField.PAN),
                expiry=fields.typed(CardField.EXPIRY),
                cvv2=fields.typed(CardField.CVV2),
                now=visit.view.now,
                test_cards=self._gateway.config.test_cards,
            )
        except CardInvalid as invalid:
            return self._corrections(visit, fields, invalid)
        reach("page.request")
        step = await submit_card(
            self._gateway,
            visit.view,
            card,
            browser=_browser(request, fields),
            register=fields.ticked(REGISTER),
        )
        reach("page.before_reply")
        answer = await self._go(visit, fields, step)
        answer.background = BackgroundTask(_answered)
        return answer

    async def cancel(self, request: Request) -> Response:
        """Take the cancel button."""
        _, visit, waiting = await self._form(request, Action.CANCEL)
        if waiting:
            await leave(self._gateway, visit.view)
        return self._see_other(visit, OUTCOME)

    async def after_method(self, request: Request) -> Response:
        """Take the form of the method page."""
        fields, visit, fresh = await self._form(request, Action.AUTHENTICATE)
        if not fresh:
            return self._see_other(visit, OUTCOME)
        step = await after_method(
            self._gateway,
            visit.view,
            fields.typed("sealed"),
            browser=_browser(request, fields),
            completed=_completed(fields),
        )
        return await self._go(visit, fields, step)

    async def method_done(self, _request: Request) -> Response:
        """Answer the issuer's method page, inside the hidden frame; what it says is not needed."""
        return method_done()

    async def back(self, request: Request) -> Response:
        """Take a browser back from its issuer's site, which may be another: no token, no cookie.

        What it brings opens only the attempt that it was sent away with.
        """
        fields = await read_fields(request)
        cres, sealed = fields.typed("cres"), fields.typed("threeDSSessionData")
        ref = await return_from_challenge(self._gateway, cres, sealed)
        if ref is None:
            raise HTTPException(400)
        view = await open_page(self._gateway, ref)
        return self._see_other(Visit(view, fields.language()), OUTCOME)

    async def trouble(self, request: Request, error: Exception) -> Response:
        """Answer what cannot be served: the address, the order or the form."""
        status = error.status_code if isinstance(error, HTTPException) else TROUBLES[type(error)]
        view = error.view if isinstance(error, PageGone | FormForged) else None
        return trouble(self._gateway, request, status, view)

    async def _visit(self, fields: Fields) -> Visit:
        view = await open_page(self._gateway, fields.order_ref())
        return Visit(view, fields.language())

    async def _form(self, request: Request, action: Action) -> tuple[Fields, Visit, bool]:
        """Read one of our forms; the last value says whether the order still waits for it."""
        log = self._gateway.log
        if is_foreign(request.headers):
            log.warning("page_form_foreign", action=action.value)
            raise HTTPException(403)
        fields = await read_fields(request)
        visit = await self._visit(fields)
        order = visit.view.order
        verdict = judge_token(self._gateway.keys, order, action, fields.typed("TOKEN"))
        if verdict is Verdict.FORGED:
            log.warning("page_form_forged", action=action.value, order_id=order.order_id)
            raise FormForged(visit.view)
        return fields, visit, self._waits(visit, action) and verdict is Verdict.FRESH

    def _waits(self, visit: Visit, action: Action) -> bool:
        """Say whether the order waits for a form; only that of the method page may come twice."""
        if action is Action.AUTHENTICATE:
            return visit.view.status is OrderStatus.ON_PAYMENT
        return visit.view.takes_card

    async def _go(
        self, visit: Visit, fields: Fields, step: MethodStep | ChallengeStep | None
    ) -> Response:
        """Send the browser where the payment goes on; its form is for the order as it is by now."""
        if step is None:
            return self._see_other(visit, OUTCOME)
        visit = await self._visit(fields)
        if isinstance(step, MethodStep):
            return method_screen(self._gateway, visit, step)
        return challenge_screen(self._gateway, visit, step)

    def _corrections(self, visit: Visit, fields: Fields, invalid: CardInvalid) -> Response:
        """Ask for another try; of a card that is no test card, nothing is even shown again."""
        problems, register = invalid.problems, fields.ticked(REGISTER)
        self._gateway.log.info(
            "page_card_invalid",
            order_id=visit.view.order.order_id,
            problems=sorted(problems.values()),
        )
        if CardProblem.TEST_CARDS_ONLY in problems.values():
            return card_form(self._gateway, visit, Typed(register=register), problems)
        pan, expiry = map(fields.shown_again, (CardField.PAN, CardField.EXPIRY))
        typed = Typed(pan, expiry, register)
        return card_form(self._gateway, visit, typed, problems)

    def _outcome(self, visit: Visit, *, automatic: bool) -> Response:
        if visit.view.status not in ENDED:
            return checking(self._gateway, visit)
        way_back = hand_over(visit.view)
        return final(self._gateway, visit, way_back, receipt=_receipt(visit), automatic=automatic)

    def _see_other(self, visit: Visit, path: str) -> Response:
        headers = page_headers(sandbox=self._gateway.config.sandbox, merchant=visit.view.merchant)
        return RedirectResponse(visit.address(path), SEE_OTHER, headers)


class Unforeseen:
    """Answers what nobody foresaw with a calm page, and logs it under the reference shown there."""

    def __init__(self, app: ASGIApp, gateway: Gateway) -> None:
        """Wrap the routes."""
        self._app = app
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on."""
        try:
            await self._app(scope, receive, send)
        except Exception:
            # The only place where the unforeseen becomes a page.
            if scope["type"] != "http":
                raise
            self._gateway.log.exception("page_failed", path=scope["path"])
            page = trouble(self._gateway, Request(scope), 500)
            await page(scope, receive, send)


class AnyCaseRoute(Route):
    """An address whose letters may be large or small, as clients write that of Exec too."""

    def __init__(self, path: str, endpoint: Callable[..., Any], methods: list[str]) -> None:
        """Serve an endpoint at a path."""
        super().__init__(path, endpoint, methods=methods)
        self.path_regex = re.compile(self.path_regex.pattern, re.IGNORECASE)


def hosted_page(gateway: Gateway) -> Starlette:
    """Make the application that serves the hosted page of a gateway."""
    page = HostedPage(gateway)
    return Starlette(
        routes=[
            Route("/", page.open, methods=["GET", "POST"]),
            AnyCaseRoute(PAGE, page.open, methods=["GET", "POST"]),
            Route(OUTCOME, page.outcome, methods=["GET"]),
            Route("/pay", page.pay, methods=["POST"]),
            Route("/cancel", page.cancel, methods=["POST"]),
            Route(AUTHENTICATE, page.after_method, methods=["POST"]),
            Route(METHOD_DONE, page.method_done, methods=["POST"]),
            Route(RETURN, page.back, methods=["POST"]),
            Route("/static/{name}", serve_asset, methods=["GET"]),
        ],
        middleware=[Middleware(Unforeseen, gateway=gateway)],
        exception_handlers=dict.fromkeys((HTTPException, *TROUBLES), page.trouble),
    )


def _completed(fields: Fields) -> MethodCompleted:
    reported = fields.typed("completed") == MethodCompleted.YES
    return MethodCompleted.YES if reported else MethodCompleted.NO


def _browser(request: Request, fields: Fields) -> Browser:
    ip = request.client.host if request.client else None
    return browser_of(request.headers, fields, ip)


async def _answered() -> None:
    reach_written("page.after_reply")


def _receipt(visit: Visit) -> str | None:
    """Write the receipt in the language of the page; it tells every transaction."""
    view = visit.view
    order = replace(view.order, language=visit.wording.language)
    return receipt(order, view.merchant, view.transactions)
