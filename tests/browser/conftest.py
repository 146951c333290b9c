"""A real Chromium, a real sandbox, and pages that may complain about nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright
from tests.browser.payer import RETURN_URL
from tests.browser.sandbox_process import Running, running_sandbox

RECORD: Final = Path(__file__).parents[2] / ".venv" / "chromium-path"
STEP_MS: Final = 10_000
FLAGS: Final = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
ANSWERED: Final = "Failed to load resource: the server responded with a status of "
"""What Chromium says of every status of 400 or more: meant for pages, never for their parts."""

Browse = Callable[..., Page]
"""Opens a page in a new context; takes the context's options."""


def chromium_path() -> str:
    """Find the browser that `make test` made sure of."""
    if named := os.environ.get("TKKPG_CHROMIUM"):
        return named
    if RECORD.exists():
        return RECORD.read_text(encoding="utf-8").strip()
    pytest.fail(
        "Browser tests need Chromium: run `make test`, or set TKKPG_CHROMIUM to its path.",
        pytrace=False,
    )


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_sandbox(tmp_path_factory.mktemp("browser") / "home") as running:
        yield running


# Once a module and not once a session: while Playwright runs, this thread has a running event
# loop, and tests in other files want one of their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = chromium_path()
    flags = [*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else list(FLAGS)
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=path, args=flags)
        yield started
        started.close()


@pytest.fixture
def browse(browser: Browser) -> Iterator[Browse]:
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        # A violated Content-Security-Policy arrives here too.
        url = message.location["url"]
        meant = message.text.startswith(ANSWERED) and "/static/" not in url
        if message.type in {"error", "warning"} and not meant:
            complaints.append(f"{message.text} ({url})")

    def browse(**options: Any) -> Page:  # noqa: ANN401 - Playwright checks them
        context = browser.new_context(ignore_https_errors=True, **options)
        contexts.append(context)
        context.set_default_timeout(STEP_MS)
        context.route(RETURN_URL, lambda route: route.fulfill(body="Thank you"))
        context.on("console", heard)
        context.on("weberror", lambda thrown: complaints.append(str(thrown.error)))
        return context.new_page()

    yield browse
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def page(browse: Browse) -> Page:
    return browse()
