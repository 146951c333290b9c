"""One certificate authority: what it is, what it signs, and what its constraints stop."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import (
    ClientVerifier,
    PolicyBuilder,
    ServerVerifier,
    Store,
    VerificationError,
)

from tkkpg.gateway.authority import files
from tkkpg.gateway.authority.ca import CA, open_ca, server_name, subject_of
from tkkpg.protocol.errors import ConfigurationError

NOW = datetime(2026, 1, 1, 12, 30, 15, 678901, tzinfo=UTC)
YEAR = timedelta(days=365)
SUBJECT = subject_of((NameOID.COMMON_NAME, "E1000010"))
Name = x509.DNSName | x509.IPAddress


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> CA:
    return open_ca(
        tmp_path_factory.mktemp("servers"), "servers", ExtendedKeyUsageOID.SERVER_AUTH, NOW
    )


@pytest.fixture(scope="module")
def merchants(tmp_path_factory: pytest.TempPathFactory) -> CA:
    return open_ca(
        tmp_path_factory.mktemp("merchants"), "merchants", ExtendedKeyUsageOID.CLIENT_AUTH, NOW
    )


def sign(ca: CA, *names: Name, now: datetime = NOW, validity: timedelta = YEAR) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    return ca.sign(SUBJECT, key.public_key(), now, validity, list(names))


def server_verifier(ca: CA, name: Name, now: datetime = NOW) -> ServerVerifier:
    return PolicyBuilder().store(Store([ca.certificate])).time(now).build_server_verifier(name)


def client_verifier(ca: CA) -> ClientVerifier:
    return PolicyBuilder().store(Store([ca.certificate])).time(NOW).build_client_verifier()


@pytest.mark.parametrize(
    "name",
    [
        x509.DNSName("localhost"),
        x509.DNSName("tstpg.kapitalbank.az"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        x509.IPAddress(ipaddress.ip_address("::1")),
    ],
)
def test_a_strict_verifier_accepts_a_server_of_ours(servers: CA, name: Name) -> None:
    leaf = sign(servers, name)
    assert server_verifier(servers, name).verify(leaf, []) == [leaf, servers.certificate]


@pytest.mark.parametrize(
    "name",
    [
        x509.DNSName("kapitalbank.az"),
        x509.DNSName("example.com"),
        x509.IPAddress(ipaddress.ip_address("192.168.1.5")),
    ],
)
def test_what_the_servers_ca_signs_beyond_its_constraints_is_believed_by_nobody(
    servers: CA, name: Name
) -> None:
    leaf = sign(servers, x509.DNSName("localhost"), name)
    with pytest.raises(VerificationError):
        server_verifier(servers, name).verify(leaf, [])


def test_openssl_in_strict_mode_believes_the_constraints_too(servers: CA, tmp_path: Path) -> None:
    trusting = ssl.create_default_context(cadata=files.pem(servers.certificate).decode())
    trusting.verify_flags |= ssl.VERIFY_X509_STRICT
    for name, refused in (("localhost", ""), ("example.com", "permitted subtree violation")):
        key = ec.generate_private_key(ec.SECP256R1())
        names: list[Name] = [x509.DNSName(name)]
        leaf = servers.sign(SUBJECT, key.public_key(), datetime.now(UTC), YEAR, names)
        files.write_key(tmp_path / "key.pem", key)
        files.write_certificate(tmp_path / "cert.pem", leaf)
        assert handshake(trusting, tmp_path, name) == refused


def handshake(client: ssl.SSLContext, folder: Path, name: str) -> str:
    """Shake hands in memory and return why the client does not trust the server."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(back, there, server_hostname=name),
        server.wrap_bio(there, back, server_side=True),
    ]
    for turn in range(6):
        try:
            ends[turn % 2].do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLCertVerificationError as error:
            return error.verify_message
    return ""


def test_a_strict_verifier_accepts_a_merchant_as_a_client_only(merchants: CA) -> None:
    leaf = sign(merchants, x509.DNSName("localhost"))
    assert client_verifier(merchants).verify(leaf, []).chain == [leaf, merchants.certificate]
    with pytest.raises(VerificationError):
        server_verifier(merchants, x509.DNSName("localhost")).verify(leaf, [])


def test_a_server_is_no_client(servers: CA) -> None:
    with pytest.raises(VerificationError):
        client_verifier(servers).verify(sign(servers, x509.DNSName("localhost")), [])


def test_a_certificate_lasts_as_long_as_asked_and_forgives_a_slow_clock(servers: CA) -> None:
    leaf = sign(servers)
    assert leaf.not_valid_before_utc == datetime(2026, 1, 1, 11, 30, 15, tzinfo=UTC)
    assert leaf.not_valid_after_utc == leaf.not_valid_before_utc + YEAR


def test_a_certificate_never_outlives_its_ca(servers: CA) -> None:
    late = NOW + timedelta(days=3600)
    assert sign(servers, now=late).not_valid_after_utc == servers.certificate.not_valid_after_utc


def test_a_ca_stands_behind_its_certificates_until_thirty_days_before_their_end(
    servers: CA,
) -> None:
    leaf = sign(servers)
    end = leaf.not_valid_after_utc
    assert servers.stands_behind(leaf, NOW)
    assert servers.stands_behind(leaf, end - timedelta(days=30, seconds=1))
    assert not servers.stands_behind(leaf, end - timedelta(days=30))
    assert not servers.stands_behind(leaf, NOW - timedelta(days=1))


def test_a_ca_does_not_stand_behind_another_ones_certificates(servers: CA, merchants: CA) -> None:
    assert not servers.stands_behind(sign(merchants), NOW)


def test_a_ca_is_read_as_it_was_made(tmp_path: Path) -> None:
    made = open_ca(tmp_path, "servers", ExtendedKeyUsageOID.SERVER_AUTH, NOW)
    read = open_ca(tmp_path, "servers", ExtendedKeyUsageOID.SERVER_AUTH, NOW + YEAR)
    assert read.certificate == made.certificate
    assert (tmp_path / "ca-key.pem").stat().st_mode & 0o777 == 0o600


def test_a_ca_certificate_made_again_from_its_key_stands_behind_the_old_certificates(
    tmp_path: Path,
) -> None:
    old = open_ca(tmp_path, "servers", ExtendedKeyUsageOID.SERVER_AUTH, NOW)
    leaf = sign(old, x509.DNSName("localhost"))
    (tmp_path / "ca.pem").unlink()
    new = open_ca(tmp_path, "servers", ExtendedKeyUsageOID.SERVER_AUTH, NOW)
    assert new.certificate.serial_number != old.certificate.serial_number
    assert server_verifier(new, x509.DNSName("localhost")).verify(leaf, [])


def test_two_cas_have_two_names(tmp_path: Path) -> None:
    first, second = (
        open_ca(tmp_path / folder, "servers", ExtendedKeyUsageOID.SERVER_AUTH, NOW)
        for folder in ("first", "second")
    )
    assert first.certificate.subject != second.certificate.subject


@pytest.mark.parametrize("lost", ["ca-key.pem missing", "ca-key.pem other", "ca.pem damaged"])
def test_a_ca_with_half_of_its_files_is_refused_with_advice(tmp_path: Path, lost: str) -> None:
    open_ca(tmp_path, "servers", ExtendedKeyUsageOID.SERVER_AUTH, NOW)
    if lost == "ca-key.pem missing":
        (tmp_path / "ca-key.pem").unlink()
    elif lost == "ca-key.pem other":
        files.write_key(tmp_path / "ca-key.pem", ec.generate_private_key(ec.SECP256R1()))
    else:
        (tmp_path / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    with pytest.raises(ConfigurationError, match=r"put both back from a backup, or remove both"):
        open_ca(tmp_path, "servers", ExtendedKeyUsageOID.SERVER_AUTH, NOW)


def test_an_expired_ca_is_refused_with_advice(tmp_path: Path) -> None:
    open_ca(tmp_path, "servers", ExtendedKeyUsageOID.SERVER_AUTH, NOW)
    with pytest.raises(ConfigurationError, match=r"expired on 2035-12-30\. Remove it and"):
        open_ca(tmp_path, "servers", ExtendedKeyUsageOID.SERVER_AUTH, NOW + 10 * YEAR)


def test_a_ca_key_is_rsa_and_its_certificate_signs_nothing_but_ends(servers: CA) -> None:
    certificate = servers.certificate
    assert isinstance(servers.key, rsa.RSAPrivateKey)
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (constraints.critical, constraints.value.path_length) == (True, 0)
    names = certificate.extensions.get_extension_for_class(x509.NameConstraints)
    assert names.critical
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == timedelta(
        days=3650, hours=1
    )


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("LocalHost", x509.DNSName("localhost")),
        ("shop.localhost", x509.DNSName("shop.localhost")),
        ("3dsrv.kapitalbank.az", x509.DNSName("3dsrv.kapitalbank.az")),
        ("127.7.7.7", x509.IPAddress(ipaddress.ip_address("127.7.7.7"))),
        ("::1", x509.IPAddress(ipaddress.ip_address("::1"))),
    ],
)
def test_names_of_this_machine_and_of_the_bank_can_be_served(name: str, read: Name) -> None:
    assert server_name(name) == read


@pytest.mark.parametrize(
    "name",
    [
        "",
        "example.com",
        "kapitalbank.az",
        "evil-localhost",
        "localhost.example.com",
        "-.localhost",
        "*.localhost",
        "a b.localhost",
        "10.0.0.1",
        "::2",
        "127.0.0.1.",
        "localhost\n",
    ],
)
def test_other_names_are_refused_with_advice(name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"signs only localhost, .* hosts file"):
        server_name(name)


def test_a_ca_does_not_show_its_key(servers: CA) -> None:
    secret = servers.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    assert "PRIVATE" in secret.decode()
    assert "Private" not in repr(servers)
