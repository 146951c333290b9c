"""The certificates of a home: who shows which, and who is let in by it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
from tests.sandbox_command import Running, running_sandbox

from tkkpg.sandbox.app import MERCHANT_ID
from tkkpg.sandbox.certificates import DIRECTORY, THREEDS_SERVER, Certificates, open_certificates


def opened(home: Path, *host_names: str) -> Certificates:
    return open_certificates(home, MERCHANT_ID, host_names, datetime.now(UTC))


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_sandbox(tmp_path_factory.mktemp("certificates") / "home") as running:
        yield running


def test_everybody_has_a_certificate_of_their_own_that_stays(tmp_path: Path) -> None:
    first, second = opened(tmp_path), opened(tmp_path, "tstpg.kapitalbank.az")
    clients = {first.merchant, first.threeds_server, first.directory}

    assert len({issued.fingerprint for issued in clients}) == 3
    assert clients == {second.merchant, second.threeds_server, second.directory}
    assert first.servers[0].fingerprint != second.servers[0].fingerprint
    assert first.directories == {first.directory.fingerprint}


@pytest.mark.parametrize(
    ("name", "status"), [(MERCHANT_ID, "00"), (THREEDS_SERVER, "10"), (DIRECTORY, "10")]
)
def test_the_two_of_3d_secure_are_nobody_at_exec(sandbox: Running, name: str, status: str) -> None:
    ours = opened(Path(sandbox.info["ca"]).parent)
    issued = {
        MERCHANT_ID: ours.merchant,
        THREEDS_SERVER: ours.threeds_server,
        DIRECTORY: ours.directory,
    }[name]
    request = (
        "<TKKPG><Request><Operation>CreateOrder</Operation><Language>EN</Language><Order>"
        f"<OrderType>Purchase</OrderType><Merchant>{MERCHANT_ID}</Merchant><Amount>3000</Amount>"
        "<Currency>944</Currency><Description>x</Description><ApproveURL>/a</ApproveURL>"
        "<CancelURL>/c</CancelURL><DeclineURL>/d</DeclineURL></Order></Request></TKKPG>"
    )

    with httpx2.Client(verify=ours.client_tls(issued)) as http:
        answer = http.post(sandbox.info["exec_url"], content=request)

    assert f"<Status>{status}</Status>" in answer.text
