"""What stands for the browser: it believes the sandbox's CA, and sends forms as a browser does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

import httpx2

from tkkpg import __version__
from tkkpg.client import ConfigurationError, TKKPGError
from tkkpg.client.config import NEVER_BY_PROXY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tkkpg.sandbox.cardholder.forms import Form

TIMEOUT_S: Final = 30.0
"""For one answer. The longest is that to the card: a directory that is silent twice costs 20 s; the
bank's page waits 10 s for its result to be taken, and the outcome comes in looks of two seconds."""


class CardholderStopped(TKKPGError):
    """The cardholder could not reach an outcome on the hosted page."""


def browser(ca: Path) -> httpx2.AsyncClient:
    """Make what stands for the browser: believes the sandbox's CA, and those of the system.

    Raises:
        ConfigurationError: The CA's file cannot be read.
    """
    context = httpx2.create_ssl_context()
    try:
        context.load_verify_locations(ca)
    except OSError as error:  # also when it holds no certificate
        raise ConfigurationError(
            f"The sandbox's CA {ca} cannot be read: {error}. Start the sandbox again."
        ) from error
    return httpx2.AsyncClient(
        verify=context,
        timeout=TIMEOUT_S,
        headers={"User-Agent": f"tkkpg-cardholder/{__version__}"},
        mounts=NEVER_BY_PROXY,
    )


async def send(
    http: httpx2.AsyncClient,
    page: httpx2.Response,
    form: Form,
    typed: Mapping[str, str] | None = None,
) -> httpx2.Response:
    """Send a form of a page with what was typed into it."""
    url = urljoin(str(page.url), form.action)
    return await http.post(url, data={**form.values, **(typed or {})}, headers=_told(page, url))


def origin(url: str) -> str:
    """Give scheme, host and port of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _told(page: httpx2.Response, url: str) -> dict[str, str]:
    """Give the headers by which a browser says where a form comes from."""
    own = origin(str(page.url))
    hidden = page.headers.get("referrer-policy") == "no-referrer"
    return {
        "Origin": "null" if hidden else own,
        "Sec-Fetch-Site": "same-origin" if origin(url) == own else "cross-site",
    }
