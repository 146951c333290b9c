"""One certificate authority: made on first start, read on every other, signs what ends a chain."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tkkpg.gateway.authority import files
from tkkpg.protocol.errors import ConfigurationError

HOST_NAMES: Final = (
    "localhost",
    "tstpg.kapitalbank.az",
    "3dsrv.kapitalbank.az",
    "e-commerce.kapitalbank.az",
)
"""The only DNS names that the servers' CA may sign; their sub-domains come with them."""

NETWORKS: Final = (ipaddress.IPv4Network("127.0.0.0/8"), ipaddress.IPv6Network("::1/128"))
"""The only addresses that the servers' CA may sign."""

VALIDITY: Final = timedelta(days=3650)
RENEW_BEFORE: Final = timedelta(days=30)
CLOCK_SKEW: Final = timedelta(hours=1)  # a peer whose clock is a little slow must not be refused

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey
ServerName = x509.DNSName | x509.IPAddress

_HOST_NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*")


@dataclass(frozen=True, slots=True, repr=False)
class CA:
    """A CA in memory: its certificate, its key, and the one usage it signs for."""

    certificate: x509.Certificate
    key: files.PrivateKey
    purpose: x509.ObjectIdentifier

    def sign(
        self,
        subject: x509.Name,
        public_key: PublicKey,
        now: datetime,
        validity: timedelta,
        names: list[ServerName] | None = None,
    ) -> x509.Certificate:
        """Make the certificate of a server or a merchant; it never outlives the CA."""
        last = min(now - CLOCK_SKEW + validity, self.certificate.not_valid_after_utc)
        draft = (
            _draft(subject, self.certificate.subject, public_key, self.key.public_key())
            .not_valid_before(_whole(now - CLOCK_SKEW))
            .not_valid_after(_whole(last))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(ca=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([self.purpose]), critical=False)
        )
        if names:
            draft = draft.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return draft.sign(self.key, hashes.SHA256())

    def stands_behind(self, certificate: x509.Certificate, now: datetime) -> bool:
        """Whether the certificate is ours, and valid now and for the next 30 days."""
        first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        if not first <= now < last - RENEW_BEFORE:
            return False
        try:
            certificate.verify_directly_issued_by(self.certificate)
        except (InvalidSignature, TypeError, ValueError):  # another key, algorithm or issuer
            return False
        return True


def open_ca(folder: Path, name: str, purpose: x509.ObjectIdentifier, now: datetime) -> CA:
    """Read `ca.pem` and `ca-key.pem`, or make them where there are none.

    A key whose certificate is missing is kept: subject and key identifier follow from the key, so
    the new certificate stands for everything that was signed before.

    Raises:
        ConfigurationError: the two files are not a pair, or the CA has expired.
    """
    path, key_path = folder / "ca.pem", folder / "ca-key.pem"
    folder.mkdir(mode=files.FOLDER, parents=True, exist_ok=True)
    if not path.exists():
        if not key_path.exists():
            files.write_key(key_path, files.RSA.new())
        files.write_certificate(path, _self_signed(name, files.read_key(key_path), purpose, now))
    certificate = files.read_pair(path, key_path)
    if certificate is None:
        raise ConfigurationError(
            f"{path} and {key_path} are not a certificate and its key. They are made together on "
            f"first start and belong together: put both back from a backup, or remove both to get "
            f"a new CA, which every client then has to trust anew."
        )
    if now >= certificate.not_valid_after_utc:
        raise ConfigurationError(
            f"The CA {path} expired on {certificate.not_valid_after_utc:%Y-%m-%d}. Remove it and "
            f"{key_path} to get a new CA, which every client then has to trust anew."
        )
    return CA(certificate, files.read_key(key_path), purpose)


def server_name(name: str) -> ServerName:
    """Read a host name or address that the servers' CA may sign.

    Raises:
        ConfigurationError: it is outside the CA's constraints.
    """
    host = name.lower()
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        ours = any(host == known or host.endswith(f".{known}") for known in HOST_NAMES)
        if ours and _HOST_NAME.fullmatch(host):
            return x509.DNSName(host)
    else:
        if any(address in network for network in NETWORKS):
            return x509.IPAddress(address)
    raise ConfigurationError(
        f"{name!r} cannot be a host name of this gateway: its CA signs only {', '.join(HOST_NAMES)}"
        f" and loopback addresses, so that trusting it is harmless. Use one of these names, with a "
        f"line in the hosts file where it is needed."
    )


def subject_of(*attributes: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    """Make a subject, one attribute a part, in the order given."""
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in attributes])


def _self_signed(
    name: str, key: files.PrivateKey, purpose: x509.ObjectIdentifier, now: datetime
) -> x509.Certificate:
    """Make a CA's own certificate; the servers' one is bound to our names and addresses."""
    digest = x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest
    subject = subject_of(
        (NameOID.ORGANIZATION_NAME, "tkkpg"),
        (NameOID.COMMON_NAME, f"tkkpg {name} CA {digest[:4].hex()}"),
    )
    draft = (
        _draft(subject, subject, key.public_key(), key.public_key())
        .not_valid_before(_whole(now - CLOCK_SKEW))
        .not_valid_after(_whole(now + VALIDITY))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(ca=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    )
    if purpose == ExtendedKeyUsageOID.SERVER_AUTH:
        permitted = [x509.DNSName(host) for host in HOST_NAMES]
        networks = [x509.IPAddress(network) for network in NETWORKS]
        draft = draft.add_extension(
            x509.NameConstraints([*permitted, *networks], excluded_subtrees=None), critical=True
        )
    return draft.sign(key, hashes.SHA256())


def _draft(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: PublicKey,
    signed_by: PublicKey,
) -> x509.CertificateBuilder:
    """Begin any certificate: serial number, names and the two key identifiers."""
    key_identifier = x509.SubjectKeyIdentifier.from_public_key(public_key)
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(signed_by)
    return (
        x509.CertificateBuilder(subject_name=subject, issuer_name=issuer, public_key=public_key)
        .serial_number(x509.random_serial_number())
        .add_extension(key_identifier, critical=False)
        .add_extension(authority, critical=False)
    )


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _whole(moment: datetime) -> datetime:
    """Drop the fraction of a second, which a certificate cannot say."""
    return moment.replace(microsecond=0)
