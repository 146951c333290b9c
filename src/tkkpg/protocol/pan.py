"""Card numbers: the schemes that they begin as, and their check digit."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Scheme(StrEnum):
    """Card schemes, spelled as `Brand` in XMLOut (protocol description, 3.3)."""

    VISA = "VISA"
    MASTERCARD = "MC"
    AMEX = "AmEx"
    JCB = "JCB"
    MIR = "MIR"
    UNIONPAY = "UnionPay"


PREFIXES: Final = (
    ("4", "4", Scheme.VISA),
    ("51", "55", Scheme.MASTERCARD),
    ("2221", "2720", Scheme.MASTERCARD),
    ("34", "34", Scheme.AMEX),
    ("37", "37", Scheme.AMEX),
    ("3528", "3589", Scheme.JCB),
    ("2200", "2204", Scheme.MIR),
    ("62", "62", Scheme.UNIONPAY),
)
"""Ranges of leading digits, first and last, and the scheme they belong to."""
PREFIX_MAX: Final = max(len(first) for first, _, _ in PREFIXES)


def scheme_of(pan: str) -> Scheme | None:
    """Find the scheme by the leading digits of a number, also of the first few typed."""
    for first, last, scheme in PREFIXES:
        if first <= pan[: len(first)] <= last and len(pan) >= len(first):
            return scheme
    return None


def passes_check_digit(pan: str) -> bool:
    """Check the last digit by the Luhn rule (ISO/IEC 7812-1, annex B)."""
    digits = [int(digit) for digit in reversed(pan)]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
