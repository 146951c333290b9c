"""POST /Exec: bytes to a flow and back, as a bare ASGI function; the hot path.

Everything that reaches the XML layer is answered with HTTP 200 and one compact line (protocol
description, 1.5 and 1.6). This file has exactly one `try`, the only place where an exception
becomes a status. The content type is ignored: real clients send seven different ones.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from tkkpg.gateway.crash import reach, reach_written
from tkkpg.gateway.flows.create_order import create_order
from tkkpg.gateway.flows.note_refusal import refusal_noted
from tkkpg.gateway.flows.operations.complete import complete
from tkkpg.gateway.flows.operations.refund import refund
from tkkpg.gateway.flows.operations.reverse import reverse
from tkkpg.gateway.flows.purchase import purchase
from tkkpg.gateway.flows.reads.get_order_information import get_order_information
from tkkpg.gateway.flows.reads.get_order_status import get_order_status
from tkkpg.gateway.flows.reads.get_orders import get_orders
from tkkpg.gateway.model.errors import PolicyRefusal
from tkkpg.gateway.model.policy import check_access
from tkkpg.gateway.web.peer import peer_fingerprint
from tkkpg.protocol import codec
from tkkpg.protocol.errors import InvalidMessage, InvalidOperation
from tkkpg.protocol.messages import (
    CompletionRequest,
    CreateOrderRequest,
    GetOrderInformationRequest,
    GetOrdersRequest,
    GetOrderStatusRequest,
    PurchaseRequest,
    RefundRequest,
    ReverseRequest,
)
from tkkpg.protocol.profiles import KAPITAL
from tkkpg.protocol.values import Operation, OperationStatus
from tkkpg.protocol.xml import REQUEST_LIMITS

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from tkkpg.gateway.model.merchant import Merchant
    from tkkpg.gateway.runtime import Gateway
    from tkkpg.protocol.profiles import BankProfile

OPERATIONS: Final[dict[type, tuple[Operation, Callable[..., Awaitable[Any]]]]] = {
    CreateOrderRequest: (Operation.CREATE_ORDER, create_order),
    GetOrderStatusRequest: (Operation.GET_ORDER_STATUS, get_order_status),
    GetOrderInformationRequest: (Operation.GET_ORDER_INFORMATION, get_order_information),
    CompletionRequest: (Operation.COMPLETION, complete),
    ReverseRequest: (Operation.REVERSE, reverse),
    RefundRequest: (Operation.REFUND, refund),
    PurchaseRequest: (Operation.PURCHASE, purchase),
    GetOrdersRequest: (Operation.GET_ORDERS, get_orders),
}
"""Which flow answers which request."""

PATH: Final = "/exec"
"""Clients write /Exec and /exec for the same service (protocol description, 1.1)."""


Identify: TypeAlias = "Callable[[str], Awaitable[Merchant | None]]"
"""Finds the merchant that sent a request, told which one it names; `None` where nobody is known.

It may refuse with a `PolicyRefusal` that says why.
"""


class Answer(NamedTuple):
    """What a request is answered.

    Attributes:
        body: The reply.
        status: Its `Status`.
        operation: What was asked for, empty when that could not be read.
        reason: One sentence that says why it failed.
    """

    body: bytes
    status: str
    operation: str
    reason: str = ""


class Exec:
    """The ASGI application of the Exec listener."""

    def __init__(self, gateway: Gateway) -> None:
        """Serve one gateway."""
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["path"].lower() != PATH:
            await send_plain(send, 404, b"Not found. The service is /Exec.\n", b"text/plain")
            return
        if scope["method"] != "POST":
            await send_plain(
                send, 405, b"Send the request with POST.\n", b"text/plain", (b"allow", b"POST")
            )
            return
        body = await read_body(receive, REQUEST_LIMITS.size)
        fingerprint = peer_fingerprint(scope)
        done = await answer(self._gateway, body, lambda _: self._certified(fingerprint))
        await send_answer(self._gateway, scope, send, done, listener="exec")

    async def _certified(self, fingerprint: str | None) -> Merchant | None:
        if fingerprint is None:
            return None
        return await self._gateway.store.merchant_of(fingerprint, self._gateway.clock.wall())


async def answer(gateway: Gateway, body: bytes, identify: Identify) -> Answer:
    """Answer the bytes of a request.

    Args:
        gateway: What to work with.
        body: As received.
        identify: Says which merchant sent it.
    """
    operation, profile = "", KAPITAL
    try:
        request = codec.decode_request(body)
        operation, flow = OPERATIONS[type(request)]
        reach("exec.request", operation)
        merchant = await identify(request.merchant_id)
        permitted = check_access(merchant, request.merchant_id, Operation(operation))
        profile = permitted.profile
        work = flow(gateway, permitted, request)
        reply = await refusal_noted(gateway, permitted, Operation(operation), request, work)
        status = getattr(reply, "status", OperationStatus.OK)  # some replies have no element
        return Answer(codec.encode(reply, profile), status, operation)
    except (InvalidMessage, InvalidOperation) as error:
        status, operation, reason = error.status, error.operation, error.message
    except PolicyRefusal as error:
        status, reason = error.status, error.message
    except Exception:  # the one place where an exception becomes a status
        gateway.log.exception("request_failed", operation=operation)
        status = OperationStatus.SYSTEM_ERROR
        reason = "Something failed inside; the log has it under the request's id."
    return refused(gateway, operation, status, reason, profile)


def refused(
    gateway: Gateway, operation: str, status: str, reason: str, profile: BankProfile = KAPITAL
) -> Answer:
    """Answer that a request was not carried out, and log why."""
    reply = codec.failure(operation, status, profile)
    gateway.log.info("request_refused", operation=operation, status=reply.status, reason=reason)
    return Answer(codec.encode(reply), reply.status, operation, reason)


async def send_answer(
    gateway: Gateway, scope: Scope, send: Send, answer: Answer, *, listener: str
) -> None:
    """Send an answer, with the request's id and, in a sandbox, the reason of a refusal."""
    gateway.metrics.request_answered(listener, answer.operation, answer.status)
    headers = [(b"tkkpg-request-id", str(scope["state"].get("request_id", "")).encode())]
    if answer.reason and gateway.config.sandbox:
        headers.append((b"tkkpg-reason", answer.reason.encode("ascii", "replace")))
    reach("exec.before_reply", answer.operation)
    await send_plain(send, 200, answer.body, b"text/xml;charset=UTF-8", *headers)
    reach_written("exec.after_reply", answer.operation)


async def read_body(receive: Receive, limit: int) -> bytes:
    """Read the body, and stop as soon as it is longer than its limit in bytes.

    Of a request that was cut off nothing is taken: it may look whole and move money, while its
    client knows that it was not sent.
    """
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b""
        body += message.get("body", b"")
        if not message.get("more_body") or len(body) > limit:
            return bytes(body)


async def send_plain(
    send: Send, status: int, body: bytes, kind: bytes, *headers: tuple[bytes, bytes]
) -> None:
    """Send a whole reply of a media type."""
    length = (b"content-length", str(len(body)).encode())
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(b"content-type", kind), length, *headers],
        }
    )
    await send({"type": "http.response.body", "body": body})
