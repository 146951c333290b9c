"""Both event loops, a log that can be read, and certificates good and bad."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from structlog.testing import LogCapture
from structlog.typing import FilteringBoundLogger
from tests.unit.gateway.server.peers import App, Certificates

from tkkpg.gateway.authority import Authority, Issued, files, fingerprint
from tkkpg.gateway.authority.ca import open_ca, subject_of


@pytest.fixture(params=[True, False], ids=["uvloop", "asyncio"], scope="session")
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture
def capture() -> LogCapture:
    return LogCapture()


@pytest.fixture
def log(capture: LogCapture) -> FilteringBoundLogger:
    logger: FilteringBoundLogger = structlog.wrap_logger(None, processors=[capture])
    return logger


@pytest.fixture
def app() -> App:
    return App()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    home, elsewhere = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("elsewhere")
    now = datetime.now(UTC)
    long_ago = now - timedelta(days=2000)
    authority = Authority(home, now)
    return Certificates(
        ca=authority.servers_ca,
        servers=authority.server_certificates([], now),
        merchants_ca=authority.merchants_ca,
        good=authority.merchant_certificate("GOOD", now),
        strange=Authority(elsewhere, now).merchant_certificate("GOOD", now),
        expired=authority.merchant_certificate("EXPIRED", long_ago),
        for_servers=_for_servers(authority, now),
    )


def _for_servers(authority: Authority, now: datetime) -> Issued:
    """Let the merchants' CA sign what it never signs: a certificate for a server."""
    folder = authority.merchants_ca.parent
    ca = open_ca(folder, "merchants", ExtendedKeyUsageOID.SERVER_AUTH, now)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = subject_of((NameOID.COMMON_NAME, "SERVER"))
    certificate = ca.sign(subject, key.public_key(), now, timedelta(days=1))
    path, key_path = folder / "for-servers.pem", folder / "for-servers-key.pem"
    files.write_key(key_path, key)
    files.write_certificate(path, certificate)
    return Issued(
        path, key_path, fingerprint(files.pem(certificate)), certificate.not_valid_after_utc
    )
