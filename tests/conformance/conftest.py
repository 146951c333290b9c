"""The stores that must keep the promises of `store.base`, on databases as in production."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from tests.conformance.plans import enrolment
from tests.migrated import migrate_quickly

from tkkpg.gateway.keys import load_keys
from tkkpg.gateway.store.base import Store
from tkkpg.gateway.store.sqlite import SQLiteStore

OpenStore: TypeAlias = Callable[[], Store]


def _sqlite(folder: Path) -> OpenStore:
    keys = load_keys(folder / "keys.toml", os.urandom)
    migrate_quickly(folder / "tkkpg.db")
    return lambda: SQLiteStore(folder / "tkkpg.db", sign=lambda text: keys.sign("audit", text))


@pytest.fixture(params=[_sqlite], ids=["sqlite"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> OpenStore:
    """Opens one database; whoever opens it closes it before it is opened again."""
    prepare: Callable[[Path], OpenStore] = request.param
    return prepare(tmp_path)


@pytest.fixture
async def store(open_store: OpenStore) -> AsyncIterator[Store]:
    """A store with one merchant, who has no money yet."""
    opened = open_store()
    await opened.commit(enrolment())
    yield opened
    await opened.aclose()
