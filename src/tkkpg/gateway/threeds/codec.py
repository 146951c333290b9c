"""Messages of 3-D Secure as JSON: strict in what is written, exact and bounded in what is read."""

from __future__ import annotations

import json
from typing import Any, Final, TypeVar

from tkkpg.gateway.threeds.messages import (
    AReq,
    ARes,
    Component,
    CReq,
    CRes,
    Erro,
    Message,
    PReq,
    PRes,
    RReq,
    RRes,
)
from tkkpg.gateway.threeds.tables import TABLES
from tkkpg.gateway.threeds.wire import (
    LIMIT_BYTES,
    ErrorCode,
    MessageError,
    from_base64url,
    parse,
    read_fields,
    to_base64url,
    write_fields,
)
from tkkpg.protocol.errors import LocalProtocolError

VERSION: Final = "2.2.0"
"""`messageVersion` of all that is written, and the only one that is read."""

AnyMessage = TypeVar("AnyMessage", PReq, PRes, AReq, ARes, CReq, CRes, RReq, RRes, Erro)
"""A message of the class that was asked for."""


def write(message: Message) -> bytes:
    """Write a message as JSON in UTF-8.

    Raises:
        LocalProtocolError: An element is missing or not as it must be; names it.
    """
    kind = type(message)
    written = write_fields(message, TABLES[kind])
    try:
        read_fields(written, TABLES[kind])
    except MessageError as error:
        wrong = f"{kind.__name__} cannot be sent. {error.message} Correct what it is made of."
        raise LocalProtocolError(wrong) from error
    head = {"messageType": kind.__name__, "messageVersion": VERSION}
    return json.dumps(head | written, separators=(",", ":"), ensure_ascii=False).encode()


def read(
    body: bytes, kind: type[AnyMessage], *, limit_bytes: int = LIMIT_BYTES
) -> AnyMessage | Erro:
    """Read the message that is awaited, or the Erro that may always come in its place.

    Raises:
        MessageError: It is neither, or not as it must be; its code is that of the Erro to answer.
    """
    found = parse(body, limit_bytes)
    wanted: type[Any] = Erro if found.get("messageType") == Erro.__name__ else kind
    if found.get("messageType") != wanted.__name__:
        raise MessageError(ErrorCode.NOT_A_MESSAGE, f"This is no {kind.__name__}.", "messageType")
    if wanted is not Erro and found.get("messageVersion") != VERSION:
        raise MessageError(
            ErrorCode.VERSION, f"Only version {VERSION} is spoken here.", "messageVersion"
        )
    message: AnyMessage | Erro = wanted(**read_fields(found, TABLES[wanted]))
    return message


def error_of(error: MessageError, component: Component, about: type[Any] | None = None) -> Erro:
    """Give the Erro that answers a message which could not be read."""
    return Erro(
        error_code=error.code,
        error_component=component,
        error_description=error.message,
        error_detail=error.detail or "message",
        error_message_type=about.__name__ if about else None,
    )


def to_form(message: CReq | CRes) -> str:
    """Write a message for a form field, `creq` or `cres`: base64url without padding."""
    return to_base64url(write(message))


def from_form(value: str, kind: type[AnyMessage]) -> AnyMessage | Erro:
    """Read a message from a form field.

    Raises:
        MessageError: As `read`.
    """
    return read(from_base64url(value), kind)
