"""`tkkpg codes`: what a response code means, and what to do about it.

Two things share their digits and must not be confused: the response code of a card transaction,
and the status of a request (protocol description, 5.1 and 5.2). Both are shown.
"""

from __future__ import annotations

import re
from typing import Final

import click

from tkkpg.cli.output import Command, print_facts, print_json, print_table
from tkkpg.protocol.codes import ResponseCode, listed, response_code, status_text
from tkkpg.protocol.values import Language, OperationStatus

CODE: Final = re.compile(r"[0-9]{2,3}|-1")


@click.command("codes", cls=Command, context_settings={"ignore_unknown_options": True})
@click.argument("code", required=False)
@click.option(
    "--language",
    type=click.Choice([language.lower() for language in Language], case_sensitive=False),
    default="en",
    show_default=True,
    help="Language of the texts.",
)
def codes(*, code: str | None, language: str, as_json: bool) -> None:
    """Explain a response CODE such as 076, or list them all."""
    tongue = Language(language.upper())
    if code is None:
        _all(tongue, as_json=as_json)
        return
    if not CODE.fullmatch(code):
        raise click.BadParameter("a code is two or three digits, or -1.", param_hint="CODE")
    told = told_about(response_code(code), tongue)
    if as_json:
        print_json(told)
        return
    print_facts(
        {
            "Response code": f"{code} – {told['text']}",
            "Outcome": told["outcome"],
            "Said by": told["origin"],
            "What to do": told["advice"],
            "As a request's status": told["status_text"],
        }
    )


def told_about(code: ResponseCode, language: Language) -> dict[str, object]:
    """Say what is known about a code; `status_text` is what it means as a request's status."""
    status = code.code if code.code in set(OperationStatus) else None
    return {
        "code": code.code,
        "text": code.text(language),
        "outcome": code.outcome,
        "family": code.family,
        "advice": code.family.advice,
        "origin": code.origin,
        "listed": code in listed(),
        "texts": {tongue.lower(): code.text(tongue) for tongue in Language},
        "status_text": status_text(status, language) if status else None,
    }


def _all(language: Language, *, as_json: bool) -> None:
    if as_json:
        print_json([told_about(code, language) for code in listed()])
        return
    print_table(
        ("Code", "Outcome", "Family", "Text"),
        [(code.code, code.outcome, code.family, code.text(language)) for code in listed()],
        title="Response codes of card transactions",
    )
    print_table(
        ("Status", "Text"),
        [(status.value, status_text(status, language)) for status in OperationStatus],
        title="Statuses of requests",
    )
