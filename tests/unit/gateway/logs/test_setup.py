"""Where log lines go."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import structlog

from tkkpg.gateway.logs import bound_contextvars, configure, get_logger
from tkkpg.gateway.logs.setup import QUIET, _LineHandler

CARD = "4169733213495869"
MASKED = "416973••••••5869"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Give the process its own logging back."""
    root = logging.getLogger()
    level, levels = root.level, {name: logging.getLogger(name).level for name in QUIET}
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    root.setLevel(level)
    for name, former in levels.items():
        logging.getLogger(name).setLevel(former)
    for handler in [it for it in root.handlers if isinstance(it, _LineHandler)]:
        root.removeHandler(handler)


@pytest.fixture
def stream() -> io.StringIO:
    """A stream that gets JSON lines."""
    it = io.StringIO()
    configure(it, human=False)
    return it


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_json_line_with_time_level_and_logger(stream: io.StringIO) -> None:
    get_logger("tkkpg.exec").warning("refused", status="30", order_id=181)
    (line,) = lines(stream)
    stamp = datetime.fromisoformat(str(line.pop("timestamp")))
    assert line == {
        "event": "refused",
        "level": "warning",
        "logger": "tkkpg.exec",
        "order_id": 181,
        "status": "30",
    }
    assert stamp.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - stamp) < timedelta(minutes=1)


def test_what_is_bound_to_the_context_stands_in_every_line(stream: io.StringIO) -> None:
    with bound_contextvars(request_id="r-1"):
        get_logger("a").info("ours")
        logging.getLogger("uvicorn.error").info("theirs")
    get_logger("a").info("after")
    assert [line.get("request_id") for line in lines(stream)] == ["r-1", "r-1", None]


def test_the_standard_library_takes_the_same_way(stream: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").warning("card %s from %s", CARD, "10.0.0.1")
    (line,) = lines(stream)
    assert (line["event"], line["level"], line["logger"]) == (
        f"card {MASKED} from 10.0.0.1",
        "warning",
        "uvicorn.error",
    )
    assert "timestamp" in line


def fail() -> None:
    """Fail with a card number in the message and a secret in a local variable."""
    secret = "the-local-value"
    raise ValueError(f"card {CARD}, {len(secret)}")


@pytest.mark.parametrize("name", ["ours", "theirs"])
@pytest.mark.parametrize("human", [False, True])
def test_a_traceback_is_masked_and_shows_no_local_variable(name: str, *, human: bool) -> None:
    stream = io.StringIO()
    configure(stream, human=human)
    try:
        fail()
    except ValueError:
        if name == "ours":
            get_logger("a").exception("failed")
        else:
            logging.getLogger("asyncio").exception("failed")
    assert "ValueError: card 416973••••••5869" in stream.getvalue()
    assert "Traceback" in stream.getvalue()
    assert "the-local-value" not in stream.getvalue()
    assert CARD not in stream.getvalue()


def test_debug_lines_are_not_written(stream: io.StringIO) -> None:
    get_logger("a").debug("ours")
    logging.getLogger("asyncio").debug("theirs")
    assert stream.getvalue() == ""


def test_loggers_that_write_whole_urls_are_quiet(stream: io.StringIO) -> None:
    logging.getLogger("httpx2").info("HTTP Request: POST http://shop.example/?token=abc")
    logging.getLogger("httpcore2.connection").info("start")
    logging.getLogger("uvicorn.access").info('GET /index.jsp?SESSIONID=ABC "200"')
    assert stream.getvalue() == ""


def test_configuring_again_moves_every_logger_to_the_new_stream(stream: io.StringIO) -> None:
    log = get_logger("a")
    log.info("first")
    second = io.StringIO()
    configure(second, human=False)
    log.info("second")
    logging.getLogger("b").warning("second")
    assert [line["event"] for line in lines(stream)] == ["first"]
    assert [line["event"] for line in lines(second)] == ["second", "second"]


def test_people_get_an_aligned_line_without_colours_when_it_is_no_terminal() -> None:
    stream = io.StringIO()
    configure(stream, human=True)
    get_logger("tkkpg.page").info("paid", card=CARD, password="hunter2")
    text = stream.getvalue()
    assert "paid" in text
    assert MASKED in text
    assert "hunter2" not in text
    assert "\x1b" not in text


def test_what_a_peer_wrote_can_neither_start_a_line_nor_move_the_cursor() -> None:
    stream = io.StringIO()
    configure(stream, human=True)
    logging.getLogger("b").warning("path /\x1b[2J\r\n2026-10-01 [info] forged")
    get_logger("a").warning("refused", path="/\x1b[2J\nforged\u2028again")
    assert len(stream.getvalue().splitlines()) == 2
    assert "\x1b" not in stream.getvalue()
    assert r"\x1b[2J" in stream.getvalue()


def test_what_a_peer_wrote_can_neither_turn_the_line_round_nor_hide_in_it() -> None:
    stream = io.StringIO()
    configure(stream, human=True)
    for sign in "\u202e\u202d\u2066\u2069\u200f\u061c\u200b\ufeff\u00ad\x85\x9b":
        get_logger("a").warning("refused", path=f"/ödəniş{sign}x", seen=[f"{sign}"])
        line = stream.getvalue()
        assert sign not in line
        assert "ödəniş\\" in line
        stream.seek(0)
        stream.truncate()


def test_a_json_line_stays_one_line_whatever_is_in_it(stream: io.StringIO) -> None:
    get_logger("a").warning("a\nb", path="/\r\n")
    assert stream.getvalue().count("\n") == 1


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_a_character_the_stream_cannot_write_fails_nobody(encoding: str) -> None:
    raw = io.BytesIO()
    configure(io.TextIOWrapper(raw, encoding=encoding), human=False)
    get_logger("a").info("ödəniş", card=CARD, broken="\udc80")
    assert raw.getvalue().startswith(b'{"card":"416973')


def test_an_object_that_json_does_not_know_is_written_as_text(stream: io.StringIO) -> None:
    get_logger("a").info("e", since=datetime(2026, 10, 1, tzinfo=UTC), raw=CARD.encode())
    (line,) = lines(stream)
    assert line["since"] == "2026-10-01 00:00:00+00:00"
    assert line["raw"] == f"b'{MASKED}'"
