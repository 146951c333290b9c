"""The issuer's journal as a witness reads it, while the issuer runs."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest
from tests.unit.issuer.line import charge, complete, hold, open_line, refund, reverse

from tkkpg.issuer.statement import holds_by_original, movements, net_by_original, unbalanced

pytestmark = pytest.mark.anyio


async def test_every_movement_is_told_oldest_first(tmp_path: Path) -> None:
    async with open_line(tmp_path) as (link, info):
        await link.codes(hold(1), complete(2, hold(1), 20_00), refund(3, hold(1), 5_00))

        told = movements(info.journal)

    assert [(one.kind, one.held_minor, one.charged_minor) for one in told] == [
        ("HOLD", 30_00, 0),
        ("COMPLETE", -20_00, 20_00),
        ("RELEASE", -10_00, 0),
        ("REFUND", 0, -5_00),
    ]
    assert {(one.account, one.original_rrn, one.currency) for one in told} == {
        ("plain", "000000000001", "944")
    }
    assert sorted(one.at for one in told) == [one.at for one in told]


async def test_sums_are_told_by_authorisation(tmp_path: Path) -> None:
    async with open_line(tmp_path) as (link, info):
        await link.codes(hold(1), charge(2, 10_00), charge(3, 20_00), reverse(4, charge(3, 20_00)))

        assert holds_by_original(info.journal) == {
            "000000000001": 30_00,
            "000000000002": 0,
            "000000000003": 0,
        }
        assert net_by_original(info.journal) == {
            "000000000001": 0,
            "000000000002": 10_00,
            "000000000003": 0,
        }


async def test_a_refund_that_names_the_completion_belongs_to_the_hold(tmp_path: Path) -> None:
    async with open_line(tmp_path) as (link, info):
        completed = complete(2, hold(1))
        codes = await link.codes(hold(1), completed, refund(3, completed, 5_00))

        assert codes == ["001", "001", "001"]
        assert net_by_original(info.journal) == {"000000000001": 25_00}


async def test_an_account_whose_sums_were_changed_is_named(tmp_path: Path) -> None:
    async with open_line(tmp_path) as (link, info):
        await link.codes(charge(1))
        assert unbalanced(info.journal) == ()

    with apsw.Connection(str(info.journal)) as db:
        db.execute("UPDATE account SET charged_minor = charged_minor + 1 WHERE name = 'plain'")
    db.close()
    assert unbalanced(info.journal) == ("plain",)


def test_a_witness_makes_no_journal(tmp_path: Path) -> None:
    with pytest.raises(apsw.CantOpenError):
        movements(tmp_path / "issuer.db")
    assert list(tmp_path.iterdir()) == []
