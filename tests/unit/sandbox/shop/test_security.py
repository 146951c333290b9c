"""Form tokens are the shop's own, and hold for one subject."""

from __future__ import annotations

from tkkpg.sandbox.shop.database import Database
from tkkpg.sandbox.shop.security import FormTokens
from tkkpg.sandbox.shop.settings import ShopSettings


def test_a_token_fits_its_subject_alone(database: Database) -> None:
    tokens = FormTokens(database)

    assert tokens.fits(tokens.token("basket"), "basket")
    assert not tokens.fits(tokens.token("basket"), "order")
    assert not tokens.fits("", "basket")
    assert not tokens.fits("ə", "basket")


def test_a_token_outlives_a_restart(database: Database, settings: ShopSettings) -> None:
    token = FormTokens(database).token("basket")

    assert FormTokens(Database(settings.database)).fits(token, "basket")


def test_two_shops_have_two_keys(database: Database, settings: ShopSettings) -> None:
    other = Database(settings.database.with_name("other.db"))

    assert FormTokens(database).token("basket") != FormTokens(other).token("basket")
