"""Our 3-D Secure server: asks the scheme's directory over HTTPS with a certificate of its own."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import httpx2

from tkkpg.gateway.model.authentication import AuthenticationResult, Verdict
from tkkpg.gateway.threeds.base import (
    Attempt,
    Authenticated,
    Challenge,
    MethodCall,
    method_data,
    result_of,
)
from tkkpg.gateway.threeds.codec import AnyMessage, read, to_form, write
from tkkpg.gateway.threeds.messages import (
    AReq,
    ARes,
    CardRange,
    CReq,
    Erro,
    MethodCompleted,
    PReq,
    PRes,
    TransStatus,
)
from tkkpg.gateway.threeds.ranges import Directory, RangesUnknown
from tkkpg.gateway.threeds.wire import LIMIT_BYTES, MessageError
from tkkpg.protocol.errors import LocalProtocolError
from tkkpg.protocol.masking import Secret

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

TIMEOUT_S: Final = 10.0
"""For one question and its whole answer (EMV 3DS 2.2, 5.5.1, lets the directory take so long)."""
CONNECTIONS: Final = 1000
"""At once; a silent directory holds each for the whole time."""
RANGES_LIMIT_BYTES: Final = 4 * 1024 * 1024
"""Of a PRes: a range takes some 200 bytes."""
_HTTP_OK: Final = 200
_TEXT_LIMIT: Final = 2048
"""Of the browser's headers in an AReq; what is longer is cut."""
_NAME_LIMIT: Final = 40


class _NoAnswerError(Exception):
    """The directory's answer did not come, or cannot be believed; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquirer:
    """What the directory knows us by.

    Attributes:
        directory_url: Where PReq and AReq are posted.
        results_url: Where the directory posts its RReq.
        reference_number: Of this 3-D Secure server.
        acquirer_bin: At most 11 digits.
        requestor_id: At most 35 characters.
        requestor_name: At most 40 characters.
        requestor_url: Our web site.
        mcc: The merchants' category code.
        country: Numeric code of the merchants' country, 031 for Azerbaijan.
    """

    directory_url: str
    results_url: str
    reference_number: str
    acquirer_bin: str
    requestor_id: str
    requestor_name: str
    requestor_url: str
    mcc: str = "5999"
    country: str = "031"


class DirectoryAuthenticator:
    """An `Authenticator` that speaks EMV 3DS 2.2 with one directory.

    No redirect is followed, no proxy is used, no cookie is kept, and no answer is read beyond its
    limit of bytes and time. Each question has a connection of its own.
    """

    def __init__(
        self,
        acquirer: Acquirer,
        *,
        tls: ssl.SSLContext,
        new_id: Callable[[], str],
        log: FilteringBoundLogger,
        timeout_s: float = TIMEOUT_S,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open nothing before the first question.

        Args:
            acquirer: What the directory knows us by.
            tls: Verifies the directory, and holds our certificate.
            new_id: Draws a UUID for each PReq.
            log: Told why there was no answer; of a card it is told nothing.
            timeout_s: For one question and its whole answer.
            now_s: Seconds of a clock that only grows.
        """
        self._acquirer = acquirer
        self._new_id = new_id
        self._log = log
        self._timeout_s = timeout_s
        self._directory = Directory(self._ask_ranges, now_s)
        self._http = httpx2.AsyncClient(
            verify=tls,
            follow_redirects=False,
            trust_env=False,
            timeout=timeout_s,
            limits=httpx2.Limits(
                max_connections=CONNECTIONS,
                # A kept connection may be closed by the directory just as it is used again: the
                # question would be lost, and cannot be repeated without asking twice.
                max_keepalive_connections=0,
            ),
        )

    async def method(self, attempt: Attempt) -> MethodCall | None:
        """Give the method page of the card's range; none also when the ranges are not known."""
        try:
            found = await self._directory.find(attempt.card.pan.reveal())
        except RangesUnknown:
            return None
        if found is None or found.method_url is None:
            return None
        return MethodCall(found.method_url, method_data(attempt))

    async def authenticate(self, attempt: Attempt) -> Authenticated | Challenge:
        """Ask the directory; a card range that it does not name is not enrolled."""
        try:
            found = await self._directory.find(attempt.card.pan.reveal())
        except RangesUnknown:
            return _ended(Verdict.NO_ANSWER)
        if found is None:
            return _ended(Verdict.NOT_ENROLLED)
        try:
            body = self._areq(attempt, found)
            answer = await self._ask(body, ARes, attempt.three_ds_server_trans_id)
            return _read_ares(answer)
        except (LocalProtocolError, _NoAnswerError) as reason:
            self._log.warning(
                "authentication_unavailable",
                order_id=attempt.order_id,
                reason=str(reason),
            )
            return _ended(Verdict.NO_ANSWER)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    def _areq(self, attempt: Attempt, found: CardRange) -> bytes:
        """Write the AReq; what a script said of the browser is left out where it is nonsense."""
        message = _areq(self._acquirer, attempt, found)
        try:
            return write(message)
        except LocalProtocolError:
            if not message.browser_javascript_enabled:
                raise
            bare = replace(attempt, browser=replace(attempt.browser, script=None))
            return write(_areq(self._acquirer, bare, found))

    async def _ask_ranges(self, serial: str | None) -> PRes | None:
        asked = PReq(
            three_ds_server_trans_id=self._new_id(),
            three_ds_server_ref_number=self._acquirer.reference_number,
            serial_num=serial,
        )
        try:
            return await self._ask(write(asked), PRes, asked.three_ds_server_trans_id)
        except _NoAnswerError as reason:
            self._log.warning("card_ranges_unavailable", reason=str(reason))
            return None

    async def _ask(self, body: bytes, kind: type[AnyMessage], trans_id: str) -> AnyMessage:
        """Post a message and read the answer to it, and to no other.

        Raises:
            _NoAnswerError: There is none that could be believed.
        """
        limit = RANGES_LIMIT_BYTES if kind is PRes else LIMIT_BYTES
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = read(await self._post(body, limit), kind, limit_bytes=limit)
        except TimeoutError:
            problem = f"No whole answer came from the directory within {self._timeout_s:g} s."
            raise _NoAnswerError(problem) from None
        except MessageError as error:
            raise _NoAnswerError(f"The directory's answer cannot be read. {error}") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            # Its own words may quote what the peer wrote.
            problem = f"The exchange with the directory failed: {type(error).__name__}."
            raise _NoAnswerError(problem) from None
        if isinstance(answer, Erro):
            raise _NoAnswerError(f"The directory answered with error {answer.error_code}.")
        said: Any = answer
        if said.three_ds_server_trans_id != trans_id:
            raise _NoAnswerError("The directory answered for another transaction.")
        return answer

    async def _post(self, body: bytes, limit: int) -> bytes:
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
        }
        request = self._http.stream(
            "POST", self._acquirer.directory_url, content=body, headers=headers
        )
        async with request as response:
            self._http.cookies.clear()
            if response.status_code != _HTTP_OK:
                raise _NoAnswerError(f"The directory answered with HTTP {response.status_code}.")
            received = bytearray()
            async for part in response.aiter_raw():
                received += part
                if len(received) > limit:
                    raise _NoAnswerError(f"The directory's answer is longer than {limit} bytes.")
            return bytes(received)


def _ended(verdict: Verdict) -> Authenticated:
    return Authenticated(AuthenticationResult(verdict=verdict))


def _read_ares(answer: ARes) -> Authenticated | Challenge:
    if answer.trans_status is not TransStatus.CHALLENGE or answer.acs_url is None:
        return Authenticated(result_of(answer))
    creq = CReq(
        three_ds_server_trans_id=answer.three_ds_server_trans_id, acs_trans_id=answer.acs_trans_id
    )
    return Challenge(
        acs_url=answer.acs_url,
        creq=to_form(creq),
        three_ds_server_trans_id=answer.three_ds_server_trans_id,
        acs_trans_id=answer.acs_trans_id,
    )


def _areq(acquirer: Acquirer, attempt: Attempt, found: CardRange) -> AReq:
    browser, script = attempt.browser, attempt.browser.script
    expiry = attempt.card.expiry
    # Without a method page there is nothing that could have been completed.
    completed = attempt.method_completed if found.method_url else MethodCompleted.UNAVAILABLE
    return AReq(
        three_ds_server_trans_id=attempt.three_ds_server_trans_id,
        three_ds_server_ref_number=acquirer.reference_number,
        three_ds_server_url=acquirer.results_url,
        three_ds_requestor_id=acquirer.requestor_id,
        three_ds_requestor_name=acquirer.requestor_name,
        three_ds_requestor_url=acquirer.requestor_url,
        three_ds_comp_ind=completed,
        acct_number=attempt.card.pan,
        card_expiry_date=Secret(f"{expiry.year % 100:02d}{expiry.month:02d}"),
        purchase_amount=str(attempt.amount_minor),
        purchase_currency=attempt.currency.code,
        purchase_exponent=str(attempt.currency.exponent),
        purchase_date=f"{attempt.at:%Y%m%d%H%M%S}",
        merchant_name=_cut(attempt.merchant_name, _NAME_LIMIT) or attempt.merchant_id,
        mcc=acquirer.mcc,
        merchant_country_code=acquirer.country,
        acquirer_bin=acquirer.acquirer_bin,
        acquirer_merchant_id=attempt.merchant_id,
        notification_url=attempt.notification_url,
        browser_accept_header=_cut(browser.accept_header, _TEXT_LIMIT) or "*/*",
        browser_user_agent=_cut(browser.user_agent, _TEXT_LIMIT) or "unknown",
        browser_language=_cut(browser.language, 8) or "az",
        browser_ip=browser.ip,
        browser_javascript_enabled=script is not None,
        browser_java_enabled=script.java_enabled if script else None,
        browser_color_depth=script.color_depth if script else None,
        browser_screen_height=script.screen_height if script else None,
        browser_screen_width=script.screen_width if script else None,
        browser_tz=script.tz if script else None,
    )


def _cut(value: str, longest: int) -> str:
    """Make what a browser sent fit: headers may hold anything."""
    return "".join(filter(str.isprintable, value))[:longest]
