"""POST /ExecPasswordAuth on the page's listener: who is let in, and what is told to the others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

import httpx2
import pytest
import structlog
from starlette.types import ASGIApp
from structlog.testing import LogCapture
from tests.gateway_fixtures import MERCHANT_ID, ManualClock, merchant, stage
from tests.golden_files import golden_cases

from tkkpg.gateway.app import exec_app, page_app
from tkkpg.gateway.flows.enrol import enrol, password_equivalent, set_password
from tkkpg.gateway.model.merchant import Certificate
from tkkpg.gateway.runtime import Gateway
from tkkpg.gateway.web.password_auth import BODY_MAX_BYTES, LOCKED, UNREADABLE, WRONG, auth_data

pytestmark = pytest.mark.anyio

DOCUMENT: Final = golden_cases("requests")[0].body
PASSWORD: Final = "correct horse battery"
STRANGERS_TRIES: Final = 5
OTHER: Final = "E1000011"
PATH: Final = "/ExecPasswordAuth"
REFUSED: Final = (
    b"<TKKPG><Response><Operation>CreateOrder</Operation><Status>10</Status></Response></TKKPG>"
)
UNREAD: Final = b"<TKKPG><Response><Operation></Operation><Status>30</Status></Response></TKKPG>"


def signed(xml: bytes, merchant_id: str = MERCHANT_ID, password: str = PASSWORD) -> dict[str, str]:
    """Make the form that a merchant sends."""
    claimed = auth_data(xml, password_equivalent(merchant_id, password))
    return {"xmlRequest": xml.decode(), "authData": claimed}


def of_merchant(merchant_id: str) -> bytes:
    """The document's CreateOrder in another merchant's name."""
    return DOCUMENT.replace(MERCHANT_ID.encode(), merchant_id.encode())


@dataclass(frozen=True, slots=True)
class Door:
    """The page's listener, asked by somebody without a client certificate."""

    gateway: Gateway
    clock: ManualClock
    log: LogCapture
    app: ASGIApp
    http: httpx2.AsyncClient

    async def send(self, form: dict[str, str], path: str = PATH) -> httpx2.Response:
        """Send a form."""
        return await self.http.post(path, data=form)

    async def fail(self, times: int, xml: bytes = DOCUMENT) -> None:
        """Send wrong passwords."""
        named = OTHER if OTHER.encode() in xml else MERCHANT_ID
        for _ in range(times):
            assert (await self.send(signed(xml, named, "wrong"))).content == REFUSED

    async def enter(self, xml: bytes = DOCUMENT, merchant_id: str = MERCHANT_ID) -> bool:
        """Send the right password, and say whether an order was made."""
        reply = await self.send(signed(xml, merchant_id))
        return b"<Status>00</Status>" in reply.content


@asynccontextmanager
async def opened(home: Path, *, sandbox: bool = True) -> AsyncIterator[Door]:
    log = LogCapture()
    async with stage(home) as built:
        gateway = replace(
            built.gateway,
            config=replace(built.gateway.config, sandbox=sandbox),
            log=structlog.wrap_logger(structlog.PrintLogger(), processors=[log]),
        )
        app = page_app(gateway)
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="https://pay.test") as http:
            yield Door(gateway, built.clock, log, app, http)


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    """A merchant with a password."""
    async with opened(tmp_path) as door:
        await set_password(door.gateway, MERCHANT_ID, PASSWORD)
        yield door


def written(home: Path) -> bytes:
    """Everything in a home."""
    return b"".join(file.read_bytes() for file in home.iterdir() if file.is_file())


class Noted(dict[str, bytes]):
    """Keys that note how often they were looked for."""

    looked_for = 0

    def get(self, *wanted: Any) -> Any:  # noqa: ANN401 - as a dictionary's
        """Give a key."""
        self.looked_for += 1
        return super().get(*wanted)


async def add_other(door: Door) -> None:
    """Register another merchant, with the same password."""
    certificate = Certificate(
        fingerprint="cd" * 32,
        merchant_id=OTHER,
        not_after=door.clock.wall() + timedelta(days=1),
    )
    await enrol(door.gateway, merchant(merchant_id=OTHER), certificate)
    await set_password(door.gateway, OTHER, PASSWORD)


# ---- the right password


def test_the_published_vector_is_met() -> None:
    xml = (
        b'<?xml version="1.0" encoding="UTF-8"?>\n'
        b"<TKKPG><Request><Operation>TransactionLog</Operation><Language>RU</Language>"
        b"<Merchant>TEST</Merchant></Request></TKKPG>\n"
    )
    assert (
        auth_data(xml, password_equivalent("TEST", "123456"))
        == "960C6BC22FE2F6FCE7C725967A14CD07874F15D2501C1FB60154C9B0C45364D3"
    )


@pytest.mark.parametrize("path", ["/ExecPasswordAuth", "/execpasswordauth", "/EXECPASSWORDAUTH"])
async def test_the_right_password_works_without_a_certificate(door: Door, path: str) -> None:
    reply = await door.send(signed(DOCUMENT), path)
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "text/xml;charset=UTF-8"
    assert reply.content.startswith(
        b"<TKKPG><Response><Operation>CreateOrder</Operation><Status>00</Status><Order>"
    )


@pytest.mark.parametrize("left", ["", "<>/?='\"ə\n"], ids=["all escaped", "what must be"])
async def test_the_request_is_taken_byte_for_byte_however_it_is_escaped(
    door: Door, left: str
) -> None:
    xml = DOCUMENT.replace(b"</Description>", "ə&amp;ü + %41</Description>\n\n".encode())
    form = signed(xml)
    escaped = "".join(it if it in left else quote(it, safe="") for it in form["xmlRequest"])
    body = f"xmlRequest={escaped.replace('%20', '+')}&authData={form['authData']}"
    reply = await door.http.post(PATH, content=body.encode())
    assert b"<Status>00</Status>" in reply.content


async def test_every_other_path_is_the_pages(door: Door) -> None:
    for path in ("/", "/index.jsp", "/ExecPasswordAuth/", "/Exec"):
        assert "text/html" in (await door.http.get(path)).headers["content-type"]


async def test_it_is_not_on_the_exec_listener(door: Door) -> None:
    transport = httpx2.ASGITransport(app=exec_app(door.gateway))
    async with httpx2.AsyncClient(transport=transport, base_url="https://exec.test") as http:
        assert (await http.post(PATH, data=signed(DOCUMENT))).status_code == 404


async def test_a_message_that_was_recorded_is_accepted_again(door: Door) -> None:
    form = signed(DOCUMENT)
    first, second = await door.send(form), await door.send(form)
    assert b"<Status>00</Status>" in first.content
    assert b"<Status>00</Status>" in second.content
    assert first.content != second.content  # two orders


async def test_a_merchant_that_is_not_active_is_let_in_for_nothing(door: Door) -> None:
    known = await door.gateway.store.merchant(MERCHANT_ID)
    assert known is not None
    certificate = Certificate(
        fingerprint="ab" * 32, merchant_id=MERCHANT_ID, not_after=door.clock.wall()
    )
    await enrol(door.gateway, replace(known, active=False), certificate)
    assert (await door.send(signed(DOCUMENT))).content == REFUSED


# ---- everything else is refused alike


@pytest.mark.parametrize(
    "form",
    [
        signed(DOCUMENT, password="123456789012"),
        signed(DOCUMENT, OTHER),
        signed(DOCUMENT) | {"xmlRequest": DOCUMENT.decode() + "\n"},
        signed(DOCUMENT) | {"authData": ""},
        signed(DOCUMENT) | {"authData": "ə" * 64},
        signed(DOCUMENT) | {"authData": signed(DOCUMENT)["authData"].lower()},
        {"xmlRequest": DOCUMENT.decode(), "authData": password_equivalent(MERCHANT_ID, PASSWORD)},
    ],
    ids=["password", "merchant", "changed", "empty", "letters", "lower case", "equivalent alone"],
)
async def test_what_does_not_belong_together_is_10(door: Door, form: dict[str, str]) -> None:
    reply = await door.send(form)
    assert (reply.status_code, reply.content) == (200, REFUSED)
    assert reply.headers["tkkpg-reason"] == WRONG


async def test_the_password_of_one_merchant_does_not_speak_for_another(door: Door) -> None:
    await add_other(door)
    form = signed(of_merchant(OTHER), MERCHANT_ID)
    assert (await door.send(form)).content == REFUSED


async def test_without_a_password_in_the_gateway_it_is_off(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        for password in ("", PASSWORD):
            reply = await door.send(signed(DOCUMENT, password=password))
            assert (reply.content, reply.headers["tkkpg-reason"]) == (REFUSED, WRONG)


async def test_a_password_that_was_taken_away_opens_nothing(door: Door) -> None:
    assert await door.enter()
    await set_password(door.gateway, MERCHANT_ID, "")
    assert not await door.enter()


async def test_an_unknown_merchant_is_answered_as_a_wrong_password(door: Door) -> None:
    made_up = await door.send(signed(of_merchant("E9999999"), "E9999999"))
    wrong = await door.send(signed(DOCUMENT, password="wrong"))
    assert made_up.content == wrong.content
    assert made_up.headers.keys() == wrong.headers.keys()
    assert made_up.headers["tkkpg-reason"] == wrong.headers["tkkpg-reason"]


async def test_whoever_is_refused_costs_the_opening_of_one_sealed_password(door: Door) -> None:
    await add_other(door)
    await set_password(door.gateway, OTHER, "")
    keys = door.gateway.keys
    seal = Noted(keys.by_purpose["seal"])
    watched = replace(keys, by_purpose={**keys.by_purpose, "seal": seal})
    transport = httpx2.ASGITransport(app=page_app(replace(door.gateway, keys=watched)))
    async with httpx2.AsyncClient(transport=transport, base_url="https://pay.test") as http:
        for opened_before, named in enumerate((MERCHANT_ID, OTHER, "E9999999")):
            assert seal.looked_for == opened_before
            form = signed(of_merchant(named), named, "wrong")
            assert (await http.post(PATH, data=form)).content == REFUSED
    assert seal.looked_for == 3


async def test_outside_a_sandbox_no_reason_is_told(tmp_path: Path) -> None:
    async with opened(tmp_path, sandbox=False) as door:
        reply = await door.send(signed(DOCUMENT))
    assert reply.content == REFUSED
    assert "tkkpg-reason" not in reply.headers


@pytest.mark.parametrize(
    "body",
    [
        b"",
        DOCUMENT,
        urlencode({"xmlRequest": DOCUMENT}).encode(),
        urlencode({"authData": "00"}).encode(),
        urlencode(signed(DOCUMENT)).encode() + b"&authData=00",
        urlencode(signed(DOCUMENT)).encode() + b"&xmlRequest=",
        urlencode(signed(DOCUMENT)).encode() + b"&a=" * 8,
        urlencode(signed(DOCUMENT)).encode() + b"&a=" + b"x" * BODY_MAX_BYTES,
        bytes(range(256)),
    ],
    ids=["nothing", "bare", "no auth", "no xml", "twice", "empty", "many", "long", "binary"],
)
async def test_a_form_without_its_two_fields_is_30(door: Door, body: bytes) -> None:
    reply = await door.http.post(PATH, content=body)
    assert (reply.status_code, reply.content) == (200, UNREAD)
    assert reply.headers["tkkpg-reason"] == UNREADABLE


async def test_a_request_that_exec_would_refuse_is_refused_here(door: Door) -> None:
    broken = DOCUMENT.replace(b"</Order>", b"")
    reply = await door.send(signed(broken))
    assert b"<Status>30</Status>" in reply.content
    assert reply.headers["tkkpg-reason"].startswith("The XML is broken")
    unknown = DOCUMENT.replace(b"CreateOrder", b"TransactionLog")
    assert b"<Status>54</Status>" in (await door.send(signed(unknown))).content


async def test_another_method_than_post_is_405(door: Door) -> None:
    reply = await door.http.get(PATH)
    assert (reply.status_code, reply.headers["allow"]) == (405, "POST")


# ---- too many failures


async def test_after_five_failures_of_a_stranger_the_right_password_waits_too(door: Door) -> None:
    await door.fail(STRANGERS_TRIES)
    locked = await door.send(signed(DOCUMENT))
    assert (locked.content, locked.headers["tkkpg-reason"]) == (REFUSED, LOCKED)
    door.clock.advance(timedelta(seconds=47))
    await door.fail(STRANGERS_TRIES)  # which are not looked at
    assert not await door.enter()
    door.clock.advance(timedelta(seconds=1))
    assert await door.enter()


async def test_strangers_who_fail_without_end_do_not_keep_the_shop_out(door: Door) -> None:
    assert await door.enter()
    for address in (f"198.51.100.{last}" for last in range(1, 60)):
        transport = httpx2.ASGITransport(app=door.app, client=(address, 443))
        async with httpx2.AsyncClient(transport=transport, base_url="https://pay.test") as http:
            for _ in range(STRANGERS_TRIES):
                await http.post(PATH, data=signed(DOCUMENT, password="wrong"))
    looked_at = [entry["why"] for entry in door.log.entries if "why" in entry].count("wrong")
    assert looked_at <= STRANGERS_TRIES * 8
    assert await door.enter()


async def test_two_merchants_do_not_lock_each_other(door: Door) -> None:
    await add_other(door)
    await door.fail(STRANGERS_TRIES)
    await door.fail(STRANGERS_TRIES - 1, of_merchant(OTHER))
    assert not await door.enter()
    assert await door.enter(of_merchant(OTHER), OTHER)


async def test_a_lock_does_not_touch_the_certificate(door: Door) -> None:
    await door.fail(STRANGERS_TRIES)
    known = await door.gateway.store.merchant_of("ab" * 32, door.clock.wall())
    assert known is not None
    assert known.merchant_id == MERCHANT_ID


# ---- the log


async def test_each_failure_has_a_line_that_says_why(door: Door) -> None:
    await door.fail(STRANGERS_TRIES)
    await door.send(signed(DOCUMENT))
    await door.send(signed(of_merchant("E9999999"), "E9999999"))
    lines = [
        (entry["merchant_id"], entry["why"])
        for entry in door.log.entries
        if entry["event"] == "password_refused"
    ]
    assert lines == [
        *[(MERCHANT_ID, "wrong")] * STRANGERS_TRIES,
        (MERCHANT_ID, "locked"),
        ("E9999999", "no_password"),
    ]


async def test_neither_password_nor_request_is_logged_or_stored(door: Door, tmp_path: Path) -> None:
    assert await door.enter()
    await door.fail(STRANGERS_TRIES)
    await door.http.post(PATH, content=DOCUMENT)
    equivalent = password_equivalent(MERCHANT_ID, PASSWORD)
    logged = str(door.log.entries)
    for secret in (PASSWORD, equivalent, signed(DOCUMENT)["authData"], "<TKKPG>", "ApproveURL"):
        assert secret not in logged
    assert "request_refused" in logged
    kept = written(tmp_path)
    assert MERCHANT_ID.encode() in kept
    assert PASSWORD.encode() not in kept
    assert equivalent.encode() not in kept
