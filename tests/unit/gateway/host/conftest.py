"""What the tests of the host's links share: both event loops, a host, and its certificate."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.unit.gateway.host.peers import SmallHost


@pytest.fixture(params=[True, False], ids=["uvloop", "asyncio"], scope="session")
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture
async def small_host() -> AsyncIterator[SmallHost]:
    """A host that listens on the loopback, and answers only what manages the link."""
    async with SmallHost().listening() as host:
        yield host
