"""POST /ExecPasswordAuth: the operations of /Exec for a merchant that proves itself by a password.

Two form fields (protocol description, 1.2): `xmlRequest` is the request, and `authData` says that
whoever wrote it knows the merchant's password. A client certificate plays no part. It is off for
every merchant that has no password.

`authData` holds no time and no number: a message that was recorded is accepted again.
"""

from __future__ import annotations

from hmac import compare_digest
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes

from tkkpg.gateway.flows.enrol import password_equivalent, upper_digest
from tkkpg.gateway.model.errors import PolicyRefusal
from tkkpg.gateway.web.exec import Answer, answer, read_body, refused, send_answer, send_plain
from tkkpg.gateway.web.lockout import Lockout
from tkkpg.protocol.values import OperationStatus
from tkkpg.protocol.xml import REQUEST_LIMITS

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from tkkpg.gateway.model.merchant import Merchant
    from tkkpg.gateway.runtime import Gateway

PATH: Final = "/execpasswordauth"
"""In any case, as with /Exec (protocol description, 1.1)."""
XML_REQUEST: Final = b"xmlRequest"
AUTH_DATA: Final = b"authData"
BODY_MAX_BYTES: Final = REQUEST_LIMITS.size
"""As at /Exec. The largest real request has 20 kB, and a form makes at most three bytes of one."""
FIELDS_MAX: Final = 8
"""There are two."""
NOBODY: Final = "nobody"
"""Bound to the password that stands in for one that is not there."""
UNREADABLE: Final = (
    "The form must hold xmlRequest and authData, each once, as "
    f"application/x-www-form-urlencoded of at most {BODY_MAX_BYTES} bytes."
)
WRONG: Final = (
    "authData does not belong to this xmlRequest and the merchant's password, or the "
    "merchant has no password."
)
LOCKED: Final = (
    "Too many wrong passwords for this merchant came from where this comes from; no further one is "
    "looked at now. Set the right one, and ask again in a minute."
)


def auth_data(xml_request: bytes, equivalent: str) -> str:
    """Give what the field `authData` must hold (protocol description, 1.2).

    Args:
        xml_request: The field `xmlRequest`, byte for byte.
        equivalent: See `password_equivalent`.
    """
    return upper_digest(f"{upper_digest(xml_request)}/{equivalent}".encode())


class PasswordAuth:
    """ASGI middleware: answers /ExecPasswordAuth, and hands on everything else."""

    def __init__(self, gateway: Gateway, otherwise: ASGIApp) -> None:
        """Serve one gateway.

        Args:
            gateway: What to work with.
            otherwise: Answers every other path.
        """
        self._gateway = gateway
        self._otherwise = otherwise
        self._lockout = Lockout(gateway.ids.random_bytes(16))
        # Whoever has no password costs the same work as a wrong one, so that time tells nothing.
        self._decoy = gateway.keys.seal(password_equivalent(NOBODY, gateway.ids.token()), NOBODY)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"].lower() != PATH:
            await self._otherwise(scope, receive, send)
            return
        if scope["method"] != "POST":
            allowed = (b"allow", b"POST")
            await send_plain(send, 405, b"Send the form with POST.\n", b"text/plain", allowed)
            return
        client = scope.get("client")  # there is none on a UNIX socket
        done = await self._answer(
            await read_body(receive, BODY_MAX_BYTES), client[0] if client else ""
        )
        await send_answer(self._gateway, scope, send, done, listener="page")

    async def _answer(self, form: bytes, address: str) -> Answer:
        fields = _read_form(form)
        if fields is None:
            return refused(self._gateway, "", OperationStatus.INVALID_MESSAGE, UNREADABLE)
        xml_request, claimed = fields
        return await answer(
            self._gateway,
            xml_request,
            lambda named: self._proved(named, xml_request, claimed, address),
        )

    async def _proved(
        self, named: str, xml_request: bytes, claimed: bytes, address: str
    ) -> Merchant:
        """Return the merchant that a request names, if it was written with its password.

        Raises:
            PolicyRefusal: Status 10: wrong, locked, or there is no such merchant or password.
        """
        merchant = await self._gateway.store.merchant(named)
        known = merchant if merchant and merchant.password else None
        sealed, bound_to = (known.password, known.merchant_id) if known else (self._decoy, NOBODY)
        equivalent = self._gateway.keys.unseal(sealed, bound_to)
        right = compare_digest(auth_data(xml_request, equivalent).encode(), claimed)
        # Nothing is awaited from here on: requests at the same time are counted one by one.
        now = self._gateway.clock.wall()
        if known is None:
            raise self._refusal(named, "no_password", WRONG)
        if self._lockout.locks(known.merchant_id, address, now):
            raise self._refusal(named, "locked", LOCKED)
        if not right:
            self._lockout.failed(known.merchant_id, address, now)
            raise self._refusal(named, "wrong", WRONG)
        self._lockout.succeeded(known.merchant_id, address)
        return known

    def _refusal(self, named: str, why: str, message: str) -> PolicyRefusal:
        self._gateway.log.warning("password_refused", merchant_id=named, why=why)
        return PolicyRefusal(message, status=OperationStatus.NOT_PERMITTED)


def _read_form(form: bytes) -> tuple[bytes, bytes] | None:
    """Read the two fields, byte for byte; `None` where they are not there or more is than may be.

    A library's reader would give text, and what was hashed are bytes.
    """
    pairs = [pair.partition(b"=") for pair in form.split(b"&", FIELDS_MAX)]
    wanted = [(name, value) for name, _, value in pairs if name in {XML_REQUEST, AUTH_DATA}]
    if len(form) > BODY_MAX_BYTES or len(pairs) > FIELDS_MAX or len(wanted) != len(dict(wanted)):
        return None
    found = {name: unquote_to_bytes(value.replace(b"+", b" ")) for name, value in wanted}
    if len(found) != len((XML_REQUEST, AUTH_DATA)):
        return None
    return found[XML_REQUEST], found[AUTH_DATA]
