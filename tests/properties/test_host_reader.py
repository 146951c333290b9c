"""The host link's reader: whatever bytes come, in whatever pieces, it reads or it refuses."""

from __future__ import annotations

import string
from itertools import pairwise
from typing import Final

from hypothesis import example, given
from hypothesis import strategies as st

from tkkpg.gateway.host import fields
from tkkpg.gateway.host.fields import Message
from tkkpg.gateway.host.framing import Frames, MalformedFrame, frame

DIGITS: Final = string.digits
PRINTABLE: Final = "".join(map(chr, range(0x20, 0x7F)))


def _exactly(length: int, alphabet: str = DIGITS) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=length, max_size=length)


MESSAGES: Final = st.fixed_dictionaries(
    {"t": _exactly(4), "7": _exactly(10), "11": _exactly(6)},
    optional={
        "2": st.text(DIGITS, min_size=1, max_size=19),
        "3": _exactly(6),
        "4": _exactly(12),
        "14": _exactly(4),
        "22": _exactly(3, PRINTABLE),
        "25": _exactly(2, PRINTABLE),
        "37": _exactly(12, PRINTABLE),
        "38": _exactly(6, PRINTABLE),
        "39": _exactly(3, PRINTABLE),
        "41": _exactly(8, PRINTABLE),
        "42": _exactly(15, PRINTABLE),
        "48": st.text(PRINTABLE, max_size=99),
        "49": _exactly(3),
        "70": _exactly(3),
        "90": _exactly(42),
    },
)
BITMAPS: Final = st.binary(min_size=8, max_size=16).map(lambda bits: bits.hex().encode())


def _pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in pairwise(places)]


def _read(pieces: list[bytes]) -> list[bytes | None]:
    """What the pieces hold; `None` in the end for a length that no message has."""
    frames = Frames()
    read: list[bytes | None] = []
    try:
        for piece in pieces:
            read.extend(frames.each(piece))
    except MalformedFrame:
        read.append(None)
    return read


@given(MESSAGES)
def test_what_is_written_is_read(message: Message) -> None:
    assert fields.decode(fields.encode(message)) == message


@given(st.lists(MESSAGES, max_size=6), st.lists(st.integers(0, 5_000), max_size=20))
def test_messages_come_out_whole_however_they_are_cut(sent: list[Message], cuts: list[int]) -> None:
    data = b"".join(frame(fields.encode(message)) for message in sent)

    read = _read(_pieces(data, cuts))

    assert [fields.decode(raw) for raw in read if raw is not None] == sent
    assert None not in read


@given(st.binary(max_size=3_000), st.lists(st.integers(0, 5_000), max_size=20))
def test_garbage_reads_the_same_however_it_is_cut(data: bytes, cuts: list[int]) -> None:
    assert _read(_pieces(data, cuts)) == _read([data])


def _is_read_or_refused(data: bytes) -> None:
    try:
        message = fields.decode(data)
        fields.trace_of(message)
    except fields.MalformedMessage:
        return
    assert fields.decode(fields.encode(message)) == message


@given(st.binary(max_size=300))
@example(b"0210" + b"f" * 16)
@example(b"0210" + b"\xff" * 40)
def test_any_bytes_are_a_message_or_malformed(data: bytes) -> None:
    _is_read_or_refused(data)


@given(_exactly(4), BITMAPS, st.text(PRINTABLE + "\x00é", max_size=200))
def test_any_fields_after_a_bitmap_are_a_message_or_malformed(
    message_type: str, bitmap: bytes, rest: str
) -> None:
    _is_read_or_refused(message_type.encode() + bitmap + rest.encode())


@given(MESSAGES, st.integers(0, 400), st.integers(0, 255))
def test_a_message_with_a_byte_changed_is_a_message_or_malformed(
    message: Message, place: int, byte: int
) -> None:
    data = bytearray(fields.encode(message))
    data[place % len(data)] = byte

    _is_read_or_refused(bytes(data))
