"""An application that is known only after its socket: addresses need ports, applications both."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class Later:
    """Stands for an application until all ports are bound; requests wait for it."""

    def __init__(self) -> None:
        """Begin without it."""
        self._app: asyncio.Future[ASGIApp] = asyncio.get_running_loop().create_future()

    def becomes(self, app: ASGIApp) -> None:
        """Serve with it from now on."""
        self._app.set_result(app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        await (await asyncio.shield(self._app))(scope, receive, send)
