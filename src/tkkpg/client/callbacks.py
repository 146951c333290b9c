"""Read what a payer's browser, or the gateway, posts to the shop. NEVER TRUST IT.

An XMLOut is not signed and a return URL least of all: anybody can type one that says APPROVED
about any order, or repeat a real one about another order of theirs. What is read here tells *which
order to ask about*, and what to show. Whether it is paid, only `get_order_status` says, asked with
the `ref` that the shop stored when it created the order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hmac import compare_digest
from typing import Final

from tkkpg.protocol import codec, redirect
from tkkpg.protocol.errors import CallbackError
from tkkpg.protocol.messages import XMLOut
from tkkpg.protocol.values import OrderRef

XMLMSG: Final = "xmlmsg"
"""The form field that carries an XMLOut (protocol description, 3.1)."""


def read_xmlout(form: Mapping[str, object] | str) -> XMLOut:
    """Read an XMLOut. NEVER TRUST IT: confirm with `get_order_status` before you deliver.

    All recorded shapes are read: wrapped in a root or a bare `Message`, as text or as base64.

    Args:
        form: The form that was posted, decoded by your framework, or the value of its field
            `xmlmsg` alone.

    Raises:
        CallbackError: There is no XMLOut in it. Ask for the order's status all the same: the
            payer may have paid and come back without it.
    """
    xmlmsg = form if isinstance(form, str) else form.get(XMLMSG)
    if not isinstance(xmlmsg, str):
        raise CallbackError(
            "The form has no text field xmlmsg: the payer came by another way than the gateway's "
            "form, or this is somebody else. Ask get_order_status about the order you stored."
        )
    return codec.decode_callback(xmlmsg)


def read_return(pairs: Iterable[tuple[str, str]]) -> OrderRef:
    """Find the order a return is about. NEVER TRUST IT: it is whatever the browser sent.

    It is safe to look an order of yours up by the number. It is not safe to ask for the status of
    the session that came along and to deliver by the answer: it may belong to another order, paid
    long ago. Ask with the `ref` you stored.

    Args:
        pairs: Names and values of the query and of the posted form together.

    Returns:
        The order of the XMLOut where there is one, else of the parameters ORDERID and SESSIONID;
        some gateways leave the session empty.

    Raises:
        CallbackError: Nothing names an order, or the XMLOut cannot be read.
    """
    pairs = list(pairs)
    for name, value in pairs:
        if name == XMLMSG:
            return read_xmlout(value).ref
    ref = redirect.read_order_ref(pairs)
    if ref is None:
        raise CallbackError(
            "Neither xmlmsg nor ORDERID and SESSIONID are among the parameters. Put your own "
            "order number into approve_url, cancel_url and decline_url, and find the order by it."
        )
    return ref


def is_about(xmlout: XMLOut, ref: OrderRef) -> bool:
    """Whether an XMLOut speaks of this order: same number and, where it has one, same session.

    That makes it no more true; but what it says besides (`two_id`, `response_description`) may be
    stored with this order and no other.
    """
    told, known = xmlout.session_id or ref.session_id, ref.session_id
    return xmlout.order_id == ref.order_id and compare_digest(told.encode(), known.encode())
