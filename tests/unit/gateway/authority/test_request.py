"""What a merchant asks to be signed."""

from __future__ import annotations

import functools
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from tkkpg.client.certificates import make_key_and_request
from tkkpg.gateway.authority.ca import subject_of
from tkkpg.gateway.authority.request import MAX_REQUEST_BYTES, merchant_folder, read_request
from tkkpg.protocol.errors import ConfigurationError

SigningKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def request(*names: str, key: SigningKey | None = None) -> x509.CertificateSigningRequest:
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = subject_of(*((NameOID.COMMON_NAME, name) for name in names))
    digest = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return x509.CertificateSigningRequestBuilder(subject).sign(key, digest)


def pem(asked: x509.CertificateSigningRequest) -> bytes:
    return asked.public_bytes(serialization.Encoding.PEM)


def test_a_request_of_our_own_client_is_read() -> None:
    made = make_key_and_request("E1000010", organisation="Shop LLC", email="it@shop.example")
    subject, key = read_request("E1000010", made.request_pem)
    assert "CN=E1000010" in subject.rfc4514_string()
    assert isinstance(key, rsa.RSAPublicKey)


def test_a_request_of_openssl_is_read_with_its_text_and_as_der(tmp_path: Path) -> None:
    command = (
        "openssl req -new -newkey rsa:2048 -nodes -sha256 -keyout key.pem -out asked.pem -text "
        "-subj /C=AZ/ST=Baku/L=Baku/O=Shop/OU=IT/CN=E1000010/emailAddress=it@shop.example"
    )
    subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    text = (tmp_path / "asked.pem").read_bytes()
    der = x509.load_pem_x509_csr(text).public_bytes(serialization.Encoding.DER)
    assert text.startswith(b"Certificate Request:")
    assert read_request("E1000010", text) == read_request("E1000010", der)


@pytest.mark.parametrize(
    ("names", "named"),
    [
        (("E1000011",), "'E1000011'"),
        (("e1000010",), "'e1000010'"),
        (("E1000010", "E1000011"), "'E1000010' and 'E1000011'"),
        (("E1000010", "E1000010"), "'E1000010' and 'E1000010'"),
    ],
)
def test_a_request_that_names_somebody_else_is_refused(names: tuple[str, ...], named: str) -> None:
    with pytest.raises(ConfigurationError, match=f"names {named} as its CN.*CN=E1000010"):
        read_request("E1000010", pem(request(*names)))


def test_a_request_that_names_nobody_is_refused() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = subject_of((NameOID.ORGANIZATION_NAME, "Shop"))
    asked = x509.CertificateSigningRequestBuilder(subject).sign(key, hashes.SHA256())
    with pytest.raises(ConfigurationError, match="names nobody as its CN"):
        read_request("E1000010", pem(asked))


def test_a_request_changed_on_the_way_is_refused() -> None:
    der = request("E1000010").public_bytes(serialization.Encoding.DER)
    changed = der.replace(b"E1000010", b"E1000011")
    with pytest.raises(ConfigurationError, match="changed on the way"):
        read_request("E1000011", changed)


def weak_key() -> SigningKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - the point


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(weak_key, id="RSA of 1024 bits"),
        pytest.param(ed25519.Ed25519PrivateKey.generate, id="Ed25519"),
        pytest.param(
            functools.partial(ec.generate_private_key, ec.SECP256K1()), id="a curve unknown to TLS"
        ),
    ],
)
def test_a_request_with_an_unfit_key_is_refused(make: Callable[[], SigningKey]) -> None:
    with pytest.raises(ConfigurationError, match=r"RSA of at least 2048 bits, or with P-256"):
        read_request("E1000010", pem(request("E1000010", key=make())))


@pytest.mark.parametrize(
    "asked",
    [b"", b"\x00", b"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n", b"E1000010"],
)
def test_what_is_no_request_is_refused(asked: bytes) -> None:
    with pytest.raises(ConfigurationError, match="BEGIN CERTIFICATE REQUEST"):
        read_request("E1000010", asked)


def test_a_huge_request_is_not_even_parsed() -> None:
    with pytest.raises(ConfigurationError, match=r"has 16385 bytes.*more than 16384"):
        read_request("E1000010", pem(request("E1000010")).ljust(MAX_REQUEST_BYTES + 1))


@pytest.mark.parametrize("merchant_id", ["E1000010", "test_1", "A-B", "x" * 15])
def test_a_merchant_id_becomes_a_folder(merchant_id: str) -> None:
    assert merchant_folder(merchant_id) == merchant_id


@pytest.mark.parametrize("merchant_id", ["", "..", "a/b", "ca.pem", "Ə1", "x" * 16, "E1\n", "a b"])
def test_a_merchant_id_that_could_leave_its_folder_is_refused(merchant_id: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be a merchant id"):
        merchant_folder(merchant_id)
