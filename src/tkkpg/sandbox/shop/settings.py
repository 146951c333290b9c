"""What the demo shop is told at its start."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tkkpg.protocol.errors import ConfigurationError

ORIGIN: Final = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?")
"""Scheme, host and port. Nothing else may enter a Content-Security-Policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopSettings:
    """Where the shop is, where the bank's page is, and where the orders are kept.

    Attributes:
        base_url: Own address as the payer's browser sees it, such as `http://localhost:8080`.
        page_url: Address of the bank's hosted page; the browser may be sent to its origin only.
        database: The SQLite file of orders and baskets. It is made when it is missing, readable
            by its owner alone, since the sessions of the orders are in it.

    Raises:
        ConfigurationError: An address is not http or https, or `base_url` has a path.
    """

    base_url: str
    page_url: str
    database: Path

    def __post_init__(self) -> None:
        """Refuse addresses that would only fail in the payer's browser."""
        if self.base_url != _origin("base_url", self.base_url):
            raise ConfigurationError(
                f"The shop's base_url {self.base_url!r} must end after host and port, in lower "
                "case and without a slash, such as http://localhost:8080."
            )
        _ = self.page_origin

    @property
    def page_origin(self) -> str:
        """Scheme, host and port of the bank's page."""
        return _origin("page_url", self.page_url)


def _origin(what: str, address: str) -> str:
    parts = urlsplit(address)
    origin = f"{parts.scheme}://{parts.netloc.lower()}"
    if ORIGIN.fullmatch(origin) is None:
        raise ConfigurationError(
            f"The shop's {what} {address!r} is no address. Write it in full, such as "
            "https://localhost:8443/index.jsp."
        )
    return origin
