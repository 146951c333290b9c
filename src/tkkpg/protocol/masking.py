"""Values that must never be shown whole: secrets and card numbers."""

from __future__ import annotations

from typing import Final

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
