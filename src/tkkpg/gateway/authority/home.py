"""The gateway's home as the rest of the gateway sees it: each certificate in its place, in time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tkkpg.gateway.authority import files
from tkkpg.gateway.authority.ca import open_ca, server_name, subject_of
from tkkpg.gateway.authority.request import merchant_folder, read_request

ALWAYS_SERVED: Final = ("localhost", "127.0.0.1", "::1")
SERVER_VALIDITY: Final = timedelta(days=397)  # browsers refuse more than 398
MERCHANT_VALIDITY: Final = timedelta(days=1095)


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with its key, on disk: the two paths, SHA-256 of the DER, the last moment."""

    certificate: Path
    key: Path
    fingerprint: str
    not_after: datetime


class Authority:
    """The two CAs of one home, made on first start and read on every other.

    Raises:
        ConfigurationError: the files of a CA are not a pair, or it has expired.
    """

    def __init__(self, home: Path, now: datetime) -> None:
        self.servers_ca = home / "ca.pem"
        self.merchants_ca = home / "merchants" / "ca.pem"
        self._home = home
        self._servers = open_ca(home, "servers", ExtendedKeyUsageOID.SERVER_AUTH, now)
        self._merchants = open_ca(
            home / "merchants", "merchants", ExtendedKeyUsageOID.CLIENT_AUTH, now
        )

    def server_certificate(self, host_names: Iterable[str], now: datetime) -> Issued:
        """Return the servers' certificate, a new one when a name or 30 days of life are missing.

        Raises:
            ConfigurationError: a host name is outside what the CA may sign.
        """
        wanted = list(dict.fromkeys(map(server_name, (*ALWAYS_SERVED, *host_names))))
        path, key_path = self._home / "server.pem", self._home / "server-key.pem"
        present = files.read_pair(path, key_path)
        if present and self._servers.stands_behind(present, now) and _names(present) >= {*wanted}:
            return _issued(path, key_path, present)
        key = ec.generate_private_key(ec.SECP256R1())
        subject = subject_of(
            (NameOID.ORGANIZATION_NAME, "tkkpg"), (NameOID.COMMON_NAME, "localhost")
        )
        certificate = self._servers.sign(subject, key.public_key(), now, SERVER_VALIDITY, wanted)
        return _store(path, key_path, certificate, key)

    def merchant_certificate(self, merchant_id: str, now: datetime) -> Issued:
        """Return a merchant's certificate and key, made here when there is none that lasts 30 days.

        A renewed merchant holds two valid certificates for a while: both fingerprints are theirs.

        Raises:
            ConfigurationError: the id cannot be a folder's name.
        """
        folder = self._home / "merchants" / merchant_folder(merchant_id)
        path, key_path = folder / "cert.pem", folder / "key.pem"
        present = files.read_pair(path, key_path)
        if present and self._merchants.stands_behind(present, now):
            return _issued(path, key_path, present)
        key = ec.generate_private_key(ec.SECP256R1())
        subject = subject_of(  # the bank's layout: protocol description, 1.2
            (NameOID.COUNTRY_NAME, "AZ"),
            (NameOID.STATE_OR_PROVINCE_NAME, "Azerbaijan"),
            (NameOID.LOCALITY_NAME, "Baku"),
            (NameOID.ORGANIZATION_NAME, "Test merchant"),
            (NameOID.ORGANIZATIONAL_UNIT_NAME, "IT"),
            (NameOID.COMMON_NAME, merchant_id),
        )
        certificate = self._merchants.sign(subject, key.public_key(), now, MERCHANT_VALIDITY)
        folder.mkdir(mode=files.FOLDER, exist_ok=True)
        return _store(path, key_path, certificate, key)

    def sign_request(self, merchant_id: str, request: bytes, now: datetime) -> bytes:
        """Sign a merchant's own request, PEM or DER, and return the certificate as PEM.

        Extensions that the request asks for are ignored: a merchant gets the right to be a TLS
        client and nothing else.

        Raises:
            ConfigurationError: the request is unreadable, not signed by its own key, has a weak
                key, or its CN is not the merchant id.
        """
        subject, public_key = read_request(merchant_folder(merchant_id), request)
        return files.pem(self._merchants.sign(subject, public_key, now, MERCHANT_VALIDITY))


def fingerprint(pem_or_der: bytes) -> str:
    """SHA-256 of a certificate's DER, 64 lower-case hexadecimal digits: a merchant's name tag.

    Raises:
        ValueError: the bytes are no certificate.
    """
    if b"-----BEGIN CERTIFICATE-----" in pem_or_der:
        return _fingerprint(x509.load_pem_x509_certificate(pem_or_der))
    return _fingerprint(x509.load_der_x509_certificate(pem_or_der))


def _names(certificate: x509.Certificate) -> set[x509.GeneralName]:
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return set(names.value)


def _store(
    path: Path, key_path: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> Issued:
    """Write key and certificate; a crash between the two is seen as no pair, and made good."""
    files.write_key(key_path, key)
    files.write_certificate(path, certificate)
    return _issued(path, key_path, certificate)


def _issued(path: Path, key_path: Path, certificate: x509.Certificate) -> Issued:
    return Issued(path, key_path, _fingerprint(certificate), certificate.not_valid_after_utc)


def _fingerprint(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(hashes.SHA256()).hex()
