"""The journal: one transaction or nothing, and money that adds up whatever is asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.issuer.peers import (
    ACCOUNTS,
    CAVV,
    POOR,
    about,
    authorisation,
    claiming,
    refund,
    registering,
    repeated,
)

from tkkpg.gateway.host import fields
from tkkpg.gateway.host.fields import Message
from tkkpg.issuer.journal import Journal
from tkkpg.issuer.service import Issuer
from tkkpg.issuer.statement import (
    holds_by_original,
    movements,
    net_by_original,
    proof_by_original,
    unbalanced,
)
from tkkpg.issuer.tokens import random_token

CLAIMS: Final = ((None, None), ("07", None), ("05", CAVV), ("05", None), (None, CAVV))
AMOUNTS: Final = (400, 600, 1_000, 30_000)


@contextmanager
def opened(path: Path) -> Iterator[tuple[Issuer, Journal]]:
    """An issuer with its journal, without links."""
    with closing(Journal(path, ACCOUNTS)) as journal:
        yield Issuer(ACCOUNTS, journal, random_token), journal


def test_nothing_of_a_tx_stays_when_it_fails(tmp_path: Path) -> None:
    path = tmp_path / "issuer.db"
    request = authorisation(fields.CHARGE)
    with opened(path) as (issuer, journal):
        with pytest.raises(fields.MalformedMessage), journal.tx():
            _answer_then_fail(issuer, request)

        assert movements(path) == []
        with journal.tx():
            assert journal.answer_to(fields.trace_of(request)) is None


def _answer_then_fail(issuer: Issuer, request: Message) -> None:
    issuer.answer(request)
    issuer.answer({**request, fields.TYPE: "0500"})


def test_a_tx_whose_commit_fails_leaves_the_journal_ready_for_the_next(tmp_path: Path) -> None:
    path = tmp_path / "issuer.db"
    with opened(path) as (issuer, journal):
        journal._db.set_commit_hook(lambda: True)  # SQLite turns the commit into a rollback
        with pytest.raises(apsw.ConstraintError), journal.tx():
            issuer.answer(authorisation(fields.CHARGE))
        journal._db.set_commit_hook(None)
        assert movements(path) == []

        with journal.tx():
            issuer.answer(authorisation(fields.CHARGE))
        assert len(movements(path)) == 1


def test_a_card_that_was_not_kept_leaves_no_token_when_the_tx_fails(tmp_path: Path) -> None:
    path = tmp_path / "issuer.db"
    request = registering(authorisation(fields.CHARGE))
    with opened(path) as (issuer, journal):
        with pytest.raises(fields.MalformedMessage), journal.tx():
            _answer_then_fail(issuer, request)

        assert journal._rows("SELECT * FROM kept_card") == []
        assert journal._rows("SELECT * FROM registration") == []


def test_an_account_keeps_its_balance_when_the_file_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "issuer.db"
    with opened(path) as (issuer, journal), journal.tx():
        issuer.answer(authorisation(fields.CHARGE, 25_000))
    with opened(path) as (_, journal):
        assert journal.available("rich") == 75_000
        assert journal.available("poor") == 0


def test_a_journal_made_before_proofs_were_kept_is_opened_and_keeps_them(tmp_path: Path) -> None:
    path = tmp_path / "issuer.db"
    first, second = authorisation(fields.CHARGE), claiming(authorisation(fields.CHARGE), "07")
    with opened(path) as (issuer, journal), journal.tx():
        before = issuer.answer(first)
        journal._db.execute("DROP TABLE proof")

    with opened(path) as (issuer, journal), journal.tx():
        assert issuer.answer(first) == before
        issuer.answer(second)

    assert list(proof_by_original(path)) == [second[fields.RRN]]


def test_a_proof_does_not_stay_when_the_tx_fails(tmp_path: Path) -> None:
    path = tmp_path / "issuer.db"
    request = claiming(authorisation(fields.CHARGE), "05", CAVV)
    with opened(path) as (issuer, journal):
        with pytest.raises(fields.MalformedMessage), journal.tx():
            _answer_then_fail(issuer, request)

        assert proof_by_original(path) == {}


@st.composite
def requests(draw: st.DrawFn) -> list[Message]:
    """Requests about a few authorisations in any order, also before them, each perhaps again."""
    originals = [
        authorisation(kind, draw(st.sampled_from(AMOUNTS)))
        for kind in draw(
            st.lists(st.sampled_from([fields.HOLD, fields.CHARGE]), min_size=1, max_size=4)
        )
    ]
    originals = [registering(one) if draw(st.booleans()) else one for one in originals]
    originals = [claiming(one, *draw(st.sampled_from(CLAIMS))) for one in originals]
    originals.append(authorisation(fields.CHARGE, pan=POOR))
    asked = list(originals)
    for _ in range(draw(st.integers(0, 10))):
        named = draw(st.sampled_from(asked))
        amount = draw(st.sampled_from([int(named[fields.AMOUNT]), *AMOUNTS]))
        kind = draw(st.sampled_from(["refund", "0220", "0400", "0420"]))
        asked.append(refund(named, amount) if kind == "refund" else about(named, kind, amount))
    twice = [*asked, *(repeated(one) for one in asked if draw(st.booleans()))]
    return draw(st.permutations(twice)) if draw(st.booleans()) else twice


@given(asked=requests())
def test_money_adds_up_and_no_trace_moves_it_twice(asked: list[Message]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "issuer.db"
        answers: dict[fields.Trace, Message | None] = {}
        with opened(path) as (issuer, journal):
            for request in asked:
                before = movements(path)
                with journal.tx():
                    reply = issuer.answer(request).message
                after = movements(path)

                trace = fields.trace_of(request)
                if trace in answers:
                    assert (reply, after) == (answers[trace], before)
                answers[trace] = reply
                declined = reply is not None and reply[fields.RESPONSE] != "001"
                assert not (declined and after != before)
                assert after[: len(before)] == before
                _adds_up(path, journal)


def _adds_up(path: Path, journal: Journal) -> None:
    """Stored is derived, nothing is negative, and the account bears it all."""
    charged, held = net_by_original(path), holds_by_original(path)
    assert unbalanced(path) == ()
    assert all(minor >= 0 for minor in (*charged.values(), *held.values()))
    assert journal.available("rich") == 100_000 - sum(charged.values()) - sum(held.values())
    assert journal.available("rich") >= 0
