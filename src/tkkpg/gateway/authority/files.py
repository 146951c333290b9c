"""Certificates and keys on disk: PEM, whole or absent, keys readable by their owner alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tkkpg.protocol.errors import ConfigurationError

PRIVATE: Final = 0o600
PUBLIC: Final = 0o644
FOLDER: Final = 0o700
RSA_BITS: Final = 2048  # the bank's own certificates and its merchants' have as many

PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class KeyKind(NamedTuple):
    """A kind of key: how one is made, and what its public half is."""

    new: Callable[[], PrivateKey]
    public: type[rsa.RSAPublicKey | ec.EllipticCurvePublicKey]


RSA: Final = KeyKind(partial(rsa.generate_private_key, 65537, RSA_BITS), rsa.RSAPublicKey)
"""What every TLS peer takes."""
EC: Final = KeyKind(partial(ec.generate_private_key, ec.SECP256R1()), ec.EllipticCurvePublicKey)
"""P-256, whose signature costs a fraction of RSA's."""


def read_pair(certificate_path: Path, key_path: Path) -> x509.Certificate | None:
    """Return the certificate if it and its key can be read and belong together."""
    try:
        certificate = x509.load_pem_x509_certificate(certificate_path.read_bytes())
        key = read_key(key_path)
    except (FileNotFoundError, ValueError, ConfigurationError):
        return None
    return certificate if certificate.public_key() == key.public_key() else None


def read_key(path: Path) -> PrivateKey:
    """Read a key that this package wrote.

    Raises:
        ConfigurationError: the file holds something else.
    """
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(
            f"{path} is not a private key in PEM without a password. Put it back from a backup, "
            f"or remove it together with the certificate beside it to get new ones."
        ) from error
    if not isinstance(key, PrivateKey):
        raise ConfigurationError(
            f"{path} is neither an RSA nor an elliptic-curve key. Put it back from a backup, or "
            f"remove it together with the certificate beside it to get new ones."
        )
    return key


def write_certificate(path: Path, certificate: x509.Certificate) -> None:
    """Write a certificate for everybody who can enter the folder."""
    _write(path, pem(certificate), PUBLIC)


def write_key(path: Path, key: PrivateKey) -> None:
    """Write a private key, PKCS#8 without a password, for its owner alone."""
    data = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    _write(path, data, PRIVATE)


def pem(certificate: x509.Certificate) -> bytes:
    """Return a certificate as text."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def _write(path: Path, data: bytes, mode: int) -> None:
    """Let a file appear whole and with its mode: a reader sees the old one or the new one."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)  # left by a process of the same number that was killed
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)  # it may hold a key, and nobody would look for it
        raise
