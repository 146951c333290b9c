"""Frames of the host link: two bytes of length, big-endian, then one message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tkkpg.protocol.errors import RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterator

LENGTH_BYTES: Final = 2
FRAME_MAX: Final = 1_024
"""Bytes of one message; the longest of our dialect has under 300."""


class MalformedFrame(RemoteProtocolError):
    """The peer sent a length that no message has."""


def frame(message: bytes) -> bytes:
    """Put the length before a message.

    Raises:
        ValueError: It is empty or longer than a frame may be.
    """
    if not 0 < len(message) <= FRAME_MAX:
        raise ValueError(f"A message of {len(message)} bytes does not fit into a frame.")
    return len(message).to_bytes(LENGTH_BYTES, "big") + message


class Frames:
    """Cuts a stream into messages, however it arrives.

    Holds at most one unfinished frame, once the messages before it have been taken.
    """

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes and give the messages that they complete.

        Raises:
            MalformedFrame: A length is zero or too large; nothing after it can be read.
        """
        return list(self.each(data))

    def each(self, data: bytes) -> Iterator[bytes]:
        """Take bytes and give the messages one by one, also those before a wrong length.

        Raises:
            MalformedFrame: As `feed`, once the messages before it were given.
        """
        self._held += data
        while len(self._held) >= LENGTH_BYTES:
            length = int.from_bytes(self._held[:LENGTH_BYTES], "big")
            if not 0 < length <= FRAME_MAX:
                raise MalformedFrame(
                    f"A frame of {length} bytes is announced; 1 to {FRAME_MAX} are allowed."
                )
            end = LENGTH_BYTES + length
            if len(self._held) < end:
                break
            message = bytes(self._held[LENGTH_BYTES:end])
            del self._held[:end]
            yield message

    @property
    def unfinished(self) -> bool:
        """Whether a frame has begun and not ended."""
        return bool(self._held)
