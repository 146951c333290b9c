"""The page that says why there is no page: its language, its links and the way back."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.unit.gateway.web.payer import Payer, at_the_page, is_trouble

from tkkpg.gateway.web.forms import FIELDS_MAX
from tkkpg.protocol.values import Language

pytestmark = pytest.mark.anyio


@pytest.fixture
async def payer(tmp_path: Path) -> AsyncIterator[Payer]:
    """A payer with an order in English."""
    async with at_the_page(tmp_path) as payer:
        yield await payer.order()


async def test_trouble_speaks_one_language_when_it_is_known(payer: Payer) -> None:
    nowhere = payer.ref.order_id + 1
    for language in Language:
        asked = await payer.get(ORDERID=str(nowhere), LANGUAGE=language.lower())
        assert is_trouble(asked, 404, language)
        assert f'<html lang="{language.lower()}">' in asked.text
        assert f'href="?ORDERID={nowhere}&amp;SESSIONID={payer.ref.session_id}&amp;' in asked.text
        typed = await payer.send("/index.jsp", {"ORDERID": "x", "LANGUAGE": language})
        assert is_trouble(typed, 400, language)
        assert "hreflang" not in typed.text
        long = await payer.get(LANGUAGE=language, **{f"a{n}": "" for n in range(FIELDS_MAX)})
        assert is_trouble(long, 400)
        read = await payer.browser.get("/nowhere", headers={"Accept-Language": f"de,{language}"})
        assert is_trouble(read, 404, language)
        both = await payer.browser.get("/?language=ru", headers={"Accept-Language": language})
        assert is_trouble(both, 400, Language.RU)


async def test_no_address_leads_from_trouble_to_another_site(payer: Payer) -> None:
    page = await payer.browser.get("https://page.example//evil.example?LANGUAGE=EN&pan=4111")
    assert is_trouble(page, 404, Language.EN)
    assert set(re.findall(r'<a href="([^"]+)"', page.text)) == {
        f"?LANGUAGE={language}" for language in Language
    }


async def test_a_form_that_was_not_made_for_an_order_leads_back_to_its_shop(payer: Payer) -> None:
    page = await payer.send("/pay", await payer.form() | {"TOKEN": "1.0"})
    assert is_trouble(page, 403, Language.EN)
    assert page.text.count("https://shop.example") == 1
    assert f"/index.jsp?LANGUAGE=RU&amp;ORDERID={payer.ref.order_id}" in page.text
