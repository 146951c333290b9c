"""The courier over HTTP: one POST to an address that was checked before it is called.

Why it is built this way is in docs/decisions/0004-outgoing-calls.md.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Final
from urllib.parse import urlencode

import httpcore2
import httpx2

from tkkpg.gateway.notify.addresses import refusal
from tkkpg.gateway.notify.base import Delivery, DeliveryResult
from tkkpg.gateway.notify.pinned import PinnedNetwork

DEADLINE_S: Final = 10.0
"""For the whole of one try; a receiver that needs longer should answer first and work then."""

MAX_ADDRESSES: Final = 4
"""Addresses tried before giving up; a name may have hundreds."""

REPLY_LIMIT_BYTES: Final = 64 * 1024
"""What is read of a reply: nobody looks at it, reading it only lets the receiver finish."""

HTTP_ERRORS: Final = (
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.TimeoutException,
)

MAX_PORT: Final = 1 << 16

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Finds the addresses, in digits, of a name and port; raises `OSError` when there are none."""


async def resolve(name: str, port: int) -> Sequence[str]:
    """Ask the system's resolver, which also reads an address written in digits."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


class HttpCourier:
    """A `Courier` that posts forms over http and https, to public addresses only.

    The name is resolved once, every address found is checked, and the connection goes to a
    checked address while the Host header, SNI and the certificate's verification keep the name.
    No redirect is followed, no proxy is used, no cookie is kept, no connection is used twice.
    """

    def __init__(
        self,
        *,
        allow_loopback: bool,
        user_agent: str,
        tls: ssl.SSLContext | None = None,
        resolver: Resolver = resolve,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        """Read the authorities; nothing is opened before the first delivery.

        Args:
            allow_loopback: Whether this machine itself may be called; for the sandbox.
            user_agent: The `User-Agent` header, `tkkpg/<version>`.
            tls: Verifies certificates; by default against the system's authorities.
            resolver: Asked exactly once a delivery.
            deadline_s: For resolving, connecting, sending and reading together.
        """
        self._allow_loopback = allow_loopback
        self._user_agent = user_agent
        self._resolver = resolver
        self._deadline_s = deadline_s
        self._tls = httpcore2.default_ssl_context() if tls is None else tls

    async def deliver(self, delivery: Delivery) -> DeliveryResult:
        """Post the form once; delivered means that a whole reply with status 2xx arrived in time.

        A longer reply than 64 kB is cut, and counts as whole.
        """
        try:
            async with asyncio.timeout(self._deadline_s):
                url = _checked(delivery.url)
                addresses = await self._addresses(url)
                return _judged(await self._send(delivery, url, addresses))
        except TimeoutError:
            return _failed(f"No complete reply came within {self._deadline_s:g} s.")
        except _NotDeliveredError as reason:
            return _failed(str(reason))

    async def aclose(self) -> None:
        """Nothing is held open: every delivery closes its own connection."""

    async def _addresses(self, url: httpx2.URL) -> Sequence[str]:
        try:
            addresses = await self._resolver(_name(url), _port(url))
        except (OSError, UnicodeError) as error:
            # UnicodeError: a label that is empty or longer than 63 characters.
            raise _NotDeliveredError(f"The name {_name(url)} was not found.") from error
        if not addresses:
            raise _NotDeliveredError(f"The name {_name(url)} has no address.")
        for address in addresses:
            what = refusal(address, allow_loopback=self._allow_loopback)
            if what is not None:
                raise _NotDeliveredError(
                    f"Refused: {_name(url)} leads to a {what} address, and only public ones are"
                    " called; register a public address."
                )
        return addresses[:MAX_ADDRESSES]

    async def _send(self, delivery: Delivery, url: httpx2.URL, addresses: Sequence[str]) -> int:
        """Open a connection for this one delivery and give the status of a whole reply."""
        network = PinnedNetwork(addresses)
        origin = httpcore2.Origin(url.raw_scheme, url.raw_host, _port(url))
        connection = httpcore2.AsyncHTTPConnection(origin, self._tls, network_backend=network)
        target = httpcore2.URL(
            scheme=url.raw_scheme, host=url.raw_host, port=_port(url), target=url.raw_path
        )
        headers: dict[bytes | str, bytes | str] = {
            "Host": url.netloc.decode("ascii"),
            "User-Agent": self._user_agent,
            "Connection": "close",
            "TKKPG-Delivery-Id": delivery.delivery_id,
        }
        body = None
        if delivery.form:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(delivery.form).encode("ascii")
        try:
            async with connection.stream(
                "POST" if delivery.form else "GET", target, headers=headers, content=body
            ) as response:
                await _drain(response)
                return response.status
        except (*HTTP_ERRORS, OSError) as error:
            # OSError: a TLS alert after the handshake comes through as it is.
            raise _NotDeliveredError(_why(error, url)) from error
        finally:
            await connection.aclose()
            await network.aclose()


async def _drain(response: httpcore2.Response) -> None:
    """Read the reply to its end or to the limit."""
    length = 0
    async with aclosing(response.aiter_stream()) as parts:
        async for part in parts:
            length += len(part)
            if length >= REPLY_LIMIT_BYTES:
                return


class _NotDeliveredError(Exception):
    """The try ended without a reply; the message is the sentence for the operator."""


def _checked(text: str) -> httpx2.URL:
    """Read a URL; the sentences never repeat it, since it may carry a secret."""
    try:
        url = httpx2.URL(text)
    except httpx2.InvalidURL as error:
        raise _NotDeliveredError("Refused: the URL cannot be read.") from error
    if url.scheme not in {"http", "https"} or not url.host:
        raise _NotDeliveredError("Refused: the URL must begin with http:// or https:// and a name.")
    if url.port is not None and not 0 < url.port < MAX_PORT:
        raise _NotDeliveredError("Refused: the URL has a port that does not exist.")
    if url.userinfo:
        raise _NotDeliveredError(
            "Refused: the URL has a user name or password; put a token in its path or query."
        )
    return url


def _name(url: httpx2.URL) -> str:
    return url.raw_host.decode("ascii")


def _port(url: httpx2.URL) -> int:
    return url.port or {"http": 80, "https": 443}[url.scheme]


def _judged(status: int) -> DeliveryResult:
    if httpx2.codes.is_success(status):
        return DeliveryResult(
            delivered=True, detail=f"Delivered: the reply was {status}.", http_status=status
        )
    detail = f"Not delivered: the reply was {status}."
    if httpx2.codes.is_redirect(status):
        detail = (
            f"Not delivered: the reply was {status}, and redirects are not followed;"
            " register the final address."
        )
    return DeliveryResult(delivered=False, detail=detail, http_status=status)


def _failed(detail: str) -> DeliveryResult:
    return DeliveryResult(delivered=False, detail=detail, http_status=None)


def _why(error: Exception, url: httpx2.URL) -> str:
    """Describe an error in our words: a library's own text may quote what the peer wrote."""
    where = f"{_name(url)}, port {_port(url)}"
    match error:
        case httpcore2.ConnectError(__cause__=ssl.SSLCertVerificationError() as refused):
            reason = refused.verify_message.rstrip(".")
            return f"The certificate of {where} was not accepted: {reason}."
        case httpcore2.ConnectError(__cause__=ssl.SSLError()):
            return f"No TLS connection to {where}."
        case httpcore2.ConnectError() | httpcore2.ConnectTimeout():
            return f"No connection to {where}."
        case httpcore2.RemoteProtocolError():
            return f"What {where} answered is not a complete HTTP reply."
        case httpcore2.LocalProtocolError():
            return "Nothing was sent: the delivery id does not fit a header."
        case _:
            return f"The connection to {where} broke before the reply was complete."
