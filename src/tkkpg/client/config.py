"""What a client needs to know: where the gateway is, who asks, and how long to wait."""

from __future__ import annotations

import os
import ssl
import warnings
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import httpx2

from tkkpg import __version__
from tkkpg.protocol import redirect
from tkkpg.protocol.errors import ConfigurationError
from tkkpg.protocol.values import OrderRef

FilePath = str | os.PathLike[str]

KEEPALIVE_S: Final = 15.0
"""An idle connection is used again for so long. Shorter than any gateway's own limit (ours keeps
65 s, the servers in front of others 20 s and more), since a request written to a connection that
the other side is just closing has an unknown outcome."""

CONNECTIONS: Final = httpx2.Limits(
    max_connections=100, max_keepalive_connections=20, keepalive_expiry=KEEPALIVE_S
)

NEVER_BY_PROXY: Final = dict.fromkeys(("all://localhost", "all://127.0.0.1", "all://[::1]"))
"""A sandbox on this machine is asked directly, whatever proxy the environment names."""

HEADERS: Final = {
    "Accept": "text/xml",
    "Accept-Encoding": "identity",  # so that the limit on a reply's size counts what is read
    "Content-Type": "text/xml; charset=UTF-8",
    "User-Agent": f"tkkpg/{__version__}",
}


class InsecureConnectionWarning(UserWarning):
    """The gateway's certificate is not verified: whoever answers can take the payments."""


# Once for each place in the code is not loud enough. Appended, so that anybody's own filter wins.
warnings.simplefilter("always", InsecureConnectionWarning, append=True)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a gateway answers.

    Attributes:
        exec_url: Address of the XML service, https, such as `https://localhost:5443/Exec`.
        page_url: Address of the hosted page, for `payment_url`. A new order does not need it: the
            gateway's answer names the page.

    Raises:
        ConfigurationError: An address is not https, or names no host.
    """

    exec_url: str
    page_url: str | None = None

    def __post_init__(self) -> None:
        """Refuse addresses that could only fail later."""
        for address in (self.exec_url, self.page_url):
            if address is not None and not _is_https(address):
                raise ConfigurationError(
                    f"{address!r} is no address of a gateway. Write it in full and with https, "
                    "for example https://localhost:5443/Exec."
                )

    @classmethod
    def test(cls) -> Endpoint:
        """Kapital Bank's test environment, as in the bank's document."""
        return cls(
            "https://tstpg.kapitalbank.az:5443/Exec", "https://tstpg.kapitalbank.az/index.jsp"
        )

    @classmethod
    def production(cls) -> Endpoint:
        """Kapital Bank's production environment, as in the bank's document."""
        return cls(
            "https://3dsrv.kapitalbank.az:5443/Exec", "https://3dsrv.kapitalbank.az/index.jsp"
        )

    @property
    def host(self) -> str:
        """Name or address of the host that answers."""
        return urlsplit(self.exec_url).hostname or ""

    @property
    def port(self) -> int:
        """Its TCP port; 443 when the address names none."""
        return urlsplit(self.exec_url).port or 443

    def payment_url(self, ref: OrderRef) -> str:
        """Build the address of the hosted page for an order that was created earlier.

        Raises:
            ConfigurationError: The endpoint has no `page_url`.
        """
        if self.page_url is None:
            raise ConfigurationError(
                "This endpoint does not say where the hosted page is. Give Endpoint a page_url, "
                "or keep the payment_url that create_order returned."
            )
        return redirect.payment_url(self.page_url, ref)


@dataclass(frozen=True, slots=True)
class Credentials:
    """The merchant's certificate, and whom to believe on the other side.

    Attributes:
        certificate: PEM file of the merchant's certificate; its CN is the merchant id.
        key: PEM file of its private key.
        ca: PEM file of a further CA that may sign the gateway's certificate, such as the
            sandbox's `ca.pem`; the system's own CAs are always believed.
        key_password: Password of the key, where it has one.
        insecure_skip_verification: DANGEROUS. Believe any certificate of the gateway, and so
            anybody who stands in between: they can read sessions and answer that an order is
            paid. There is no good use of it with money; for a private gateway give `ca` instead.
            Warns with `InsecureConnectionWarning` each time.
    """

    certificate: FilePath
    key: FilePath
    ca: FilePath | None = None
    key_password: str | None = field(default=None, repr=False)
    insecure_skip_verification: bool = field(default=False, kw_only=True)

    def ssl_context(self) -> ssl.SSLContext:
        """Load the files.

        Raises:
            ConfigurationError: A file cannot be read or is not what it should be.
        """
        context = httpx2.create_ssl_context()
        if self.ca is not None:
            _read("CA file", self.ca)
            try:
                context.load_verify_locations(self.ca)
            except ssl.SSLError as error:
                raise ConfigurationError(
                    f"The CA file {os.fspath(self.ca)} holds no certificate in PEM "
                    f"({error.reason}). Give the file that begins with BEGIN CERTIFICATE."
                ) from error
        if self.insecure_skip_verification:
            _warn_insecure()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        self._load_own(context)
        return context

    def _load_own(self, context: ssl.SSLContext) -> None:
        _read("certificate", self.certificate)
        key = _read("key", self.key)
        try:
            # An empty password, never none: without one OpenSSL asks at the terminal and waits.
            context.load_cert_chain(self.certificate, self.key, self.key_password or "")
        except ssl.SSLError as error:
            raise ConfigurationError(
                f"The certificate {os.fspath(self.certificate)} and the key "
                f"{os.fspath(self.key)} cannot be used: {self._why(error, key)}"
            ) from error

    def _why(self, error: ssl.SSLError, key: bytes) -> str:
        if error.reason == "KEY_VALUES_MISMATCH":
            return "this key does not belong to this certificate. Give the key of its request."
        if b"ENCRYPTED" in key and self.key_password is None:
            return "the key is protected. Give its password as key_password."
        if b"ENCRYPTED" in key:
            return "the key does not open with this key_password. Check the password."
        return f"they must both be PEM files, one with BEGIN … in each ({error.reason})."


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long to wait, in seconds.

    Attributes:
        connect_s: For a connection, TLS included, and for a free place among a hundred.
        write_s: For the request to be taken.
        read_s: For the answer. A gateway may take 20 s to answer a refund; to stop waiting
            before that makes outcomes unknown that would have been known.

    Raises:
        ConfigurationError: A time is not positive.
    """

    connect_s: float = 10.0
    write_s: float = 10.0
    read_s: float = 30.0

    def __post_init__(self) -> None:
        """Refuse to wait for nothing, or for ever."""
        for each in fields(self):
            if not 0 < getattr(self, each.name) < float("inf"):
                raise ConfigurationError(f"{each.name} must be a number of seconds above zero.")


DEFAULT_TIMEOUTS: Final = Timeouts()


class Clock(Protocol):
    """Time for a blocking client to wait by; the module `time` is one."""

    def monotonic(self) -> float:
        """Seconds from any moment on, never going back."""
        ...

    def sleep(self, seconds: float, /) -> None:
        """Wait."""
        ...


class AsyncClock(Protocol):
    """Time for an awaiting client to wait by."""

    def monotonic(self) -> float:
        """Seconds from any moment on, never going back."""
        ...

    async def sleep(self, seconds: float, /) -> None:
        """Let others run meanwhile."""
        ...


def connection_options(
    credentials: Credentials | None, timeouts: Timeouts, transport: object | None
) -> dict[str, Any]:
    """Give the options that both of httpx2's clients are made with.

    Raises:
        ConfigurationError: Neither credentials nor a transport, both, or files that do not load.
    """
    if (credentials is None) == (transport is None):
        raise ConfigurationError(
            "Give Credentials, so that the client connects by itself, or a transport, which "
            "connects in its own way: exactly one of the two."
        )
    return {
        "verify": True if credentials is None else credentials.ssl_context(),
        "timeout": httpx2.Timeout(
            connect=timeouts.connect_s,
            read=timeouts.read_s,
            write=timeouts.write_s,
            pool=timeouts.connect_s,
        ),
        "limits": CONNECTIONS,
        "headers": HEADERS,
        "transport": transport,
        "mounts": NEVER_BY_PROXY,
    }


def _is_https(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _read(what: str, path: FilePath) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"The {what} {os.fspath(path)} cannot be read: {error.strerror}. "
            "Check the path, and that this user may read the file."
        ) from error


def _warn_insecure() -> None:
    warnings.warn(
        "The gateway's certificate is not verified (insecure_skip_verification=True): whoever "
        "answers can read sessions and claim that orders are paid. Give Credentials a ca file.",
        InsecureConnectionWarning,
        stacklevel=6,
    )
