"""Addresses that would only fail in a payer's browser are refused at the start."""

from __future__ import annotations

from pathlib import Path

import pytest

from tkkpg.client import ConfigurationError
from tkkpg.sandbox.shop.settings import ShopSettings


def settings(
    base_url: str = "http://localhost:8080", page_url: str = "https://localhost:8443/index.jsp"
) -> ShopSettings:
    return ShopSettings(base_url=base_url, page_url=page_url, database=Path("shop.db"))


@pytest.mark.parametrize(
    ("page_url", "origin"),
    [
        ("https://localhost:8443/index.jsp", "https://localhost:8443"),
        ("https://tstpg.kapitalbank.az/index.jsp?a=b", "https://tstpg.kapitalbank.az"),
        ("https://[::1]:8443/", "https://[::1]:8443"),
    ],
)
def test_the_banks_origin_is_what_a_policy_names(page_url: str, origin: str) -> None:
    assert settings(page_url=page_url).page_origin == origin


@pytest.mark.parametrize(
    "base_url",
    ["", "localhost:8080", "http://localhost:8080/", "http://localhost/shop", "ftp://localhost"],
)
def test_the_shops_address_ends_after_host_and_port(base_url: str) -> None:
    with pytest.raises(ConfigurationError, match="base_url"):
        settings(base_url=base_url)


@pytest.mark.parametrize(
    "page_url", ["", "/index.jsp", "https://", "https://a b/", "https://x;script-src/", "data:,"]
)
def test_nothing_but_an_origin_enters_the_policy(page_url: str) -> None:
    with pytest.raises(ConfigurationError, match="page_url"):
        settings(page_url=page_url)
