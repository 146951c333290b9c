"""What storage must promise, in semantic verbs.

Promises: a plan is committed whole or not at all; what a verb answered is on disk; two plans that
read the same version never both succeed; a conflict is reported only after the commit it lost to.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tkkpg.gateway.model.card import SavedCard
    from tkkpg.gateway.model.decisions.order_query import OrderQuery
    from tkkpg.gateway.model.decisions.settlement import Unsettled
    from tkkpg.gateway.model.merchant import Merchant
    from tkkpg.gateway.model.order import Order
    from tkkpg.gateway.model.plan import Facts, Notification, Plan
    from tkkpg.gateway.model.transaction import Transaction, TranState

EVER: Final = datetime.max.replace(tzinfo=UTC)
"""A time after all others."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much work waits, for the metrics.

    Attributes:
        open_transactions: Transactions whose outcome is not known yet.
        oldest_open: When the oldest of them was sent.
        queued: Notifications not delivered yet.
        oldest_queued: When the oldest of them was promised.
    """

    open_transactions: int
    oldest_open: datetime | None
    queued: int
    oldest_queued: datetime | None


class Unresolved(NamedTuple):
    """A transaction without an outcome, no more than names it: there may be a million.

    Whoever works on it reads it, so one that cannot be read stands in no other's way.
    """

    tran_id: int
    order_id: int
    state: TranState


@dataclass(frozen=True, slots=True)
class FoundOrders:
    """What a search for orders found, in one snapshot.

    Attributes:
        orders: Newest first.
        transactions: Of each of them by its number, oldest first.
        complete: Whether everything that was asked for is there; if not, the search ended at its
            limit and there may be more.
    """

    orders: tuple[Order, ...]
    transactions: Mapping[int, tuple[Transaction, ...]]
    complete: bool


class Store(Protocol):
    """The database of one gateway."""

    async def commit(self, plan: Plan) -> None:
        """Commit a plan; when this returns, it is on disk.

        Raises:
            StoreConflict: Something the plan was decided on has changed; decide again.
            GuardFailed: A shared balance or cursor no longer allows it.
            StoreUnavailable: Nothing of it is stored.
        """
        ...

    async def reserve_numbers(self, name: str, first: int, size: int) -> int:
        """Reserve a block of a sequence durably and give its first number."""
        ...

    async def merchant(self, merchant_id: str) -> Merchant | None:
        """Find a merchant."""
        ...

    async def merchant_of(self, fingerprint: str, now: datetime) -> Merchant | None:
        """Find the merchant for whom a client certificate speaks.

        Args:
            fingerprint: SHA-256 of the DER, lower-case hexadecimal.
            now: Wall time; an expired or revoked certificate speaks for nobody.
        """
        ...

    async def order(self, order_id: int) -> Order | None:
        """Find an order; one statement."""
        ...

    async def facts(self, order_id: int) -> Facts | None:
        """Load what a decision about an order reads, in one look."""
        ...

    async def orders(self, query: OrderQuery) -> FoundOrders:
        """Find orders of a merchant, the newest first, looking at no more than the query says."""
        ...

    async def saved_card(self, card_uid: str) -> SavedCard | None:
        """Find a saved card; whose it is, the caller checks."""
        ...

    async def overdue(self, now: datetime, limit: int) -> Sequence[int]:
        """List orders whose time is over and not yet written so."""
        ...

    async def unresolved(self, sent_before: datetime, limit: int) -> Sequence[Unresolved]:
        """List transactions without an outcome whose last message was sent before a time.

        Parked ones are not listed: they are the operator's.
        """
        ...

    async def transaction(self, tran_id: int) -> Transaction | None:
        """Find a transaction by our number."""
        ...

    async def transaction_authenticated(self, server_trans_id: str) -> Transaction | None:
        """Find the transaction of an authentication by its `threeDSServerTransID`."""
        ...

    async def transactions_traced(self, stan: int) -> Sequence[Transaction]:
        """List transactions with a trace number, as their own or as their reversal's.

        Trace numbers have six digits and come round again: the caller compares the time.
        """
        ...

    async def unsettled(self, before: datetime = EVER) -> Sequence[Unsettled]:
        """List merchants with something to settle that was booked before a time.

        Where more was given back than charged, the difference waits for later charges: a merchant
        in debt is not listed, and nothing of the debt is forgotten.
        """
        ...

    async def take_notifications(
        self, now: datetime, leased_until: datetime, limit: int
    ) -> Sequence[Notification]:
        """Take notifications that are due; nobody else is given them until the lease ends."""
        ...

    async def release_notifications(self) -> None:
        """Give back what a process has taken that has ended; for the file's only owner."""
        ...

    async def finish_notification(
        self, notification_id: str, now: datetime, result: str, *, delivered: bool
    ) -> None:
        """Record that a notification was delivered, or is parked for the operator."""
        ...

    async def postpone_notification(
        self, notification_id: str, due_at: datetime, result: str
    ) -> None:
        """Record a failed attempt and when the next one is due."""
        ...

    async def backlog(self) -> Backlog:
        """Count the work that waits."""
        ...

    async def prove_commits(self) -> None:
        """Return if commits succeed now, at no cost while some do.

        Raises:
            StoreUnavailable: They do not; what is asked next would be refused.
        """
        ...

    async def aclose(self) -> None:
        """Finish what was begun and let go of the file."""
        ...
