"""What is counted and timed, for Prometheus; on a registry of its own, not the process's.

Label values come from fixed sets, never from a peer as they are: each new one is a new series
that is kept for ever.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from tkkpg.gateway.model.transaction import Outcome, TranKind
from tkkpg.protocol.values import Operation

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST

COMMIT_BUCKETS_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
"""A commit is one fsync: under a millisecond on a fast disk, tens of them on a slow one."""

BATCH_BUCKETS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)

OTHER_OPERATION: Final = "other"
"""Stands for every operation that does not exist, and for requests too broken to name one."""

_OPERATIONS: Final = frozenset(Operation)


@dataclass(frozen=True, slots=True)
class Metrics:
    """Every collector of one gateway; made by `create`, read as text by `render`.

    Attributes:
        requests: Requests answered, by `listener`, `operation` and `status` of the reply.
        page_views: Pages shown to payers, by `page`.
        commit_seconds: Time from the first statement of a batch until it is on disk.
        batch_plans: Plans committed together.
        host_requests: Messages to the host, by `kind` and `outcome`.
        host_timeouts: Messages that the host left without an answer, by `kind`.
        open_transactions: Sent to the host, outcome not known yet.
        queued_notifications: In the outbox, neither delivered nor parked.
        certificate_days_left: Until a certificate expires, by `name`; negative afterwards.
    """

    registry: CollectorRegistry
    requests: Counter
    page_views: Counter
    commit_seconds: Histogram
    batch_plans: Histogram
    host_requests: Counter
    host_timeouts: Counter
    open_transactions: Gauge
    oldest_transaction_age: Gauge
    queued_notifications: Gauge
    oldest_notification_age: Gauge
    certificate_days_left: Gauge

    @classmethod
    def create(cls) -> Metrics:
        """Make the collectors on a new registry."""
        registry = CollectorRegistry()

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, labels, namespace="tkkpg", registry=registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(name, text, labels, namespace="tkkpg", registry=registry)

        def histogram(name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(name, text, namespace="tkkpg", registry=registry, buckets=buckets)

        return cls(
            registry=registry,
            requests=counter("requests", "Requests answered", "listener", "operation", "status"),
            page_views=counter("page_views", "Pages shown to payers", "page"),
            commit_seconds=histogram("commit_seconds", "Time of a commit", COMMIT_BUCKETS_S),
            batch_plans=histogram("batch_plans", "Plans in one commit", BATCH_BUCKETS),
            host_requests=counter("host_requests", "Messages to the host", "kind", "outcome"),
            host_timeouts=counter("host_timeouts", "Messages the host did not answer", "kind"),
            open_transactions=gauge("open_transactions", "Transactions without an outcome"),
            oldest_transaction_age=gauge("open_transactions_age_seconds", "Age of the oldest one"),
            queued_notifications=gauge("outbox_queued", "Notifications to be delivered"),
            oldest_notification_age=gauge("outbox_age_seconds", "Age of the oldest of them"),
            certificate_days_left=gauge("certificate_days_left", "Until it expires", "name"),
        )

    def request_answered(self, listener: str, operation: str, status: str) -> None:
        """Count a request; `operation` may be whatever the peer wrote."""
        known = operation if operation in _OPERATIONS else OTHER_OPERATION
        self.requests.labels(listener, known, status).inc()

    def page_viewed(self, page: str) -> None:
        """Count a page shown to a payer; `page` is our name for it, such as `card`."""
        self.page_views.labels(page).inc()

    def committed(self, plans: int, took_s: float) -> None:
        """Count a commit of so many plans, and time it."""
        self.batch_plans.observe(plans)
        self.commit_seconds.observe(took_s)

    def host_asked(self, kind: TranKind, outcome: Outcome) -> None:
        """Count a message to the host; an unknown outcome is a host that did not answer."""
        self.host_requests.labels(kind.value, outcome.value).inc()
        if outcome is Outcome.UNKNOWN:
            self.host_timeouts.labels(kind.value).inc()

    def show_open_transactions(self, number: float, oldest_age_s: float) -> None:
        """Set how many transactions are open and the age of the oldest, 0 when none is."""
        self.open_transactions.set(number)
        self.oldest_transaction_age.set(oldest_age_s)

    def show_outbox(self, number: float, oldest_age_s: float) -> None:
        """Set how many notifications wait and the age of the oldest, 0 when none does."""
        self.queued_notifications.set(number)
        self.oldest_notification_age.set(oldest_age_s)

    def forget_backlog(self) -> None:
        """Show what waits as not known: NaN, rather than figures that are no longer true."""
        self.show_open_transactions(math.nan, math.nan)
        self.show_outbox(math.nan, math.nan)

    def watch_certificate(
        self, name: str, not_after: datetime, wall: Callable[[], datetime]
    ) -> None:
        """Show the days a certificate has left, worked out whenever somebody looks.

        Args:
            name: What it is for, such as `exec`; watching a name again replaces its certificate.
            not_after: When it expires, an aware time.
            wall: The wall clock, aware.
        """
        self.certificate_days_left.labels(name).set_function(
            lambda: (not_after - wall()) / timedelta(days=1)
        )

    def render(self) -> bytes:
        """Write everything in Prometheus's text format, of type `CONTENT_TYPE`."""
        return generate_latest(self.registry)
