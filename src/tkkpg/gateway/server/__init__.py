"""Sockets, TLS and HTTP for the gateway: several listeners in one process and one event loop.

    async with Servers([Listener("exec", app, "127.0.0.1", 5443, exec_tls(…))], log=log) as servers:
        servers.port("exec")

The caller owns the loop (uvloop where speed matters) and the signals; leaving the block stops
accepting, lets running requests finish and closes the rest.
"""

from __future__ import annotations

from tkkpg.gateway.server.limits import must_have_files
from tkkpg.gateway.server.listening import Listener
from tkkpg.gateway.server.servers import Servers
from tkkpg.gateway.server.tls import exec_tls, page_tls

__all__ = ["Listener", "Servers", "exec_tls", "must_have_files", "page_tls"]
