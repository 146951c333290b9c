"""3-D Secure in the sandbox: the directory and the access control server behind the test cards.

Both run in the sandbox's process and are talked to over real sockets and TLS: the gateway asks the
directory with a certificate, payers' browsers come to the access control server. That one is at
127.0.0.1 while the hosted page is at localhost: two sites, as they are in life, so nothing of the
one's cookies comes to the other.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from tkkpg.gateway.logs import get_logger
from tkkpg.gateway.server import Listener, Servers
from tkkpg.gateway.threeds.server import Acquirer, DirectoryAuthenticator
from tkkpg.issuer.threeds.app import ThreeDSSettings, open_threeds
from tkkpg.issuer.threeds.directory import PATH
from tkkpg.protocol.masking import Secret
from tkkpg.sandbox.cards import every_card
from tkkpg.sandbox.later import Later

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tkkpg.gateway.clock import Clock
    from tkkpg.issuer.threeds.scenario import Scenario
    from tkkpg.sandbox.certificates import Certificates

HOST: Final = "127.0.0.1"
RESULTS_PATH: Final = "/results"
REFERENCE: Final = "TKKPG_SANDBOX"
ACQUIRER_BIN: Final = "400000"
REQUESTOR_NAME: Final = "tkkpg sandbox"
REQUESTOR_URL: Final = "https://localhost/"


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreeDSWorld:
    """What the gateway is given of it.

    Attributes:
        authenticator: Asks the directory.
        acs_url: Origin of the access control server.
    """

    authenticator: DirectoryAuthenticator
    acs_url: str


def scenarios() -> dict[Secret, Scenario]:
    """Give what 3-D Secure does with each test card; one without is in no range."""
    return {Secret(card.pan): card.threeds for card in every_card() if card.threeds is not None}


@asynccontextmanager
async def threeds_world(
    certificates: Certificates, clock: Clock, *, acs_port: int, results_port: int
) -> AsyncIterator[ThreeDSWorld]:
    """Run directory and access control server until the end of the block.

    Args:
        certificates: Of the home.
        clock: Its business time rules how long a challenge lives.
        acs_port: Where browsers find the access control server; 0 picks a free one.
        results_port: Where the gateway takes results.

    Raises:
        ConfigurationError: The port is busy.
    """
    directory, acs = Later(), Later()
    listeners = [
        Listener("directory", directory, HOST, 0, certificates.mutual_tls()),
        Listener("acs", acs, HOST, acs_port, certificates.page_tls()),
    ]
    results_url = f"https://{HOST}:{results_port}{RESULTS_PATH}"
    async with Servers(listeners, log=get_logger("tkkpg.gateway.server")) as servers:
        acs_url = f"https://{HOST}:{servers.port('acs')}"
        settings = ThreeDSSettings(
            scenarios=scenarios(),
            acs_url=acs_url,
            results_url=results_url,
            results_tls=certificates.client_tls(certificates.directory),
            now=clock.now,
        )
        async with open_threeds(settings, get_logger("tkkpg.issuer.threeds")) as both:
            directory.becomes(both.directory)
            acs.becomes(both.acs)
            directory_url = f"https://{HOST}:{servers.port('directory')}{PATH}"
            acquirer = _acquirer(directory_url, results_url)
            yield ThreeDSWorld(
                authenticator=_authenticator(acquirer, certificates), acs_url=acs_url
            )


def _acquirer(directory_url: str, results_url: str) -> Acquirer:
    return Acquirer(
        directory_url=directory_url,
        results_url=results_url,
        reference_number=REFERENCE,
        acquirer_bin=ACQUIRER_BIN,
        requestor_id=REFERENCE,
        requestor_name=REQUESTOR_NAME,
        requestor_url=REQUESTOR_URL,
    )


def _authenticator(acquirer: Acquirer, certificates: Certificates) -> DirectoryAuthenticator:
    """Make the gateway's 3-D Secure server; whoever is given it closes it."""
    return DirectoryAuthenticator(
        acquirer,
        tls=certificates.client_tls(certificates.threeds_server),
        new_id=lambda: str(uuid4()),
        log=get_logger("tkkpg.gateway.threeds"),
    )
