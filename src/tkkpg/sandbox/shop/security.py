"""What keeps the shop's pages its own: headers, form tokens, and where a form may come from."""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tkkpg.sandbox.shop.database import Database

TOKEN_FIELD: Final = "token"  # noqa: S105 - the name of a field
KEY_NAME: Final = "form-tokens"
KEY_BYTES: Final = 32
STATIC_PATH: Final = "/static"


def page_headers(page_origin: str) -> dict[str, str]:
    """Give the headers of every answer.

    Args:
        page_origin: Origin of the bank's page. A browser applies `form-action` to the redirect
            after a form as well, so it must be allowed to be left for there.
    """
    policy = {
        "default-src": "'none'",
        "style-src": "'self'",
        "img-src": "'self'",
        "form-action": f"'self' {page_origin}",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Cache-Control": "no-store",
        # Nothing at all would make browsers hide the origin of our own forms too.
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }


class PageHeaders:
    """ASGI middleware that gives every answer the headers of `page_headers`."""

    def __init__(self, app: ASGIApp, headers: dict[str, str]) -> None:
        self._app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(self._headers)
                if scope["path"].startswith(STATIC_PATH):
                    headers["Cache-Control"] = "no-cache"  # kept, but asked about: it has an ETag
            await send(message)

        await self._app(scope, receive, send_with_headers)


class FormTokens:
    """Marks forms as the shop's own, under a key that outlives a restart."""

    def __init__(self, database: Database) -> None:
        with database.transaction() as tx:
            tx.execute(
                "INSERT OR IGNORE INTO keys (name, value) VALUES (?, ?)",
                (KEY_NAME, secrets.token_bytes(KEY_BYTES)),
            )
            row = tx.execute("SELECT value FROM keys WHERE name = ?", (KEY_NAME,)).fetchone()
        self._key: bytes = row["value"]

    def token(self, subject: str) -> str:
        """Give the token for forms about one basket or one order, which only its owner knows."""
        return hmac.new(self._key, subject.encode(), sha256).hexdigest()

    def fits(self, token: str, subject: str) -> bool:
        """Whether a token was given for this subject."""
        return hmac.compare_digest(token.encode(), self.token(subject).encode())


def is_own_form(request: Request) -> bool:
    """Whether a form was posted from a page of this shop, as far as the browser tells.

    Browsers that tell nothing are let through: the token is asked for as well.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("Host")
