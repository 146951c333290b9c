"""An application that comes after its socket."""

from __future__ import annotations

import asyncio

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tkkpg.sandbox.later import Later

pytestmark = pytest.mark.anyio


async def _hello(_request: Request) -> Response:
    return Response("hello")


async def test_a_request_waits_for_the_application() -> None:
    later = Later()
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=later)) as http:
        asked = asyncio.create_task(http.get("http://test/"))
        given_up = asyncio.create_task(http.get("http://test/"))
        await asyncio.sleep(0)
        given_up.cancel()
        later.becomes(Starlette(routes=[Route("/", _hello)]))

        assert (await asked).text == "hello"
        assert (await http.get("http://test/")).text == "hello"
