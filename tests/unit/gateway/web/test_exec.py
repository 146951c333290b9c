"""POST /Exec: what is read, what is refused, and what stands around the reply."""

from __future__ import annotations

import ast
import inspect
import re
import tracemalloc
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx2
import pytest
import structlog
from starlette.types import ASGIApp, Message
from structlog.contextvars import merge_contextvars
from structlog.testing import LogCapture
from tests.gateway_fixtures import (
    FINGERPRINT,
    Stage,
    merchant,
    stage,
    with_certificate,
)
from tests.golden_files import GoldenCase, golden_cases
from tests.paying import (
    Answer,
    AnsweringHost,
    create,
    paid,
    post,
    refund_request,
    request,
    stored,
)

from tkkpg.gateway.app import exec_app
from tkkpg.gateway.flows.enrol import enrol
from tkkpg.gateway.model.merchant import Certificate
from tkkpg.gateway.model.transaction import TranKind
from tkkpg.gateway.runtime import Gateway
from tkkpg.gateway.store.sqlite import connect
from tkkpg.gateway.web import exec as exec_module
from tkkpg.protocol.values import OrderRef, OrderStatus
from tkkpg.protocol.xml import REQUEST_LIMITS

pytestmark = pytest.mark.anyio

DOCUMENT: Final = golden_cases("requests")[0].body
MALFORMED: Final = golden_cases("malformed")
CHUNK: Final = 1024
MEMORY_LIMIT: Final = 1_000_000
REASON_LIMIT: Final = 200
OTHER: Final = "E1000011"
OTHER_FINGERPRINT: Final = "cd" * 32
NO_OPERATION: Final = (
    b"<TKKPG><Response><Operation></Operation><Status>30</Status></Response></TKKPG>"
)


@dataclass(slots=True)
class Exchange:
    """One request at the level of ASGI: how often the body was asked for, and what was answered."""

    received: int = 0
    status: int = 0
    headers: dict[bytes, bytes] | None = None
    body: bytes = b""


async def exchange(app: ASGIApp, messages: Iterable[Message]) -> Exchange:
    """Send a request whose body comes message by message."""
    seen, coming = Exchange(), iter(messages)
    scope = {"type": "http", "method": "POST", "path": "/Exec", "headers": [], "state": {}}

    async def receive() -> Message:
        seen.received += 1
        return next(coming)

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            seen.status, seen.headers = message["status"], dict(message["headers"])
        else:
            seen.body += message["body"]

    await app(scope, receive, send)
    return seen


def part(body: bytes, *, more: bool = True) -> Message:
    """A piece of a body."""
    return {"type": "http.request", "body": body, "more_body": more}


def endless(piece: bytes = b"x" * CHUNK) -> Iterator[Message]:
    """A body that never ends."""
    yield part(DOCUMENT)
    while True:
        yield part(piece)


def in_pieces(body: bytes) -> Iterator[Message]:
    """A body as the server hands it on, ended."""
    for start in range(0, len(body), 16 * CHUNK):
        yield part(body[start : start + 16 * CHUNK])
    yield part(b"", more=False)


def changed(tag: str, value: str) -> bytes:
    """The document's CreateOrder with another text in one element."""
    body, times = re.subn(
        rf"<{tag}>.*?</{tag}>", lambda _: f"<{tag}>{value}</{tag}>", DOCUMENT.decode()
    )
    assert times == 1
    return body.encode()


def without(tag: str) -> bytes:
    """The document's CreateOrder without one element."""
    body, times = re.subn(rf"<{tag}>.*?</{tag}>", "", DOCUMENT.decode())
    assert times == 1
    return body.encode()


BOMB: Final = (
    b'<!DOCTYPE TKKPG [<!ENTITY a "ha">'
    + b"".join(
        b'<!ENTITY %c "%s">' % (name, b"&%c;" % (name - 1) * 10) for name in range(ord("b"), 123)
    )
    + b"]><TKKPG><Request><Operation>&z;</Operation></Request></TKKPG>"
)

BAD: Final[dict[str, bytes]] = {
    "unclosed": DOCUMENT[:-20],
    "ampersand in a description": changed("Description", "Tea & jam"),
    "ampersand in a URL": changed("ApproveURL", "https://shop.example/?a=1&b=2"),
    "doctype": b"<!DOCTYPE TKKPG>" + DOCUMENT[DOCUMENT.index(b"<TKKPG>") :],
    "entity bomb": BOMB,
    "200,000 levels": b"<a>" * 200_000,
    "7 MB value": changed("Description", "x" * 7_000_000),
    "more than 64 kB": DOCUMENT + b" " * (REQUEST_LIMITS.size + 1 - len(DOCUMENT)),
    "13,000 attributes": b"<TKKPG " + b'a="" ' * 13_000 + b"/>",
    "empty": b"",
    "white space": b" \r\n\t ",
    "no XML": b'{"Operation": "CreateOrder"}',
    "binary": bytes(range(256)),
    "merchant missing": without("Merchant"),
    "amount missing": without("Amount"),
    "currency missing": without("Currency"),
    "language missing": without("Language"),
    "operation missing": without("Operation"),
    "amount zero": changed("Amount", "0"),
    "amount negative": changed("Amount", "-100"),
    "amount fractional": changed("Amount", "30.5"),
    "amount too large": changed("Amount", "9" * 18),
    "amount of 60,000 digits": changed("Amount", "9" * 60_000),
    "amount no number": changed("Amount", "ten"),
    "amount empty": changed("Amount", ""),
    "another currency": changed("Currency", "840"),
    "currency by letters": changed("Currency", "AZN"),
    "another language": changed("Language", "DE"),
    "javascript URL": changed("ApproveURL", "javascript:alert(1)"),
    "data URL": changed("CancelURL", "data:text/html,hello"),
    "file URL": changed("DeclineURL", "file:///etc/passwd"),
    "URL with user-info": changed("ApproveURL", "https://shop.example@evil.example/"),
    "URL with a control character": changed("ApproveURL", "https://shop.example/&#9;ok"),
    "URL of 256 characters": changed("ApproveURL", "https://shop.example/".ljust(256, "a")),
}
"""Everything that is answered with 30."""

HEAVY: Final = (
    "entity bomb",
    "200,000 levels",
    "7 MB value",
    "more than 64 kB",
    "13,000 attributes",
    "amount of 60,000 digits",
    "ampersand in a description",
    "amount zero",
)
"""Those that try to cost something, and two ordinary ones."""

PEER: Final = "PEERTEXT"


def told(text: str) -> list[bytes]:
    """Requests that are refused and hold a text of the peer's in every place there is."""
    tags = ("Merchant", "Amount", "Currency", "Language", "OrderType")
    bare = DOCUMENT[DOCUMENT.index(b"<TKKPG>") :]
    named = text.encode()
    return [
        *(changed(tag, text) for tag in tags),
        changed("Operation", text),
        changed("CancelURL", f"{text} {text}"),
        changed("DeclineURL", f"javascript:{text}"),
        changed("ApproveURL", f"https://{text}@shop.example/"),
        b"<%s></%s>" % (named, named),
        b"<%s>" % named,
        named,
        b"<TKKPG><Request><%s/><%s/></Request></TKKPG>" % (named, named),
        b"<TKKPG><Request><Operation><%s/></Operation></Request></TKKPG>" % named,
        b"<TKKPG><Request><Operation>&%s;</Operation></Request></TKKPG>" % named,
        b'<!DOCTYPE %s SYSTEM "%s">' % (named, named) + bare,
        b'<TKKPG %s="" %s=""/>' % (named, named),
        bare.replace(b"</Order>", b"<Merchant>%s</Merchant></Order>" % named),
        request("GetOrderStatus", OrderRef(14008766, text)),
        request("GetOrderStatus", OrderRef(14008766, "A"), merchant=text),
        request("Refund", OrderRef(14008766, "A"), more=f"<TranId>{text}</TranId>"),
    ]


@asynccontextmanager
async def logged(
    home: Path, host: AnsweringHost | None = None
) -> AsyncIterator[tuple[Stage, LogCapture]]:
    """Open a gateway whose own lines are kept."""
    log = LogCapture()
    async with stage(home, host=host) as built:
        lines = structlog.wrap_logger(structlog.PrintLogger(), processors=[merge_contextvars, log])
        gateway = replace(built.gateway, log=lines)
        app = with_certificate(exec_app(gateway), FINGERPRINT)
        yield replace(built, gateway=gateway, exec=app), log


def counted(gateway: Gateway, operation: str, status: str) -> float | None:
    """Read how often an operation was answered so on Exec."""
    return gateway.metrics.registry.get_sample_value(
        "tkkpg_requests_total", {"listener": "exec", "operation": operation, "status": status}
    )


async def ask(app: ASGIApp, method: str, path: str) -> httpx2.Response:
    """Send the document's CreateOrder another way."""
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="https://localhost") as client:
        return await client.request(method, path, content=DOCUMENT)


async def nothing_was_made(gateway: Stage) -> bool:
    """Say whether the first order of this gateway is the one that is created now."""
    ref = await create(gateway.client)
    return await gateway.gateway.store.order(ref.order_id - 1) is None


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_only_post_is_served(tmp_path: Path, method: str) -> None:
    async with stage(tmp_path) as gateway:
        reply = await ask(gateway.exec, method, "/Exec")
        assert reply.status_code == 405
        assert reply.headers["allow"] == "POST"
        assert reply.headers["content-type"] == "text/plain"
        assert await nothing_was_made(gateway)


@pytest.mark.parametrize("path", ["/Exec", "/EXEC", "/exec", "/eXeC"])
async def test_the_case_of_the_path_does_not_matter(tmp_path: Path, path: str) -> None:
    async with stage(tmp_path) as gateway:
        reply = await ask(gateway.exec, "POST", path)
        assert reply.status_code == 200
        assert b"<Status>00</Status>" in reply.content


@pytest.mark.parametrize("path", ["/", "/Exec/", "/Exec/more", "/Execute", "/index.jsp"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_there_is_nothing_at_another_path(tmp_path: Path, method: str, path: str) -> None:
    async with stage(tmp_path) as gateway:
        reply = await ask(gateway.exec, method, path)
        assert reply.status_code == 404
        assert reply.text == "Not found. The service is /Exec.\n"
        assert await nothing_was_made(gateway)


@pytest.mark.parametrize(
    "kind",
    [
        "text/xml",
        "application/xml; charset=windows-1251",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/json",
        "nonsense",
        None,
    ],
)
async def test_the_content_type_is_ignored(tmp_path: Path, kind: str | None) -> None:
    async with stage(tmp_path) as gateway:
        reply = await post(gateway.exec, DOCUMENT, {"content-type": kind} if kind else None)
        assert b"<Status>00</Status>" in reply.content
        assert reply.headers["content-type"] == "text/xml;charset=UTF-8"


async def test_a_body_without_end_is_refused_while_it_is_read(tmp_path: Path) -> None:
    async with stage(tmp_path) as gateway:
        seen = await exchange(gateway.exec, endless())
        assert (seen.status, seen.body) == (200, NO_OPERATION)
        assert (seen.received - 1) * CHUNK <= REQUEST_LIMITS.size
        assert len(DOCUMENT) + (seen.received - 1) * CHUNK > REQUEST_LIMITS.size
        assert await nothing_was_made(gateway)


async def test_a_body_of_exactly_the_limit_is_served(tmp_path: Path) -> None:
    async with stage(tmp_path) as gateway:
        reply = await post(gateway.exec, DOCUMENT.ljust(REQUEST_LIMITS.size))
        assert b"<Status>00</Status>" in reply.content


async def test_a_body_in_single_bytes_is_put_together(tmp_path: Path) -> None:
    async with stage(tmp_path) as gateway:
        pieces = [part(bytes([byte])) for byte in DOCUMENT] + [part(b"", more=False)]
        seen = await exchange(gateway.exec, pieces)
        assert b"<Status>00</Status>" in seen.body


@pytest.mark.parametrize("before", [DOCUMENT, DOCUMENT[:100], b""], ids=["all", "half", "nothing"])
async def test_a_client_that_goes_away_in_mid_body_has_done_nothing(
    tmp_path: Path, before: bytes
) -> None:
    """Also when what came looks whole: its client knows that it was never sent."""
    async with stage(tmp_path) as gateway:
        await exchange(gateway.exec, [part(before), {"type": "http.disconnect"}])
        assert await nothing_was_made(gateway)


async def test_a_refund_whose_client_goes_away_in_mid_body_moves_no_money(tmp_path: Path) -> None:
    host = AnsweringHost()
    async with stage(tmp_path, host=host) as gateway:
        ref = await paid(gateway.client, gateway.gateway)
        cut = [part(refund_request(ref, 1000)), {"type": "http.disconnect"}]
        await exchange(gateway.exec, cut)
        assert host.count(TranKind.REFUND) == 0
        order = await stored(gateway.gateway, ref)
        assert (order.status, order.refunded_minor) == (OrderStatus.APPROVED, 0)


@pytest.mark.parametrize("name", BAD)
async def test_bad_input_is_30_with_http_200_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    async with stage(tmp_path) as gateway:
        reply = await post(gateway.exec, BAD[name])
        assert reply.status_code == 200
        assert b"<Status>30</Status>" in reply.content
        assert b"\n" not in reply.content
        assert await nothing_was_made(gateway)


@pytest.mark.parametrize("case", MALFORMED, ids=str)
async def test_every_malformed_golden_request_is_answered_as_its_file_says(
    tmp_path: Path, case: GoldenCase
) -> None:
    async with stage(tmp_path) as gateway:
        reply = await post(gateway.exec, case.body)
        assert reply.status_code == 200
        assert f"<Status>{case.facts['status']}</Status>".encode() in reply.content
        assert reply.headers["TKKPG-Reason"].startswith(case.facts["reason"])


@pytest.mark.parametrize("name", HEAVY)
async def test_bad_input_costs_less_than_a_megabyte(tmp_path: Path, name: str) -> None:
    async with stage(tmp_path) as gateway:
        await post(gateway.exec, DOCUMENT)  # what is loaded once is not counted
        body = BAD[name]
        tracemalloc.start()
        try:
            seen = await exchange(gateway.exec, in_pieces(body))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert b"<Status>30</Status>" in seen.body
        assert peak <= MEMORY_LIMIT


@pytest.mark.parametrize(
    ("operation", "written"),
    [
        ("TransactionLog", b"TransactionLog"),
        ("createorder", b"createorder"),
        ("A&amp;B&lt;C", b"A&amp;B&lt;C"),
        ("x" * 60_000, b"x" * 64),
        ("\u0259\u2028\x85", b""),
        ("\ufffd\U0001f600", b""),
    ],
    ids=["known elsewhere", "another case", "markup", "long", "separators", "astral"],
)
async def test_an_unknown_operation_is_54_with_its_name_cut_short(
    tmp_path: Path, operation: str, written: bytes
) -> None:
    async with stage(tmp_path) as gateway:
        reply = await post(gateway.exec, changed("Operation", operation))
        assert reply.status_code == 200
        name = written or operation.strip().encode()
        assert reply.content == (
            b"<TKKPG><Response><Operation>%s</Operation><Status>54</Status></Response></TKKPG>"
            % name
        )


@pytest.mark.parametrize("character", ["\ufffe", "\uffff", "\x01", "\x7f", "\ud800"])
async def test_an_operation_of_characters_that_xml_knows_or_not_is_always_answered(
    tmp_path: Path, character: str
) -> None:
    async with stage(tmp_path) as gateway:
        body = DOCUMENT.replace(b"CreateOrder", character.encode("utf-8", "surrogatepass"))
        reply = await post(gateway.exec, body)
        assert reply.status_code == 200
        assert re.search(rb"<Status>(30|54)</Status>", reply.content)


@pytest.mark.parametrize("merchant_id", [OTHER, "E9999999"], ids=["another", "unknown"])
async def test_a_merchant_that_is_not_the_certificates_is_10(
    tmp_path: Path, merchant_id: str
) -> None:
    async with stage(tmp_path) as gateway:
        await enrol_other(gateway)
        reply = await post(gateway.exec, changed("Merchant", merchant_id))
        assert reply.status_code == 200
        assert b"<Operation>CreateOrder</Operation><Status>10</Status>" in reply.content


@pytest.mark.parametrize("fingerprint", ["ef" * 32, None], ids=["unregistered", "none"])
async def test_a_certificate_that_is_not_registered_is_10(
    tmp_path: Path, fingerprint: str | None
) -> None:
    async with stage(tmp_path) as gateway:
        app = with_certificate(exec_app(gateway.gateway), fingerprint)
        reply = await post(app, DOCUMENT)
        assert reply.status_code == 200
        assert b"<Status>10</Status>" in reply.content


async def enrol_other(gateway: Stage) -> ASGIApp:
    """Enrol a second merchant; give Exec as asked with its certificate."""
    certificate = Certificate(
        fingerprint=OTHER_FINGERPRINT,
        merchant_id=OTHER,
        not_after=gateway.clock.wall() + timedelta(days=365),
    )
    await enrol(gateway.gateway, merchant(merchant_id=OTHER), certificate)
    return with_certificate(exec_app(gateway.gateway), OTHER_FINGERPRINT)


def varying(reply: httpx2.Response) -> tuple[int, bytes, list[tuple[str, str]]]:
    """Everything that a caller sees, but for the id of its request."""
    headers = [pair for pair in reply.headers.items() if pair[0].lower() != "tkkpg-request-id"]
    return reply.status_code, reply.content, headers


@pytest.mark.parametrize("operation", ["GetOrderStatus", "GetOrderInformation", "Refund"])
async def test_an_unknown_order_a_wrong_session_and_somebody_elses_order_look_the_same(
    tmp_path: Path, operation: str
) -> None:
    async with stage(tmp_path) as gateway:
        theirs = await enrol_other(gateway)
        ref = await paid(gateway.client, gateway.gateway)
        more = "<Refund><Amount>100</Amount></Refund>" if operation == "Refund" else ""
        unknown = OrderRef(ref.order_id + 1, ref.session_id)
        wrong = OrderRef(ref.order_id, "F" * 32)
        seen = [
            varying(await post(gateway.exec, request(operation, unknown, more=more))),
            varying(await post(gateway.exec, request(operation, wrong, more=more))),
            varying(await post(theirs, request(operation, ref, merchant=OTHER, more=more))),
        ]
        assert seen[0] == seen[1] == seen[2]
        assert b"<Status>30</Status>" in seen[0][1]
        own = await post(gateway.exec, request(operation, ref, more=more))
        assert own.content != seen[0][1]


async def test_every_reply_has_an_id_of_its_own(tmp_path: Path) -> None:
    async with stage(tmp_path) as gateway:
        replies = [await post(gateway.exec, body) for body in (DOCUMENT, b"", DOCUMENT)]
        ids = [reply.headers["TKKPG-Request-Id"] for reply in replies]
        assert len(set(ids)) == 3
        assert all(re.fullmatch(r"[a-z]{32}", known) for known in ids)


async def test_a_reason_is_given_where_it_failed_and_only_in_the_sandbox(tmp_path: Path) -> None:
    async with stage(tmp_path) as gateway:
        assert "TKKPG-Reason" not in (await post(gateway.exec, DOCUMENT)).headers
        bad = BAD["amount zero"]
        sandbox = await post(gateway.exec, bad)
        assert sandbox.headers["TKKPG-Reason"].startswith("Order/Amount must be")
        running = gateway.gateway
        bank = replace(running, config=replace(running.config, sandbox=False))
        reply = await post(with_certificate(exec_app(bank), FINGERPRINT), bad)
        assert reply.content == sandbox.content
        assert "TKKPG-Reason" not in reply.headers
        assert "TKKPG-Request-Id" in reply.headers


@pytest.mark.parametrize("length", [len(PEER), 200, 60_000])
async def test_a_reason_is_short_ascii_without_a_word_of_the_peers(
    tmp_path: Path, length: int
) -> None:
    """Whatever the peer wrote, wherever and however long: it is in no header."""
    async with stage(tmp_path) as gateway:
        for body in told((PEER * length)[:length]):
            reply = await post(gateway.exec, body)
            reason = reply.headers["TKKPG-Reason"]
            assert reason.isascii()
            assert reason.isprintable()
            assert 0 < len(reason) <= REASON_LIMIT
            assert PEER not in reason
            assert re.search(rb"<Status>(10|30|54)</Status>", reply.content)


async def test_a_refusal_is_logged_with_its_reason_under_the_requests_id(tmp_path: Path) -> None:
    async with logged(tmp_path) as (gateway, log):
        reply = await post(gateway.exec, BAD["amount zero"])
        (line,) = [entry for entry in log.entries if entry["event"] == "request_refused"]
        assert (line["operation"], line["status"]) == ("CreateOrder", "30")
        assert line["reason"] == reply.headers["TKKPG-Reason"]
        assert line["request_id"] == reply.headers["TKKPG-Request-Id"]


async def test_something_unforeseen_is_96_and_logged_with_its_reference(tmp_path: Path) -> None:
    host = AnsweringHost()
    host.answers(TranKind.REFUND, Answer(reply=None))
    async with logged(tmp_path, host=host) as (gateway, log):
        ref = await paid(gateway.client, gateway.gateway)
        reply = await post(gateway.exec, refund_request(ref, 1000))
        assert reply.status_code == 200
        assert reply.content == (
            b"<TKKPG><Response><Operation>Refund</Operation><Status>96</Status></Response></TKKPG>"
        )
        assert reply.headers["TKKPG-Reason"].startswith("Something failed inside")
        (line,) = [entry for entry in log.entries if entry["event"] == "request_failed"]
        assert (line["log_level"], line["operation"]) == ("error", "Refund")
        assert line["exc_info"]
        assert line["request_id"] == reply.headers["TKKPG-Request-Id"]
        assert ref.session_id not in str(log.entries)
        assert counted(gateway.gateway, "Refund", "96") == 1


async def test_a_refusal_that_cannot_be_noted_is_answered_all_the_same(tmp_path: Path) -> None:
    async with logged(tmp_path) as (gateway, log):
        ref = await create(gateway.client)
        db = connect(tmp_path / "tkkpg.db", writing=True)
        db.execute(
            "CREATE TRIGGER broken BEFORE INSERT ON audit WHEN NEW.action = 'request_refused'"
            " BEGIN SELECT RAISE(ABORT, 'broken'); END"
        )
        db.close()
        reply = await post(gateway.exec, refund_request(ref, 1000))
        assert b"<Operation>Refund</Operation><Status>30</Status>" in reply.content
        assert [entry["event"] for entry in log.entries if entry["log_level"] == "error"] == [
            "refusal_not_noted"
        ]


def test_there_is_one_place_where_an_exception_becomes_a_status() -> None:
    tree = ast.parse(inspect.getsource(exec_module))
    assert sum(isinstance(node, ast.Try) for node in ast.walk(tree)) == 1
    (handled,) = [node for node in ast.walk(tree) if isinstance(node, ast.Try)]
    called = [node for one in handled.handlers for node in ast.walk(one)]
    assert not [node for node in called if isinstance(node, ast.Await)]


async def test_requests_are_counted_by_operation_and_status(tmp_path: Path) -> None:
    async with stage(tmp_path) as gateway:
        for body in (DOCUMENT, DOCUMENT, BAD["amount zero"], BAD["empty"]):
            await post(gateway.exec, body)
        for name in ("TransactionLog", "Other", PEER):
            await post(gateway.exec, changed("Operation", name))
        running = gateway.gateway
        assert counted(running, "CreateOrder", "00") == 2
        assert counted(running, "CreateOrder", "30") == 1
        assert counted(running, "other", "30") == 1
        assert counted(running, "other", "54") == 3
        assert PEER.encode() not in running.metrics.render()
