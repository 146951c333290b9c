"""Reading what is posted, within limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

FORM_MAX_BYTES: Final = 16 * 1024
"""A CReq is under 1 kB in base64url, and so is the session data that goes with it."""
FIELDS_MAX: Final = 32


async def read_body(request: Request, limit_bytes: int) -> bytes:
    """Read a body.

    Raises:
        HTTPException: 413 for one over the limit, refused while it is being read; 400 for one
            that breaks off.
    """
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit_bytes:
                raise HTTPException(413)
    except ClientDisconnect:
        raise HTTPException(400) from None
    return bytes(body)


async def read_form(request: Request) -> Mapping[str, str]:
    """Read the fields of a posted form; of two of one name the last.

    Raises:
        HTTPException: 400 or 413, as `read_body`; 400 for too many fields.
    """
    body = await read_body(request, FORM_MAX_BYTES)
    try:
        text = body.decode("utf-8", "replace")
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MAX))
    except ValueError:
        raise HTTPException(400) from None
