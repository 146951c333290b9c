"""Ends connections as a peer that crashed ends them."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Final

_DISCARD: Final = struct.pack("ii", 1, 0)
"""Linger for no time: closing sends a reset, and what was not sent yet is thrown away."""


def reset(transport: asyncio.Transport) -> None:
    """Answer a peer with RST; below TLS, whose goodbye is not said either."""
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _DISCARD)
    transport.abort()
