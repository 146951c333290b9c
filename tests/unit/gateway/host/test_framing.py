"""Frames of the host link: messages come out whole, and a wrong length ends the reading."""

from __future__ import annotations

import pytest

from tkkpg.gateway.host.framing import FRAME_MAX, Frames, MalformedFrame, frame


def test_a_frame_is_two_bytes_of_length_and_the_message() -> None:
    assert frame(b"abc") == b"\x00\x03abc"
    assert frame(b"x" * 258)[:2] == b"\x01\x02"


@pytest.mark.parametrize("length", [0, FRAME_MAX + 1])
def test_a_message_that_no_frame_holds_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match=f"A message of {length} bytes"):
        frame(b"x" * length)


def test_messages_come_out_however_they_arrive() -> None:
    frames = Frames()

    assert frames.feed(b"\x00") == []
    assert frames.unfinished
    assert frames.feed(b"\x03a") == []
    assert frames.feed(b"bc\x00\x01d\x00\x02e") == [b"abc", b"d"]
    assert frames.unfinished
    assert frames.feed(b"f") == [b"ef"]
    assert not frames.unfinished


def test_the_longest_message_comes_out() -> None:
    assert Frames().feed(frame(b"x" * FRAME_MAX)) == [b"x" * FRAME_MAX]


@pytest.mark.parametrize("length", [0, FRAME_MAX + 1, 0xFFFF])
def test_a_length_that_no_message_has_is_garbage_after_what_came_before(length: int) -> None:
    messages = Frames().each(frame(b"before") + length.to_bytes(2, "big"))

    assert next(messages) == b"before"
    with pytest.raises(MalformedFrame, match=f"A frame of {length} bytes"):
        next(messages)
    with pytest.raises(MalformedFrame):
        Frames().feed(length.to_bytes(2, "big"))
