"""What the sandbox's control socket understands about faults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tkkpg.gateway.control import Verb
from tkkpg.protocol.errors import ConfigurationError
from tkkpg.sandbox.faults.dice import Dice

TRIGGER: Final = "trigger-fault"
TIMES_MAX: Final = 1_000
"""More than that is a rate."""


def fault_verbs(dice: Dice) -> dict[str, Verb]:
    """Give the verbs: `trigger-fault` with a fault's `name`, and how many `times`, once without."""

    async def trigger(values: Mapping[str, Any]) -> Mapping[str, Any]:
        times = values.get("times", 1)
        if not isinstance(times, int) or not 1 <= times <= TIMES_MAX:
            raise ConfigurationError(
                f"A fault strikes 1 to {TIMES_MAX} times when asked for; for more, start the "
                "sandbox with a rate."
            )
        fault = dice.trigger(str(values.get("name")), times)
        return {"name": fault.name, "place": fault.place, "does": fault.does, "times": times}

    return {TRIGGER: trigger}
