"""One request and how whatever follows it is understood; pure, without I/O.

Three things can follow, and each has its rule:

- **A reply that can be read.** Success becomes a result, a refusal an `OperationRefused`.
- **Something that only looks like a reply**: an HTTP status other than 200, a body that is not
  TKKPG or is about another order. The gateway answers 200 to everything that reaches it, so this
  comes from something in front of it, or from a gateway that broke while answering: the request
  may have been carried out. A write becomes `OutcomeUnknown`; a read `RemoteProtocolError`, or
  `TransportError` for HTTP 500 and above, which pass by.
- **No reply.** When the request certainly never left, `NotSent`. Else a write becomes
  `OutcomeUnknown` and a read plain `TransportError`.

Reads change nothing and are asked again after a `TransportError`, twice. Writes never are.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, NoReturn, TypeVar

import httpx2

from tkkpg.client._refusals import AFTER_UNKNOWN, named, order_of, refusal, request_operation
from tkkpg.client.certificates import explain
from tkkpg.client.config import Endpoint
from tkkpg.protocol import codec, xml
from tkkpg.protocol.errors import (
    InvalidMessage,
    NotSent,
    OutcomeUnknown,
    RemoteProtocolError,
    TransportError,
)
from tkkpg.protocol.messages import (
    Failure,
    GetOrderInformationRequest,
    GetOrdersRequest,
    GetOrderStatusRequest,
    Request,
    Response,
)

Result = TypeVar("Result")

READS: Final = (GetOrderStatusRequest, GetOrderInformationRequest, GetOrdersRequest)
"""Requests that change nothing. Every other one is never repeated by itself."""

READ_PAUSES_S: Final = (0.1, 0.5)
"""Pauses before a read is asked a second and a third time."""

REPLY_SIZE_MAX: Final = xml.REPLY_LIMITS.size
"""Bytes of a reply after which reading stops."""

ANOTHER_ORDER: Final = "It is about another order."
"""Why a reply is none to the request it follows."""

HTTP_OK: Final = 200
HTTP_SERVER_ERROR: Final = 500

BEFORE_SENDING: Final = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
)
"""What httpx2 raises only while nothing of the request has been written."""

CERTIFICATE_ALERTS: Final = frozenset(
    {
        "SSLV3_ALERT_BAD_CERTIFICATE",
        "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
        "SSLV3_ALERT_CERTIFICATE_REVOKED",
        "SSLV3_ALERT_CERTIFICATE_EXPIRED",
        "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
        "TLSV1_ALERT_ACCESS_DENIED",
        "TLSV1_ALERT_UNKNOWN_CA",
        "TLSV13_ALERT_CERTIFICATE_REQUIRED",
    }
)
"""TLS alerts with which a server refuses the client's certificate. With TLS 1.3 they arrive after
the client's half of the handshake, when the request has been written; but a server that sends one
has not finished its half, and so has given the request to nobody."""


@dataclass(frozen=True, slots=True)
class Exchange(Generic[Result]):
    """One request on its way, with all that is needed to understand what comes back.

    Attributes:
        endpoint: Where it goes.
        request: What is asked.
        understood: Makes the result out of the reply to this request; `InvalidMessage` refuses it.
    """

    endpoint: Endpoint
    request: Request
    understood: Callable[[Any], Result] = field(repr=False)

    @property
    def url(self) -> str:
        """Where `body` is posted, with `config.HEADERS`."""
        return self.endpoint.exec_url

    @property
    def body(self) -> bytes:
        """The request as bytes; it holds the order's session.

        Raises:
            LocalProtocolError: A value is not allowed, so nothing can be sent.
        """
        return codec.encode(self.request)

    @property
    def pauses_s(self) -> tuple[float, ...]:
        """Pauses before each repetition after a `TransportError`; none for a write."""
        return READ_PAUSES_S if self._is_read else ()

    def answered(self, http_status: int, headers: Mapping[str, str], body: bytes) -> Result:
        """Understand an HTTP response.

        Args:
            http_status: HTTP's status.
            headers: Its headers, by name in any case.
            body: Its body; larger than `REPLY_SIZE_MAX` when reading was stopped.

        Raises:
            OperationRefused: The gateway said no.
            OutcomeUnknown: Of a write, when this is no reply of a gateway.
            RemoteProtocolError: Of a read, the same.
            TransportError: Of a read, for an HTTP status of 500 and above.
        """
        if http_status != HTTP_OK:
            self._no_reply(
                f"HTTP status {http_status}, which a gateway never gives. Check the address "
                f"{self.url} and whatever stands in front of it.",
                passes=http_status >= HTTP_SERVER_ERROR,
            )
        try:
            reply = codec.decode_response(body, request_operation(self.request))
            if isinstance(reply, Failure):
                raise refusal(self.request, reply, headers)
            self._check_order(reply)
            return self.understood(reply)
        except InvalidMessage as error:
            self._no_reply(f"what is no reply of a gateway. {error.message}", cause=error)

    def unanswered(self, error: httpx2.HTTPError | OSError) -> TransportError:
        """Say what an error of httpx2, or one that it let through, means.

        Returns:
            `NotSent`, `OutcomeUnknown` for a write, else `TransportError`.
        """
        why = self._why(error)
        if isinstance(error, BEFORE_SENDING) or _refuses_certificate(error):
            return NotSent(f"{named(self.request)} was not sent, nothing has changed. {why}")
        if self._is_read:
            return TransportError(f"{named(self.request)} was not answered. {why}")
        return self._outcome_unknown(f"was not answered. {why}")

    @property
    def _is_read(self) -> bool:
        return isinstance(self.request, READS)

    def _check_order(self, reply: Response) -> None:
        asked = order_of(self.request)
        if asked is not None and getattr(reply, "order_id", asked) != asked:
            raise InvalidMessage(ANOTHER_ORDER)

    def _why(self, error: httpx2.HTTPError | OSError) -> str:
        match error:
            case httpx2.PoolTimeout():
                return "All connections of this client were busy. Ask less at the same time."
            case httpx2.ProxyError():
                return f"The proxy that the environment names refused it: {error}."
            case httpx2.ReadTimeout() | httpx2.WriteTimeout():
                return f"{self.endpoint.host} was connected, but did not answer in time."
            case _:
                return explain(error, self.endpoint.host, self.endpoint.port)

    def _no_reply(
        self, what: str, *, passes: bool = False, cause: Exception | None = None
    ) -> NoReturn:
        if not self._is_read:
            raise self._outcome_unknown(f"was answered with {what}") from cause
        message = f"{named(self.request)} was answered with {what}"
        if passes:
            raise TransportError(message) from cause
        raise RemoteProtocolError(message, operation=request_operation(self.request)) from cause

    def _outcome_unknown(self, what: str) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"{named(self.request)} may have been carried out: it {what} "
            f"{AFTER_UNKNOWN[request_operation(self.request)]}",
            operation=request_operation(self.request),
            order_id=order_of(self.request),
        )


def _refuses_certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError) and error.reason in CERTIFICATE_ALERTS:
            return True
        error = error.__cause__ or error.__context__
    return False
