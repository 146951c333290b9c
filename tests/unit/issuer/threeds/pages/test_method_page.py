"""The method page tells the 3-D Secure server that it was called."""

from __future__ import annotations

import html
import json
import re

import pytest
from tests.unit.issuer.threeds.stage import SERVER_ID, Stage

from tkkpg.gateway.threeds.wire import from_base64url, to_base64url

pytestmark = pytest.mark.anyio


def data(address: str, name: str = SERVER_ID) -> str:
    written = {"threeDSServerTransID": name, "threeDSMethodNotificationURL": address}
    return to_base64url(json.dumps(written).encode())


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_it_leads_to_the_address_that_was_named(stage: Stage, method: str) -> None:
    fields = {"threeDSMethodData": data("https://localhost:1/done?a=1&b=2")}
    where = {"params": fields} if method == "GET" else {"data": fields}
    url = f"{stage.acs_url}/method"
    reply = await stage.http.request(method, url, **where)  # type: ignore[arg-type]

    assert 'action="https://localhost:1/done?a=1&amp;b=2"' in reply.text
    told = re.search(r'name="threeDSMethodData" value="([^"]+)"', reply.text)
    assert told
    assert json.loads(from_base64url(html.unescape(told[1]))) == {"threeDSServerTransID": SERVER_ID}


@pytest.mark.parametrize(
    "value",
    ["", "e30", data("javascript:alert(1)"), data("https://localhost/", '"}')],
    ids=["nothing", "empty", "no address of a server", "no id"],
)
async def test_what_names_no_transaction_is_refused(stage: Stage, value: str) -> None:
    reply = await stage.http.post(f"{stage.acs_url}/method", data={"threeDSMethodData": value})

    assert reply.status_code == 400
