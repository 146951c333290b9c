"""A program: the gateway's own server with an application that always answers the same.

It says what HTTP and mutual TLS alone cost. Called with the home of a running sandbox, whose
certificates it uses; prints its port once it accepts connections.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Final

import uvloop
from starlette.types import Receive, Scope, Send

from tkkpg.gateway.logs import get_logger
from tkkpg.gateway.server import Listener, Servers, exec_tls

REPLY: Final = (
    b"<TKKPG><Response><Operation>CreateOrder</Operation><Status>00</Status><Order>"
    b"<OrderID>14008766</OrderID><SessionID>277F3E926B1FADDA45E449B0C0E8CF76</SessionID>"
    b"<URL>https://localhost:8443/index.jsp</URL></Order></Response></TKKPG>"
)
HEADERS: Final = [
    (b"content-type", b"text/xml;charset=UTF-8"),
    (b"content-length", str(len(REPLY)).encode()),
    (b"tkkpg-request-id", b"01234567890123456789"),
]


async def fixed_reply(_scope: Scope, receive: Receive, send: Send) -> None:
    """Read the body and give the one answer."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": REPLY})


async def serve(home: Path) -> None:
    """Serve until the process is ended."""
    tls = exec_tls(home / "merchants" / "ca.pem", (home / "server.pem", home / "server-key.pem"))
    listener = Listener("exec", fixed_reply, "127.0.0.1", 0, tls)
    async with Servers([listener], log=get_logger("benchmarks.fixed_reply")) as servers:
        print(servers.port("exec"), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(Path(sys.argv[1])))
