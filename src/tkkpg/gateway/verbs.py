"""What the process that owns a home does for other processes, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from tkkpg.gateway.flows.resolve import resolve
from tkkpg.gateway.model.decisions.resolution import Resolution

if TYPE_CHECKING:
    from tkkpg.gateway.control import Verb
    from tkkpg.gateway.runtime import Gateway

RESOLVE: Final = "resolve-transaction"
"""Takes `tran_id`, `resolution` and `reason`; gives them back with `order_id`."""


def owner_verbs(gateway: Gateway) -> dict[str, Verb]:
    """Give the verbs of a gateway."""

    async def resolve_transaction(values: Mapping[str, Any]) -> Mapping[str, Any]:
        tran_id, resolution = int(values["tran_id"]), Resolution(values["resolution"])
        order_id = await resolve(gateway, tran_id, resolution, str(values["reason"]))
        return {**values, "order_id": order_id}

    return {RESOLVE: resolve_transaction}
