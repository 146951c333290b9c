"""Directory and access control server over real TLS, and a 3-D Secure server that talks to them."""

from __future__ import annotations

import asyncio
import html
import re
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final
from urllib.parse import parse_qs

import httpx2
import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.testing import LogCapture
from tests.authorities import authority, served
from tests.gateway_fixtures import ManualClock

from tkkpg.gateway.authority import EC
from tkkpg.gateway.server import Servers, exec_tls, page_tls
from tkkpg.gateway.server.listening import Listener
from tkkpg.gateway.threeds.codec import AnyMessage, from_form, read, to_form, write
from tkkpg.gateway.threeds.messages import (
    AReq,
    ARes,
    CReq,
    CRes,
    MethodCompleted,
    RReq,
    RRes,
)
from tkkpg.issuer.threeds.app import ThreeDS, ThreeDSSettings, open_threeds
from tkkpg.issuer.threeds.scenario import Answer, Fault, Scenario
from tkkpg.protocol.masking import Secret

SERVER_ID: Final = "8a880dc0-d2d2-4067-bcb1-b08d1690b26e"
OTHER_ID: Final = "11111111-2222-4333-8444-555555555555"
SESSION_DATA: Final = "c2VhbGVkIGNhcmQ"
PASSABLE: Final = "4000000000000002"
SCENARIOS: Final = {
    **{f"40000000000001{n:02}": Scenario(answer=answer) for n, answer in enumerate(Answer)},
    **{
        f"40000000000002{n:02}": Scenario(answer=Answer.CHALLENGE, fault=fault)
        for n, fault in enumerate(Fault)
    },
    PASSABLE: Scenario(answer=Answer.CHALLENGE, method=True),
    "5200000000000007": Scenario(answer=Answer.FRICTIONLESS),
}


def card(scenario: Answer | Fault) -> str:
    """The card of an answer, or of a fault after a challenge."""
    for pan, found in SCENARIOS.items():
        if scenario is (found.fault or found.answer) and not found.method:
            return pan
    raise KeyError(scenario)


class Later:
    """An application that is known only after its socket."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        await self.app(scope, receive, send)


@dataclass
class ThreeDSServer:
    """The other end: takes RReq on one listener, browsers on another, and keeps both.

    Attributes:
        replies: Bodies to answer RReq with, before it begins to answer as it should.
        to_challenge: What its page sends to the access control server.
        method_url: What another page of it shows in a frame.
    """

    results: list[RReq] = field(default_factory=list)
    returned: list[CRes] = field(default_factory=list)
    session_data: list[str | None] = field(default_factory=list)
    results_then: list[int] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)
    replies: list[bytes] = field(default_factory=list)
    taken: asyncio.Event = field(default_factory=asyncio.Event)
    to_challenge: dict[str, str] = field(default_factory=dict)
    method_url: str = ""

    async def take_result(self, request: Request) -> Response:
        """Take an RReq."""
        rreq = read(await request.body(), RReq)
        assert isinstance(rreq, RReq)
        self.results.append(rreq)
        self.taken.set()
        if self.replies:
            return Response(self.replies.pop(0))
        return Response(
            write(
                RRes(
                    three_ds_server_trans_id=rreq.three_ds_server_trans_id,
                    ds_trans_id=rreq.ds_trans_id,
                    acs_trans_id=rreq.acs_trans_id,
                )
            )
        )

    async def result(self) -> RReq:
        """Wait for the first RReq, and give the only one."""
        async with asyncio.timeout(5):
            await self.taken.wait()
        (result,) = self.results
        return result

    async def take_back(self, request: Request) -> Response:
        """Take the browser back after a challenge."""
        fields = parse_qs((await request.body()).decode())
        cres = from_form(fields["cres"][0], CRes)
        assert isinstance(cres, CRes)
        self.returned.append(cres)
        self.session_data.append(fields.get("threeDSSessionData", [None])[0])
        self.results_then.append(len(self.results))
        return HTMLResponse('<!doctype html><html lang="en"><title>Back</title><h1>Back</h1>')

    async def take_method(self, request: Request) -> Response:
        """Learn that the method was completed."""
        self.methods.append(parse_qs((await request.body()).decode())["threeDSMethodData"][0])
        return HTMLResponse('<!doctype html><html lang="en"><title>Done</title><h1>Done</h1>')

    async def send(self, _request: Request) -> Response:
        """Send the browser to the challenge, at a button."""
        action = self.to_challenge["action"]
        inputs = "".join(
            f'<input type="hidden" name="{name}" value="{html.escape(value)}">'
            for name, value in self.to_challenge.items()
            if name != "action"
        )
        return HTMLResponse(
            f'<!doctype html><html lang="en"><title>Go</title><h1>Go</h1>'
            f'<form method="post" action="{action}">{inputs}<button>Go</button></form>'
        )

    async def frame(self, request: Request) -> Response:
        """Call the method page in a frame, by the data in the query."""
        source = f"{self.method_url}?threeDSMethodData={request.url.query}"
        return HTMLResponse(
            '<!doctype html><html lang="en"><title>Frame</title><h1>Frame</h1>'
            f'<iframe title="Method" src="{source}"></iframe>'
        )

    def results_app(self) -> Starlette:
        """Its listener for results."""
        return Starlette(routes=[Route("/results", self.take_result, methods=["POST"])])

    def page_app(self) -> Starlette:
        """Its listener for browsers."""
        return Starlette(
            routes=[
                Route("/go", self.send),
                Route("/framed", self.frame),
                Route("/back", self.take_back, methods=["POST"]),
                Route("/method-done", self.take_method, methods=["POST"]),
            ]
        )


@dataclass(kw_only=True)
class Stage:
    """Everything together.

    Attributes:
        http: A browser or a server, with our certificate.
        stranger: The same without one.
        paused: How long RReq were held back.
    """

    threeds: ThreeDS
    server: ThreeDSServer
    clock: ManualClock
    http: httpx2.AsyncClient
    stranger: httpx2.AsyncClient
    ds_url: str
    acs_url: str
    page_url: str
    paused: list[float]
    scenarios: dict[Secret, Scenario]
    log: LogCapture

    def areq(self, pan: str = PASSABLE, **changes: object) -> AReq:
        """Make an AReq."""
        elements: dict[str, Any] = {
            "three_ds_server_trans_id": SERVER_ID,
            "three_ds_server_ref_number": "TKKPG_SANDBOX",
            "three_ds_server_url": f"{self.page_url}/results",
            "three_ds_requestor_id": "E1000010",
            "three_ds_requestor_name": "Nar",
            "three_ds_requestor_url": "https://shop.example",
            "three_ds_comp_ind": MethodCompleted.UNAVAILABLE,
            "acct_number": Secret(pan),
            "card_expiry_date": Secret("4012"),
            "purchase_amount": "3000",
            "purchase_currency": "944",
            "purchase_exponent": "2",
            "purchase_date": "20261124080000",
            "merchant_name": "Nar & friends",
            "mcc": "5999",
            "merchant_country_code": "031",
            "acquirer_bin": "416973",
            "acquirer_merchant_id": "E1000010",
            "notification_url": f"{self.page_url}/back",
            "browser_accept_header": "text/html",
            "browser_user_agent": "test",
            "browser_language": "en",
            "browser_javascript_enabled": False,
        }
        return AReq(**elements | changes)

    async def post(self, body: bytes, kind: type[AnyMessage]) -> AnyMessage | Any:  # noqa: ANN401 - or an Erro
        """Send bytes to the directory and read its answer."""
        reply = await self.http.post(self.ds_url, content=body)
        assert reply.status_code == 200
        return read(reply.content, kind)

    async def authenticate(self, pan: str = PASSABLE, **changes: object) -> ARes:
        """Send an AReq."""
        ares = await self.post(write(self.areq(pan, **changes)), ARes)
        assert isinstance(ares, ARes)
        return ares

    async def challenge(self, pan: str = PASSABLE, **changes: object) -> Opened:
        """Begin a challenge and open its page."""
        return await self.open(await self.authenticate(pan, **changes))

    def carried(self, ares: ARes) -> dict[str, str]:
        """What a browser carries to the challenge."""
        creq = CReq(
            three_ds_server_trans_id=ares.three_ds_server_trans_id, acs_trans_id=ares.acs_trans_id
        )
        return {"creq": to_form(creq), "threeDSSessionData": SESSION_DATA}

    async def open(self, ares: ARes) -> Opened:
        """Open the page of a challenge."""
        assert ares.acs_url is not None
        reply = await self.http.post(ares.acs_url, data=self.carried(ares))
        assert reply.status_code == 200, reply.text
        return Opened(self, reply.text)

    async def back(self, opened: Opened) -> CRes:
        """Press the button that leads back."""
        await self.http.post(opened.action("return"), data=opened.fields("return"))
        return self.server.returned[-1]


@dataclass(frozen=True)
class Opened:
    """A page of the challenge in a browser without JavaScript."""

    stage: Stage
    text: str

    @property
    def code(self) -> str:
        """The code that the page shows."""
        found = re.search(r'<strong class="code">(\d{6})</strong>', self.text)
        assert found
        return found[1]

    @property
    def wrong_code(self) -> str:
        """Another one."""
        return f"{(int(self.code) + 1) % 1_000_000:06}"

    def says(self, text: str) -> bool:
        """Whether a text is there."""
        return text in html.unescape(self.text)

    def fields(self, form: str) -> dict[str, str]:
        """The hidden fields of a form."""
        found = re.search(rf'<form class="{form}".*?</form>', self.text, re.DOTALL)
        assert found, self.text
        pairs = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', found[0])
        return {name: html.unescape(value) for name, value in pairs}

    def action(self, form: str) -> str:
        """Where a form leads."""
        found = re.search(rf'<form class="{form}" method="post" action="([^"]+)"', self.text)
        assert found
        return html.unescape(found[1])

    async def press(self, form: str, more: Mapping[str, str] | None = None) -> Opened:
        """Press the button of a form."""
        reply = await self.stage.http.post(
            self.stage.acs_url + self.action(form), data=self.fields(form) | dict(more or {})
        )
        assert reply.status_code == 200, reply.text
        return Opened(self.stage, reply.text)

    async def confirm(self, code: str | None = None) -> Opened:
        """Type a code, by default the right one, and confirm."""
        return await self.press("confirm", {"code": self.code if code is None else code})


@asynccontextmanager
async def staged() -> AsyncIterator[Stage]:
    """Start everything on free ports."""
    client = authority().merchant_certificate("ACS", datetime.now(UTC), EC)
    pairs = [one.pair for one in served()]
    log, quiet = LogCapture(), structlog.wrap_logger(None, processors=[LogCapture()])
    mutual = exec_tls(authority().merchants_ca, *pairs)
    page = page_tls(*pairs)
    tls = ssl.create_default_context(cafile=authority().servers_ca)
    stranger = ssl.create_default_context(cafile=authority().servers_ca)
    tls.load_cert_chain(client.certificate, client.key)
    server, clock, paused, codes = ThreeDSServer(), ManualClock(), list[float](), count(123_456)
    scenarios = {Secret(pan): scenario for pan, scenario in SCENARIOS.items()}
    ds, acs = Later(), Later()

    async def pause(seconds: float) -> None:
        paused.append(seconds)

    listeners = [
        Listener("ds", ds, "127.0.0.1", 0, mutual),
        Listener("acs", acs, "127.0.0.1", 0, page),
        Listener("results", server.results_app(), "127.0.0.1", 0, mutual),
        Listener("page", server.page_app(), "127.0.0.1", 0, page),
    ]
    async with AsyncExitStack() as stack:
        servers = await stack.enter_async_context(Servers(listeners, log=quiet, drain_s=0.2))
        acs_url = f"https://127.0.0.1:{servers.port('acs')}"
        server.method_url = f"{acs_url}/method"
        settings = ThreeDSSettings(
            scenarios=scenarios,
            acs_url=acs_url,
            results_url=f"https://127.0.0.1:{servers.port('results')}/results",
            results_tls=tls,
            now=clock.now,
            pause=pause,
            new_code=lambda: Secret(f"{next(codes)}"),
        )
        logger = structlog.wrap_logger(None, processors=[log])
        threeds = await stack.enter_async_context(open_threeds(settings, logger))
        ds.app, acs.app = threeds.directory, threeds.acs
        yield Stage(
            threeds=threeds,
            server=server,
            clock=clock,
            http=await stack.enter_async_context(httpx2.AsyncClient(verify=tls)),
            stranger=await stack.enter_async_context(httpx2.AsyncClient(verify=stranger)),
            ds_url=f"https://127.0.0.1:{servers.port('ds')}/ds",
            acs_url=acs_url,
            page_url=f"https://localhost:{servers.port('page')}",
            paused=paused,
            scenarios=scenarios,
            log=log,
        )
