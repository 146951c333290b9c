"""Who shows which certificate to whom in the sandbox, and the TLS that follows from it."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tkkpg.gateway.authority import EC, Authority
from tkkpg.gateway.server import exec_tls, page_tls

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from tkkpg.gateway.authority import Issued

THREEDS_SERVER: Final = "TKKPG-3DSS"
"""Name of the gateway's client certificate, which the directory wants to see."""
DIRECTORY: Final = "TKKPG-DS"
"""Name of the directory's, which the gateway wants to see where results arrive. Neither is ever
enrolled as a merchant, so at Exec they are nobody."""


@dataclass(frozen=True, slots=True)
class Certificates:
    """All certificates of a home, and who holds them.

    Attributes:
        authority: Signed them.
        servers: Shown by every listener, one for each kind of key.
        merchant: The demo shop's.
        threeds_server: The gateway's own, as a client.
        directory: The directory's, as a client.
    """

    authority: Authority
    servers: tuple[Issued, ...]
    merchant: Issued
    threeds_server: Issued
    directory: Issued

    @property
    def directories(self) -> frozenset[str]:
        """SHA-256 of the certificates that results are taken from."""
        return frozenset({self.directory.fingerprint})

    def mutual_tls(self) -> ssl.SSLContext:
        """TLS of a listener that asks for a client certificate."""
        return exec_tls(self.authority.merchants_ca, *(one.pair for one in self.servers))

    def page_tls(self) -> ssl.SSLContext:
        """TLS of a listener for browsers."""
        return page_tls(*(one.pair for one in self.servers))

    def client_tls(self, issued: Issued) -> ssl.SSLContext:
        """TLS of somebody who shows a certificate and believes this home's servers alone."""
        context = self.host_tls()
        context.load_cert_chain(*issued.pair)
        return context

    def host_tls(self) -> ssl.SSLContext:
        """TLS of the link to the host: only a server of this home is believed."""
        return ssl.create_default_context(cafile=self.authority.servers_ca)


def open_certificates(
    home: Path, merchant_id: str, host_names: Sequence[str], now: datetime
) -> Certificates:
    """Read the certificates of a home, and make those that are missing.

    Args:
        home: Existing folder.
        merchant_id: The demo shop's merchant.
        host_names: Further names of the servers.
        now: Wall-clock time.

    Raises:
        ConfigurationError: The files of a CA cannot be used, or it may not sign for the name.
    """
    authority = Authority(home, now)
    return Certificates(
        authority,
        authority.server_certificates(host_names, now),
        authority.merchant_certificate(merchant_id, now),
        # Nobody else ever holds these two, so they are of the cheaper kind.
        authority.merchant_certificate(THREEDS_SERVER, now, EC),
        authority.merchant_certificate(DIRECTORY, now, EC),
    )
