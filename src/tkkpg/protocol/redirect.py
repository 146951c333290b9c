"""Addresses: the hosted page with an order's number and session, and the shop's return URLs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from tkkpg.protocol.converters import number
from tkkpg.protocol.values import OrderRef

if TYPE_CHECKING:
    from collections.abc import Iterable

FORBIDDEN_IN_URL: Final = frozenset(map(chr, (*range(33), *range(127, 160))))
"""Control characters and the space: browsers drop or rewrite them, so they hide things."""


def payment_url(page_url: str, ref: OrderRef) -> str:
    """Build the address to which the shop sends the payer's browser (document, payment process).

    Args:
        page_url: `Order/URL` of the CreateOrder reply.
        ref: The order.
    """
    parts = urlsplit(page_url)
    query = urlencode({"ORDERID": ref.order_id, "SESSIONID": ref.session_id})
    joined = f"{parts.query}&{query}" if parts.query else query
    return urlunsplit((parts.scheme, parts.netloc, parts.path, joined, ""))


def read_order_ref(pairs: Iterable[tuple[str, str]]) -> OrderRef | None:
    """Find number and session among parameters, names in any case and order.

    Clients write ORDERID, OrderID and orderid, append further parameters and empty pairs
    (protocol description, 6).

    Args:
        pairs: Names and values of query and form together.

    Returns:
        The order, or `None` when a part is missing, stands twice with different values, or the
        number is no number.
    """
    found: dict[str, set[str]] = {"orderid": set(), "sessionid": set()}
    for name, value in pairs:
        if name.lower() in found and value.strip():
            found[name.lower()].add(value.strip())
    if any(len(values) != 1 for values in found.values()):
        return None
    (order_id,), (session_id,) = found["orderid"], found["sessionid"]
    try:
        return OrderRef(number.read(order_id), session_id)
    except ValueError:
        return None


def read_payment_url(url: str) -> OrderRef | None:
    """Find the order in an address of the hosted page.

    Raises:
        ValueError: It is no address.
    """
    return read_order_ref(parse_qsl(urlsplit(url).query, keep_blank_values=True))


def resolve_return_url(url: str, base: str, schemes: frozenset[str] = frozenset()) -> str | None:
    """Resolve a return URL as sent against the merchant's base address.

    The document itself sends `/testshopPageReturn.jsp` and `app.com`, so a relative address is
    ordinary (protocol description, 7.26).

    Args:
        url: As the merchant sent it; may be empty.
        base: Absolute address of the merchant's shop, or empty.
        schemes: Of the merchant's apps, which an address may have besides http and https.

    Returns:
        An absolute address of http, https or an app, or `None` for a relative one without a base.

    Raises:
        ValueError: It leads to anything else, has user-info, or holds characters
            that browsers drop; the text completes "the address …".
    """
    if not FORBIDDEN_IN_URL.isdisjoint(url) or "\\" in url:
        message = "holds a space, a control character or a backslash"
        raise ValueError(message)
    try:
        own = urlsplit(url)
        resolved = urljoin(base, url) if base and not own.scheme else url
        parts = urlsplit(resolved)
        _ = parts.port
    except ValueError:
        message = "cannot be read as an address"
        raise ValueError(message) from None
    if parts.username is not None or parts.password is not None:
        message = "holds a user name or password, which leads browsers astray"
        raise ValueError(message)
    if not parts.scheme:
        return None
    if parts.scheme in schemes:
        return resolved
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        message = "must begin with https:// or http://, or be relative"
        raise ValueError(message)
    return resolved
