"""The page about 3-D Secure: its tables and numbers are the program's."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tkkpg.gateway.model.authentication import (
    ACTIONS,
    TOO_MANY_CODE,
    TOO_MANY_REASONS,
    Action,
    AuthenticationResult,
    Decline,
    Proceed,
    Unauthenticated,
    decide_authentication,
)
from tkkpg.gateway.model.card import Card, Expiry
from tkkpg.gateway.threeds.ranges import KEPT_S
from tkkpg.gateway.threeds.results import READING_S
from tkkpg.gateway.threeds.server import RANGES_LIMIT_BYTES, TIMEOUT_S
from tkkpg.gateway.threeds.wire import LIMIT_BYTES, LIMIT_DEPTH, ErrorCode
from tkkpg.gateway.vault import Binding, seal_card
from tkkpg.protocol.masking import Secret
from tkkpg.protocol.pan import Scheme

PAGE: Final = (Path(__file__).parents[2] / "docs" / "threeds.md").read_text("utf-8")


def _decision(action: Action, setting: Unauthenticated) -> str:
    """Say in the page's words what really is decided."""
    result = AuthenticationResult(verdict=action.verdict, cavv=Secret("proof"))
    visa, mastercard, many = (
        decide_authentication(result, setting, Scheme.VISA),
        decide_authentication(result, setting, Scheme.MASTERCARD),
        decide_authentication(
            AuthenticationResult(
                verdict=action.verdict, cavv=Secret("proof"), reason=min(TOO_MANY_REASONS)
            ),
            setting,
            Scheme.VISA,
        ),
    )
    if isinstance(visa, Proceed) and isinstance(mastercard, Proceed):
        cavv = ", CAVV" if visa.cavv else ""
        return f"sent, ECI {visa.eci} / {mastercard.eci}{cavv}"
    assert isinstance(visa, Decline)
    assert isinstance(many, Decline)
    return f"DECLINED {visa.code}" + (f" or {many.code}" if many != visa else "")


def test_its_table_is_what_the_program_decides() -> None:
    rows = []
    for action in ACTIONS:
        name = f"`{action.verdict}`" if len(action.verdict) == 1 else action.verdict
        decisions = " | ".join(_decision(action, setting) for setting in Unauthenticated)
        rows.append(f"| {name} | {decisions} | {action.verification} |")
    table = PAGE.partition("| --- | --- | --- | --- |\n")[2].partition("\n\n")[0]
    assert table.splitlines() == rows


def test_too_many_attempts_are_labelled_as_our_choice() -> None:
    reasons = " or ".join(sorted(TOO_MANY_REASONS))
    assert f"{TOO_MANY_CODE} stands where `transStatusReason` is {reasons}" in PAGE
    assert "**our choice**" in PAGE


def test_every_error_code_is_explained() -> None:
    for code in ErrorCode:
        assert f"\n| {code} | " in PAGE


def test_its_numbers_are_the_programs() -> None:
    assert f"at most {LIMIT_BYTES // 1024} kB (a PRes {RANGES_LIMIT_BYTES // 1024**2} MB)" in PAGE
    assert f"at most {LIMIT_DEPTH} deep" in PAGE
    assert (TIMEOUT_S, READING_S, KEPT_S) == (10, 10, 3600)
    card = Card(Secret("4169733213495869"), Expiry(2030, 5), Secret("447"))
    binding = Binding(
        order_id=1, tran_id=1, amount_minor=1, currency="944", three_ds_server_trans_id="x"
    )
    assert f"{len(seal_card(card, binding).text)} characters of base64url" in PAGE
