"""The bank's challenge: the cardholder goes to its page, answers, and comes back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from tkkpg.sandbox.cardholder.browser import CardholderStopped, origin, send
from tkkpg.sandbox.cardholder.forms import Form, form_with

if TYPE_CHECKING:
    import httpx2

CREQ_FIELD: Final = "creq"
"""The field by which the form that leads to the bank is known."""
CRES_FIELD: Final = "cres"
"""The field by which the form that leads back is known."""
CODE: Final = re.compile(r'class="code">([0-9]{6})<')
"""The one-time code, which the sandbox shows on the page instead of sending it."""
STEPS_MAX: Final = 5
"""The bank ends a challenge after three wrong codes; more would be a page that never ends."""
ANSWERED: Final = 200


class Conduct(StrEnum):
    """How the cardholder meets a challenge."""

    PASS = "pass"  # noqa: S105 - what is done, no password
    WRONG = "wrong"
    CANCEL = "cancel"
    TIMEOUT = "timeout"


BUTTONS: Final = {
    Conduct.PASS: "confirm",
    Conduct.WRONG: "confirm",
    Conduct.CANCEL: "cancel",
    Conduct.TIMEOUT: "timeout",
}
"""What the form that is sent asks the bank to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """What the cardholder lived through at the bank.

    Attributes:
        acs_url: Origin of the bank's page.
        conduct: How it was met.
        codes_typed: How often a code was typed.
        end: How it ended, as the bank's page said: passed, failed, cancelled or timed-out. What
            counts is not this but what the bank told the gateway.
    """

    acs_url: str
    conduct: Conduct
    codes_typed: int
    end: str


async def meet(
    http: httpx2.AsyncClient, page: httpx2.Response, form: Form, conduct: Conduct
) -> tuple[httpx2.Response, Challenge]:
    """Go to the bank with the form of a page, answer there, and come back.

    Returns:
        What the hosted page answers the return with, and what happened.

    Raises:
        CardholderStopped: The bank's page shows something else than a challenge, or never ends.
    """
    shown, codes_typed = _checked(await send(http, page, form)), 0
    for _ in range(STEPS_MAX):
        back = form_with(shown.text, CRES_FIELD)
        if back is not None:
            met = Challenge(
                acs_url=origin(str(shown.url)),
                conduct=conduct,
                codes_typed=codes_typed,
                end=back.end,
            )
            return await send(http, shown, back), met
        asked = form_with(shown.text, "action", BUTTONS[conduct])
        if asked is None:
            break
        typed = _typed(shown.text, conduct)
        codes_typed += len(typed)
        shown = _checked(await send(http, shown, asked, typed))
    raise CardholderStopped(
        f"The bank's page at {origin(str(shown.url))} does not end the challenge for {conduct}: it "
        "has no such button, or asks again and again. Another version of the sandbox may be "
        "running: stop it and start it again."
    )


def _typed(page: str, conduct: Conduct) -> dict[str, str]:
    """Read the code from the page, and make of it what is typed."""
    found = CODE.search(page)
    if found is None or conduct not in {Conduct.PASS, Conduct.WRONG}:
        return {}
    wrong = f"{(int(found[1]) + 1) % 10**6:06}"
    return {"code": found[1] if conduct is Conduct.PASS else wrong}


def _checked(shown: httpx2.Response) -> httpx2.Response:
    if shown.status_code == ANSWERED:
        return shown
    raise CardholderStopped(
        f"The bank's page at {origin(str(shown.url))} answers with HTTP status "
        f"{shown.status_code} instead of a challenge. Challenges end with the sandbox: if it was "
        "started again meanwhile, pay once more; else its log says why."
    )
