"""The directory server: answers a PReq with card ranges, has AReq answered by the issuer's server.

One address takes both. A message that cannot be read is answered by an Erro with status 200, as
any other message is.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from hashlib import sha256
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from tkkpg.gateway.threeds.codec import error_of, read, write
from tkkpg.gateway.threeds.messages import AReq, CardRange, Component, Erro, PReq, PRes
from tkkpg.gateway.threeds.wire import LIMIT_BYTES, ErrorCode, MessageError, parse
from tkkpg.issuer.threeds.bodies import read_body
from tkkpg.issuer.threeds.identity import new_id
from tkkpg.issuer.threeds.scenario import Answer, Scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

    from tkkpg.gateway.threeds.messages import Message
    from tkkpg.issuer.threeds.acs import AccessControl
    from tkkpg.protocol.masking import Secret

PATH: Final = "/ds"
SILENCE_S: Final = 120.0
"""Longer than anybody waits; then the connection is given back."""
GARBAGE: Final = b'{"messageType":"ARes","messageVersion":"2.2.0","transStatus":"Y",}\x00<html>'
ELSEWHERE: Final = "/elsewhere"
SERIAL_CHARACTERS: Final = 20
"""Of `serialNum` (EMV 3DS 2.2, table A.1)."""
MEDIA_TYPE: Final = "application/json; charset=utf-8"

_GATEWAY_TIMEOUT: Final = 504
_NO_CONTENT: Final = 204


class Directory:
    """Answers the 3-D Secure servers."""

    def __init__(
        self,
        scenarios: Mapping[Secret, Scenario],
        access_control: AccessControl,
        *,
        method_url: str,
        random_bytes: Callable[[int], bytes],
    ) -> None:
        """Take the cards and the server that answers for them.

        Args:
            scenarios: What becomes of each card number; looked at anew for every message.
            access_control: The issuer's server.
            method_url: What the ranges of some cards name.
            random_bytes: Source of ids.
        """
        self._scenarios = scenarios
        self._method_url = method_url
        self._access_control = access_control
        self._random = random_bytes

    def app(self) -> Starlette:
        """Make the application."""
        return Starlette(routes=[Route(PATH, self._take, methods=["POST"])])

    async def _take(self, request: Request) -> Response:
        try:
            body = await read_body(request, LIMIT_BYTES)
        except HTTPException:
            return _answer(_too_long())
        kind: type[AReq | PReq] | None = None
        try:
            name = parse(body, LIMIT_BYTES).get("messageType")
            kind = PReq if name == PReq.__name__ else AReq
            message = read(body, PReq) if kind is PReq else read(body, AReq)
        except MessageError as error:
            return _answer(error_of(error, Component.DIRECTORY, kind))
        if isinstance(message, PReq):
            return _answer(self._card_ranges(message))
        if isinstance(message, AReq):
            return await self._authenticate(request, message)
        return Response(status_code=_NO_CONTENT)  # an Erro: nothing answers it

    def _card_ranges(self, preq: PReq) -> PRes:
        ranges = card_ranges(self._scenarios, self._method_url)
        # The same ranges have the same number; whoever has them already is not told again.
        serial = _serial(ranges)
        return PRes(
            three_ds_server_trans_id=preq.three_ds_server_trans_id,
            ds_trans_id=new_id(self._random),
            serial_num=serial,
            card_ranges=None if preq.serial_num == serial else ranges,
        )

    async def _authenticate(self, request: Request, areq: AReq) -> Response:
        scenario = self._scenarios.get(areq.acct_number)
        if scenario is not None:
            if scenario.answer is Answer.SILENT:
                return await _silence(request)
            if scenario.answer is Answer.MALFORMED:
                return Response(GARBAGE, media_type=MEDIA_TYPE)
            if scenario.answer is Answer.REDIRECT:
                return RedirectResponse(ELSEWHERE)
        return _answer(self._access_control.answer(areq, scenario, new_id(self._random)))


def card_ranges(scenarios: Mapping[Secret, Scenario], method_url: str) -> tuple[CardRange, ...]:
    """Give a range of its own to every card, in the order of the numbers."""
    return tuple(
        CardRange(start=pan, end=pan, method_url=method_url if scenario.method else None)
        for pan, scenario in sorted(
            ((pan.reveal(), each) for pan, each in scenarios.items()), key=itemgetter(0)
        )
    )


def _serial(ranges: tuple[CardRange, ...]) -> str:
    content = "\n".join(f"{one.start} {one.end} {one.method_url}" for one in ranges)
    return sha256(content.encode()).hexdigest()[:SERIAL_CHARACTERS]


async def _silence(request: Request) -> Response:
    """Wait until the asker has given up."""
    with suppress(TimeoutError):
        async with asyncio.timeout(SILENCE_S):
            while (await request.receive())["type"] != "http.disconnect":
                pass
    return Response(status_code=_GATEWAY_TIMEOUT)


def _too_long() -> Erro:
    problem = MessageError(ErrorCode.FORMAT, f"The message is longer than {LIMIT_BYTES} bytes.")
    return error_of(problem, Component.DIRECTORY)


def _answer(message: Message) -> Response:
    return Response(write(message), media_type=MEDIA_TYPE)
