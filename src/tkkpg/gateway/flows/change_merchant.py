"""Changing the settings of a merchant, as its contract says."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NoReturn
from urllib.parse import urlsplit

from tkkpg.gateway.flows.decide import commit, context
from tkkpg.gateway.flows.enrol import OPERATOR, registered_merchant
from tkkpg.gateway.model.authentication import Unauthenticated
from tkkpg.gateway.model.errors import PolicyRefusal
from tkkpg.gateway.model.plan import Plan
from tkkpg.gateway.notify.addresses import refusal
from tkkpg.protocol.converters import SHORT_TEXT_MAX, URL_MAX
from tkkpg.protocol.profiles import PROFILES
from tkkpg.protocol.redirect import resolve_return_url
from tkkpg.protocol.values import CURRENCIES, Operation, OrderType

if TYPE_CHECKING:
    from tkkpg.gateway.model.merchant import Merchant
    from tkkpg.gateway.runtime import Gateway

FEE_BP_MAX: Final = 10_000
"""All that is charged, in hundredths of a per cent."""
DUPLICATE_WINDOW_MAX_S: Final = 24 * 60 * 60
"""A day: no client repeats a lost request for longer, so what comes later is a second refund."""
FRAME_ANCESTORS_MAX: Final = 1000
"""Characters: a response header with them still passes every proxy."""

SCHEMES_MAX: Final = 10
"""Apps of one merchant, each with what it is called on one system or another."""
BROWSER_SCHEMES: Final = frozenset(
    {
        "about",
        "blob",
        "chrome",
        "cid",
        "content",
        "data",
        "feed",
        "file",
        "filesystem",
        "ftp",
        "http",
        "https",
        "intent",
        "jar",
        "javascript",
        "livescript",
        "mailto",
        "mid",
        "resource",
        "sms",
        "tel",
        "vbscript",
        "view-source",
        "ws",
        "wss",
    }
)
"""Schemes that run, read or call something instead of opening a merchant's app."""

_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]{1,39}")
_SOURCE: Final = re.compile(
    r"'self'|'none'|https?:|(?:https?://)?(?:\*|(?:\*\.)?[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)"
    r"(?::(?:[0-9]{1,5}|\*))?"
)
"""Who may frame a page, in the words of the Content-Security-Policy."""


async def change_merchant(
    gateway: Gateway, merchant_id: str, changes: Mapping[str, Any]
) -> tuple[str, ...]:
    """Change settings of a merchant; orders that exist keep what they were made with.

    Args:
        gateway: What to work with.
        merchant_id: A registered merchant.
        changes: New values by the names of `CHECKS`, as JSON has them: a list for a set.

    Returns:
        Names of the settings that have another value now; nothing is written without any.

    Raises:
        PolicyRefusal: There is no such merchant or setting, or a value will not do; nothing is
            changed.
    """
    before = await registered_merchant(gateway, merchant_id)
    after: Merchant = replace(
        before, **{name: _checked(name, value) for name, value in changes.items()}
    )
    changed = tuple(name for name in changes if getattr(before, name) != getattr(after, name))
    if changed:
        detail: dict[str, str | int] = {"merchant_id": merchant_id}
        for name in changed:
            detail[f"{name}_before"] = _audited(name, getattr(before, name))
            detail[name] = _audited(name, getattr(after, name))
        await commit(
            gateway,
            Plan(
                context=context(gateway, OPERATOR),
                action="merchant_changed",
                detail=detail,
                merchants=(after,),
            ),
        )
    return changed


def _checked(name: str, value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Check the new value of a setting, and give it as a merchant holds it."""
    if name not in CHECKS:
        message = f"A merchant has no setting {name!r} to change. These are: {', '.join(CHECKS)}."
        raise PolicyRefusal(message)
    try:
        return CHECKS[name](value)
    except ValueError as error:
        message = f"The merchant's {name} {error}."
        raise PolicyRefusal(message) from None
    except (AttributeError, TypeError):  # JSON holds values of other kinds too
        message = f"The merchant's {name} cannot be a {type(value).__name__}."
        raise PolicyRefusal(message) from None


def _refuse(message: str) -> NoReturn:
    raise ValueError(message)


def _name(value: str) -> str:
    name = value.strip()
    if not 0 < len(name) <= SHORT_TEXT_MAX or not name.isprintable():
        _refuse(f"must be one line of 1 to {SHORT_TEXT_MAX} characters: payers read it")
    return name


def _address(url: str) -> str:
    """Take an absolute address, or nothing."""
    if len(url) > URL_MAX:
        _refuse(f"is longer than {URL_MAX} characters")
    try:
        absolute = resolve_return_url(url, "") is not None
    except ValueError as error:
        _refuse(str(error).removesuffix(", or be relative"))
    if url and not absolute:
        _refuse("must begin with https:// or http://")
    return url


def _called_address(url: str) -> str:
    """Take an address that the gateway calls itself; a name is looked up at every call."""
    parts = urlsplit(_address(url))
    if not url:
        return url
    if parts.port == 0:
        _refuse("has a port that does not exist")
    try:
        # Whether this machine may be called is the gateway's own setting, which is heeded then.
        what = refusal(parts.hostname or "", allow_loopback=True)
    except ValueError:
        return url
    if what is not None:
        _refuse(f"leads to a {what} address, and only public ones are called")
    return url


def _frame_ancestors(value: str) -> str:
    sources = value.split()
    if len(value) > FRAME_ANCESTORS_MAX or not all(map(_SOURCE.fullmatch, sources)):
        _refuse(
            f"must be origins with a space between, at most {FRAME_ANCESTORS_MAX} characters, such "
            "as https://shop.az https://*.shop.az, 'self' or 'none'; empty for any"
        )
    return " ".join(sources)


def _operations(names: list[str]) -> frozenset[Operation]:
    if not names or not set(names) <= set(Operation):
        _refuse(f"must be one or more of {', '.join(Operation)}")
    return frozenset(map(Operation, names))


def _currencies(codes: list[str]) -> frozenset[str]:
    if not codes or not set(codes) <= set(CURRENCIES):
        _refuse("must be one or more numeric codes of ISO 4217, such as 944, 840, 978")
    return frozenset(codes)


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        _refuse("must be true or false")
    return value


def _unauthenticated(value: object) -> Unauthenticated:
    if not isinstance(value, str) or value not in set(Unauthenticated):
        _refuse("must be decline or proceed")
    return Unauthenticated(value)


def _order_types(names: list[str]) -> frozenset[OrderType]:
    if not names or not set(names) <= set(OrderType):
        _refuse(f"must be one or more of {', '.join(OrderType)}")
    return frozenset(map(OrderType, names))


def _return_schemes(names: list[str]) -> frozenset[str]:
    if len(names) > SCHEMES_MAX or not all(map(_SCHEME.fullmatch, names)):
        _refuse(f"must be at most {SCHEMES_MAX} schemes of apps in small letters, such as myapp")
    if taken := BROWSER_SCHEMES.intersection(names):
        _refuse(f"may not hold {', '.join(sorted(taken))}, which browsers follow themselves")
    return frozenset(names)


def _bank_profile(value: object) -> str:
    if not isinstance(value, str) or value not in PROFILES:
        _refuse(f"must be one of {', '.join(PROFILES)}")
    return value


def _whole(most: int, unit: str) -> Callable[[int], int]:
    def check(value: int) -> int:
        if type(value) is not int or not 0 <= value <= most:
            _refuse(f"must be a whole number of {unit} from 0 to {most}")
        return value

    return check


CHECKS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "name": _name,
    "base_url": _address,
    "notification_url": _called_address,
    "change_status_url": _called_address,
    "xmlout_wrapped": _switch,
    "xmlout_base64": _switch,
    "frame_ancestors": _frame_ancestors,
    "operations": _operations,
    "currencies": _currencies,
    "fee_bp": _whole(FEE_BP_MAX, "hundredths of a per cent"),
    "duplicate_window_s": _whole(DUPLICATE_WINDOW_MAX_S, "seconds"),
    "card_registration": _switch,
    "unauthenticated": _unauthenticated,
    "bank_profile": _bank_profile,
    "order_types": _order_types,
    "return_schemes": _return_schemes,
    "active": _switch,
}
"""What can be changed, with what checks a new value."""


def _audited(name: str, value: Any) -> str | int:  # noqa: ANN401 - whatever a setting holds
    """Write a setting for the audit, which is kept for good."""
    if isinstance(value, frozenset):
        return " ".join(sorted(value))
    if CHECKS[name] is _called_address and value:
        # Shops put secrets into paths and queries: the origin tells enough.
        parts = urlsplit(value)
        return f"{parts.scheme}://{parts.netloc}/…"
    return value  # type: ignore[no-any-return]
