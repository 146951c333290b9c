"""Values that must never be shown whole: secrets, card numbers, and card data in free texts."""

from __future__ import annotations

import re
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from tkkpg.protocol.pan import PREFIX_MAX, scheme_of

if TYPE_CHECKING:
    from collections.abc import Iterator

SHOWN_FIRST: Final = 6
SHOWN_LAST: Final = 4
PAN_DIGITS_MIN: Final = 12


class Secret:
    """Text that does not show itself in `repr`, `str`, logs or error messages.

    It compares by content and is hashable; `reveal()` is the only way to the text, so every place
    that reads it can be found by name.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """Wrap the text."""
        self._text = text

    def reveal(self) -> str:
        """Give the text itself; for the wire and for arithmetic, never for people."""
        return self._text

    def __repr__(self) -> str:
        """Show that something is there, not what."""
        return "Secret('•••')"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        """Compare the texts of two secrets."""
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        """Hash the text."""
        return hash(self._text)

    def __reduce__(self) -> tuple[object, ...]:
        """Refuse to be pickled: a pickle is a copy at rest."""
        message = "A Secret is never pickled: card data does not rest anywhere."
        raise TypeError(message)


def mask_pan(pan: str) -> str:
    """Mask a card number for people: `416973••••••5869`.

    Args:
        pan: Digits only, 12 to 19 of them; anything shorter is hidden whole.
    """
    return _masked(pan, "•")


def mask_pan_wire(pan: str) -> str:
    """Mask a card number for the wire: `416973XXXXXX5869` (protocol description, 3.3).

    Args:
        pan: Digits, or a number that was masked for people before.
    """
    return _masked(pan, "X")


def _masked(pan: str, filler: str) -> str:
    if len(pan) < PAN_DIGITS_MIN:
        return filler * len(pan)
    hidden = len(pan) - SHOWN_FIRST - SHOWN_LAST
    return pan[:SHOWN_FIRST] + filler * hidden + pan[-SHOWN_LAST:]


TEXT_PAN_MIN: Final = 13
TEXT_PAN_MAX: Final = 19
"""Digits of a card number in a free text; shorter numbers are too often something else."""

_BETWEEN: Final = (
    r"\s\-\u00ad\u2010-\u2015\u2212\ufe58\ufe63\uff0d"  # spaces and dashes
    r"\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"  # signs that nobody sees
)
_RUN: Final = re.compile(rf"\d(?:[{_BETWEEN}]*+\d){{{TEXT_PAN_MIN - 1},}}+")
_CODE: Final = re.compile(r"([cC][vV][cCvV]2?(?:[^\w,.;!?]|_)*)(\d{3,4})(?!\d)")
_NAME_OF_CODE: Final = re.compile(r"[cC][vV][cCvV]")
_ONE_CODE: Final = re.compile(r"\d{3,4}")
_TOKEN: Final = re.compile(r"[0-9A-Fa-f]{32,}")
"""A saved card's number or a digest: nobody reads digits in it, and changed it finds nothing."""
_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def mask_card_data(text: str) -> str:
    """Mask card numbers and CVV2 in what somebody wrote, with an `X` for each digit hidden.

    A card number is 13 to 19 digits, spaces and dashes between them or not, that begin as a known
    scheme's and pass the check digit; it may stand beside other groups of digits, but a longer
    group without a sign in between is another number. Six digits and four stay. A CVV2 is three
    or four digits after `cvv`, `cvc`, `cvv2` or `cvc2` with nothing but signs in between.

    The text keeps its length in characters, so that it fits wherever it did.
    """
    run = _RUN.search(text)
    if run is None and _NAME_OF_CODE.search(text) is None:
        return text
    if _TOKEN.fullmatch(text):
        return text
    if run is not None:
        text = _RUN.sub(_mask_run, text)
    return _CODE.sub(_mask_code, text)


def mask_param(name: str, value: str) -> str:
    """Mask a CVV2 of which only the parameter's name says what it is."""
    is_code = _NAME_OF_CODE.search(name) is not None and _ONE_CODE.fullmatch(value) is not None
    return "X" * len(value) if is_code else value


def _mask_code(found: re.Match[str]) -> str:
    return found[1] + "X" * len(found[2])


def _mask_run(found: re.Match[str]) -> str:
    """Mask each card number in a run of digits, whole groups of them taken together."""
    signs = list(found.group())
    places = [place for place, sign in enumerate(signs) if sign.isdecimal()]
    digits = "".join(str(int(signs[place])) for place in places)  # whatever script they are in
    begins = [at == 0 or places[at - 1] < place - 1 for at, place in enumerate(places)]
    for first, last in _card_numbers(digits, begins):
        for place in places[first + SHOWN_FIRST : last + 1 - SHOWN_LAST]:
            signs[place] = "X"
    return "".join(signs)


def _card_numbers(digits: str, begins: list[bool]) -> Iterator[tuple[int, int]]:
    """Find first and last place of each card number that consists of whole groups of the digits.

    Args:
        digits: A run of them, without the signs in between.
        begins: Whether a group begins at a place.
    """
    ends, sums = [*begins[1:], True], _check_sums(digits)
    schemes = (
        at
        for at, begin in enumerate(begins)
        if begin and scheme_of(digits[at : at + PREFIX_MAX]) is not None
    )
    for first in schemes:
        for last in range(first + TEXT_PAN_MIN - 1, min(first + TEXT_PAN_MAX, len(digits))):
            added = sums[last % 2]
            if ends[last] and (added[last + 1] - added[first]) % 10 == 0:
                yield first, last


def _check_sums(digits: str) -> tuple[list[int], list[int]]:
    """Add up for Luhn's check, so that any part of the digits is judged by two of the sums.

    Returns:
        The sums before each place, for numbers that end at an even place and at an odd one.
    """
    plain = list(map(int, digits))
    doubled = [_DOUBLED[digit] for digit in plain]
    even, odd = plain.copy(), doubled.copy()
    even[1::2], odd[1::2] = doubled[1::2], plain[1::2]
    return list(accumulate(even, initial=0)), list(accumulate(odd, initial=0))
