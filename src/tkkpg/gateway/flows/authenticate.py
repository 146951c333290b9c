"""Asking 3-D Secure about a card, and going on from its answer.

The result is the ARes or, after a challenge, the RReq. The CRes that the browser brings back only
wakes us.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin

from tkkpg.gateway.flows.decide import decide
from tkkpg.gateway.flows.record import GATEWAY, ask_and_record
from tkkpg.gateway.model.authentication import AuthenticationResult, Verdict, proof_of
from tkkpg.gateway.model.decisions.authentication import plan_authenticated, plan_result
from tkkpg.gateway.model.transaction import Transaction, TranState
from tkkpg.gateway.threeds.base import Attempt, Authenticated, Browser, Challenge, MethodCall
from tkkpg.gateway.threeds.codec import from_form
from tkkpg.gateway.threeds.messages import CRes, MethodCompleted
from tkkpg.gateway.threeds.wire import MessageError, from_base64url, to_base64url
from tkkpg.gateway.vault import SEALED_CHARS, Binding, CannotOpen, open_card
from tkkpg.protocol.masking import Secret

if TYPE_CHECKING:
    from tkkpg.gateway.flows.pay import PageView
    from tkkpg.gateway.model.card import Card
    from tkkpg.gateway.model.merchant import Merchant
    from tkkpg.gateway.runtime import Gateway
    from tkkpg.protocol.values import OrderRef

RETURN: Final = "/3ds/return"
"""Path of the hosted page where browsers bring the CRes."""
METHOD_DONE: Final = "/3ds/method"
"""Path where the issuer's method page reports, inside its hidden frame."""


@dataclass(frozen=True, slots=True)
class MethodStep:
    """The browser calls the issuer's method page first.

    Attributes:
        call: The page.
        sealed: The card, on its way through the browser.
    """

    call: MethodCall
    sealed: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChallengeStep:
    """The browser goes to the access control server.

    Attributes:
        challenge: Where, and with what.
        sealed: The card, on its way through the browser.
    """

    challenge: Challenge
    sealed: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cardholder:
    """Who pays: a card in a browser."""

    card: Card
    browser: Browser
    method_completed: MethodCompleted = MethodCompleted.NO


def attempt_of(
    gateway: Gateway, merchant: Merchant, tran: Transaction, holder: Cardholder
) -> Attempt:
    """Say what the directory is asked about a transaction."""
    page = gateway.config.page_url
    return Attempt(
        three_ds_server_trans_id=_server_trans_id(tran),
        card=holder.card,
        order_id=tran.order_id,
        merchant_id=merchant.merchant_id,
        merchant_name=merchant.name,
        amount_minor=tran.amount_minor,
        currency=tran.currency,
        at=gateway.clock.now(),
        browser=holder.browser,
        notification_url=urljoin(page, f"{RETURN}?LANGUAGE={holder.browser.language.upper()}"),
        method_notification_url=urljoin(page, METHOD_DONE),
        method_completed=holder.method_completed,
    )


async def authenticate(gateway: Gateway, tran: Transaction, attempt: Attempt) -> Challenge | None:
    """Ask about a card, once for each transaction, and let the payment go on.

    The payment runs to its end whatever becomes of this request; this returns when 3-D Secure has
    answered and the outcome is there, or the page's patience over.

    Returns:
        The challenge, if the issuer wants one.
    """

    async def work(challenge: asyncio.Future[Challenge | None]) -> None:
        answer = await gateway.authenticator.authenticate(attempt)
        if isinstance(answer, Authenticated):
            challenge.set_result(None)
            await _go_on(gateway, tran, attempt.card, answer.result)
        else:
            challenge.set_result(answer)

    asked = gateway.authentications.ask(tran.tran_id, work)
    challenge = await asyncio.shield(asked.challenge)
    if challenge is None:
        await asyncio.wait({asked.work}, timeout=gateway.config.page_patience_s)
    return challenge


async def after_method(
    gateway: Gateway,
    view: PageView,
    sealed: str,
    *,
    browser: Browser,
    completed: MethodCompleted,
) -> ChallengeStep | None:
    """Go on after the issuer's method page; does nothing when the attempt no longer waits.

    Args:
        gateway: What to work with.
        view: The page, as it is now.
        sealed: The card that the browser brought along.
        browser: In which it was typed.
        completed: Whether the method page reported.
    """
    for tran in view.transactions:
        if tran.state is not TranState.RESERVED:
            continue
        card = _open(gateway, tran, sealed)
        if card is None:
            return None
        holder = Cardholder(card=card, browser=browser, method_completed=completed)
        attempt = attempt_of(gateway, view.merchant, tran, holder)
        challenge = await authenticate(gateway, tran, attempt)
        return ChallengeStep(challenge, sealed) if challenge else None
    return None


async def return_from_challenge(gateway: Gateway, cres: str, carried: str) -> OrderRef | None:
    """Take a browser back that was challenged.

    What the CRes says of the result is not believed: it only names the attempt. The payment goes
    on with the RReq, and is declined when none comes in time. A card that cannot be opened has to
    be typed again.

    Args:
        gateway: What to work with.
        cres: As the browser brought it.
        carried: What it was sent away with. Directory and issuer know the attempt's number too;
            the order's page is for whoever brings both.

    Returns:
        The order; `None` when the CRes cannot be read, or names no attempt of this browser.
    """
    try:
        message = from_form(cres, CRes)
    except MessageError as error:
        gateway.log.warning("challenge_unreadable", reason=str(error))
        return None
    named = message.three_ds_server_trans_id
    tran = await gateway.store.transaction_authenticated(named) if named else None
    order = await gateway.store.order(tran.order_id) if tran else None
    if tran is None or order is None:
        gateway.log.warning("challenge_unknown")
        return None
    if not _is_ours(gateway, tran, carried):
        gateway.log.warning("challenge_of_another", order_id=tran.order_id, tran_id=tran.tran_id)
        return None
    card = _open(gateway, tran, carried) if tran.state is TranState.RESERVED else None
    if card is not None:
        concluding = gateway.authentications.conclude(
            tran.tran_id, lambda: _conclude(gateway, tran, card)
        )
        await asyncio.wait({concluding}, timeout=gateway.config.page_patience_s)
    return order.ref


async def keep_result(gateway: Gateway, server_trans_id: str, result: AuthenticationResult) -> bool:
    """Keep the result of a challenge, on disk before this returns; the same again changes nothing.

    Returns:
        Whether there is such an authentication.
    """
    tran = await gateway.store.transaction_authenticated(server_trans_id)
    if tran is None:
        return False
    proof = result.cavv
    cavv = gateway.keys.seal(proof.reveal(), _bound(tran)) if proof else None
    plan = await decide(
        gateway,
        tran.order_id,
        GATEWAY,
        lambda context, facts: plan_result(context, facts, tran.tran_id, result, cavv),
    )
    gateway.log.info(
        "challenge_result",
        order_id=tran.order_id,
        tran_id=tran.tran_id,
        result=result.verdict,
        kept=plan is not None,
    )
    gateway.authentications.kept(server_trans_id)
    return True


async def _conclude(gateway: Gateway, tran: Transaction, card: Card) -> None:
    """Wait for the result of a challenge whose browser is back, and go on from it."""
    number = _server_trans_id(tran)
    with gateway.authentications.awaiting(number) as kept:
        result = await _result(gateway, tran)
        if result is None:
            try:
                async with asyncio.timeout(gateway.config.result_timeout_s):
                    await kept.wait()
            except TimeoutError:
                gateway.log.warning("challenge_without_result", tran_id=tran.tran_id)
                # Kept like any other: if the directory's was faster after all, that one counts.
                ended = AuthenticationResult(verdict=Verdict.TIMED_OUT)
                await keep_result(gateway, number, ended)
            result = await _result(gateway, tran)
    if result is not None:
        await _go_on(gateway, tran, card, result)


async def _result(gateway: Gateway, tran: Transaction) -> AuthenticationResult | None:
    """Read the result that is kept of a challenge, if there is one."""
    now = await gateway.store.transaction(tran.tran_id)
    kept = now.authentication if now else None
    if kept is None or kept.verdict is None:
        return None
    cavv = Secret(gateway.keys.unseal(kept.cavv, _bound(tran))) if kept.cavv else None
    return AuthenticationResult(
        verdict=kept.verdict,
        eci=kept.eci,
        cavv=cavv,
        ds_trans_id=kept.ds_trans_id,
        reason=kept.reason,
    )


async def _go_on(
    gateway: Gateway, tran: Transaction, card: Card, result: AuthenticationResult
) -> None:
    """Send the authorisation or decline the order; nothing, when that was done before."""
    gateway.log.info(
        "authenticated", order_id=tran.order_id, tran_id=tran.tran_id, result=result.verdict
    )
    plan = await decide(
        gateway,
        tran.order_id,
        GATEWAY,
        lambda context, facts: plan_authenticated(context, facts, tran.tran_id, result),
    )
    if plan is None:
        return
    (change,) = plan.transactions
    sent = change.transaction
    if sent.state is TranState.SENT and sent.authentication is not None:
        proof = proof_of(sent.authentication, result)
        await ask_and_record(gateway, sent, lambda: gateway.host.authorise(sent, card, proof))


def carried_by_browser(gateway: Gateway, sealed: str, server_trans_id: str) -> str:
    """Return what a browser takes along: the sealed card, and a stamp that it comes from here.

    The key of the card goes when its attempt ends; a browser that comes back after that is still
    led to the outcome, by the stamp.
    """
    stamp = gateway.keys.sign("page", _stamped(server_trans_id))
    return sealed + to_base64url(stamp.encode())


def _is_ours(gateway: Gateway, tran: Transaction, carried: str) -> bool:
    """Return whether a browser was sent away by this gateway, for this attempt."""
    try:
        stamp = from_base64url(carried[SEALED_CHARS:]).decode("ascii")
    except (MessageError, ValueError):
        return False
    return gateway.keys.verify("page", _stamped(_server_trans_id(tran)), stamp)


def _stamped(server_trans_id: str) -> str:
    return f"3ds return {server_trans_id}"


def _open(gateway: Gateway, tran: Transaction, carried: str) -> Card | None:
    """Open the card that a browser brought along, if it is this attempt's."""
    kept = tran.authentication.key if tran.authentication else None
    if kept is None:
        return None
    key = Secret(gateway.keys.unseal(kept.reveal(), key_bound(tran.tran_id)))
    try:
        return open_card(carried[:SEALED_CHARS], key, binding_of(tran))
    except CannotOpen:
        gateway.log.warning("sealed_card_refused", order_id=tran.order_id, tran_id=tran.tran_id)
        return None


def binding_of(tran: Transaction) -> Binding:
    """Say what the sealed card of a transaction belongs to."""
    return Binding(
        order_id=tran.order_id,
        tran_id=tran.tran_id,
        amount_minor=tran.amount_minor,
        currency=tran.currency.code,
        three_ds_server_trans_id=_server_trans_id(tran),
    )


def _server_trans_id(tran: Transaction) -> str:
    return tran.authentication.server_trans_id if tran.authentication else ""


def key_bound(tran_id: int) -> str:
    """Say what the key to a card is sealed for."""
    return f"card {tran_id}"


def _bound(tran: Transaction) -> str:
    return f"cavv {tran.tran_id}"
