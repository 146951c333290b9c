"""A peer's first words: whether its whole ClientHello is here, found out without a handshake.

A handshake is memory and work. It begins when the first TLS record has arrived whole; until then
the kernel keeps what came, and the event loop hears of the connection again only when there is
more of it (SO_RCVLOWAT).
"""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Final

RECORD_HEAD: Final = 5  # type, version (2), length (2): RFC 8446, 5.1
RECORD_MAX: Final = 16_384 + RECORD_HEAD
HANDSHAKE: Final = 0x16


def await_head(peer: socket.socket) -> None:
    """Let the loop hear of a peer when the head of a record is here, or its end."""
    _hear_from(peer, RECORD_HEAD)


def is_ready(peer: socket.socket) -> bool:
    """Whether a handshake may begin; if not, the loop hears of the peer when it may.

    What is no TLS, and what has ended, is ready too: the handshake says what it was.
    """
    try:
        heard = peer.recv(RECORD_MAX, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True
    if len(heard) < RECORD_HEAD or heard[0] != HANDSHAKE:
        whole = 0
    else:
        whole = RECORD_HEAD + int.from_bytes(heard[3:RECORD_HEAD], "big")
    if (
        len(heard) < whole <= RECORD_MAX
        and peer.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT) != whole
    ):
        _hear_from(peer, whole)
        return False
    _hear_from(peer, 1)
    return True


def _hear_from(peer: socket.socket, size: int) -> None:
    with suppress(OSError):  # macOS sets nothing on a connection that has been reset
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)
