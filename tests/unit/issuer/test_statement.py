"""The issuer's journal as a witness reads it, while the issuer runs."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import apsw
import pytest
from tests.unit.issuer.peers import (
    CAVV,
    POOR,
    Link,
    about,
    authorisation,
    claiming,
    refund,
    repeated,
)

from tkkpg.gateway.host import fields
from tkkpg.issuer.statement import (
    ProofLine,
    holds_by_original,
    movements,
    net_by_original,
    proof_by_original,
    unbalanced,
)

pytestmark = pytest.mark.anyio


async def test_every_movement_is_told_oldest_first(link: Link, journal: Path) -> None:
    hold = authorisation(fields.HOLD)
    for request in (hold, about(hold, fields.COMPLETION, 600), refund(hold, 500)):
        await link.ask(request)

    told = movements(journal)

    assert [(one.kind, one.held_minor, one.charged_minor) for one in told] == [
        ("HOLD", 1_000, 0),
        ("COMPLETE", -600, 600),
        ("RELEASE", -400, 0),
        ("REFUND", 0, -500),
    ]
    assert {(one.account, one.original_rrn, one.currency) for one in told} == {
        ("rich", hold[fields.RRN], "944")
    }
    assert sorted(one.at for one in told) == [one.at for one in told]


async def test_sums_are_told_by_authorisation(link: Link, journal: Path) -> None:
    hold, charge = authorisation(fields.HOLD), authorisation(fields.CHARGE, 2_000)
    undone = authorisation(fields.CHARGE)
    for request in (hold, charge, undone, about(undone, fields.REVERSAL)):
        await link.ask(request)

    rrns = [one[fields.RRN] for one in (hold, charge, undone)]
    assert holds_by_original(journal) == dict(zip(rrns, (1_000, 0, 0), strict=True))
    assert net_by_original(journal) == dict(zip(rrns, (0, 2_000, 0), strict=True))


async def test_a_refund_that_names_the_completion_belongs_to_the_hold(
    link: Link, journal: Path
) -> None:
    hold = authorisation(fields.HOLD)
    completion = about(hold, fields.COMPLETION)
    for request in (hold, completion, refund(completion, 400)):
        assert await link.code(request) == "001"

    assert net_by_original(journal) == {hold[fields.RRN]: 600}


async def test_what_was_said_of_3d_secure_is_told_by_authorisation(
    link: Link, journal: Path
) -> None:
    proved = claiming(authorisation(fields.CHARGE), "05", CAVV)
    unproved = claiming(authorisation(fields.HOLD), "07")
    declined = claiming(authorisation(fields.CHARGE, pan=POOR), "01", CAVV)
    unbacked = claiming(authorisation(fields.CHARGE), "02")
    for request in (proved, unproved, declined, unbacked, authorisation(fields.CHARGE)):
        await link.ask(request)
    await link.ask(about(proved, fields.REVERSAL))

    assert proof_by_original(journal) == {
        proved[fields.RRN]: ProofLine("05", with_cavv=True),
        unproved[fields.RRN]: ProofLine("07", with_cavv=False),
        declined[fields.RRN]: ProofLine("01", with_cavv=True),
        unbacked[fields.RRN]: ProofLine("02", with_cavv=False),
    }


async def test_what_a_repeat_says_of_3d_secure_changes_nothing(link: Link, journal: Path) -> None:
    request = claiming(authorisation(fields.CHARGE), "05", CAVV)
    first = await link.ask(request)
    without = {key: text for key, text in request.items() if key != fields.ADDITIONAL}

    assert await link.ask(claiming(repeated(without), "07")) == first
    assert proof_by_original(journal) == {request[fields.RRN]: ProofLine("05", with_cavv=True)}


async def test_an_account_whose_sums_were_changed_is_named(link: Link, journal: Path) -> None:
    await link.ask(authorisation(fields.CHARGE))
    assert unbalanced(journal) == ()

    with closing(apsw.Connection(str(journal))) as db:
        db.execute("UPDATE account SET charged_minor = charged_minor + 1 WHERE name = 'rich'")
    assert unbalanced(journal) == ("rich",)


def test_a_witness_makes_no_journal(tmp_path: Path) -> None:
    with pytest.raises(apsw.CantOpenError):
        movements(tmp_path / "issuer.db")
    assert list(tmp_path.iterdir()) == []
