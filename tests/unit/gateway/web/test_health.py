"""The two pages for those who watch."""

from __future__ import annotations

import asyncio
import math
import resource
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs
from tests.unit.gateway.web.payer import at_the_page

from tkkpg.gateway.app import health_app
from tkkpg.gateway.metrics import Metrics
from tkkpg.gateway.model.errors import StoreUnavailable
from tkkpg.gateway.store.base import Backlog
from tkkpg.gateway.web.health import create_health_app

NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)


async def well() -> None:
    """Find nothing wrong."""


async def ill() -> None:
    raise OSError("disk full")


async def silent() -> None:
    await asyncio.sleep(30)


async def waiting() -> Backlog:
    return Backlog(
        open_transactions=3,
        oldest_open=NOW - timedelta(seconds=12.5),
        queued=40,
        oldest_queued=NOW - timedelta(days=1),
    )


async def idle() -> Backlog:
    return Backlog(open_transactions=0, oldest_open=None, queued=0, oldest_queued=None)


async def uncountable() -> Backlog:
    raise OSError("disk full")


async def endless() -> Backlog:
    await asyncio.sleep(30)
    return await idle()


async def get(
    path: str,
    *,
    metrics: Metrics | None = None,
    check: Callable[[], Awaitable[None]] = well,
    read_backlog: Callable[[], Awaitable[Backlog]] = waiting,
    method: str = "GET",
) -> httpx2.Response:
    app = create_health_app(
        metrics or Metrics.create(),
        check=check,
        read_backlog=read_backlog,
        now=lambda: NOW,
        timeout_s=0.05,
    )
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        return await client.request(method, path)


def figures(response: httpx2.Response) -> dict[str, float]:
    return {
        sample.name: sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


@pytest.mark.anyio
async def test_metrics_are_prometheus_text_with_what_waits_right_now() -> None:
    metrics = Metrics.create()
    metrics.page_viewed("card")
    response = await get("/metrics", metrics=metrics)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=")
    shown = figures(response)
    assert shown["tkkpg_page_views_total"] == 1
    assert shown["tkkpg_open_transactions"] == 3
    assert shown["tkkpg_open_transactions_age_seconds"] == 12.5
    assert shown["tkkpg_outbox_queued"] == 40
    assert shown["tkkpg_outbox_age_seconds"] == 86_400


@pytest.mark.anyio
async def test_the_age_of_nothing_is_zero() -> None:
    shown = figures(await get("/metrics", read_backlog=idle))
    assert shown["tkkpg_open_transactions_age_seconds"] == 0
    assert shown["tkkpg_outbox_age_seconds"] == 0


@pytest.mark.anyio
@pytest.mark.parametrize("read_backlog", [uncountable, endless])
async def test_metrics_show_the_rest_when_what_waits_cannot_be_counted(
    read_backlog: Callable[[], Awaitable[Backlog]],
) -> None:
    metrics = Metrics.create()
    metrics.page_viewed("card")
    metrics.show_open_transactions(3, 12.5)
    with capture_logs() as lines:
        response = await get("/metrics", metrics=metrics, read_backlog=read_backlog)
    shown = figures(response)
    assert response.status_code == 200
    assert shown["tkkpg_page_views_total"] == 1
    assert math.isnan(shown["tkkpg_open_transactions"])
    assert [line["event"] for line in lines] == ["backlog_unknown"]


@pytest.mark.anyio
async def test_health_is_200_while_the_check_finds_nothing() -> None:
    response = await get("/healthz")
    assert (response.status_code, response.text) == (200, "ok\n")


@pytest.mark.anyio
@pytest.mark.parametrize("check", [ill, silent])
async def test_health_is_503_without_the_reason_when_the_check_fails_or_is_silent(
    check: Callable[[], Awaitable[None]],
) -> None:
    with capture_logs() as lines:
        response = await get("/healthz", check=check)
    assert (response.status_code, response.text) == (503, "unavailable\n")
    assert [line["event"] for line in lines] == ["not_healthy"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/", 404), ("GET", "/metrics/x", 404), ("POST", "/healthz", 405)],
)
async def test_nothing_else_is_there(method: str, path: str, status: int) -> None:
    assert (await get(path, method=method)).status_code == status


@contextmanager
def no_room_beyond(size: int) -> Iterator[None]:
    """Let the system refuse what would make a file of this process larger."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.anyio
async def test_health_is_what_the_next_commit_would_meet_and_recovers_with_the_disk(
    tmp_path: Path,
) -> None:
    with capture_logs():  # pytest keeps what is logged in a file
        await watch_a_full_disk(tmp_path)


async def watch_a_full_disk(home: Path) -> None:
    async with at_the_page(home) as payer:
        transport = httpx2.ASGITransport(health_app(payer.gateway))
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as watcher:
            assert (await watcher.get("/healthz")).status_code == 200
            with no_room_beyond((home / "tkkpg.db-wal").stat().st_size):
                with pytest.raises(StoreUnavailable):
                    await payer.gateway.store.reserve_numbers("x", 1, 1)
                assert (await watcher.get("/healthz")).status_code == 503
                assert (await watcher.get("/healthz")).status_code == 503
            assert (await watcher.get("/healthz")).status_code == 200
