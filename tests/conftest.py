"""What every test may rely on: asyncio as the event loop, and properties without a clock."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from tests.migrated import migrate_quickly

# New examples wherever it runs, CI too, where Hypothesis alone would draw the same ones every time.
# A failure prints what repeats it. No deadline: a busy machine is not a failure.
settings.register_profile(
    "tkkpg", max_examples=50, deadline=None, derandomize=False, print_blob=True
)
settings.load_profile("tkkpg")

UNIT = Path(__file__).parent / "unit"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no worker is left alone with it in the end."""
    items.sort(key=lambda item: item.path.is_relative_to(UNIT))


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
