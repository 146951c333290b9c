"""Reads what a merchant asks to be signed: a PKCS#10 request that is sound, strong and theirs."""

from __future__ import annotations

import re
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from tkkpg.gateway.authority.ca import PublicKey
from tkkpg.protocol.errors import ConfigurationError

MAX_REQUEST_BYTES: Final = 16_384  # an RSA 4096 request with a long subject is under 3 kB
MIN_RSA_BITS: Final = 2048
CURVES: Final = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)

_MERCHANT_ID = re.compile(r"[A-Za-z0-9_-]{1,15}")  # it becomes a folder's name


def merchant_folder(merchant_id: str) -> str:
    """Return a merchant id that is safe as the name of a folder.

    Raises:
        ConfigurationError: it is not.
    """
    if not _MERCHANT_ID.fullmatch(merchant_id):
        raise ConfigurationError(
            f"{merchant_id!r} cannot be a merchant id: it is 1 to 15 Latin letters, digits, "
            f"hyphens or underscores, such as E1000010."
        )
    return merchant_id


def read_request(merchant_id: str, request: bytes) -> tuple[x509.Name, PublicKey]:
    """Return the subject and the key of a merchant's request, PEM or DER.

    Here, and only here, the CN is compared with the merchant id (protocol description, 1.2); later
    the certificate is known by its fingerprint.

    Raises:
        ConfigurationError: the request is unreadable, not signed by its own key, has a weak key,
            or names somebody else.
    """
    asked = _parse(request)
    names = [str(name.value) for name in asked.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if names != [merchant_id]:
        raise ConfigurationError(
            f"The certificate request names {' and '.join(map(repr, names)) or 'nobody'} as its "
            f"CN, but it is for merchant {merchant_id}. The CN must be the merchant id: make a new "
            f"request with CN={merchant_id}."
        )
    return asked.subject, _strong_key(asked)


def _parse(request: bytes) -> x509.CertificateSigningRequest:
    if len(request) > MAX_REQUEST_BYTES:
        raise ConfigurationError(
            f"The certificate request has {len(request)} bytes; no real one has more than "
            f"{MAX_REQUEST_BYTES}. Send the file that begins with BEGIN CERTIFICATE REQUEST."
        )
    pem = b"-----BEGIN" in request  # a text form may stand before it
    try:
        asked = (x509.load_pem_x509_csr if pem else x509.load_der_x509_csr)(request)
        sound = bool(asked.subject) and asked.is_signature_valid
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigurationError(
            "The certificate request cannot be read. Send the file that begins with "
            "BEGIN CERTIFICATE REQUEST: neither the key nor a certificate."
        ) from error
    if not sound:
        raise ConfigurationError(
            "The certificate request is empty, or not signed by the key it asks a certificate for: "
            "it was changed on the way. Make it again and send it unchanged."
        )
    return asked


def _strong_key(asked: x509.CertificateSigningRequest) -> PublicKey:
    key = asked.public_key()
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= MIN_RSA_BITS:
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, CURVES):
        return key
    raise ConfigurationError(
        f"The certificate request has a key that is weak or that not every TLS peer accepts. Make "
        f"it again with RSA of at least {MIN_RSA_BITS} bits, or with P-256."
    )
