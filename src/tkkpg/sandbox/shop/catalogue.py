"""The three products of the shop; the data are in `catalogue.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from tkkpg.protocol.values import AZN, Amount, Language


@dataclass(frozen=True, slots=True)
class Product:
    """Something to buy.

    Attributes:
        slug: Its name in forms, in the database and of its picture.
        price: For one piece.
        names: What it is called, by language.
        abouts: One line about it, by language.
    """

    slug: str
    price: Amount
    names: Mapping[Language, str]
    abouts: Mapping[Language, str]


@cache
def products() -> Mapping[str, Product]:
    """Give all products by slug, in the order of the shelf."""
    text = files("tkkpg.sandbox.shop").joinpath("catalogue.toml").read_text("utf-8")
    return MappingProxyType(
        {
            slug: Product(
                slug=slug,
                price=Amount.of(entry["price"], AZN),
                names=_by_language(entry["name"]),
                abouts=_by_language(entry["about"]),
            )
            for slug, entry in tomllib.loads(text).items()
        }
    )


def name_of(slug: str, language: Language) -> str:
    """Say what a product is called; an order may hold one that is no longer sold."""
    product = products().get(slug)
    return product.names[language] if product else slug


def _by_language(texts: Mapping[str, str]) -> Mapping[Language, str]:
    return MappingProxyType({language: texts[language.lower()] for language in Language})
