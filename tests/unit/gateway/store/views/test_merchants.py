"""What operators read of merchants, from a file that the real store wrote."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.gateway.store.views.conftest import MERCHANT, NOW, Written, context

from tkkpg.gateway.model.merchant import Certificate
from tkkpg.gateway.model.plan import Plan
from tkkpg.gateway.store.views import (
    MerchantView,
    find_merchants,
    merchant_view,
    merchants,
)
from tkkpg.protocol.errors import ConfigurationError

pytestmark = pytest.mark.anyio

OLD = Certificate(fingerprint="aa", merchant_id="E1000010", not_after=NOW, revoked=True)
NEW = replace(OLD, fingerprint="bb", not_after=NOW + timedelta(days=1), revoked=False)
OTHER = replace(MERCHANT, merchant_id="E1000009", password="sealed")


async def enrolled(written: Written) -> None:
    await written.store.commit(
        Plan(
            context=context(4),
            action="merchant_enrolled",
            merchants=(OTHER,),
            certificates=(OLD, NEW),
        )
    )


async def test_merchants_come_by_their_id_with_the_longest_valid_certificate_first(
    written: Written,
) -> None:
    await enrolled(written)
    assert find_merchants(written.path) == (
        MerchantView(merchant=OTHER, certificates=()),
        MerchantView(merchant=MERCHANT, certificates=(NEW, OLD)),
    )


async def test_one_merchant_is_looked_at(written: Written) -> None:
    await enrolled(written)
    assert merchant_view(written.path, "E1000010").certificates == (NEW, OLD)
    assert merchant_view(written.path, "E1000009").merchant == OTHER


async def test_a_list_has_an_end(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    await enrolled(written)
    monkeypatch.setattr(merchants, "MERCHANTS_MAX", 1)
    assert [one.merchant for one in find_merchants(written.path)] == [OTHER]


async def test_an_unknown_merchant_is_named_with_the_way_to_the_others(written: Written) -> None:
    with pytest.raises(ConfigurationError, match=r"no merchant E404 .*tkkpg merchant show"):
        merchant_view(written.path, "E404")


async def test_a_view_does_not_show_a_password(written: Written) -> None:
    await enrolled(written)
    assert "sealed" not in repr(find_merchants(written.path))
