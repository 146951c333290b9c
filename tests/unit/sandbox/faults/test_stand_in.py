"""Another card in the place of the payer's: at the host, and where its holder is authenticated."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from tests.conformance.plans import tran

from tkkpg.gateway.host import fields
from tkkpg.gateway.host.scripted import Scenario, ScriptedHost
from tkkpg.gateway.model.authentication import AuthenticationResult, Proceed, Verdict
from tkkpg.gateway.model.card import Card, Expiry, StoredCard
from tkkpg.gateway.model.transaction import HostReply, Outcome, TranKind, Transaction
from tkkpg.gateway.threeds.base import Attempt, Authenticated, Browser
from tkkpg.gateway.threeds.scripted import Script, ScriptedAuthenticator
from tkkpg.protocol.masking import Secret
from tkkpg.protocol.values import AZN
from tkkpg.sandbox.cards import find_card
from tkkpg.sandbox.faults import Wishes, Wishing, WishingAuthenticator
from tkkpg.sandbox.faults.wishes import Wish

pytestmark = pytest.mark.anyio

MINE = tran()
PAYERS = Card(Secret(find_card("approve").pan), Expiry(2030, 12), Secret("447"))
BEHIND = ScriptedHost(
    {
        find_card("approve").pan: Scenario(Outcome.APPROVED, "001"),
        find_card("205").pan: Scenario(Outcome.DECLINED, "205"),
    },
    0.05,
)
METHOD_URL = "https://127.0.0.1:8444/method"
DIRECTORY = ScriptedAuthenticator(
    {
        find_card(name).pan: Script(
            result=AuthenticationResult(verdict=verdict, reason=reason), method_url=METHOD_URL
        )
        for name, verdict, reason in (
            ("approve", Verdict.PROVED, None),
            ("amount", Verdict.PROVED, None),
            ("05", Verdict.REFUSED, "01"),
            ("18", Verdict.REFUSED, "04"),
        )
    }
)


@pytest.fixture
def wishes() -> Wishes:
    return Wishes()


def unplayed(trace: fields.Trace, code: str) -> None:
    raise AssertionError(f"the issuer is told to play {code} to {trace}")


def attempt(name: str = "approve", amount_minor: int = 30_00) -> Attempt:
    card = find_card(name)
    return Attempt(
        order_id=MINE.order_id,
        three_ds_server_trans_id=str(uuid4()),
        card=Card(Secret(card.pan), Expiry.of(card.expiry), Secret(card.cvv2)),
        merchant_id=MINE.merchant_id,
        merchant_name="Nar",
        amount_minor=amount_minor,
        currency=AZN,
        at=datetime(2026, 11, 24, 8, 0, tzinfo=UTC),
        browser=Browser(accept_header="text/html", user_agent="test", language="en"),
        notification_url="https://localhost:8443/3ds/return",
        method_notification_url="https://localhost:8443/3ds/method",
    )


async def verdict_of(wishing: WishingAuthenticator, asked: Attempt) -> tuple[Verdict, str | None]:
    ended = await wishing.authenticate(asked)
    assert isinstance(ended, Authenticated)
    return ended.result.verdict, ended.result.reason


# ---------------------------------------------------------------------------- at the host


async def test_the_card_of_the_code_is_sent_in_place_of_the_payer_s_once(wishes: Wishes) -> None:
    host = Wishing(BEHIND, {}, wishes, unplayed)
    await host.start(lambda _unclaimed: None)
    wishes.add(Wish("205", order_id=MINE.order_id))

    replies = [await host.authorise(MINE, PAYERS, Proceed("05", None)) for _ in range(2)]

    assert [reply.response_code for reply in replies] == ["205", "001"]


async def test_minus_one_is_not_sent(wishes: Wishes) -> None:
    host = Wishing(BEHIND, {find_card("-1").pan: None}, wishes, unplayed)
    await host.start(lambda _unclaimed: None)
    wishes.add(Wish("-1", merchant_id=MINE.merchant_id))

    assert await host.authorise(MINE, PAYERS) == HostReply.not_sent()


async def test_what_3d_secure_should_have_said_does_not_change_what_is_sent(
    wishes: Wishes,
) -> None:
    host = Wishing(BEHIND, {}, wishes, unplayed)
    await host.start(lambda _unclaimed: None)
    wishes.add(Wish("05", order_id=MINE.order_id))

    assert (await host.authorise(MINE, PAYERS)).response_code == "001"


class Remembering(ScriptedHost):
    """Keeps the proof that it was sent."""

    proof: Proceed | None = None

    async def authorise(
        self, tran: Transaction, card: Card | StoredCard, proof: Proceed | None = None
    ) -> HostReply:
        """Keep it, and answer as the script says."""
        self.proof = proof
        return await super().authorise(tran, card, proof)


async def test_the_proof_goes_on_whatever_card_is_sent(wishes: Wishes) -> None:
    behind = Remembering({}, 0.05)
    proof = Proceed("05", Secret("MTIzNDU2Nzg5MDEyMzQ1Njc4OTA="))
    wishes.add(Wish("205", order_id=MINE.order_id))

    await Wishing(behind, {}, wishes, unplayed).authorise(MINE, PAYERS, proof)

    assert behind.proof is proof


async def test_the_issuer_is_told_what_to_play_to_an_operation_once(wishes: Wishes) -> None:
    played: list[tuple[fields.Trace, str]] = []
    host = Wishing(BEHIND, {}, wishes, lambda trace, code: played.append((trace, code)))
    kinds = (TranKind.COMPLETION, TranKind.REVERSAL, TranKind.REFUND)
    asked = [replace(MINE, kind=kind, stan=200 + number) for number, kind in enumerate(kinds)]
    for one, ask in zip(asked, (host.complete, host.reverse, host.refund), strict=True):
        wishes.add(Wish("568", order_id=MINE.order_id))
        await ask(one, MINE, repeat=True)
        assert len(wishes.waiting()) == 1, "a repeat asks about what was sent before"
        for _ in range(2):
            await ask(one, MINE)

    assert [(trace.stan, trace.message_class, code) for trace, code in played] == [
        ("000200", "2", "568"),
        ("000201", "4", "568"),
        ("000202", "2", "568"),
    ]
    assert wishes.waiting() == ()


async def test_an_operation_that_meets_minus_one_is_not_sent(wishes: Wishes) -> None:
    host = Wishing(BEHIND, {}, wishes, unplayed)
    wishes.add(Wish("-1", merchant_id=MINE.merchant_id))

    assert await host.refund(replace(MINE, kind=TranKind.REFUND), MINE) == HostReply.not_sent()


# ----------------------------------------------------- where the holder is authenticated


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("00", (Verdict.NOT_ENROLLED, None)),
        ("05", (Verdict.REFUSED, "01")),
        ("18", (Verdict.REFUSED, "04")),
    ],
)
async def test_the_directory_is_asked_about_the_card_of_the_code_once(
    wishes: Wishes, code: str, expected: tuple[Verdict, str | None]
) -> None:
    wishing = WishingAuthenticator(DIRECTORY, wishes)
    wishes.add(Wish(code, order_id=MINE.order_id))

    assert await verdict_of(wishing, attempt()) == expected
    assert await verdict_of(wishing, attempt()) == (Verdict.PROVED, None)


async def test_a_code_of_the_host_waits_for_the_host(wishes: Wishes) -> None:
    wishing = WishingAuthenticator(DIRECTORY, wishes)
    wishes.add(Wish("205", order_id=MINE.order_id))

    assert await verdict_of(wishing, attempt()) == (Verdict.PROVED, None)
    assert len(wishes.waiting()) == 1


@pytest.mark.parametrize(
    ("amount_minor", "expected"),
    [
        (200_000, (Verdict.NOT_ENROLLED, None)),
        (200_005, (Verdict.REFUSED, "01")),
        (200_018, (Verdict.REFUSED, "04")),
        (100_005, (Verdict.PROVED, None)),
        (5, (Verdict.PROVED, None)),
        (30_00, (Verdict.PROVED, None)),
    ],
)
async def test_on_one_card_the_amount_asks_for_it(
    wishes: Wishes, amount_minor: int, expected: tuple[Verdict, str | None]
) -> None:
    wishing = WishingAuthenticator(DIRECTORY, wishes)

    assert await verdict_of(wishing, attempt("amount", amount_minor)) == expected


async def test_on_any_other_card_the_amount_asks_for_nothing(wishes: Wishes) -> None:
    wishing = WishingAuthenticator(DIRECTORY, wishes)

    assert await verdict_of(wishing, attempt("approve", 200_005)) == (Verdict.PROVED, None)


async def test_the_method_page_is_that_of_the_payer_s_card_and_meets_nothing(
    wishes: Wishes,
) -> None:
    wishing = WishingAuthenticator(DIRECTORY, wishes)
    wishes.add(Wish("00", order_id=MINE.order_id))

    call = await wishing.method(attempt())

    assert call is not None
    assert call.url == METHOD_URL
    assert len(wishes.waiting()) == 1
