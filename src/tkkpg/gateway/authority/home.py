"""The gateway's home as the rest of the gateway sees it: each certificate in its place, in time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tkkpg.gateway.authority import files
from tkkpg.gateway.authority.ca import ServerName, open_ca, server_name, subject_of
from tkkpg.gateway.authority.request import merchant_folder, read_request

ALWAYS_SERVED: Final = ("localhost", "127.0.0.1", "::1")
SERVER_VALIDITY: Final = timedelta(days=397)  # browsers refuse more than 398
MERCHANT_VALIDITY: Final = timedelta(days=1095)

SERVED: Final = {"server": files.RSA, "server-ec": files.EC}
"""The servers' certificates: the beginning of their files' names, and the kind of key. OpenSSL
shows the one whose signature the client takes, and the cheaper one to a client that takes both."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with its key, on disk: the two paths, SHA-256 of the DER, the last moment."""

    certificate: Path
    key: Path
    fingerprint: str
    not_after: datetime

    @property
    def pair(self) -> tuple[Path, Path]:
        """The certificate's path and its key's, as a TLS context takes them."""
        return self.certificate, self.key


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

    def server_certificates(self, host_names: Iterable[str], now: datetime) -> tuple[Issued, ...]:
        """Return the servers' certificates in the order of `SERVED`.

        One is made anew when a name or 30 days of life are missing, or when it has another kind of
        key than its name says, as in the home of a version that had elliptic curves alone.

        Raises:
            ConfigurationError: a host name is outside what the CA may sign.
        """
        wanted = list(dict.fromkeys(map(server_name, (*ALWAYS_SERVED, *host_names))))
        return tuple(self._server_certificate(*one, wanted, now) for one in SERVED.items())

    def host_certificate(self, now: datetime) -> Issued:
        """Return the certificate that the sandbox's authorisation host shows under TLS."""
        wanted = [server_name(name) for name in ALWAYS_SERVED]
        return self._server_certificate("host", files.EC, wanted, now)

    def _server_certificate(
        self, name: str, kind: files.KeyKind, wanted: list[ServerName], now: datetime
    ) -> Issued:
        path, key_path = self._home / f"{name}.pem", self._home / f"{name}-key.pem"
        present = files.read_pair(path, key_path)
        if (
            present
            and self._servers.stands_behind(present, now)
            and _names(present) >= {*wanted}
            and isinstance(present.public_key(), kind.public)
        ):
            return _issued(path, key_path, present)
        key = kind.new()
        subject = subject_of(
            (NameOID.ORGANIZATION_NAME, "tkkpg"), (NameOID.COMMON_NAME, "localhost")
        )
        certificate = self._servers.sign(subject, key.public_key(), now, SERVER_VALIDITY, wanted)
        return _store(path, key_path, certificate, key)

    def merchant_certificate(
        self, merchant_id: str, now: datetime, kind: files.KeyKind = files.RSA
    ) -> Issued:
        """Return a merchant's certificate and key, made here when there is none that lasts 30 days.

        One that lasts is kept, whichever kind of key it has: the merchant holds it already. A
        renewed merchant holds two valid certificates for a while: both fingerprints are theirs.

        Args:
            merchant_id: Its CN, and its folder's name.
            now: Wall-clock time.
            kind: Of the key, where there is none yet.

        Raises:
            ConfigurationError: the id cannot be a folder's name.
        """
        folder = self._home / "merchants" / merchant_folder(merchant_id)
        path, key_path = folder / "cert.pem", folder / "key.pem"
        present = files.read_pair(path, key_path)
        if present and self._merchants.stands_behind(present, now):
            return _issued(path, key_path, present)
        key = kind.new()
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
    path: Path, key_path: Path, certificate: x509.Certificate, key: files.PrivateKey
) -> Issued:
    """Write key and certificate; a crash between the two is seen as no pair, and made good."""
    files.write_key(key_path, key)
    files.write_certificate(path, certificate)
    return _issued(path, key_path, certificate)


def _issued(path: Path, key_path: Path, certificate: x509.Certificate) -> Issued:
    return Issued(path, key_path, _fingerprint(certificate), certificate.not_valid_after_utc)


def _fingerprint(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(hashes.SHA256()).hex()
