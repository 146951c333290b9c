"""The home's certificates: made in their places, kept while they last, renewed in time."""

from __future__ import annotations

import hashlib
import ipaddress
import os
import shutil
import ssl
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from tkkpg.client.certificates import inspect, make_key_and_request
from tkkpg.gateway.authority import EC, Authority, Issued, files, fingerprint
from tkkpg.protocol.errors import ConfigurationError

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MERCHANT = "E1000010"
DAY = timedelta(days=1)


@pytest.fixture(scope="session")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose keys are made: each RSA key costs more than a whole test."""
    home = tmp_path_factory.mktemp("ready") / "home"
    authority = Authority(home, NOW)
    authority.server_certificates([], NOW)
    authority.merchant_certificate(MERCHANT, NOW)
    return home


@pytest.fixture
def authority(ready: Path, tmp_path: Path) -> Authority:
    """A copy of it."""
    return Authority(shutil.copytree(ready, tmp_path / "home"), NOW)


def fingerprints(issued: Iterable[Issued]) -> set[str]:
    return {one.fingerprint for one in issued}


def names(path: Path) -> list[str]:
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name.value) for name in found]


def test_a_first_start_makes_the_files_with_their_rights(tmp_path: Path) -> None:
    umask = os.umask(0o022)
    try:
        authority = Authority(tmp_path / "home", NOW)
        authority.server_certificates([], NOW)
        authority.merchant_certificate(MERCHANT, NOW)
    finally:
        os.umask(umask)
    home = tmp_path / "home"
    rights = {
        str(path.relative_to(home)): f"{path.stat().st_mode & 0o777:o}"
        for path in (home, *home.rglob("*"))
    }
    assert rights == {
        ".": "700",
        "ca.pem": "644",
        "ca-key.pem": "600",
        "server.pem": "644",
        "server-key.pem": "600",
        "server-ec.pem": "644",
        "server-ec-key.pem": "600",
        "merchants": "700",
        "merchants/ca.pem": "644",
        "merchants/ca-key.pem": "600",
        "merchants/E1000010": "700",
        "merchants/E1000010/cert.pem": "644",
        "merchants/E1000010/key.pem": "600",
    }


def test_the_two_cas_are_where_they_say(authority: Authority, tmp_path: Path) -> None:
    assert authority.servers_ca == tmp_path / "home" / "ca.pem"
    assert authority.merchants_ca == tmp_path / "home" / "merchants" / "ca.pem"
    assert authority.servers_ca.read_bytes() != authority.merchants_ca.read_bytes()


def test_a_second_start_changes_nothing(authority: Authority, tmp_path: Path) -> None:
    servers = authority.server_certificates(["tstpg.kapitalbank.az"], NOW)
    merchant = authority.merchant_certificate(MERCHANT, NOW)
    again = Authority(tmp_path / "home", NOW + DAY)
    assert again.server_certificates(["tstpg.kapitalbank.az"], NOW + DAY) == servers
    assert again.merchant_certificate(MERCHANT, NOW + DAY) == merchant


def test_the_server_certificate_names_this_machine_and_the_given_hosts(
    authority: Authority,
) -> None:
    hosts = ["TSTPG.kapitalbank.az", "localhost", "3dsrv.kapitalbank.az"]
    bank = ["tstpg.kapitalbank.az", "3dsrv.kapitalbank.az"]
    for issued in authority.server_certificates(hosts, NOW):
        assert names(issued.certificate) == ["localhost", "127.0.0.1", "::1", *bank]
        details = inspect(issued.certificate.read_bytes(), NOW)
        assert details.usages == ("serverAuth",)
        assert details.fingerprint == issued.fingerprint
        assert details.not_after == issued.not_after
        assert details.not_after - details.not_before <= timedelta(days=397)


def test_keys_are_rsa_and_the_servers_have_one_of_p256_beside_it(authority: Authority) -> None:
    home = authority.servers_ca.parent
    authority.merchant_certificate("3DSS", NOW, EC)
    keys = {
        str(path.relative_to(home)): files.read_key(path)
        for path in (*home.rglob("*key.pem"), home / "server-ec-key.pem")
    }
    assert {name for name, key in keys.items() if isinstance(key, EllipticCurvePrivateKey)} == {
        "server-ec-key.pem",
        "merchants/3DSS/key.pem",
    }
    assert {key.key_size for key in keys.values() if isinstance(key, RSAPrivateKey)} == {2048}
    assert len(keys) == 6


def test_a_home_of_elliptic_curves_alone_keeps_its_ca_and_merchants_and_gains_a_server_of_rsa(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    for folder in (home, home / "merchants"):
        folder.mkdir()
        files.write_key(folder / "ca-key.pem", EC.new())
    old = Authority(home, NOW)
    _, server = old.server_certificates([], NOW)
    merchant = old.merchant_certificate(MERCHANT, NOW, EC)
    for old_name, new_name in zip(server.pair, ("server.pem", "server-key.pem"), strict=True):
        old_name.replace(home / new_name)

    again = Authority(home, NOW + DAY)
    rsa, ec = again.server_certificates([], NOW + DAY)

    assert again.merchant_certificate(MERCHANT, NOW + DAY) == merchant
    assert isinstance(files.read_key(rsa.key), RSAPrivateKey)
    assert isinstance(files.read_key(ec.key), EllipticCurvePrivateKey)
    ca = x509.load_pem_x509_certificate(again.servers_ca.read_bytes())
    for issued in (rsa, ec):
        certificate = x509.load_pem_x509_certificate(issued.certificate.read_bytes())
        certificate.verify_directly_issued_by(ca)


def test_a_host_outside_the_constraints_gets_no_certificate(
    authority: Authority, tmp_path: Path
) -> None:
    (tmp_path / "home" / "server.pem").unlink()
    with pytest.raises(ConfigurationError, match=r"'shop\.example' cannot be a host name"):
        authority.server_certificates(["shop.example"], NOW)
    assert not (tmp_path / "home" / "server.pem").exists()


def test_the_server_certificate_is_renewed_for_a_further_name(authority: Authority) -> None:
    first = authority.server_certificates([], NOW)
    second = authority.server_certificates(["3dsrv.kapitalbank.az"], NOW)
    assert not fingerprints(first) & fingerprints(second)
    assert authority.server_certificates([], NOW) == second


def test_the_server_certificate_is_renewed_thirty_days_before_its_end(
    authority: Authority,
) -> None:
    first = authority.server_certificates([], NOW)
    end = first[0].not_after
    assert authority.server_certificates([], end - 31 * DAY) == first
    second = authority.server_certificates([], end - 30 * DAY)
    assert all(issued.not_after > end + 300 * DAY for issued in second)


def test_half_of_a_server_certificate_is_made_good(authority: Authority) -> None:
    for at, half in [(0, 0), (0, 1), (1, 0), (1, 1)]:
        first = authority.server_certificates([], NOW)
        first[at].pair[half].unlink()
        second = authority.server_certificates([], NOW)
        assert fingerprints(first) & fingerprints(second) == {first[1 - at].fingerprint}
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*second[at].pair)


def test_the_server_certificate_follows_a_new_ca(authority: Authority, tmp_path: Path) -> None:
    first = authority.server_certificates([], NOW)
    for lost in ("ca.pem", "ca-key.pem"):
        (tmp_path / "home" / lost).unlink()
    second = Authority(tmp_path / "home", NOW).server_certificates([], NOW)
    assert not fingerprints(first) & fingerprints(second)


def test_a_merchant_certificate_has_the_bank_s_subject_and_client_rights(
    authority: Authority,
) -> None:
    issued = authority.merchant_certificate(MERCHANT, NOW)
    details = inspect(issued.certificate.read_bytes(), NOW)
    assert details.subject == "CN=E1000010,OU=IT,O=Test merchant,L=Baku,ST=Azerbaijan,C=AZ"
    assert details.common_name == MERCHANT
    assert details.usages == ("clientAuth",)
    assert "merchants CA" in details.issuer


def test_a_merchant_certificate_is_renewed_thirty_days_before_its_end(
    authority: Authority,
) -> None:
    first = authority.merchant_certificate(MERCHANT, NOW)
    assert authority.merchant_certificate(MERCHANT, first.not_after - 31 * DAY) == first
    assert authority.merchant_certificate(MERCHANT, first.not_after - 30 * DAY) != first


def test_a_merchant_id_cannot_leave_the_merchants_folder(authority: Authority) -> None:
    with pytest.raises(ConfigurationError, match="cannot be a merchant id"):
        authority.merchant_certificate("../E1000010", NOW)


def test_a_merchants_own_request_is_signed_for_the_key_that_asked(
    authority: Authority, tmp_path: Path
) -> None:
    made = make_key_and_request(MERCHANT, organisation="Shop LLC", email="it@shop.example")
    signed = authority.sign_request(MERCHANT, made.request_pem, NOW)
    (tmp_path / "cert.pem").write_bytes(signed)
    (tmp_path / "key.pem").write_bytes(made.key_pem)
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(
        tmp_path / "cert.pem", tmp_path / "key.pem"
    )
    details = inspect(signed, NOW)
    assert details.subject.endswith("CN=E1000010,OU=IT,O=Shop LLC,L=Baku,ST=Azerbaijan,C=AZ")
    assert details.usages == ("clientAuth",)


def test_a_request_cannot_ask_for_more_than_being_a_client(authority: Authority) -> None:
    made = make_key_and_request(MERCHANT, organisation="Shop LLC", email="it@shop.example")
    signed = x509.load_pem_x509_certificate(authority.sign_request(MERCHANT, made.request_pem, NOW))
    granted = {extension.oid.dotted_string: extension for extension in signed.extensions}
    constraints = signed.extensions.get_extension_for_class(x509.BasicConstraints).value
    usage = signed.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert not constraints.ca
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert ExtensionOID.SUBJECT_ALTERNATIVE_NAME.dotted_string not in granted


def test_somebody_elses_request_is_not_signed(authority: Authority) -> None:
    made = make_key_and_request("E1000011", organisation="Shop LLC", email="it@shop.example")
    with pytest.raises(ConfigurationError, match="names 'E1000011' as its CN"):
        authority.sign_request(MERCHANT, made.request_pem, NOW)


def test_a_fingerprint_is_the_sha256_of_the_der_whatever_the_form(authority: Authority) -> None:
    pem = authority.servers_ca.read_bytes()
    der = ssl.PEM_cert_to_DER_cert(pem.decode())
    assert fingerprint(pem) == fingerprint(der) == hashlib.sha256(der).hexdigest()
    assert fingerprint(b"Certificate:\n    Data: as text\n" + pem) == fingerprint(der)


@pytest.mark.parametrize("data", [b"", b"\x30\x00", b"-----BEGIN CERTIFICATE-----\nAA==\n"])
def test_what_is_no_certificate_has_no_fingerprint(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        fingerprint(data)


def test_loopback_addresses_are_in_the_certificate_as_addresses(authority: Authority) -> None:
    issued, *_ = authority.server_certificates([], NOW)
    certificate = x509.load_pem_x509_certificate(issued.certificate.read_bytes())
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert found.get_values_for_type(x509.IPAddress) == [
        ipaddress.ip_address("127.0.0.1"),
        ipaddress.ip_address("::1"),
    ]
