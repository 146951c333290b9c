"""What the shop sells can be shown, named and paid."""

from __future__ import annotations

from importlib.resources import files

import pytest

from tkkpg.client import AZN, Language
from tkkpg.sandbox.shop.catalogue import Product, name_of, products


def test_there_are_three_products() -> None:
    assert list(products()) == ["tea", "jam", "coaster"]


@pytest.mark.parametrize("product", products().values(), ids=lambda product: product.slug)
def test_a_product_has_a_price_a_picture_and_names_in_three_languages(product: Product) -> None:
    assert product.price.minor > 0
    assert product.price.currency == AZN
    assert len(set(product.names.values())) == len(set(product.abouts.values())) == len(Language)
    assert files("tkkpg.sandbox.shop").joinpath(f"static/{product.slug}.svg").is_file()


def test_an_order_may_hold_what_is_no_longer_sold() -> None:
    assert name_of("samovar", Language.AZ) == "samovar"
