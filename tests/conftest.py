"""What every test may rely on: asyncio as the event loop, and properties without a clock."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings
from tests.migrated import migrate_quickly

# New examples wherever it runs, CI too, where Hypothesis alone would draw the same ones every time.
# A failure prints what repeats it. No deadline: a busy machine is not a failure.
settings.register_profile(
    "tkkpg", max_examples=50, deadline=None, derandomize=False, print_blob=True
)
settings.load_profile("tkkpg")


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
