"""What GetOrders may ask for: a filter of the wire to a bounded question, rows to their order.

The newest orders are searched first, whatever the answer is sorted by: `LastCount` is so many of
the newest that the filter fits, and `OrderBy` sorts these (protocol description, 2.11).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, NoReturn

from tkkpg.gateway.model.errors import PolicyRefusal
from tkkpg.protocol.schema.requests import PARAMS_MAX
from tkkpg.protocol.zone import BAKU

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tkkpg.protocol.messages import OrderInformation, OrdersFilter

LAST_COUNT: Final = 100
"""Rows without a LastCount: a page for people, in a few hundred kilobytes."""
LAST_COUNT_MAX: Final = 200
"""Rows of one answer, for more there is StartFrom: payments wait while it is written (a quarter of
a millisecond a row), and a client reads it however long its texts are (`xml.REPLY_LIMITS`)."""
REACH_MAX: Final = 10_000
"""Newest orders of a period that one question reaches, whether by StartFrom or by looking for what
fits: the time it takes does not grow with the table. A day of the largest shop is less."""

DESCENDING: Final = "DESC"
DIRECTIONS: Final = frozenset({"ACS", "ASC", DESCENDING})
"""The manual spells ascending `ACS` (protocol description, 2.11)."""
CREATED: Final = "createDate"

SORTED_BY: Final[dict[str, Callable[[OrderInformation], Any]]] = {
    "id": attrgetter("order_id"),
    CREATED: attrgetter("created", "order_id"),
    "lastUpdateDate": attrgetter("updated"),
    "payDate": attrgetter("paid"),
    "Amount": attrgetter("amount_minor"),
    "Currency": attrgetter("currency.code"),
    "OrderLanguage": attrgetter("language"),
    "Description": attrgetter("description"),
    "Orderstatus": attrgetter("order_status"),
    "twoId": attrgetter("two_id"),
    "RefundAmount": attrgetter("refund_amount_minor"),
    "OrderType": attrgetter("order_type"),
    "Fee": attrgetter("fee_minor"),
    "Email": attrgetter("email"),
    "RefundDate": attrgetter("refunded"),
}
"""Fields of a row that OrderBy may name, and what they are compared by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderQuery:
    """Which orders of a merchant are asked for, newest first; its numbers are within their limits.

    Attributes:
        merchant_id: Whose orders; there is no question without it.
        only: What an order must fit beside the period: statuses are as seen at `now`.
        now: Business time.
        since: Created at or after.
        until: Created before or at.
        skip: So many of the newest that fit are left out.
        take: At most so many are given.
        look_at_most: How many of the newest in the period are looked at in search of what fits.
    """

    merchant_id: str
    only: OrdersFilter
    now: datetime
    since: datetime | None
    until: datetime | None
    skip: int
    take: int
    look_at_most: int = REACH_MAX


def order_query(only: OrdersFilter, merchant_id: str, now: datetime) -> OrderQuery:
    """Turn the filter of a GetOrders into a question to the store.

    Args:
        only: As sent.
        merchant_id: Who asks.
        now: Business time.

    Raises:
        PolicyRefusal: Status 30: a limit is crossed, a name is unknown, or nothing could ever fit.
    """
    take = LAST_COUNT if only.last_count is None else only.last_count
    skip = only.start_from or 0
    if not 1 <= take <= LAST_COUNT_MAX:
        _refuse(f"OrdersFilter/LastCount must be between 1 and {LAST_COUNT_MAX}.")
    if skip + take > REACH_MAX:
        _refuse(
            f"OrdersFilter/StartFrom and LastCount reach beyond the newest {REACH_MAX} orders. "
            "Go back in time with Period/End."
        )
    _check_sorting(only)
    _check_ranges(only)
    return OrderQuery(
        merchant_id=merchant_id,
        only=only,
        now=now,
        since=_at(only.start),
        until=_at(only.end, microsecond=999_999),  # the wire's times end at the second
        skip=skip,
        take=take,
    )


def _check_sorting(only: OrdersFilter) -> None:
    if only.order_by and only.order_by not in SORTED_BY:
        _refuse(f"OrdersFilter/OrderBy must be one of {', '.join(SORTED_BY)}.")
    if only.direction and only.direction not in DIRECTIONS:
        _refuse(f"OrdersFilter/OrderingDirection must be one of {', '.join(sorted(DIRECTIONS))}.")


def _check_ranges(only: OrdersFilter) -> None:
    least, most = only.amount_min_minor, only.amount_max_minor
    if least is not None and most is not None and least > most:
        _refuse("OrdersFilter/Amount/Min is more than Amount/Max.")
    if only.start is not None and only.end is not None and only.start > only.end:
        _refuse("OrdersFilter/Period/Start is after Period/End.")
    if len(only.params) > PARAMS_MAX:
        _refuse(f"OrdersFilter/AddParams holds more than {PARAMS_MAX} items; no order has so many.")


def _at(local: datetime | None, *, microsecond: int = 0) -> datetime | None:
    """Take the wire's local time for what it is."""
    return None if local is None else local.replace(microsecond=microsecond, tzinfo=BAKU)


def too_many(query: OrderQuery) -> PolicyRefusal:
    """Refuse to go on looking for what fits: an answer that leaves out orders would be wrong."""
    return PolicyRefusal(
        f"Among the newest {query.look_at_most} orders of the period fewer than LastCount fit the "
        "filter, or they have too many transactions; one question looks at no more. "
        "Narrow OrdersFilter/Period, or ask for fewer with LastCount."
    )


def in_order(rows: Iterable[OrderInformation], only: OrdersFilter) -> tuple[OrderInformation, ...]:
    """Sort rows as the filter says; the newest first where it says nothing, or where rows tie.

    Args:
        rows: Newest first.
        only: A filter that `order_query` accepted.
    """
    value_of = SORTED_BY[only.order_by or CREATED]

    def key(row: OrderInformation) -> tuple[bool, Any]:
        value = value_of(row)
        return value is not None, value  # nothing comes before everything

    descending = only.direction in {"", DESCENDING}
    return tuple(sorted(rows, key=key, reverse=descending))


def _refuse(message: str) -> NoReturn:
    raise PolicyRefusal(message)
