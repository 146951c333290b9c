"""Every response code on demand: through page, host, XMLOut and GetOrderStatus, to both ledgers."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from tests.codes.operations import every_operation, short_operations
from tests.codes.rounds import every_step, findings, short_steps
from tests.codes.walk import Way

from tkkpg.protocol.codes import listed
from tkkpg.protocol.values import Language
from tkkpg.sandbox.cards import card_of


@pytest.mark.anyio
async def test_each_code_is_had_and_every_ledger_agrees(tmp_path: Path) -> None:
    assert await findings(tmp_path / "home", [*short_steps(), *short_operations()], print) == []


def test_each_operation_meets_a_decline_silence_and_a_broken_link() -> None:
    assert [(one.operation.name, one.code) for one in every_operation()] == list(
        product(
            ("Completion", "Reverse of a hold", "Reverse of a charge", "Refund"),
            ("568", "-1", "051", "810"),
        )
    )


def test_the_full_walk_leaves_no_code_and_no_way_out() -> None:
    steps = every_step()

    assert len(steps) == 109 * 3
    assert {(one.entry.code, one.way) for one in steps} == set(
        product((entry.code for entry in listed()), Way)
    )


def test_the_short_walk_meets_every_code_and_every_way_in_every_language() -> None:
    steps = short_steps()

    assert [one.entry for one in steps] == list(listed())
    assert {(one.way, one.language) for one in steps} == set(product(Way, Language))


def test_a_code_has_a_card_that_ends_with_it() -> None:
    for entry in listed():
        assert card_of(entry.code).response_code == entry.code


def test_a_code_has_a_text_in_every_language() -> None:
    for entry, language in product(listed(), Language):
        assert entry.text(language).strip(), (entry.code, language)
