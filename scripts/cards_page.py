"""Writes docs/test-cards.md from the cards of the sandbox: python -m scripts.cards_page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from tkkpg.cli.output import spaced
from tkkpg.protocol.codes import Origin, ResponseCode, listed
from tkkpg.protocol.values import Language
from tkkpg.sandbox.cards import SandboxCard, amount_card, amount_minor_of, card_of, test_cards

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PAGE: Final = Path(__file__).parents[1] / "docs" / "test-cards.md"
USUAL: Final = {"expiry": amount_card().expiry, "cvv2": amount_card().cvv2}
"""What all cards print but those that print something else."""
COMMAND: Final = "python -m scripts.cards_page"

INTRODUCTION: Final = """\
# Test cards

The cards that the sandbox accepts, and what each one does. Do not edit this page: it is made by
`{command}` from the [named cards](../src/tkkpg/sandbox/cards.toml) and the
[catalogue of codes](../src/tkkpg/protocol/codes.toml). `tkkpg cards` prints the same.

Each of the {all} response codes of the bank's list can be had on demand, in three ways, through the
path that every payment takes, 3-D Secure included:

1. **By card.** Every code has a card, whose name is the code: `tkkpg pay … --card 205`.
2. **By amount**, on the card `amount` alone: 1,000.00 and the code in hundredths ends with that
   code: 1,000.76 ends with 076, 1,000.00 with 000, 999.99 with -1. The three codes of 3-D Secure
   count from 2,000.00: 2,000.05 ends with 05. Any other amount is approved.
3. **By asking for it once**: `tkkpg trigger outcome 205 --order ORDER-ID` (or `--merchant ID`) lets
   the next authorisation of that order, or merchant, end with the code, whatever card pays. The
   directory or the issuer, whichever says the code, is then asked about the test card of that code;
   the order keeps the payer's masked card. A card that is saved with such a payment is the one that
   was sent. `tkkpg trigger waiting` lists what nothing has met yet; it is forgotten when the
   sandbox ends. A payment with a saved card meets no code of 3-D Secure: nobody is asked there.

**A declined Completion, Reverse or Refund** is had in the third way, before it is asked for. It
meets a code that declines, such as 568 of the host or 051 of the issuer: the order is as before,
and the same again is done. -1 is an operation that was never sent (Status 97, nothing is done), 810
one that the issuer does and does not answer (Status 96, and the order ends as if it had). A code
that approves, a part approval and the codes of 3-D Secure are met by payments alone. An order that
can meet a code no more is refused by the command.

The code is the issuer's own answer, and its journal shows it, but for five: -1 is a payment that
was never sent, 810 an issuer that carries out the payment and does not answer, and 00, 05 and 18
end at 3-D Secure, before anything is sent. A part approval, 502 or 503, moves half of the amount at
the issuer, which the gateway then reverses. On the cards of 001 and 076 no code is played at all:
they are an account with money and one without.

**Type what the card prints**: {expiry} and CVV2 {cvv2}, unless another date stands beside the
number. The issuer looks at both: another CVV2 is declined with 211, another date that is still to
come with 051. A date that is past is refused by the card form itself and nothing is sent; only the
date that the bank's own card prints is good although it is past.

What a card ends with below holds at a merchant that declines whom 3-D Secure did not prove, as the
sandbox's does at first, and by a payer who passes the challenge. At a merchant whose
`unauthenticated` is `proceed`, the cards that say so are sent, and approved.
"""


def page() -> str:
    """Write the page."""
    parts = [
        INTRODUCTION.format(command=COMMAND, all=len(listed()), **USUAL),
        "\n## Cards with a name\n\n",
        _table(
            ("name", "card", "ends with", "3-D Secure", "what happens"),
            map(_named, (*test_cards(), amount_card())),
        ),
        "\n## A card for every response code\n\n",
        _table(
            ("code", "card", "on `amount`", "outcome", "text", "mətn", "текст"),
            (
                (
                    f"`{entry.code}`",
                    _printed(card_of(entry.code)),
                    f"{amount_minor_of(entry.code) / 100:,.2f}",
                    _outcome(entry),
                    *(entry.text(one) for one in (Language.EN, Language.AZ, Language.RU)),
                )
                for entry in listed()
            ),
        ),
    ]
    return "".join(parts)


def _named(card: SandboxCard) -> Sequence[str]:
    ends = f"`{card.response_code}`"
    return f"`{card.name}`", _printed(card), ends, card.threeds_words, card.does


def _outcome(entry: ResponseCode) -> str:
    by_threeds = entry.origin is Origin.THREE_DS
    return "declined by 3-D Secure" if by_threeds else card_of(entry.code).outcome.replace("_", " ")


def _printed(card: SandboxCard) -> str:
    usual = (card.expiry, card.cvv2) == tuple(USUAL.values())
    return spaced(card.pan) if usual else f"{spaced(card.pan)}, {card.expiry}, {card.cvv2}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    cells = ((cell.replace("|", "\\|") for cell in line) for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
