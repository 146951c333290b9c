"""One look at a file that another process may be writing."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import apsw
import pytest
from tests.unit.gateway.store.views.conftest import ORDER, OTHER, Written, context

from tkkpg.gateway.model.plan import Plan
from tkkpg.gateway.store.sqlite import connect
from tkkpg.gateway.store.views import (
    find_orders,
    order_view,
    reading,
)
from tkkpg.protocol.errors import ConfigurationError


@pytest.mark.anyio
async def test_the_store_goes_on_writing_beside_a_view(written: Written) -> None:
    with closing(connect(written.path, writing=False)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM orders").fetchall()
        later = replace(OTHER, order_id=1_000_003, session_id="C" * 32)
        await written.store.commit(
            Plan(context=context(4), action="order_created", new_orders=(later,))
        )

    assert find_orders(written.path, session="C" * 32) == (later,)


@pytest.mark.anyio
async def test_a_view_cannot_write(written: Written) -> None:
    with (
        pytest.raises(ConfigurationError, match="can only be read"),
        reading(written.path) as db,
    ):
        db.execute("DELETE FROM orders")

    assert order_view(written.path, ORDER.order_id) is not None


def test_a_missing_file_is_named_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no database .*tkkpg\.db"):
        order_view(tmp_path / "tkkpg.db", 1)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"not a database" * 100])
def test_a_file_that_is_no_database_of_ours_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "tkkpg.db"
    path.write_bytes(content)

    told = r"tkkpg\.db (cannot be read as a database|is damaged, or no database)"
    with pytest.raises(ConfigurationError, match=told) as caught:
        order_view(path, 1)
    assert isinstance(caught.value.__cause__, apsw.Error)
