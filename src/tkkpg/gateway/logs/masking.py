"""Takes card numbers, session ids and secrets out of whatever is about to be written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from structlog.types import EventDict

from tkkpg.protocol.masking import TEXT_PAN_MAX, TEXT_PAN_MIN, mask_pan
from tkkpg.protocol.pan import passes_check_digit

HIDDEN: Final = "•••"
HIDDEN_KEYS: Final = frozenset({"authorization", "cvv", "cvv2", "expiry", "key", "pan", "password"})
"""Names whose values are never shown, in any case of letters and at any depth."""

SESSION_ID_SHOWN: Final = 4

MAX_DEPTH: Final = 8
"""Of values within values; what lies deeper is not shown."""

_DIGITS: Final = re.compile(rf"[0-9](?:[ -]*[0-9]){{{TEXT_PAN_MIN - 1},}}")
_GROUP: Final = re.compile(r"[0-9]+")
_SESSION_ID: Final = re.compile(r"(?<![0-9A-Za-z])[0-9A-F]{32}(?![0-9A-Za-z])")


def mask_event(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Mask a whole event: the structlog processor that every line passes before it is written."""
    return {name: _masked(name, value, MAX_DEPTH) for name, value in event.items()}


def mask_text(text: str) -> str:
    """Hide card numbers and session ids wherever they stand in a text.

    A card number is 13 to 19 digits, spaces and dashes between them or not, whose check digit is
    right; it may stand beside other groups of digits. Longer runs could hide one and are masked
    too. A session id is 32 hexadecimal digits in capitals.
    """
    return _DIGITS.sub(_mask_digits, _SESSION_ID.sub(_cut_session_id, text))


def _masked(name: object, value: object, depth: int) -> object:
    """Mask one value; what is neither a number nor a container is shown as its masked text."""
    if isinstance(name, str) and name.lower() in HIDDEN_KEYS:
        return HIDDEN
    if isinstance(value, str):
        return mask_text(value)
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        text = mask_text(str(value))
        return text if "•" in text else value
    return _masked_object(value, depth)


def _masked_object(value: object, depth: int) -> object:
    if isinstance(value, Mapping | AbstractSet | list | tuple) and not depth:
        return "…"
    if isinstance(value, Mapping):
        return {mask_text(str(key)): _masked(key, it, depth - 1) for key, it in value.items()}
    if isinstance(value, AbstractSet | list | tuple):
        return [_masked(None, it, depth - 1) for it in value]
    return mask_text(str(value))


def _mask_digits(run: re.Match[str]) -> str:
    """Mask what may be card numbers in a run of digits, taking whole groups of it together."""
    text = run.group()
    groups = list(_GROUP.finditer(text))
    parts, end, first = [], 0, 0
    while first < len(groups):
        last = _end_of_card(groups, first)
        if last is not None:
            digits = "".join(group.group() for group in groups[first : last + 1])
            parts += [text[end : groups[first].start()], mask_pan(digits)]
            end, first = groups[last].end(), last
        first += 1
    return "".join([*parts, text[end:]])


def _end_of_card(groups: list[re.Match[str]], first: int) -> int | None:
    """Find the last group of the longest card number that begins with the group `first`."""
    if len(groups[first].group()) > TEXT_PAN_MAX:
        return first
    digits, found = "", None
    for last in range(first, len(groups)):
        digits += groups[last].group()
        if len(digits) > TEXT_PAN_MAX:
            break
        if len(digits) >= TEXT_PAN_MIN and passes_check_digit(digits):
            found = last
    return found


def _cut_session_id(found: re.Match[str]) -> str:
    return found.group()[:SESSION_ID_SHOWN] + "…"
