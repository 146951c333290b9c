"""Addresses, certificates and waiting times, and what is said about wrong ones."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from cryptography.hazmat.primitives import serialization
from tests.unit.client.peers import World, make_world

from tkkpg.client import (
    Client,
    ConfigurationError,
    Credentials,
    Endpoint,
    InsecureConnectionWarning,
    OrderRef,
    Timeouts,
)
from tkkpg.client.config import DEFAULT_TIMEOUTS, KEEPALIVE_S, connection_options

SHORTEST_KEEPALIVE_OF_A_SERVER_S = 20
LONGEST_ANSWER_OF_A_GATEWAY_S = 20


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def protected(world: World, tmp_path: Path) -> Credentials:
    """The merchant's credentials with a key under the password `gizli`."""
    key = serialization.load_pem_private_key(Path(world.credentials.key).read_bytes(), None)
    path = tmp_path / "protected.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"gizli"),
        )
    )
    return replace(world.credentials, key=path)


# ------------------------------------------------------------------ Endpoint


def test_the_banks_environments_are_those_of_its_document() -> None:
    assert Endpoint.test() == Endpoint(
        "https://tstpg.kapitalbank.az:5443/Exec", "https://tstpg.kapitalbank.az/index.jsp"
    )
    assert Endpoint.production() == Endpoint(
        "https://3dsrv.kapitalbank.az:5443/Exec", "https://3dsrv.kapitalbank.az/index.jsp"
    )


@pytest.mark.parametrize(
    ("exec_url", "host", "port"),
    [
        ("https://tstpg.kapitalbank.az:5443/Exec", "tstpg.kapitalbank.az", 5443),
        ("https://pg.example/Exec", "pg.example", 443),
        ("https://[::1]:5443/Exec", "::1", 5443),
    ],
)
def test_host_and_port_are_read_from_the_address(exec_url: str, host: str, port: int) -> None:
    endpoint = Endpoint(exec_url)

    assert (endpoint.host, endpoint.port) == (host, port)


@pytest.mark.parametrize(
    "address",
    ["http://pg.example/Exec", "pg.example:5443/Exec", "https://", "https://pg:0x/", "", "/Exec"],
)
def test_what_is_no_https_address_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError, match="Write it in full and with https"):
        Endpoint(address)
    with pytest.raises(ConfigurationError, match="Write it in full and with https"):
        Endpoint("https://pg.example/Exec", address)


def test_the_page_of_an_earlier_order_can_be_found_again() -> None:
    assert Endpoint.test().payment_url(OrderRef(828, "AB12")) == (
        "https://tstpg.kapitalbank.az/index.jsp?ORDERID=828&SESSIONID=AB12"
    )


def test_without_a_page_the_address_of_one_cannot_be_built() -> None:
    with pytest.raises(ConfigurationError, match="Give Endpoint a page_url"):
        Endpoint("https://pg.example/Exec").payment_url(OrderRef(828, "AB12"))


# ------------------------------------------------------------------ Credentials


def test_the_gateway_is_verified_by_default(world: World) -> None:
    context = world.credentials.ssl_context()

    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_a_ca_is_believed_beside_those_of_the_system(world: World) -> None:
    alone = replace(world.credentials, ca=None).ssl_context().get_ca_certs()

    assert len(world.credentials.ssl_context().get_ca_certs()) == len(alone) + 1


def test_skipping_verification_warns_where_it_is_done(world: World) -> None:
    blind = replace(world.credentials, insecure_skip_verification=True)

    with pytest.warns(InsecureConnectionWarning, match="Give Credentials a ca file") as caught:
        Client(Endpoint.test(), blind, merchant_id="E1000010").close()

    assert [warning.filename for warning in caught] == [__file__]


def test_skipping_verification_warns_every_time_and_not_once_for_each_place(world: World) -> None:
    program = """
import sys
from tkkpg.client import Client, Credentials, Endpoint
for _ in range(3):
    blind = Credentials(sys.argv[1], sys.argv[2], insecure_skip_verification=True)
    Client(Endpoint.test(), blind, merchant_id="E1000010").close()
"""
    as_usual = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}

    run = subprocess.run(
        [sys.executable, "-c", program, world.credentials.certificate, world.credentials.key],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
        env=as_usual,
    )

    assert run.stderr.count("InsecureConnectionWarning:") == 3


def test_a_password_is_never_shown(world: World) -> None:
    assert "gizli" not in repr(replace(world.credentials, key_password="gizli"))


def test_a_protected_key_opens_with_its_password(protected: Credentials) -> None:
    context = replace(protected, key_password="gizli").ssl_context()

    assert context.verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize(
    ("password", "complaint"),
    [
        (None, "the key is protected. Give its password as key_password"),
        ("açıq", "the key does not open with this key_password"),
    ],
)
def test_a_protected_key_is_explained_and_nobody_is_asked_at_the_terminal(
    protected: Credentials, password: str | None, complaint: str
) -> None:
    with pytest.raises(ConfigurationError, match=complaint) as caught:
        replace(protected, key_password=password).ssl_context()

    assert "açıq" not in str(caught.value)


@pytest.mark.parametrize(
    ("lose", "what"),
    [
        (lambda files, path: replace(files, certificate=path), "certificate"),
        (lambda files, path: replace(files, key=path), "key"),
        (lambda files, path: replace(files, ca=path), "CA file"),
    ],
)
def test_a_file_that_is_not_there_is_named(
    world: World, tmp_path: Path, lose: Callable[[Credentials, Path], Credentials], what: str
) -> None:
    missing = tmp_path / "missing.pem"

    with pytest.raises(ConfigurationError, match=f"The {what} {missing} cannot be read"):
        lose(world.credentials, missing).ssl_context()


def test_a_key_of_another_certificate_is_explained(world: World, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    world.merchants_ca.issue_cert(common_name="E1000010").private_key_pem.write_to_path(other)

    with pytest.raises(ConfigurationError, match="this key does not belong to this certificate"):
        replace(world.credentials, key=other).ssl_context()


def test_a_file_that_is_no_pem_is_explained(world: World, tmp_path: Path) -> None:
    der = tmp_path / "cert.der"
    der.write_bytes(b"0\x82\x03\x0d")

    with pytest.raises(ConfigurationError, match="they must both be PEM files"):
        replace(world.credentials, certificate=der).ssl_context()
    with pytest.raises(ConfigurationError, match="holds no certificate in PEM"):
        replace(world.credentials, ca=der).ssl_context()


def test_one_way_to_connect_is_needed_and_one_is_enough(world: World) -> None:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200))

    connection_options(world.credentials, DEFAULT_TIMEOUTS, None)
    connection_options(None, DEFAULT_TIMEOUTS, transport)
    for credentials, other in ((None, None), (world.credentials, transport)):
        with pytest.raises(ConfigurationError, match="exactly one of the two"):
            connection_options(credentials, DEFAULT_TIMEOUTS, other)


# ------------------------------------------------------------------ Timeouts


def test_we_wait_longer_than_a_gateway_may_take() -> None:
    assert Timeouts().read_s > LONGEST_ANSWER_OF_A_GATEWAY_S


def test_an_idle_connection_is_given_up_before_any_server_ends_it() -> None:
    limits = connection_options(
        None, DEFAULT_TIMEOUTS, httpx2.MockTransport(lambda _: httpx2.Response(200))
    )["limits"]

    assert limits.keepalive_expiry == KEEPALIVE_S < SHORTEST_KEEPALIVE_OF_A_SERVER_S


@pytest.mark.parametrize("seconds", [0, -1, float("inf"), float("nan")])
@pytest.mark.parametrize("name", ["connect_s", "write_s", "read_s"])
def test_a_time_that_is_none_is_refused(name: str, seconds: float) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} must be a number of seconds"):
        Timeouts(**{name: seconds})
