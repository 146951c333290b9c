"""The sandbox's merchant: enrolled at every start, with the settings that it was given since."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeAlias

from tkkpg.gateway.flows.enrol import enrol
from tkkpg.protocol.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tkkpg.gateway.model.merchant import Certificate, Merchant
    from tkkpg.gateway.runtime import Gateway
    from tkkpg.protocol.values import Amount

WRITTEN: Final = "merchant-addresses.json"
"""File in the home: the addresses that starts of the sandbox have given the merchant."""

Written: TypeAlias = "Mapping[str, list[str]]"
"""By the name of the setting; those it may still have, so never more than two."""


async def enrol_merchant(
    gateway: Gateway, home: Path, merchant: Merchant, certificate: Certificate, opening: Amount
) -> None:
    """Enrol a merchant as a new home has it; a known one keeps its settings.

    Only `base_url` and `notification_url` follow the demo shop to another port, each for as long
    as it is what a start of the sandbox has written there.

    Args:
        gateway: What to work with.
        home: The sandbox's home.
        merchant: As it is in a new home, with the shop's addresses of today.
        certificate: Speaks for it from now on.
        opening: What a new merchant brings to its current account.

    Raises:
        ConfigurationError: The file of addresses holds something else.
    """
    ours = {"base_url": merchant.base_url, "notification_url": merchant.notification_url}
    known = await gateway.store.merchant(merchant.merchant_id)
    kept: dict[str, str] = {}
    if known is not None:
        kept = _kept(home / WRITTEN, known)
        moved = {name: ours[name] for name in kept}
        merchant = replace(known, **moved)  # type: ignore[arg-type]
    # Before the merchant, and beside what it still has: a crash between both leaves nothing that
    # looks as if somebody else had set it.
    _write(
        home / WRITTEN,
        {name: sorted({url, kept.get(name, url)}) for name, url in ours.items()},
    )
    await enrol(gateway, merchant, certificate, opening)


def _kept(path: Path, known: Merchant) -> dict[str, str]:
    """Give the addresses of a merchant that are still as the sandbox wrote them.

    Without the file both are: the home is older than the file, and so than the command that
    changes settings.
    """
    has = {"base_url": known.base_url, "notification_url": known.notification_url}
    try:
        written = json.loads(path.read_text("utf-8"))
        return {name: url for name, url in has.items() if url in written[name]}
    except FileNotFoundError:
        return has
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"{path} is not what a sandbox writes. Remove it, and merchant {known.merchant_id} is "
            "given the addresses of the demo shop again."
        ) from error


def _write(path: Path, written: Written) -> None:
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(written) + "\n", encoding="utf-8")
    draft.replace(path)
