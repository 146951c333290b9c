"""Templates, static files and headers of the pages.

A static file carries a piece of its own digest in its address, so a browser may keep it for ever
and still never shows an old one.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

PACKAGE: Final = "tkkpg.issuer.threeds.pages"
MEDIA_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
DIGEST_SHOWN: Final = 12
POLICY: Final = (
    "default-src 'none'",
    "img-src 'self'",
    "script-src 'self'",
    "style-src 'self'",
    "base-uri 'none'",
)
"""Nothing but our own; who may frame a challenge is the merchant's choice (EMV 3DS 2.2, 3.3)."""
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""No HSTS: it would outlive the sandbox in the developer's browser."""


class Asset(NamedTuple):
    """A static file."""

    media_type: str
    content: bytes


def page(
    template: str,
    context: Mapping[str, object],
    *,
    status: int = 200,
    hands_over: bool = False,
) -> Response:
    """Answer with a page.

    Args:
        template: Its name.
        context: What the template needs.
        status: Of the answer.
        hands_over: The page's only form leads to another site, and may be sent on from there.
    """
    policy = POLICY if hands_over else (*POLICY, "form-action 'self'")
    headers = HEADERS | {"Content-Security-Policy": "; ".join(policy)}
    content = _environment().get_template(template).render(context)
    return HTMLResponse(content, status, headers)


async def serve_asset(request: Request) -> Response:
    """Answer `/static/{name}`.

    Raises:
        HTTPException: 404, for a name or a digest that is not there.
    """
    asset = _assets()[1].get(request.path_params["name"])
    if asset is None:
        raise HTTPException(404)
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(asset.content, media_type=asset.media_type, headers=headers)


@cache
def _assets() -> tuple[Mapping[str, str], Mapping[str, Asset]]:
    """Give the addresses of the static files by name, and the files by the end of their address."""
    addresses, found = {}, {}
    for file in files(PACKAGE).joinpath("static").iterdir():
        name, content = PurePosixPath(file.name), file.read_bytes()
        hashed = f"{name.stem}.{sha256(content).hexdigest()[:DIGEST_SHOWN]}{name.suffix}"
        addresses[file.name] = f"/static/{hashed}"
        found[hashed] = Asset(MEDIA_TYPES[name.suffix], content)
    return MappingProxyType(addresses), MappingProxyType(found)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["asset"] = _assets()[0].__getitem__
    return environment
