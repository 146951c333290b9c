"""Templates and static files: what is read once and then lies ready in memory.

A static file carries a piece of its own digest in its address, so a browser may keep it for ever
and still never shows an old one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

PACKAGE: Final = "tkkpg.gateway.web"
MEDIA_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
DIGEST_SHOWN: Final = 12
"""Hexadecimal digits of the digest in an address: enough that two versions never meet."""
KEPT: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """A static file.

    Attributes:
        name: With the digest, as in its address: `page.0123456789ab.css`.
    """

    name: str
    media_type: str
    content: bytes


@cache
def assets() -> Mapping[str, Asset]:
    """Give the static files by their plain name."""
    found = {}
    for file in files(PACKAGE).joinpath("static").iterdir():
        name = PurePosixPath(file.name)
        content = file.read_bytes()
        digest = sha256(content).hexdigest()[:DIGEST_SHOWN]
        hashed = f"{name.stem}.{digest}{name.suffix}"
        found[file.name] = Asset(hashed, MEDIA_TYPES[name.suffix], content)
    return MappingProxyType(found)


@cache
def _by_address() -> Mapping[str, Asset]:
    return {asset.name: asset for asset in assets().values()}


def asset_url(name: str) -> str:
    """Give the address of a static file."""
    return f"/static/{assets()[name].name}"


async def serve_asset(request: Request) -> Response:
    """Answer `/static/{name}`.

    Raises:
        HTTPException: 404, for a name or a digest that is not there.
    """
    asset = _by_address().get(request.path_params["name"])
    if asset is None:
        raise HTTPException(404)
    headers = {"Cache-Control": KEPT, "X-Content-Type-Options": "nosniff"}
    return Response(asset.content, media_type=asset.media_type, headers=headers)


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
    environment.globals["asset"] = asset_url
    return environment


def render(template: str, **context: object) -> str:
    """Fill a template; every value is escaped, and one that is missing is an error."""
    return _environment().get_template(template).render(context)
