"""The page that says why there is no page, for a request of which little may be known."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse

from tkkpg.gateway.flows.pay import PageView
from tkkpg.gateway.runtime import Gateway
from tkkpg.gateway.web.forms import chosen_language, in_language
from tkkpg.gateway.web.i18n import Wording, preferred_language
from tkkpg.gateway.web.rendering import render
from tkkpg.gateway.web.screens import PAGE, Visit
from tkkpg.gateway.web.security import ORIGIN, page_headers
from tkkpg.protocol.values import Language


def trouble(
    gateway: Gateway, request: Request, status: int, view: PageView | None = None
) -> HTMLResponse:
    """Return the page that says why there is none, in one language where it is known.

    That is the one asked for, else the order's, else one of the browser's; without any, all three
    are there.

    Args:
        gateway: Whose page it would be.
        request: What cannot be answered; its number finds it in the log.
        status: HTTP status, one of those that have a text.
        view: The order, where the payer has proved to know it.
    """
    gateway.metrics.page_viewed("trouble")
    language = (
        chosen_language(request)
        or (view.order.language if view else None)
        or preferred_language(request.headers.get("accept-language", ""))
    )
    wordings = [Wording(known) for known in ([language] if language else Language)]
    body = render(
        "trouble.html",
        wording=wordings[0],
        wordings=wordings,
        languages=_languages(request, view) if language else [],
        sandbox=gateway.config.sandbox,
        key=f"trouble.{status}",
        status=status,
        shop=_shop(view) if view else None,
        reference=str(request.scope.get("state", {}).get("request_id", "")),
    )
    return HTMLResponse(body, status, page_headers(sandbox=gateway.config.sandbox))


def _languages(request: Request, view: PageView | None) -> list[tuple[Wording, str]]:
    """Return where each language is, nothing for a form that cannot be opened again."""
    if view:
        visit = Visit(view, None)
        return [(Wording(other), visit.address(PAGE, other)) for other in Language]
    if request.method not in {"GET", "HEAD"}:
        return []
    return [(Wording(other), in_language(request, other)) for other in Language]


def _shop(view: PageView) -> str | None:
    """Return where the shop is: its base address, else the site that an order is led back to."""
    base = view.merchant.base_url
    site = ORIGIN.match(base or view.order.approve_url)
    return site and (base or site[0])
