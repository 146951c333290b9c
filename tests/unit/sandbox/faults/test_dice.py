"""The same seed gives the same faults at the same messages, whatever happens elsewhere."""

from __future__ import annotations

from random import Random

import pytest
from structlog.testing import capture_logs

from tkkpg.protocol.errors import ConfigurationError
from tkkpg.sandbox.faults import FAULTS, Dice, Place

RATES = {fault.name: 0.03 for fault in FAULTS}
MESSAGES = 1_000


def names(dice: Dice, place: Place, count: int) -> list[str | None]:
    faults = [dice.next_fault(place) for _ in range(count)]
    return [fault and fault.name for fault in faults]


def interleaved(dice: Dice, order: Random) -> dict[Place, list[str | None]]:
    """Send the same messages to every place, in an order of places that is drawn."""
    places = [place for place in Place for _ in range(MESSAGES)]
    order.shuffle(places)
    met: dict[Place, list[str | None]] = {place: [] for place in Place}
    for place in places:
        met[place] += names(dice, place, 1)
    return met


@pytest.mark.parametrize("order", range(5))
def test_the_same_seed_gives_the_same_faults_however_the_places_take_turns(order: int) -> None:
    alone = {place: names(Dice(7, RATES), place, MESSAGES) for place in Place}

    assert interleaved(Dice(7, RATES), Random(order)) == alone  # noqa: S311 - an order, no secret
    assert all(any(faults) for faults in alone.values())


def test_garbage_in_between_changes_no_draw_and_comes_again_itself() -> None:
    dice, again = Dice(7, RATES), Dice(7, RATES)

    noise = dice.garbage(Place.HOST, 40)

    assert names(dice, Place.HOST, MESSAGES) == names(again, Place.HOST, MESSAGES)
    assert again.garbage(Place.HOST, 40) == noise
    assert again.garbage(Place.HOST, 40) != noise
    assert len(noise) == 40


def test_another_seed_gives_other_faults() -> None:
    met = [names(Dice(seed, RATES), Place.HOST, MESSAGES) for seed in (7, 8)]

    assert met[0] != met[1]


def test_the_order_in_which_rates_are_written_changes_nothing() -> None:
    backwards = dict(reversed(RATES.items()))

    met = [names(Dice(7, rates), Place.EXEC, MESSAGES) for rates in (RATES, backwards)]

    assert met[0] == met[1]


def test_a_rate_is_the_share_of_messages_of_its_place() -> None:
    dice = Dice(7, {"silence": 0.25, "exec-reset": 1.0})

    assert 200 < names(dice, Place.HOST, MESSAGES).count("silence") < 300
    assert set(names(dice, Place.EXEC, MESSAGES)) == {"exec-reset"}
    assert set(names(dice, Place.NOTIFICATION, MESSAGES)) == {None}


def test_what_is_asked_for_comes_first_and_uses_up_the_draws_of_its_messages() -> None:
    dice = Dice(7, RATES)
    drawn = names(Dice(7, RATES), Place.HOST, MESSAGES)

    dice.trigger("wrong-stan", times=2)
    dice.trigger("latency")

    met = names(dice, Place.HOST, MESSAGES)
    assert met == ["wrong-stan", "wrong-stan", "latency", *drawn[3:]]
    assert names(Dice(7, RATES), Place.EXEC, 9) == names(dice, Place.EXEC, 9)


def test_a_fault_is_logged_with_the_number_of_its_message() -> None:
    with capture_logs() as lines:
        dice = Dice(1, {})
        dice.next_fault(Place.EXEC)
        dice.trigger("exec-reset")
        dice.next_fault(Place.EXEC)

    assert lines == [
        {
            "event": "fault_injected",
            "log_level": "warning",
            "fault": "exec-reset",
            "place": "exec",
            "message": 2,
        }
    ]


@pytest.mark.parametrize(
    "rates",
    [
        {"silence": -0.1},
        {"silence": 1.1},
        {"silence": 0.6, "reset": 0.6},
        {"silence": float("nan")},
    ],
)
def test_rates_that_are_no_shares_are_refused(rates: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match="A rate is between 0 and 1"):
        Dice(1, rates)


def test_rates_of_one_may_be_written_in_tenths() -> None:
    host = [fault.name for fault in FAULTS if fault.place is Place.HOST]

    assert None not in names(Dice(1, dict.fromkeys(host[:10], 0.1)), Place.HOST, MESSAGES)


def test_an_unknown_fault_is_refused_as_a_rate_and_as_a_one_shot() -> None:
    with pytest.raises(ConfigurationError, match="no fault named"):
        Dice(1, {"sillence": 0.1})
    with pytest.raises(ConfigurationError, match="no fault named"):
        Dice(1, {}).trigger("sillence")
