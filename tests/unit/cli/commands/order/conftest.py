"""Orders made by the command line, and a gateway that answers as it is told."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import pytest
from tests.unit.cli.conftest import Run
from tests.unit.client.peers import Peer, World, answer, make_world

from tkkpg.client import read_xmlout
from tkkpg.protocol import codec
from tkkpg.protocol.messages import Response

Ref: TypeAlias = tuple[int, str]
"""Number and session, as the commands take them."""


def told(run: Run, *words: object) -> dict[str, Any]:
    """Run a command that succeeds, and read its line."""
    result = run(*words, "--json")
    assert result.exit_code == 0, result.stderr
    value: dict[str, Any] = json.loads(result.stdout)
    return value


def created(run: Run, amount: str = "30.00", *options: object) -> Ref:
    """Create an order, and give its number and session."""
    order = told(run, "order", "create", "--amount", amount, *options)
    return order["order_id"], order["session_id"]


def paid(run: Run, amount: str = "30.00", *options: object) -> Ref:
    """Create an order and pay it."""
    ref = created(run, amount, *options)
    told(run, "pay", *ref)
    return ref


def saved_card(run: Run) -> str:
    """Save a card with a payment, and give its CardUID."""
    journey = told(run, "pay", *created(run, "5.00", "--save-card"), "--save-card")
    (registration,) = read_xmlout(journey["xmlmsg"]).registrations
    return registration.card_uid


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The files of a merchant of that gateway."""
    return make_world(tmp_path_factory.mktemp("pki"))


@contextmanager
def answering(world: World, *replies: Response) -> Iterator[list[str]]:
    """Run a gateway that gives these replies in turn; inside are the options that name it."""
    files = world.credentials
    acts = [answer(codec.encode(reply)) for reply in replies]
    with Peer(world.server(), *acts) as peer:
        named = {
            "--exec-url": peer.endpoint.exec_url,
            "--certificate": os.fspath(files.certificate),
            "--key": os.fspath(files.key),
            "--ca": os.fspath(files.ca or ""),
            "--merchant": "E1000010",
        }
        yield [word for pair in named.items() for word in pair]
