"""The two TLS configurations of the gateway: with a merchant's certificate, and without.

Session tickets stay on, because a full handshake costs as much as fifty requests. A context is
made once for a listener, so that every connection can resume a session that it issued.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

CIPHERS: Final = ":".join(
    f"ECDHE-{signed}-{cipher}"
    for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
    for signed in ("ECDSA", "RSA")
)
"""What TLS 1.2 may use: forward secrecy, and authenticated encryption instead of CBC."""


def exec_tls(merchants_ca: Path, *served: tuple[Path, Path]) -> ssl.SSLContext:
    """TLS for Exec: a peer without a certificate of the merchants' CA does not get in.

    OpenSSL also refuses a certificate that has expired or is not meant for TLS clients.

    Args:
        merchants_ca: Its certificate.
        served: As for `page_tls`.
    """
    context = page_tls(*served)
    context.load_verify_locations(merchants_ca)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def page_tls(*served: tuple[Path, Path]) -> ssl.SSLContext:
    """TLS for browsers: nobody is asked for a certificate.

    Args:
        served: Certificate and key, one pair for each kind of key; the client's signature
            algorithms choose.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION  # TLS 1.2 peers could make us work for nothing
    context.set_ciphers(CIPHERS)  # of TLS 1.2; those of 1.3 are all like this
    for certificate, key in served:
        context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["http/1.1"])
    return context


def refusal_reason(error: BaseException) -> str:
    """Say in OpenSSL's words why a handshake failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate verify failed: {error.verify_message}"
    reason: str | None = getattr(error, "reason", None)  # only OpenSSL's own errors have one
    if isinstance(error, ssl.SSLError) and reason:
        return reason.lower().replace("_", " ")
    if isinstance(error, ConnectionResetError):
        return "the peer closed the connection during the handshake"
    return str(error) or type(error).__name__
