"""The page for a browser that comes back with an order this shop never made; pure.

Whoever creates an order by hand leaves its return addresses empty or relative, or takes the one
that the bank's document prints. All of them resolve against the address of the merchant's shop.
"""

from __future__ import annotations

from typing import Final

from tkkpg.client import Language, XMLOut
from tkkpg.protocol.masking import mask_pan
from tkkpg.sandbox.shop.pages import money, render, shortened

SAMPLE_PATHS: Final = ("/testshopPageReturn.jsp", "/app.com", "/can.com", "/dec.com")
"""Where the return addresses of the bank document's own examples lead, which are all relative."""

PAN_SHOWN_MAX: Final = 19
"""Digits of the longest card number; a masked one is as long as the card's."""


def claim_page(claim: XMLOut, language: Language) -> str:
    """Make the page that shows what a message claims, and how to find out whether it is true.

    The session is never shown: whoever looks over a shoulder could ask about the order with it.

    Args:
        claim: What the browser brought; not to be believed.
        language: The reader's.
    """
    facts = {
        "bank_order": str(claim.order_id),
        "claim_status": claim.order_status.value,
        "claim_code": claim.response_code,
        "claim_description": shortened(claim.response_description),
        "claim_card": mask_pan((claim.pan or "")[:PAN_SHOWN_MAX]),
        "claim_amount": money(claim.amount, language),
    }
    return render(
        "arrival.html",
        language,
        facts={key: text for key, text in facts.items() if text},
        number=claim.order_id,
        why_unread="",
    )


def unread_page(why: str, language: Language) -> str:
    """Make the same page for a browser that brought no message, or none that can be read.

    Args:
        why: What is wrong with it, for the developer, in English.
        language: The reader's.
    """
    return render("arrival.html", language, facts={}, number=None, why_unread=why)
