"""The end of a challenge: the RReq to the 3-D Secure server, and the CRes for the browser."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import httpx2

from tkkpg.gateway.threeds.codec import read, write
from tkkpg.gateway.threeds.messages import ChallengeCancel, CRes, RReq, RRes, TransStatus
from tkkpg.gateway.threeds.wire import MessageError
from tkkpg.issuer.threeds.challenges import OUTCOMES, Challenge, End, Outcome
from tkkpg.issuer.threeds.identity import new_cavv
from tkkpg.issuer.threeds.scenario import Fault

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from structlog.typing import FilteringBoundLogger

ANSWER_S: Final = 5.0
"""How long one RReq may take; the browser waits for it."""
TRIES: Final = 2
PAUSES_S: Final = {Fault.RESULT_AFTER: 2.0, Fault.RESULT_LATE: 40.0}
"""How long an RReq is held back after the CRes; a gateway waits 30 s for it."""

_CHALLENGED: Final = "02"
"""`authenticationType`: dynamic."""
_CODE_BY_MESSAGE: Final = "02"
"""`authenticationMethod`: one-time code by message."""
_COUNTED_MAX: Final = 99
_FORGED: Final = Outcome(TransStatus.REFUSED, "11")
_NEVER_OPENED: Final = Outcome(TransStatus.REFUSED, "14", ChallengeCancel.TIMED_OUT_ACS_FIRST)


class Results:
    """Ends challenges, each once, and tells the 3-D Secure server."""

    def __init__(
        self,
        client: httpx2.AsyncClient,
        url: str,
        *,
        random_bytes: Callable[[int], bytes],
        pause: Callable[[float], Awaitable[None]],
        log: FilteringBoundLogger,
    ) -> None:
        """Take the way to the server.

        Args:
            client: With our certificate; follows no redirect.
            url: Where RReq go.
            random_bytes: Source of the CAVV.
            pause: Waits for some seconds.
            log: Told of ids and results.
        """
        self._client = client
        self._url = url
        self._random = random_bytes
        self._pause = pause
        self._log = log
        self._under_way: set[asyncio.Task[None]] = set()

    def conclude(self, challenge: Challenge, end: End) -> None:
        """End a challenge, if it has not ended yet, and let its RReq go."""
        if challenge.end is not None:
            return
        asked, outcome = challenge.asked, _outcome(challenge, end)
        challenge.end = end
        challenge.cres = CRes(
            three_ds_server_trans_id=asked.three_ds_server_trans_id,
            acs_trans_id=asked.acs_trans_id,
            trans_status=TransStatus.PROVED if asked.fault is Fault.FORGED else outcome.status,
            challenge_completion_ind="Y",
        )
        delivery = asyncio.create_task(self._deliver(self._result(challenge, outcome), asked.fault))
        challenge.delivery = delivery
        self._under_way.add(delivery)
        delivery.add_done_callback(self._under_way.discard)

    async def wait(self, challenge: Challenge) -> None:
        """Wait until the browser may go back; it leaving meanwhile does not stop the RReq."""
        if challenge.delivery and challenge.asked.fault not in PAUSES_S:
            await asyncio.shield(challenge.delivery)

    async def aclose(self) -> None:
        """Give up what is still on its way."""
        for delivery in self._under_way:
            delivery.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _result(self, challenge: Challenge, outcome: Outcome) -> RReq:
        asked = challenge.asked
        result = RReq(
            three_ds_server_trans_id=asked.three_ds_server_trans_id,
            ds_trans_id=asked.ds_trans_id,
            acs_trans_id=asked.acs_trans_id,
            trans_status=outcome.status,
            trans_status_reason=outcome.reason,
            challenge_cancel=outcome.cancel,
            interaction_counter=f"{min(challenge.step + 1, _COUNTED_MAX):02}",
            authentication_method=_CODE_BY_MESSAGE,
            authentication_type=_CHALLENGED,
        )
        if outcome.status is not TransStatus.PROVED:
            return result
        return replace(result, eci=asked.eci, authentication_value=new_cavv(self._random))

    async def _deliver(self, result: RReq, fault: Fault | None) -> None:
        if fault is Fault.NO_RESULT:
            return
        if fault in PAUSES_S:
            await self._pause(PAUSES_S[fault])
        for _ in range(2 if fault is Fault.RESULT_TWICE else 1):
            await self._send(result)

    async def _send(self, result: RReq) -> None:
        """Send an RReq until it is answered, twice at most."""
        log = self._log.bind(acs_trans_id=result.acs_trans_id, status=result.trans_status.value)
        for number in range(1, TRIES + 1):
            problem = await self._try(result)
            if problem is None:
                log.info("threeds_result_taken", tries=number)
                return
            log.warning("threeds_result_not_taken", tries=number, reason=problem)

    async def _try(self, result: RReq) -> str | None:
        """Send an RReq once; say what went wrong."""
        headers = {"Content-Type": "application/json; charset=utf-8"}
        try:
            async with asyncio.timeout(ANSWER_S):
                reply = await self._client.post(self._url, content=write(result), headers=headers)
            answer = read(reply.content, RRes)
        except TimeoutError:
            return f"No RRes came within {ANSWER_S:g} s."
        except (httpx2.HTTPError, MessageError) as error:
            return f"{type(error).__name__}: {error}"
        if not isinstance(answer, RRes):
            return f"An Erro came: {answer.error_code}."
        return None if answer.acs_trans_id == result.acs_trans_id else "The RRes is for another."


def _outcome(challenge: Challenge, end: End) -> Outcome:
    if challenge.asked.fault is Fault.FORGED:
        return _FORGED
    if end is End.TIMED_OUT and not challenge.opened:
        return _NEVER_OPENED
    return OUTCOMES[end]
