"""Two pages for those who watch the gateway: `/metrics` and `/healthz`, on a port of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tkkpg.gateway.logs import get_logger
from tkkpg.gateway.metrics import CONTENT_TYPE, Metrics
from tkkpg.gateway.store.base import Backlog

PROBE_TIMEOUT_S: Final = 5.0
"""Less than the ten seconds that those who watch usually wait."""


def create_health_app(
    metrics: Metrics,
    *,
    check: Callable[[], Awaitable[None]],
    read_backlog: Callable[[], Awaitable[Backlog]],
    now: Callable[[], datetime],
    timeout_s: float = PROBE_TIMEOUT_S,
) -> Starlette:
    """Make the application; it is for a loopback port and asks nobody who they are.

    Args:
        metrics: What `/metrics` shows.
        check: Raises when the gateway cannot serve; any exception, or silence, makes
            `/healthz` answer 503, and the reason goes to the log only.
        read_backlog: Counts what waits; asked at every look at `/metrics`, which shows the rest
            even when it fails.
        now: Business time, by which ages are counted.
        timeout_s: For `check` and for `read_backlog`.
    """
    log = get_logger("tkkpg.gateway.web.health")

    async def show_metrics(_request: Request) -> Response:
        try:
            async with asyncio.timeout(timeout_s):
                backlog = await read_backlog()
        except Exception:  # whatever is broken, the other figures are needed now
            log.warning("backlog_unknown", exc_info=True)
            metrics.forget_backlog()
        else:
            _show(metrics, backlog, now())
        return Response(metrics.render(), headers={"Content-Type": CONTENT_TYPE})

    async def show_health(_request: Request) -> Response:
        try:
            async with asyncio.timeout(timeout_s):
                await check()
        except Exception:
            log.warning("not_healthy", exc_info=True)
            return PlainTextResponse("unavailable\n", 503)
        return PlainTextResponse("ok\n")

    return Starlette(routes=[Route("/metrics", show_metrics), Route("/healthz", show_health)])


def _show(metrics: Metrics, backlog: Backlog, now: datetime) -> None:
    metrics.show_open_transactions(backlog.open_transactions, _age_s(backlog.oldest_open, now))
    metrics.show_outbox(backlog.queued, _age_s(backlog.oldest_queued, now))


def _age_s(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else (now - since).total_seconds()
