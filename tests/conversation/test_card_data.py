"""Card data in merchants' texts: a whole life of an order, searched byte by byte afterwards."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import httpx2
import pytest
from structlog.testing import capture_logs
from tests.gateway_fixtures import stage
from tests.paying import ordered, pay, post, request, settled, stored

from tkkpg.protocol.redirect import payment_url
from tkkpg.protocol.values import OrderStatus

pytestmark = pytest.mark.anyio

PAN = "5123450000000008"
CODE = "cvv2: 9731"
TEXT = f"card {PAN}, {CODE}"
SPACED = "5123 4500 0000\u00a00008"
POSITION = "".join(
    f"<{tag}>{SPACED}</{tag}>"
    for tag in (
        *("PaymentSubjectType", "Quantity", "Price", "Tax", "Text"),
        *("PaymentType", "PaymentMethodType"),
    )
)
POSITIONS = f"<Positions><Position>{POSITION}</Position></Positions>"
MORE = (
    f"<phone>{PAN}</phone><email>{PAN}@shop.example</email>{POSITIONS}"
    f"<AddParams><UserEmail>{SPACED}@shop.example</UserEmail>"
    f'<CustomFields><Param name="{PAN}" title="{TEXT}"/><Param name="cvv" title="9731"/>'
    f"</CustomFields><SenderCardUID>{PAN}</SenderCardUID>"
    f"<p{PAN}>{TEXT}</p{PAN}><CVC2>9731</CVC2><Note>{SPACED}</Note></AddParams>"
)
SHOWN = "".join(f"<{tag}>true</{tag}>" for tag in ("ShowParams", "ShowOperations", "ShowPositions"))


def found(haystack: bytes) -> list[str]:
    """Look for the card number, however it is spaced, and for the code."""
    text = re.sub(r"[\s\u00a0-]", "", haystack.decode("utf-8", "replace"))
    return [one for one in (PAN, "9731", PAN[4:13]) if one in text]


def everything(home: Path) -> list[bytes]:
    """Read all files of a home."""
    return [file.read_bytes() for file in home.iterdir() if file.is_file()]


async def test_no_card_data_of_a_merchants_text_is_anywhere_when_the_order_is_over(
    tmp_path: Path,
) -> None:
    seen = []
    with capture_logs() as log:
        async with stage(tmp_path) as scene:
            ref = await ordered(scene.exec, more=MORE, description=TEXT)
            page = httpx2.ASGITransport(app=scene.page)
            async with httpx2.AsyncClient(transport=page, base_url="https://localhost") as browser:
                seen.append((await browser.get(payment_url("/index.jsp", ref))).content)
                await pay(scene.gateway, ref)
                seen.append((await browser.get(payment_url("/index.jsp", ref))).content)
            texts = f"<Description>{TEXT}</Description><Source>{SPACED}</Source>"
            amounts = "<Amount>3000</Amount><Currency>944</Currency>"
            refund = f"<Refund>{amounts}</Refund>"
            for body in (
                request("GetOrderInformation", ref, more=SHOWN),
                request("Reverse", ref, more=f"<Amount>1</Amount>{texts}"),  # refused
                request("Completion", ref, more=amounts + texts),
                request("Refund", ref, more=refund + texts).replace(
                    b"</OrderID>", b"</OrderID>" + POSITIONS.encode()
                ),
                request("GetOrderInformation", ref, more=SHOWN),
                request(f"Nonsense{PAN}", ref),
            ):
                seen.append((await post(scene.exec, body)).content)
                await settled(scene.gateway)
            assert (await stored(scene.gateway, ref)).status is OrderStatus.REFUNDED
            async with asyncio.timeout(5):
                while len(scene.courier.deliveries) < 2:  # noqa: ASYNC110 - there is no event to wait for
                    await asyncio.sleep(0.005)
            callbacks = [delivery.form["xmlmsg"] for delivery in scene.courier.deliveries]
            assert all("512345XXXXXX0008" in callback for callback in callbacks)
            seen += [callback.encode() for callback in callbacks]
    seen.append(repr(log).encode())
    files = everything(tmp_path)
    assert b"512345XXXXXX0008" in b"".join(files)
    assert [found(part) for part in [*seen, *files]] == [[]] * (len(seen) + len(files))
