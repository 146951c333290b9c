"""When a settlement is due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tkkpg.gateway.flows.upkeep.rounds import next_settlement


def test_settlement_comes_after_its_pause() -> None:
    now = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
    assert next_settlement(now, 1.5) == now + timedelta(seconds=1.5)


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (datetime(2026, 11, 24, 8, 0, tzinfo=UTC), datetime(2026, 11, 24, 20, 0, tzinfo=UTC)),
        (datetime(2026, 11, 24, 19, 59, tzinfo=UTC), datetime(2026, 11, 24, 20, 0, tzinfo=UTC)),
        (datetime(2026, 11, 24, 20, 0, tzinfo=UTC), datetime(2026, 11, 25, 20, 0, tzinfo=UTC)),
        (datetime(2026, 12, 31, 21, 0, tzinfo=UTC), datetime(2027, 1, 1, 20, 0, tzinfo=UTC)),
    ],
)
def test_a_business_day_begins_at_midnight_in_baku(now: datetime, due: datetime) -> None:
    assert next_settlement(now, None) == due
