"""The listener for results: the directory posts an RReq after a challenge, and we answer RRes.

It runs behind mutual TLS; that the client is the directory, and not merely somebody with a
certificate, is checked here for each request, since a resumed TLS session is not verified again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypeAlias

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from tkkpg.gateway.model.authentication import AuthenticationResult
from tkkpg.gateway.threeds.base import result_of
from tkkpg.gateway.threeds.codec import error_of, read, write
from tkkpg.gateway.threeds.messages import Component, Erro, RReq, RRes
from tkkpg.gateway.threeds.wire import LIMIT_BYTES, ErrorCode, MessageError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send
    from structlog.typing import FilteringBoundLogger

READING_S: Final = 10.0
"""For a whole request: a directory in one data centre needs milliseconds."""
RECORDING_S: Final = 10.0
"""For keeping the result; then the directory is told to come again."""

OnResult: TypeAlias = Callable[[str, AuthenticationResult], Awaitable[bool]]
"""Keeps the result of the authentication with this `threeDSServerTransID`, on disk, before it
returns; told the same again it changes nothing. False when there is no such authentication."""


def create_results_app(
    on_result: OnResult,
    *,
    directories: frozenset[str],
    peer: Callable[[Scope], str | None],
    log: FilteringBoundLogger,
    reading_s: float = READING_S,
) -> ASGIApp:
    """Make the application; any path is for the one message that it takes.

    Args:
        on_result: Keeps a result.
        directories: SHA-256 of the DER of the directory's certificates, lower-case hexadecimal.
        peer: Gives the fingerprint of a connection's client.
        log: Told of what was refused.
        reading_s: For a whole request.
    """

    async def answer(request: Request) -> Response:
        if request.method != "POST":
            return Response(status_code=405, headers={"Allow": "POST"})
        if peer(request.scope) not in directories:
            log.warning("result_refused", reason="The client is not the directory.")
            return _json(_erro(ErrorCode.ACCESS_DENIED, "This client is not the directory."), 403)
        try:
            async with asyncio.timeout(reading_s):
                body = await _body(request)
            message = read(body, RReq)
        except TimeoutError:
            return _json(_erro(ErrorCode.TIMED_OUT, "The request did not come in time."), 408)
        except MessageError as error:
            log.warning("result_refused", reason=str(error))
            return _json(error_of(error, Component.SERVER, RReq))
        if isinstance(message, Erro):
            # An Erro is never answered with an Erro: two machines could go on for ever.
            log.warning("directory_reports_error", code=message.error_code)
            return Response(status_code=200)
        return await _keep(message, on_result, log)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await answer(Request(scope, receive))
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    return application


async def _keep(message: RReq, on_result: OnResult, log: FilteringBoundLogger) -> Response:
    trans_id = message.three_ds_server_trans_id
    try:
        async with asyncio.timeout(RECORDING_S):
            known = await on_result(trans_id, result_of(message))
    except Exception:  # whatever is broken, the directory is told to come again
        log.exception("result_not_kept")
        erro = _erro(ErrorCode.TRANSIENT, "The result could not be kept; send it again.", message)
        return _json(erro, 503)
    if not known:
        log.warning("result_refused", reason="No such authentication.")
        return _json(
            _erro(ErrorCode.UNKNOWN_TRANSACTION, "There is no such authentication.", message)
        )
    return _json(
        RRes(
            three_ds_server_trans_id=trans_id,
            ds_trans_id=message.ds_trans_id,
            acs_trans_id=message.acs_trans_id,
        )
    )


async def _body(request: Request) -> bytes:
    """Read no more than a message may have."""
    received = bytearray()
    async for part in request.stream():
        received += part
        if len(received) > LIMIT_BYTES:
            break
    return bytes(received)


def _erro(code: ErrorCode, description: str, about: RReq | None = None) -> Erro:
    return Erro(
        error_code=code,
        error_component=Component.SERVER,
        error_description=description,
        error_detail="threeDSServerTransID" if about else "message",
        error_message_type=RReq.__name__,
        three_ds_server_trans_id=about.three_ds_server_trans_id if about else None,
        ds_trans_id=about.ds_trans_id if about else None,
        acs_trans_id=about.acs_trans_id if about else None,
    )


def _json(message: RRes | Erro, status: int = 200) -> Response:
    return Response(
        write(message), status, {"Cache-Control": "no-store"}, "application/json; charset=utf-8"
    )
