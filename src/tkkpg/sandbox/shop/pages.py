"""The pages of the shop in three languages: from values to HTML, nothing else."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

from babel.numbers import format_currency
from jinja2 import Environment, PackageLoader, StrictUndefined

from tkkpg.protocol.values import Amount, Language, OrderStatus
from tkkpg.sandbox.shop.catalogue import name_of
from tkkpg.sandbox.shop.orders import ShopOrder, Trouble
from tkkpg.sandbox.shop.verdicts import Verdict

LANGUAGE_NAMES: Final = {
    Language.AZ: "Azərbaycanca",
    Language.EN: "English",
    Language.RU: "Русский",
}
"""Each language in its own words, for the links."""

MONEY_PATTERN: Final = "#,##0.00\u00a0¤¤"
"""Digits as the language groups them, then the letters of the currency, never apart."""

DESCRIPTION_SHOWN_MAX: Final = 200
"""Characters shown of a text that anybody may have written."""

SETTLED: Final = frozenset({Verdict.PAID, Verdict.REFUNDED})
"""Verdicts that stand even while the bank cannot be asked."""


def money(amount: Amount, language: Language) -> str:
    """Write an amount for people: `1,234.50 AZN`, `1.234,50 AZN`."""
    return format_currency(
        amount.major,
        amount.currency.alpha,
        format=MONEY_PATTERN,
        locale=language.lower(),
        currency_digits=False,
    )


def say(key: str, language: Language, **values: object) -> str:
    """Give a text of `texts.toml`, filled in.

    Raises:
        KeyError: There is no such text, or a value for it is missing.
    """
    return _texts()[key][language.lower()].format(**values)


def shortened(text: str) -> str:
    """Cut a text that anybody may have written to what a page can show."""
    if len(text) <= DESCRIPTION_SHOWN_MAX:
        return text
    return f"{text[: DESCRIPTION_SHOWN_MAX - 1]}…"


def render(name: str, language: Language, **values: object) -> str:
    """Make a page out of a template."""
    template = _environment().get_template(name)
    return template.render(
        language=language,
        language_names=LANGUAGE_NAMES,
        say=lambda key, **filled: say(key, language, **filled),
        money=lambda amount: money(amount, language),
        shortened=shortened,
        name_of=lambda slug: name_of(slug, language),
        **values,
    )


def order_page(order: ShopOrder, language: Language, trouble: Trouble | None, token: str) -> str:
    """Make the page that tells where an order stands.

    Args:
        order: As the bank said last.
        language: The reader's.
        trouble: Why the bank could not be asked just now.
        token: For the form that pays.
    """
    return render(
        "order.html",
        language,
        order=order,
        verdict=shown_verdict(order, trouble),
        said=_said(order, language, trouble),
        trouble=trouble or (order.trouble if order.verdict is Verdict.NOT_PAID else None),
        token=token,
    )


def shown_verdict(order: ShopOrder, trouble: Trouble | None) -> Verdict:
    """Say where an order stands for its reader.

    While the bank cannot be asked, what may have changed since is being checked: the payer must
    not be led to pay twice.
    """
    if trouble is None or order.verdict in SETTLED:
        return order.verdict
    return Verdict.CHECKING


def answer_page(status: int, language: Language) -> str:
    """Make the page for an HTTP status that is no success."""
    key = f"answer_{status}" if f"answer_{status}" in _texts() else "answer_400"
    return render("answer.html", language, title=key, why=f"{key}_why")


def _said(order: ShopOrder, language: Language, trouble: Trouble | None) -> str:
    """Explain the verdict in a sentence; where there is trouble, that explains enough."""
    attempt = order.attempt
    if trouble:
        return ""
    if attempt is None:
        return "" if order.trouble else say("said_nothing", language)
    key = f"said_{attempt.status.lower().replace('-', '_')}"
    if attempt.status is not OrderStatus.REFUNDED:
        return say(key, language)
    if attempt.refunded_minor is None:
        return say("said_refunded_unknown", language)
    refunded = money(Amount(attempt.refunded_minor, order.total.currency), language)
    return say(key, language, refunded=refunded, total=money(order.total, language))


@cache
def _texts() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads(files("tkkpg.sandbox.shop").joinpath("texts.toml").read_text("utf-8"))


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("tkkpg.sandbox.shop"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
