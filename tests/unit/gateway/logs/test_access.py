"""One line a request."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest
import structlog
from starlette.types import Message, Receive, Scope, Send
from structlog.testing import CapturingLogger
from structlog.types import EventDict, FilteringBoundLogger

from tkkpg.gateway.logs import AccessLog

SESSION = "0123456789ABCDEF0123456789ABCDEF"


class Lines(list[EventDict]):
    """A processor that keeps events, as they would be written."""

    def __call__(self, _logger: object, _method: str, event: EventDict) -> EventDict:
        self.append(dict(event))
        raise structlog.DropEvent


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def log(lines: Lines) -> FilteringBoundLogger:
    it: FilteringBoundLogger = structlog.wrap_logger(
        CapturingLogger(),
        processors=[structlog.contextvars.merge_contextvars, lines],
        wrapper_class=structlog.make_filtering_bound_logger(0),
    )
    return it


def seconds(step_s: float) -> Iterator[float]:
    return (turn * step_s for turn in count())


async def ask(
    app: AccessLog, path: str = "/Exec", kind: str = "http"
) -> tuple[Scope, list[Message]]:
    """Send one request through the middleware; give its scope and the reply's messages."""
    scope: Scope = {
        "type": kind,
        "method": "POST",
        "path": path,
        "query_string": f"ORDERID=181&SESSIONID={SESSION}".encode(),
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return scope, sent


async def created(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 201, "headers": []})
    await send({"type": "http.response.body", "body": b"abc", "more_body": True})
    await send({"type": "http.response.body", "body": b"de"})


@pytest.mark.anyio
async def test_a_request_is_one_line_with_its_measures(
    log: FilteringBoundLogger, lines: Lines
) -> None:
    ids = (f"r-{number}" for number in count(1))
    clock = seconds(0.25)
    app = AccessLog(created, log, "exec", new_id=lambda: next(ids), monotonic=lambda: next(clock))
    _, sent = await ask(app)
    assert lines == [
        {
            "event": "request",
            "listener": "exec",
            "method": "POST",
            "path": "/Exec",
            "status": 201,
            "ms": 250.0,
            "bytes": 5,
            "request_id": "r-1",
        }
    ]
    assert [message["type"] for message in sent] == [
        "http.response.start",
        "http.response.body",
        "http.response.body",
    ]


@pytest.mark.anyio
async def test_the_id_is_in_the_scope_and_in_what_the_application_logs(
    log: FilteringBoundLogger, lines: Lines
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        log.info("inside", seen=scope["state"]["request_id"])
        await created(scope, receive, send)

    ids = (f"r-{number}" for number in count(1))
    middleware = AccessLog(app, log, "exec", new_id=lambda: next(ids))
    scopes = [(await ask(middleware))[0] for _ in range(2)]
    log.info("outside")
    assert [scope["state"]["request_id"] for scope in scopes] == ["r-1", "r-2"]
    assert [(line["event"], line.get("request_id")) for line in lines] == [
        ("inside", "r-1"),
        ("request", "r-1"),
        ("inside", "r-2"),
        ("request", "r-2"),
        ("outside", None),
    ]
    assert [line["seen"] for line in lines if "seen" in line] == ["r-1", "r-2"]


@pytest.mark.anyio
async def test_what_the_server_put_into_the_state_stays(log: FilteringBoundLogger) -> None:
    seen: list[dict[str, object]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["state"])
        await created(scope, receive, send)

    middleware = AccessLog(app, log, "exec", new_id=lambda: "r-1")
    scope: Scope = {"type": "http", "method": "GET", "path": "/", "state": {"peer": "f00"}}

    async def unused() -> Message:
        raise AssertionError

    async def send(_message: Message) -> None:
        pass

    await middleware(scope, unused, send)
    assert seen == [{"peer": "f00", "request_id": "r-1"}]


@pytest.mark.anyio
async def test_neither_the_query_nor_a_session_id_in_the_path_is_written(
    log: FilteringBoundLogger, lines: Lines
) -> None:
    app = AccessLog(created, log, "page", new_id=lambda: "r-1")
    for path in ("/index.jsp", f"/{SESSION}", "/" + "x" * 243 + "/" + SESSION, f"//{SESSION}/a"):
        await ask(app, path)
    assert SESSION[:8] not in repr(lines)
    assert [line["path"] for line in lines[:2]] == ["/index.jsp", "/0123…"]


@pytest.mark.anyio
async def test_a_long_path_is_cut(log: FilteringBoundLogger, lines: Lines) -> None:
    await ask(AccessLog(created, log, "page", new_id=lambda: "r-1"), "/" + "x" * 60_000)
    assert lines[0]["path"] == "/" + "x" * 255 + "…"


@pytest.mark.anyio
async def test_an_application_that_fails_is_a_line_with_500_and_still_fails(
    log: FilteringBoundLogger, lines: Lines
) -> None:
    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise LookupError("gone")

    with pytest.raises(LookupError):
        await ask(AccessLog(app, log, "exec", new_id=lambda: "r-1"))
    assert [(line["status"], line["bytes"]) for line in lines] == [(500, 0)]


@pytest.mark.anyio
async def test_what_is_no_request_passes_without_a_line(
    log: FilteringBoundLogger, lines: Lines
) -> None:
    kinds: list[str] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        kinds.append(scope["type"])

    scope, _ = await ask(AccessLog(app, log, "exec", new_id=lambda: "r-1"), kind="lifespan")
    assert (kinds, lines, "state" in scope) == (["lifespan"], [], False)
