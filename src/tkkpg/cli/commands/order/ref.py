"""The two arguments that name an order: its number and its session."""

from __future__ import annotations

import functools
from collections.abc import Callable

import click

from tkkpg.cli.values import ORDER_ID
from tkkpg.client import OrderRef


def with_ref(work: Callable[..., None]) -> Callable[..., None]:
    """Give a command the arguments that name an order, and the order as its `ref`."""

    @functools.wraps(work)
    def run(*given: object, order_id: int, session_id: str, **options: object) -> None:
        work(*given, ref=OrderRef(order_id, session_id), **options)

    click.argument("session_id")(run)
    click.argument("order_id", type=ORDER_ID)(run)
    return run
