"""What is counted and timed."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from tkkpg.gateway.metrics import Metrics
from tkkpg.gateway.model.transaction import Outcome, TranKind

NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics.create()


def figure(metrics: Metrics, sample: str, /, **labels: str) -> float | None:
    """Read one figure back from the text, as Prometheus would."""
    for family in text_string_to_metric_families(metrics.render().decode()):
        for found in family.samples:
            if found.name == sample and found.labels == labels:
                return found.value
    return None


def test_requests_are_counted_by_listener_operation_and_status(metrics: Metrics) -> None:
    for status in ("00", "00", "30"):
        metrics.request_answered("exec", "Refund", status)
    name, where = "tkkpg_requests_total", {"listener": "exec", "operation": "Refund"}
    assert figure(metrics, name, **where, status="00") == 2
    assert figure(metrics, name, **where, status="30") == 1
    assert figure(metrics, name, **where, status="96") is None


def test_no_operation_that_a_peer_makes_up_becomes_a_series_of_its_own(metrics: Metrics) -> None:
    for made_up in ("", "Refund4169733213495869", "refund", "x" * 64):
        metrics.request_answered("exec", made_up, "54")
    other = {"listener": "exec", "operation": "other", "status": "54"}
    assert figure(metrics, "tkkpg_requests_total", **other) == 4


def test_pages_are_counted_by_name(metrics: Metrics) -> None:
    for page in ("card", "card", "outcome"):
        metrics.page_viewed(page)
    assert figure(metrics, "tkkpg_page_views_total", page="card") == 2


@pytest.mark.parametrize("outcome", list(Outcome))
def test_a_message_to_the_host_is_a_timeout_only_when_nobody_knows(
    metrics: Metrics, outcome: Outcome
) -> None:
    metrics.host_asked(TranKind.REFUND, outcome)
    labels = {"kind": "REFUND", "outcome": outcome.value}
    assert figure(metrics, "tkkpg_host_requests_total", **labels) == 1
    timeouts = figure(metrics, "tkkpg_host_timeouts_total", kind="REFUND")
    assert timeouts == (1 if outcome is Outcome.UNKNOWN else None)


@pytest.mark.parametrize(
    ("took_s", "counted_in"), [(0.0004, "0.0005"), (0.02, "0.025"), (0.7, "1.0"), (60.0, "+Inf")]
)
def test_a_commit_falls_into_the_bucket_of_its_time(
    metrics: Metrics, took_s: float, counted_in: str
) -> None:
    metrics.committed(1, took_s)
    bounds = ("0.0005", "0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "1.0")
    below = [it for it in (*bounds, "5.0", "+Inf") if float(it) < float(counted_in)]
    assert figure(metrics, "tkkpg_commit_seconds_bucket", le=counted_in) == 1
    assert all(figure(metrics, "tkkpg_commit_seconds_bucket", le=it) == 0 for it in below)


def test_the_size_of_a_batch_is_kept_up_to_the_largest(metrics: Metrics) -> None:
    for plans in (1, 64, 65, 256):
        metrics.committed(plans, 0.001)
    shown = [figure(metrics, "tkkpg_batch_plans_bucket", le=le) for le in ("1.0", "64.0", "256.0")]
    assert shown == [1, 2, 4]
    assert figure(metrics, "tkkpg_batch_plans_sum") == 386


WAITING = (
    "tkkpg_open_transactions",
    "tkkpg_open_transactions_age_seconds",
    "tkkpg_outbox_queued",
    "tkkpg_outbox_age_seconds",
)


def test_what_waits_is_shown_figure_by_figure(metrics: Metrics) -> None:
    metrics.show_open_transactions(3, 12.5)
    metrics.show_outbox(40, 90.0)
    assert [figure(metrics, name) for name in WAITING] == [3, 12.5, 40, 90.0]


def test_what_is_not_known_is_no_number_rather_than_the_last_one(metrics: Metrics) -> None:
    metrics.show_open_transactions(3, 12.5)
    metrics.show_outbox(40, 90.0)
    metrics.forget_backlog()
    shown = [figure(metrics, name) for name in WAITING]
    assert all(value is not None and math.isnan(value) for value in shown)


def test_a_certificates_days_go_by_with_the_clock(metrics: Metrics) -> None:
    times = iter([NOW, NOW + timedelta(days=2), NOW + timedelta(days=11, hours=12)])
    metrics.watch_certificate("exec", NOW + timedelta(days=10), lambda: next(times))
    shown = [figure(metrics, "tkkpg_certificate_days_left", name="exec") for _ in range(3)]
    assert shown == [10.0, 8.0, -1.5]


def test_a_renewed_certificate_replaces_the_old_one(metrics: Metrics) -> None:
    for days in (1, 90):
        metrics.watch_certificate("page", NOW + timedelta(days=days), lambda: NOW)
    assert figure(metrics, "tkkpg_certificate_days_left", name="page") == 90


def test_two_gateways_in_one_process_count_apart_and_leave_the_process_alone() -> None:
    one, two = Metrics.create(), Metrics.create()
    one.page_viewed("card")
    assert figure(two, "tkkpg_page_views_total", page="card") is None
    assert not [family for family in REGISTRY.collect() if family.name.startswith("tkkpg")]
