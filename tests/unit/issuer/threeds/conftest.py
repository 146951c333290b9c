"""Both servers of the other side, running."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.unit.issuer.threeds.stage import Stage, staged


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with staged() as running:
        yield running
