"""What tests of 3-D Secure need: an issuer that does as it is told, a payer who goes to it."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx2
import structlog
from structlog.testing import LogCapture
from tests.gateway_fixtures import Stage, merchant, stage, with_certificate
from tests.paying import BROWSER, AnsweringHost, card, create, stored
from tests.unit.gateway.web.payer import Payer

from tkkpg.client.callbacks import read_xmlout
from tkkpg.gateway.app import page_app, results_app
from tkkpg.gateway.flows.authenticate import ChallengeStep, return_from_challenge
from tkkpg.gateway.flows.pay import hand_over, open_page
from tkkpg.gateway.flows.submit_card import submit_card
from tkkpg.gateway.threeds.base import JavaScript
from tkkpg.gateway.threeds.codec import read, to_form, write
from tkkpg.gateway.threeds.messages import CRes, Erro, RReq, RRes, TransStatus
from tkkpg.gateway.threeds.scripted import Script, ScriptedAuthenticator
from tkkpg.protocol.masking import Secret

if TYPE_CHECKING:
    from tests.gateway_fixtures import ManualClock

    from tkkpg.client import XMLOut
    from tkkpg.gateway.model.authentication import Proceed
    from tkkpg.gateway.model.card import Card, StoredCard
    from tkkpg.gateway.model.merchant import Merchant
    from tkkpg.gateway.model.order import Order
    from tkkpg.gateway.model.transaction import HostReply, Transaction
    from tkkpg.gateway.runtime import Gateway
    from tkkpg.protocol.values import OrderRef

ACS: Final = "https://acs.bank.example/challenge"
PAGE: Final = "https://localhost:8443"
METHOD: Final = "https://acs.bank.example/method"
DIRECTORY: Final = "cd" * 32
"""Fingerprint of the directory's certificate."""
CAVV: Final = base64.b64encode(b"proof of twenty byte").decode()
ISSUERS: Final = "d7c1ee99-9478-44a6-b1f2-391e29c6b340"
"""The directory's and the issuer's number, which nobody looks at."""
CHALLENGED: Final = Script(acs_url=ACS)
SCRIPTED_BROWSER: Final = replace(
    BROWSER,
    script=JavaScript(
        java_enabled=False, color_depth="24", screen_height="740", screen_width="360", tz="-240"
    ),
)
Y, N = TransStatus.PROVED, TransStatus.REFUSED


class ProvingHost(AnsweringHost):
    """Keeps what it was told of each cardholder."""

    def __init__(self) -> None:
        """Approve everything."""
        super().__init__()
        self.proofs: list[Proceed | None] = []

    async def authorise(
        self, tran: Transaction, card: Card | StoredCard, proof: Proceed | None = None
    ) -> HostReply:
        """Answer an authorisation."""
        self.proofs.append(proof)
        return await super().authorise(tran, card, proof)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A gateway between a payer and an issuer.

    Attributes:
        payer: Who looks at the page; has no order before `order` of its own is called.
        log: What the gateway logs.
    """

    at: Stage
    gateway: Gateway
    host: ProvingHost
    payer: Payer
    home: Path
    log: LogCapture = field(repr=False)

    async def order(self) -> OrderRef:
        """Let the shop create an order, which the payer's browser is led to."""
        self.payer.ref = await create(self.at.client)
        return self.payer.ref

    async def challenge(self, ref: OrderRef | None = None, name: str = "approve") -> ChallengeStep:
        """Type a card that is challenged, for an order or a new one."""
        view = await open_page(self.gateway, ref or await self.order())
        typed = card(self.gateway, name)
        step = await submit_card(self.gateway, view, typed, browser=BROWSER)
        assert isinstance(step, ChallengeStep)
        return step

    async def say(self, message: RReq, fingerprint: str | None = DIRECTORY) -> httpx2.Response:
        """Post a message to the listener for results."""
        app = with_certificate(results_app(self.gateway, frozenset({DIRECTORY})), fingerprint)
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app)) as directory:
            return await directory.post("https://localhost:9443/", content=write(message))

    async def tell(self, step: ChallengeStep, result: RReq | TransStatus = Y) -> RRes | Erro:
        """Tell the result of a challenge, as the directory does."""
        message = result if isinstance(result, RReq) else result_of(result)
        trans_id = step.challenge.three_ds_server_trans_id
        answer = await self.say(replace(message, three_ds_server_trans_id=trans_id))
        return read(answer.content, RRes)

    async def back(self, step: ChallengeStep, status: TransStatus = Y) -> OrderRef | None:
        """Come back from a challenge with a CRes that says this, and what was sealed."""
        return await return_from_challenge(self.gateway, cres_of(step, status), step.sealed)

    async def ended(self) -> Order:
        """Wait until nothing is under way, and read the order."""
        assert await self.gateway.background.drain(5) == 0
        return await stored(self.gateway, self.payer.ref)

    async def attempts(self) -> tuple[Transaction, ...]:
        """Read the order's transactions, oldest first."""
        facts = await self.gateway.store.facts(self.payer.ref.order_id)
        assert facts is not None
        return facts.transactions

    async def told(self) -> XMLOut:
        """Read what the browser carries to the shop."""
        view = await open_page(self.gateway, self.payer.ref)
        return read_xmlout(hand_over(view).xmlmsg)


def cres_of(step: ChallengeStep, status: TransStatus = Y) -> str:
    """Write the CRes of a challenge."""
    challenge = step.challenge
    return to_form(
        CRes(
            three_ds_server_trans_id=challenge.three_ds_server_trans_id,
            acs_trans_id=challenge.acs_trans_id,
            trans_status=status,
        )
    )


def result_of(status: TransStatus, cavv: str | None = CAVV) -> RReq:
    """Write a result for an authentication that is still to be named."""
    return RReq(
        three_ds_server_trans_id=ISSUERS,
        ds_trans_id=ISSUERS,
        acs_trans_id=ISSUERS,
        trans_status=status,
        authentication_value=Secret(cavv) if cavv else None,
    )


@asynccontextmanager
async def at_the_issuer(
    home: Path,
    script: Script = CHALLENGED,
    *,
    trader: Merchant | None = None,
    clock: ManualClock | None = None,
    result_timeout_s: float = 30.0,
    page_patience_s: float = 5.0,
) -> AsyncIterator[Scene]:
    """Open a gateway on a new or existing home; every card meets the same script."""
    host, log, trader = ProvingHost(), LogCapture(), trader or merchant()
    authenticator = ScriptedAuthenticator({}, otherwise=script)
    async with stage(
        home, host=host, trader=trader, clock=clock, authenticator=authenticator
    ) as at:
        config = replace(
            at.gateway.config, result_timeout_s=result_timeout_s, page_patience_s=page_patience_s
        )
        wrapped = structlog.wrap_logger(structlog.PrintLogger(), processors=[log])
        gateway = replace(at.gateway, config=config, log=wrapped)
        transport = httpx2.ASGITransport(app=page_app(gateway))
        async with httpx2.AsyncClient(transport=transport, base_url=PAGE) as browser:
            payer = Payer(gateway, at.clock, log, browser, trader)
            yield Scene(at=at, gateway=gateway, host=host, payer=payer, home=home, log=log)
