"""The challenge in the browser: from the CReq to the page, its forms, and back with the CRes.

The session data that came with the CReq goes round in the forms and is kept nowhere. There is no
cookie: the id of the challenge, which only the payer's browser and the two servers know, is what
lets somebody answer.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException

from tkkpg.gateway.threeds.codec import from_form, to_form
from tkkpg.gateway.threeds.messages import CReq
from tkkpg.gateway.threeds.wire import MessageError
from tkkpg.issuer.threeds.bodies import read_form
from tkkpg.issuer.threeds.challenges import WRONG_MAX, Challenge, Challenges, End, Note
from tkkpg.issuer.threeds.pages.rendering import page
from tkkpg.issuer.threeds.pages.wording import Wording, read_language
from tkkpg.protocol.values import Language

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from starlette.requests import Request
    from starlette.responses import Response

    from tkkpg.issuer.threeds.results import Results
    from tkkpg.protocol.masking import Secret

SESSION_DATA: Final = "threeDSSessionData"
SESSION_DATA_FORMAT: Final = re.compile(r"[A-Za-z0-9_=-]{0,1024}")
"""base64url, at most 1024 characters (EMV 3DS 2.2, table A.1)."""
OWN_SITE: Final = frozenset({"same-origin", "none"})
TONES: Final = {
    End.PASSED: "good",
    End.FAILED: "bad",
    End.CANCELLED: "calm",
    End.TIMED_OUT: "calm",
}
AT_ONCE: Final = {"cancel": End.CANCELLED, "timeout": End.TIMED_OUT}
"""Buttons that end a challenge; the second spares a tester the ten minutes."""
TROUBLES: Final = frozenset({400, 403, 404, 405, 413})
"""Statuses with a text of their own."""
_STEP: Final = re.compile("[0-9]{1,4}", re.ASCII)


class ChallengePage:
    """Shows challenges and takes what the cardholder does."""

    def __init__(
        self,
        challenges: Challenges,
        results: Results,
        *,
        now: Callable[[], datetime],
        new_code: Callable[[], Secret],
    ) -> None:
        """Take the challenges, what ends them, and the sources."""
        self._challenges = challenges
        self._results = results
        self._now = now
        self._new_code = new_code

    async def open(self, request: Request) -> Response:
        """Answer a CReq; a second one shows the same challenge, or the same way back.

        Raises:
            HTTPException: 400 for what is no CReq, 404 for a challenge that is not there.
        """
        form = await read_form(request)
        try:
            creq = from_form(form.get("creq", ""), CReq)
        except MessageError:
            raise HTTPException(400) from None
        if not isinstance(creq, CReq):
            raise HTTPException(400)
        challenge = self._find(creq.acs_trans_id)
        if challenge.asked.three_ds_server_trans_id != creq.three_ds_server_trans_id:
            raise HTTPException(404)
        self._look_at_the_clock(challenge)
        challenge.opened = True
        return await self._shown(challenge, form)

    async def answer(self, request: Request) -> Response:
        """Take one of the page's forms: a code, another one, leaving, time running out, a language.

        Raises:
            HTTPException: 403 for a form of another site, 404 for a challenge that is not there.
        """
        site = request.headers.get("sec-fetch-site")
        if site is not None and site not in OWN_SITE:
            raise HTTPException(403)
        form = await read_form(request)
        challenge = self._find(form.get("challenge", ""))
        self._look_at_the_clock(challenge)
        note = None if challenge.end else self._done(challenge, form)
        return await self._shown(challenge, form, note)

    def _find(self, acs_trans_id: str) -> Challenge:
        challenge = self._challenges.find(acs_trans_id)
        if challenge is None:
            raise HTTPException(404)
        return challenge

    def _look_at_the_clock(self, challenge: Challenge) -> None:
        if challenge.ends_at <= self._now():
            self._results.conclude(challenge, End.TIMED_OUT)

    def _done(self, challenge: Challenge, form: Mapping[str, str]) -> Note | None:
        """Do what a form asks for; say what the page should tell of it."""
        written = form.get("step", "")
        step = int(written) if _STEP.fullmatch(written) else -1
        action = form.get("action", "")
        found: End | Note | None = AT_ONCE.get(action)
        if action == "confirm":
            found = challenge.try_code(form.get("code", ""), step)
        elif action == "resend":
            found = challenge.resend(step, self._new_code)
        if isinstance(found, End):
            self._results.conclude(challenge, found)
            return None
        return found

    async def _shown(
        self, challenge: Challenge, form: Mapping[str, str], note: Note | None = None
    ) -> Response:
        session_data = form.get(SESSION_DATA)
        if session_data is not None and not SESSION_DATA_FORMAT.fullmatch(session_data):
            raise HTTPException(400)
        asked = challenge.asked
        wording = Wording(read_language(form.get("language", ""), asked.language))
        known: dict[str, object] = {
            "wording": wording,
            "asked": asked,
            "session_data": session_data,
        }
        if challenge.end and challenge.cres:
            await self._results.wait(challenge)
            ended = {
                "end": challenge.end.value,
                "tone": TONES[challenge.end],
                "cres": to_form(challenge.cres),
            }
            return page("ended.html", known | ended, hands_over=True)
        asks = {
            "languages": [Wording(language) for language in Language],
            "challenge": challenge,
            "code": challenge.code.reveal(),
            "note": note,
            "error": note if note in {Note.WRONG, Note.INCOMPLETE} else None,
            "left": str(WRONG_MAX - challenge.wrong),
        }
        return page("challenge.html", known | asks)


async def trouble(_request: Request, error: Exception) -> Response:
    """Answer what cannot be answered, in all languages."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    context = {
        "key": f"trouble.{status if status in TROUBLES else 500}",
        "wordings": [Wording(language) for language in Language],
    }
    return page("trouble.html", context, status=status)
