"""Reading what a browser sends: query and form together, within narrow limits.

The shop may send the order by GET or POST, and with the query in the address of a POST (protocol
description, 6). What the payer types is taken from the body alone, never from an address, which
servers on the way may log.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, urlencode

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from tkkpg.gateway.model.card import CardField
from tkkpg.gateway.web.i18n import read_language
from tkkpg.protocol.redirect import read_order_ref
from tkkpg.protocol.values import Language, OrderRef

BODY_MAX_BYTES: Final = 16 * 1024
"""Our own forms are under 1 kB; shops append parameters of theirs."""
QUERY_MAX_BYTES: Final = 4 * 1024
FIELDS_MAX: Final = 64
TICKED: Final = "1"
"""Value of every box of our forms."""
ORDER_NAMES: Final = frozenset({"orderid", "sessionid"})
FORM_TYPE: Final = "application/x-www-form-urlencoded"

SHOWN_AGAIN: Final = {
    CardField.PAN: re.compile(r"(?=(?:[ -]*[0-9]){5})[0-9 -]{5,32}", re.ASCII),
    CardField.EXPIRY: re.compile(r"[0-9]{0,2} ?/? ?[0-9]{0,4}", re.ASCII),
}
"""What a field of a form that has to be corrected may show again: what belongs into it, whole or
in part, and neither a card number beside its field nor a CVV2 in place of the number."""

Pairs = tuple[tuple[str, str], ...]
"""Names and values in the order sent."""


@dataclass(frozen=True, slots=True)
class Fields:
    """Names and values of one request; they may hold a card, so `repr` shows none of them."""

    query: Pairs = field(repr=False)
    body: Pairs = field(repr=False)

    def order_ref(self) -> OrderRef:
        """Find the order that is meant.

        Raises:
            HTTPException: 400, when number or session is missing, twice different, or no number.
        """
        ref = read_order_ref((*self.query, *self.body))
        if ref is None:
            raise HTTPException(400)
        return ref

    def language(self) -> Language | None:
        """Give the language that the payer chose; None for the order's own."""
        return read_language(_last((*self.query, *self.body), "language"))

    def typed(self, name: str) -> str:
        """Give a field of the form, empty when it is not there."""
        return _last(self.body, name.lower())

    def shown_again(self, name: CardField) -> str:
        """Return a field as it may be shown again, empty where something else was typed into it."""
        typed = self.typed(name).strip()
        return typed if SHOWN_AGAIN[name].fullmatch(typed) else ""

    def ticked(self, name: str) -> bool:
        """Say whether a box of the form was ticked: a browser sends nothing of one that was not."""
        return self.typed(name) == TICKED


async def read_fields(request: Request) -> Fields:
    """Read query and body.

    A body of another type than a form says nothing to us and is not looked at.

    Raises:
        HTTPException: 413 for a body over the limit, refused while it is being read; 400 for a
            query over the limit, too many fields or a body that breaks off.
    """
    query: bytes = request.scope["query_string"]
    if len(query) > QUERY_MAX_BYTES:
        raise HTTPException(400)
    is_form = request.headers.get("content-type", FORM_TYPE).lower().startswith(FORM_TYPE)
    body = await _body(request) if request.method == "POST" else b""
    fields = Fields(_pairs(query), _pairs(body) if is_form else ())
    request.state.language = fields.language()
    return fields


def chosen_language(request: Request) -> Language | None:
    """Return the language that a request names, though the rest of it could not be read."""
    read: Language | None = request.scope.get("state", {}).get("language")
    return read or read_language(_last(_address(request), "language"))


def in_language(request: Request, language: Language) -> str:
    """Return a reference to the address of a request in another language.

    It begins with its query: no path, however it is written, leads to another site.
    """
    named = [(name, value) for name, value in _address(request) if name.lower() in ORDER_NAMES]
    return f"?{urlencode([*named, ('LANGUAGE', language.value)])}"


def _address(request: Request) -> Pairs:
    """Return what stands in an address; nothing where that is over the limits."""
    query: bytes = request.scope["query_string"]
    try:
        return _pairs(query) if len(query) <= QUERY_MAX_BYTES else ()
    except HTTPException:
        return ()


async def _body(request: Request) -> bytes:
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_MAX_BYTES:
                raise HTTPException(413)
    except ClientDisconnect:
        raise HTTPException(400) from None
    return bytes(body)


def _pairs(encoded: bytes) -> Pairs:
    try:
        text = encoded.decode("utf-8", "replace")
        return tuple(parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MAX))
    except ValueError:
        raise HTTPException(400) from None


def _last(pairs: Iterable[tuple[str, str]], name: str) -> str:
    found = ""
    for own, value in pairs:
        if own.lower() == name:
            found = value
    return found
