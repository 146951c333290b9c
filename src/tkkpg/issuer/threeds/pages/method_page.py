"""The method page: what a 3-D Secure server opens in a hidden frame before its AReq.

A real issuer would look at the browser here. This one only says that it was called, to the address
that the server named, and so the server learns that the method was completed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException

from tkkpg.gateway.threeds.wire import (
    IDENTIFIER,
    MessageError,
    from_base64url,
    parse,
    to_base64url,
    url,
)
from tkkpg.issuer.threeds.bodies import FIELDS_MAX, FORM_MAX_BYTES, read_form
from tkkpg.issuer.threeds.pages.rendering import page

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

DATA: Final = "threeDSMethodData"
_NOTIFICATION: Final = url(256)


async def method_page(request: Request) -> Response:
    """Answer the method URL.

    Raises:
        HTTPException: 400 for data that do not name a transaction and an address.
    """
    if request.method == "POST":
        form = await read_form(request)
    else:
        query = request.scope["query_string"].decode("ascii", "replace")
        try:
            form = dict(parse_qsl(query, max_num_fields=FIELDS_MAX))
        except ValueError:
            raise HTTPException(400) from None
    try:
        data = parse(from_base64url(form.get(DATA, "")), FORM_MAX_BYTES)
        name = IDENTIFIER.read(data.get("threeDSServerTransID"))
        address = _NOTIFICATION.read(data.get("threeDSMethodNotificationURL"))
    except (MessageError, ValueError):
        raise HTTPException(400) from None
    told = to_base64url(b'{"threeDSServerTransID":"%s"}' % name.encode("ascii"))
    return page("method.html", {"address": address, "data": told}, hands_over=True)
