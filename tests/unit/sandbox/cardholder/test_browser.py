"""What stands for the browser, and what it says of where a form comes from."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from tkkpg.client import ConfigurationError
from tkkpg.sandbox.cardholder.browser import browser, send
from tkkpg.sandbox.cardholder.forms import Form


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("policy", "action", "told"),
    [
        ("origin", "/pay", ("https://pg.example", "same-origin")),
        ("origin", "https://bank.example/x", ("https://pg.example", "cross-site")),
        ("no-referrer", "/pay", ("null", "same-origin")),
        ("no-referrer", "https://bank.example/x", ("null", "cross-site")),
    ],
)
async def test_a_form_says_where_it_comes_from_as_its_page_allows(
    policy: str, action: str, told: tuple[str, str]
) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"Referrer-Policy": policy}, text=request.method)

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer)) as http:
        page = await http.get("https://pg.example/index.jsp?a=1")
        sent = (await send(http, page, Form(action), {"a": "b"})).request

    assert (sent.headers["origin"], sent.headers["sec-fetch-site"]) == told
    assert sent.content == b"a=b"


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_that_cannot_be_read_is_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)

    with pytest.raises(ConfigurationError, match=r"ca\.pem cannot be read"):
        browser(path)
