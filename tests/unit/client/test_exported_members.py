"""The public surface of `tkkpg.client` is all in one list, in order, and documented."""

from __future__ import annotations

import inspect

import pytest

from tkkpg import client
from tkkpg.protocol import errors


def test_the_list_is_complete() -> None:
    public = {
        name
        for name, member in vars(client).items()
        if not name.startswith("_") and not inspect.ismodule(member) and name != "annotations"
    }

    assert public == set(client.__all__)


def test_the_list_names_nothing_twice() -> None:
    assert len(client.__all__) == len(set(client.__all__))


def test_every_error_that_a_merchant_may_catch_is_exported() -> None:
    tree = {
        name
        for name, member in vars(errors).items()
        if inspect.isclass(member) and issubclass(member, errors.TKKPGError)
    }

    assert tree <= set(client.__all__)


@pytest.mark.parametrize("name", [name for name in client.__all__ if name != "AZN"])
def test_every_name_is_documented(name: str) -> None:
    assert inspect.getdoc(getattr(client, name))
