"""What every test may rely on: asyncio as the event loop, and properties without a clock."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings
from tests.migrated import migrate_quickly

# No deadline: a busy machine is not a failure. In CI the same examples every time.
settings.register_profile("tkkpg", max_examples=50, deadline=None)
settings.register_profile("tkkpg-ci", settings.get_profile("tkkpg"), derandomize=True)
settings.load_profile("tkkpg-ci" if os.environ.get("CI") else "tkkpg")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The event loop of `@pytest.mark.anyio` tests; the gateway runs on asyncio alone."""
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def _copied_databases() -> Iterator[None]:
    """Start every gateway in this process on a copy of one migrated file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tkkpg.gateway.home.migrate", migrate_quickly)
        yield
