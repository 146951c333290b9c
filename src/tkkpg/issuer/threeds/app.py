"""Directory and access control server as two applications with one memory.

Whoever starts them opens the sockets and does the TLS: the directory asks 3-D Secure servers for a
certificate, the access control server talks to browsers and asks nobody.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import httpx2
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

from tkkpg.issuer.threeds.acs import AccessControl
from tkkpg.issuer.threeds.challenges import Challenges, End
from tkkpg.issuer.threeds.directory import Directory
from tkkpg.issuer.threeds.identity import random_code
from tkkpg.issuer.threeds.pages.challenge_page import ChallengePage, trouble
from tkkpg.issuer.threeds.pages.method_page import method_page
from tkkpg.issuer.threeds.pages.rendering import serve_asset
from tkkpg.issuer.threeds.results import Results

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from structlog.typing import FilteringBoundLogger

    from tkkpg.issuer.threeds.scenario import Scenario
    from tkkpg.protocol.masking import Secret

CHALLENGE: Final = "/challenge"
ANSWER: Final = "/challenge/answer"
METHOD: Final = "/method"
LOOK_EVERY_S: Final = 1.0
"""How often challenges are looked for whose time is over, though nobody is at their page."""


def _machine_time() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreeDSSettings:
    """What the two are told at their start.

    Attributes:
        scenarios: What becomes of each card number; may be changed while they run.
        acs_url: Origin where browsers find the access control server, without a path.
        results_url: Where RReq go: the 3-D Secure server's listener for results.
        results_tls: Our certificate for it, and the authorities to believe; `None` for plain HTTP.
        now: Business time, UTC; rules how long a challenge lives.
        pause: Waits for some seconds, where an RReq is held back.
        random_bytes: Source of ids and proofs.
        new_code: Source of one-time codes, six digits each.
    """

    scenarios: Mapping[Secret, Scenario]
    acs_url: str
    results_url: str
    results_tls: ssl.SSLContext | None
    now: Callable[[], datetime] = _machine_time
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    random_bytes: Callable[[int], bytes] = secrets.token_bytes
    new_code: Callable[[], Secret] = random_code


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreeDS:
    """Both applications, ready to be served.

    Attributes:
        directory: Takes PReq and AReq at `/ds`.
        acs: Takes browsers at `/challenge` and `/method`.
    """

    directory: Starlette
    acs: Starlette
    _challenges: Challenges = field(repr=False)
    _results: Results = field(repr=False)
    _now: Callable[[], datetime] = field(repr=False)

    def end_overdue(self) -> None:
        """End the challenges whose time is over, and forget those that ended long ago."""
        for challenge in self._challenges.overdue(self._now()):
            self._results.conclude(challenge, End.TIMED_OUT)


@asynccontextmanager
async def open_threeds(
    settings: ThreeDSSettings, log: FilteringBoundLogger
) -> AsyncIterator[ThreeDS]:
    """Make the two applications and keep their time, until the end of the block."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(_client(settings.results_tls))
        challenges = Challenges()
        results = Results(
            client,
            settings.results_url,
            random_bytes=settings.random_bytes,
            pause=settings.pause,
            log=log,
        )
        stack.push_async_callback(results.aclose)
        both = ThreeDS(
            directory=_directory(settings, challenges),
            acs=_acs(settings, challenges, results),
            _challenges=challenges,
            _results=results,
            _now=settings.now,
        )
        keeping_time = asyncio.create_task(_keep_time(both))
        stack.callback(keeping_time.cancel)
        yield both


def _client(tls: ssl.SSLContext | None) -> httpx2.AsyncClient:
    """Make the way to the 3-D Secure server: no redirect, no proxy of the environment."""
    return httpx2.AsyncClient(verify=True if tls is None else tls, trust_env=False)


def _directory(settings: ThreeDSSettings, challenges: Challenges) -> Starlette:
    access_control = AccessControl(
        challenges,
        settings.acs_url + CHALLENGE,
        now=settings.now,
        random_bytes=settings.random_bytes,
        new_code=settings.new_code,
    )
    return Directory(
        settings.scenarios,
        access_control,
        method_url=settings.acs_url + METHOD,
        random_bytes=settings.random_bytes,
    ).app()


def _acs(settings: ThreeDSSettings, challenges: Challenges, results: Results) -> Starlette:
    shown = ChallengePage(challenges, results, now=settings.now, new_code=settings.new_code)
    return Starlette(
        routes=[
            Route(CHALLENGE, shown.open, methods=["POST"]),
            Route(ANSWER, shown.answer, methods=["POST"]),
            Route(METHOD, method_page, methods=["GET", "POST"]),
            Route("/static/{name}", serve_asset),
        ],
        exception_handlers={HTTPException: trouble},
    )


async def _keep_time(both: ThreeDS) -> None:
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        both.end_overdue()
