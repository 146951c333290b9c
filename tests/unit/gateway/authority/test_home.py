"""The home's certificates: made in their places, kept while they last, renewed in time."""

from __future__ import annotations

import hashlib
import ipaddress
import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from tkkpg.client.certificates import inspect, make_key_and_request
from tkkpg.gateway.authority import Authority, fingerprint
from tkkpg.protocol.errors import ConfigurationError

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "home", NOW)


def names(path: Path) -> list[str]:
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name.value) for name in found]


def test_a_first_start_makes_the_files_with_their_rights(tmp_path: Path) -> None:
    umask = os.umask(0o022)
    try:
        authority = Authority(tmp_path / "home", NOW)
        authority.server_certificate([], NOW)
        authority.merchant_certificate("E1000010", NOW)
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
    server = authority.server_certificate(["tstpg.kapitalbank.az"], NOW)
    merchant = authority.merchant_certificate("E1000010", NOW)
    again = Authority(tmp_path / "home", NOW + DAY)
    assert again.server_certificate(["tstpg.kapitalbank.az"], NOW + DAY) == server
    assert again.merchant_certificate("E1000010", NOW + DAY) == merchant


def test_the_server_certificate_names_this_machine_and_the_given_hosts(
    authority: Authority,
) -> None:
    issued = authority.server_certificate(["TSTPG.kapitalbank.az", "localhost"], NOW)
    assert names(issued.certificate) == ["localhost", "127.0.0.1", "::1", "tstpg.kapitalbank.az"]
    details = inspect(issued.certificate.read_bytes(), NOW)
    assert details.usages == ("serverAuth",)
    assert details.fingerprint == issued.fingerprint
    assert details.not_after == issued.not_after
    assert details.not_after - details.not_before <= timedelta(days=397)


def test_a_host_outside_the_constraints_gets_no_certificate(
    authority: Authority, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match=r"'shop\.example' cannot be a host name"):
        authority.server_certificate(["shop.example"], NOW)
    assert not (tmp_path / "home" / "server.pem").exists()


def test_the_server_certificate_is_renewed_for_a_further_name(authority: Authority) -> None:
    first = authority.server_certificate([], NOW)
    second = authority.server_certificate(["3dsrv.kapitalbank.az"], NOW)
    assert second.fingerprint != first.fingerprint
    assert authority.server_certificate([], NOW) == second


def test_the_server_certificate_is_renewed_thirty_days_before_its_end(
    authority: Authority,
) -> None:
    first = authority.server_certificate([], NOW)
    assert authority.server_certificate([], first.not_after - 31 * DAY) == first
    second = authority.server_certificate([], first.not_after - 30 * DAY)
    assert second.not_after > first.not_after + 300 * DAY


@pytest.mark.parametrize("lost", ["server.pem", "server-key.pem"])
def test_half_of_the_server_certificate_is_made_good(
    authority: Authority, tmp_path: Path, lost: str
) -> None:
    first = authority.server_certificate([], NOW)
    (tmp_path / "home" / lost).unlink()
    second = authority.server_certificate([], NOW)
    assert second.fingerprint != first.fingerprint
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(second.certificate, second.key)


def test_the_server_certificate_follows_a_new_ca(authority: Authority, tmp_path: Path) -> None:
    first = authority.server_certificate([], NOW)
    for lost in ("ca.pem", "ca-key.pem"):
        (tmp_path / "home" / lost).unlink()
    second = Authority(tmp_path / "home", NOW).server_certificate([], NOW)
    assert second.fingerprint != first.fingerprint


def test_a_merchant_certificate_has_the_bank_s_subject_and_client_rights(
    authority: Authority,
) -> None:
    issued = authority.merchant_certificate("E1000010", NOW)
    details = inspect(issued.certificate.read_bytes(), NOW)
    assert details.subject == "CN=E1000010,OU=IT,O=Test merchant,L=Baku,ST=Azerbaijan,C=AZ"
    assert details.common_name == "E1000010"
    assert details.usages == ("clientAuth",)
    assert "merchants CA" in details.issuer


def test_a_merchant_certificate_is_renewed_thirty_days_before_its_end(
    authority: Authority,
) -> None:
    first = authority.merchant_certificate("E1000010", NOW)
    assert authority.merchant_certificate("E1000010", first.not_after - 31 * DAY) == first
    assert authority.merchant_certificate("E1000010", first.not_after - 30 * DAY) != first


def test_a_merchant_id_cannot_leave_the_merchants_folder(authority: Authority) -> None:
    with pytest.raises(ConfigurationError, match="cannot be a merchant id"):
        authority.merchant_certificate("../E1000010", NOW)


def test_a_merchants_own_request_is_signed_for_the_key_that_asked(
    authority: Authority, tmp_path: Path
) -> None:
    made = make_key_and_request("E1000010", organisation="Shop LLC", email="it@shop.example")
    signed = authority.sign_request("E1000010", made.request_pem, NOW)
    (tmp_path / "cert.pem").write_bytes(signed)
    (tmp_path / "key.pem").write_bytes(made.key_pem)
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(
        tmp_path / "cert.pem", tmp_path / "key.pem"
    )
    details = inspect(signed, NOW)
    assert details.subject.endswith("CN=E1000010,OU=IT,O=Shop LLC,L=Baku,ST=Azerbaijan,C=AZ")
    assert details.usages == ("clientAuth",)


def test_a_request_cannot_ask_for_more_than_being_a_client(authority: Authority) -> None:
    made = make_key_and_request("E1000010", organisation="Shop LLC", email="it@shop.example")
    signed = x509.load_pem_x509_certificate(
        authority.sign_request("E1000010", made.request_pem, NOW)
    )
    granted = {extension.oid.dotted_string: extension for extension in signed.extensions}
    constraints = signed.extensions.get_extension_for_class(x509.BasicConstraints).value
    usage = signed.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert not constraints.ca
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert ExtensionOID.SUBJECT_ALTERNATIVE_NAME.dotted_string not in granted


def test_somebody_elses_request_is_not_signed(authority: Authority) -> None:
    made = make_key_and_request("E1000011", organisation="Shop LLC", email="it@shop.example")
    with pytest.raises(ConfigurationError, match="names 'E1000011' as its CN"):
        authority.sign_request("E1000010", made.request_pem, NOW)


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
    issued = authority.server_certificate([], NOW)
    certificate = x509.load_pem_x509_certificate(issued.certificate.read_bytes())
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert found.get_values_for_type(x509.IPAddress) == [
        ipaddress.ip_address("127.0.0.1"),
        ipaddress.ip_address("::1"),
    ]
