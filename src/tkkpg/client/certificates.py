"""What merchants need around certificates: a key and a request, a look inside, a clear reason.

Connecting to a TKKPG gateway begins with three files (our key, our certificate, the gateway's CA)
and a port that firewalls like to block. Most first days are spent here, so `explain` turns what
the network said into one paragraph that names the cause and the next step.
"""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tkkpg.protocol.errors import ConfigurationError

KEY_BITS: Final = 2048
MAX_PART_BYTES: Final = 64  # X.520's limit for the parts of a subject
USAGES: Final = {
    ExtendedKeyUsageOID.CLIENT_AUTH: "clientAuth",
    ExtendedKeyUsageOID.SERVER_AUTH: "serverAuth",
}

_HOST_MISMATCH = {62, 64}  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
_NOT_YET_VALID, _EXPIRED = 9, 10  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED
_NOT_TLS = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG"}
_NO_WAY = {errno.ENETUNREACH, errno.EHOSTUNREACH}
_SILENT_END = "disconnected without sending a response"  # what HTTP libraries call a bare EOF


@dataclass(frozen=True, slots=True)
class KeyAndRequest:
    """A new private key, which stays with the merchant, and the request that goes to the bank."""

    key_pem: bytes = field(repr=False)
    request_pem: bytes


@dataclass(frozen=True, slots=True)
class CertificateDetails:
    """What a certificate says.

    `days_left` counts whole days and is negative after the end; `usages` holds `clientAuth`,
    `serverAuth` or dotted numbers, and is empty when every usage is allowed; `fingerprint` is the
    SHA-256 of the DER in lower-case hexadecimal.
    """

    subject: str
    common_name: str
    issuer: str
    not_before: datetime
    not_after: datetime
    days_left: int
    usages: tuple[str, ...]
    fingerprint: str


def make_key_and_request(
    merchant_id: str,
    *,
    organisation: str,
    email: str,
    locality: str = "Baku",
    state: str = "Azerbaijan",
) -> KeyAndRequest:
    """Make an RSA 2048 key and a certificate request with the subject that the bank expects.

    The CN is the merchant id, because the gateway compares the two (protocol description, 1.2).

    Raises:
        ConfigurationError: a part of the subject is empty, too long or not printable.
    """
    parts = (
        (NameOID.COUNTRY_NAME, "country", "AZ"),
        (NameOID.STATE_OR_PROVINCE_NAME, "state", state),
        (NameOID.LOCALITY_NAME, "locality", locality),
        (NameOID.ORGANIZATION_NAME, "organisation", organisation),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "unit", "IT"),
        (NameOID.COMMON_NAME, "merchant id", merchant_id),
        (NameOID.EMAIL_ADDRESS, "e-mail address", email),
    )
    for _, name, text in parts:
        if not 1 <= len(text.encode()) <= MAX_PART_BYTES or not text.isprintable():
            raise ConfigurationError(
                f"The {name} of a certificate request must have 1 to {MAX_PART_BYTES} bytes of "
                f"printable text. Shorten it or fill it in."
            )
    subject = x509.Name([x509.NameAttribute(oid, text) for oid, _, text in parts])
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    request = x509.CertificateSigningRequestBuilder(subject).sign(key, hashes.SHA256())
    key_pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return KeyAndRequest(key_pem, request.public_bytes(serialization.Encoding.PEM))


def inspect(pem: bytes, now: datetime | None = None) -> CertificateDetails:
    """Read a certificate; `days_left` is counted from `now`, by default this moment.

    Raises:
        ConfigurationError: the bytes hold no certificate.
    """
    try:
        certificate = x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise ConfigurationError(
            "This is not a certificate in PEM: a line BEGIN CERTIFICATE is missing, or what "
            "follows it is damaged. A key or a certificate request is another file."
        ) from error
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    not_after = certificate.not_valid_after_utc
    return CertificateDetails(
        subject=certificate.subject.rfc4514_string(),
        common_name=str(names[0].value) if names else "",
        issuer=certificate.issuer.rfc4514_string(),
        not_before=certificate.not_valid_before_utc,
        not_after=not_after,
        days_left=(not_after - (now or datetime.now(UTC))).days,
        usages=_usages(certificate),
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
    )


def explain(exc: BaseException, host: str, port: int) -> str:
    """Say in one paragraph why no exchange with `host:port` took place, and what to do next.

    Takes whatever was raised, by this package, an HTTP library or the sockets themselves, and
    looks through its causes for the first one that it knows.
    """
    for error in _causes(exc):
        reason = _explain_tls(error, host) if isinstance(error, ssl.SSLError) else None
        reason = reason or _explain_network(error, host, port)
        if reason:
            return reason
    return (
        f"The exchange with {host}:{port} failed with {type(exc).__name__}, which does not point "
        f"to certificates or to the port. The log of both sides at this moment says more."
    )


def _usages(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(USAGES.get(usage, usage.dotted_string) for usage in usages)


def _causes(exc: BaseException) -> Iterator[BaseException]:
    """Yield an exception and what led to it, each once, groups member by member."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [exc]
    while waiting:
        error = waiting.pop(0)
        if error is None or id(error) in seen:
            continue
        seen.add(id(error))
        yield error
        waiting += [error.__cause__, error.__context__]
        if isinstance(error, BaseExceptionGroup):
            waiting += error.exceptions


def _explain_tls(error: ssl.SSLError, host: str) -> str | None:
    """Explain what TLS itself complains about, whichever side complained."""
    reason: str = getattr(error, "reason", None) or ""  # only OpenSSL's own errors have one
    if isinstance(error, ssl.SSLCertVerificationError):
        return _explain_server_certificate(error, host)
    if reason == "KEY_VALUES_MISMATCH":
        return (
            "The private key does not belong to the certificate: they were made by different "
            "requests. Use the key that was made together with the request which this certificate "
            "answers; if it is lost, make a new key and request and have it signed again."
        )
    if reason in _NOT_TLS:
        return (
            f"{host} answered, but not in TLS, so the port is another service's or a proxy stands "
            f"between. Exec is https on port 5443; check the address and the proxy settings."
        )
    _, is_alert, alert = reason.partition("ALERT_")
    return _explain_alert(alert, host) if is_alert else None


def _explain_alert(alert: str, host: str) -> str:
    if alert == "CERTIFICATE_EXPIRED":
        return (
            f"{host} refused our certificate because it has expired. Make a new key and request, "
            f"have it signed by the bank, and put the new certificate and key in place together."
        )
    if alert == "CERTIFICATE_REQUIRED":
        return (
            f"{host} asks for a client certificate and none was sent. Give the client both files, "
            f"our certificate and our key."
        )
    return _rejected(f"{host} refused us with the TLS alert {alert.lower().replace('_', ' ')!r}.")


def _explain_server_certificate(error: ssl.SSLCertVerificationError, host: str) -> str:
    if error.verify_code in _HOST_MISMATCH:
        return (
            f"The server's certificate is not for {host}: it names other hosts. Call the server "
            f"by a name that is in its certificate; a sandbox takes more names with --host-name."
        )
    if error.verify_code == _EXPIRED:
        return (
            f"The certificate of {host}, or of its CA, has expired by this machine's clock. If "
            f"the clock is right, the server's operator has to renew it; a sandbox does so when it "
            f"is started again."
        )
    if error.verify_code == _NOT_YET_VALID:
        return (
            f"The certificate of {host} begins in the future by this machine's clock. Set the "
            f"clock right, best by time synchronisation, and try again."
        )
    return (
        f"The certificate of {host} is not trusted ({error.verify_message}). Give the client the "
        f"CA that signed it: for a sandbox the file ca.pem in its home, for the bank the "
        f"certificates that the bank gives out. Do not switch verification off: whoever stands "
        f"between could then take the bank's place."
    )


def _explain_network(error: BaseException, host: str, port: int) -> str | None:
    """Explain what happened before TLS or instead of an answer."""
    if isinstance(error, ConnectionRefusedError):
        return (
            f"{host} refused the connection to port {port}: nothing listens there, or a firewall "
            f"answers for it. For the bank, allow outgoing connections to port {port} on your "
            f"server and ask your hosting provider to do the same (the bank's FAQ names this "
            f"cause; its address is 85.132.41.198). For a sandbox, check that it is running and "
            f"on which port."
        )
    if isinstance(error, socket.gaierror):
        return (
            f"The name {host} could not be resolved. Check its spelling and this machine's DNS; a "
            f"sandbox that uses one of the bank's names needs a line in the hosts file."
        )
    if isinstance(error, TimeoutError) or (isinstance(error, OSError) and error.errno in _NO_WAY):
        return (
            f"{host}:{port} did not answer in time or could not be reached, as happens when a "
            f"firewall drops what it does not allow. Ask for outgoing access to port {port}. If a "
            f"request had been sent, its outcome is unknown: ask for the order's status before "
            f"anything is repeated."
        )
    ended = isinstance(error, ssl.SSLEOFError | ConnectionError | EOFError)
    if ended or _SILENT_END in str(error):
        return _rejected(f"{host}:{port} ended the connection without an answer.")
    return None


def _rejected(what: str) -> str:
    """Say what a refused client certificate can be due to; gateways rarely say it themselves."""
    return (
        f"{what} Gateways end like this when they do not accept our certificate. Check that it "
        f"was sent at all, has not expired, is meant for clientAuth, and was signed by the CA of "
        f"this very gateway: the bank's test and production systems, and every sandbox, have "
        f"certificates of their own. If it worked a moment ago, the network may have been cut: "
        f"then ask for the order's status before anything is repeated."
    )
