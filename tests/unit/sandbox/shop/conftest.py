"""A demo shop, the bank on the other side, and visitors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from starlette.applications import Starlette
from tests.unit.sandbox.shop.peers import PAGE_URL, SHOP_URL, Bank, Browser

from tkkpg.sandbox.shop.app import demo_shop
from tkkpg.sandbox.shop.database import Database
from tkkpg.sandbox.shop.settings import ShopSettings


@pytest.fixture
def settings(tmp_path: Path) -> ShopSettings:
    return ShopSettings(base_url=SHOP_URL, page_url=PAGE_URL, database=tmp_path / "shop.db")


@pytest.fixture
def database(settings: ShopSettings) -> Database:
    return Database(settings.database)


@pytest.fixture
def bank() -> Bank:
    return Bank()


@pytest.fixture
def shop(bank: Bank, settings: ShopSettings) -> Starlette:
    return demo_shop(bank.client(), settings)


@pytest.fixture
async def visitor(shop: Starlette) -> AsyncIterator[Callable[[], Browser]]:
    """Make browsers, each with its own empty cookie jar."""
    browsers: list[Browser] = []

    def arrive() -> Browser:
        browsers.append(Browser(shop))
        return browsers[-1]

    yield arrive
    for browser in browsers:
        await browser.aclose()


@pytest.fixture
async def browser(visitor: Callable[[], Browser]) -> Browser:
    return visitor()
