"""Who holds a place at a listener, and who has kept us waiting longest.

Everybody may connect, and keeping a connection costs its owner nothing. So a newcomer is never
made to wait for those who do not speak: when all places are taken, whoever has kept us waiting
longest loses theirs. That asks for no address, since many share one behind a NAT, a tunnel or
loopback.
"""

from __future__ import annotations

import resource
from collections.abc import Callable
from typing import Final

MAX_PLACES: Final = 4096
FILES_SHARE: Final = 8  # a listener takes at most this part of the files that a process may open


class Places:
    """The places of one listener.

    Attributes:
        limit: How many there are.
        lost: How many connections have lost theirs to a newcomer.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.lost = 0
        self._taken: set[Place] = set()
        self._waited_for: dict[Place, None] = {}  # in the order of time

    def take(self, drop: Callable[[], object]) -> Place:
        """Take a place for a newcomer, at the cost of another where there is none.

        Args:
            drop: Ends the connection as it is now, at once.
        """
        place = Place(self, drop)
        if len(self._taken) >= self.limit:
            self.make_room()
        self._taken.add(place)
        self.wait_for(place)
        return place

    def make_room(self) -> bool:
        """End the connection that has kept us waiting longest; false where none does."""
        if not self._waited_for:
            return False
        place = next(iter(self._waited_for))
        self.free(place)
        self.lost += 1
        place.drop()
        return True

    def wait_for(self, place: Place) -> None:
        """Wait for a peer from now on, if it still has its place."""
        if place in self._taken:
            self._waited_for[place] = None

    def protect(self, place: Place) -> None:
        """Let nobody else have a place, until its peer is waited for again."""
        self._waited_for.pop(place, None)

    def free(self, place: Place) -> None:
        """Have a place back."""
        self._taken.discard(place)
        self.protect(place)


class Place:
    """A connection's place, from accepting it to its end.

    The peer is waited for until its first request is here, and again from each answer to the next
    request; how far it has come in between does not count.

    Attributes:
        drop: Ends the connection at once; what that takes changes while the connection is made.
    """

    __slots__ = ("_places", "drop")

    def __init__(self, places: Places, drop: Callable[[], object]) -> None:
        self._places = places
        self.drop = drop

    def keep_busy(self) -> None:
        """Protect the connection: a whole request is here."""
        self._places.protect(self)

    def wait(self) -> None:
        """Wait for the peer again, from now on."""
        self._places.wait_for(self)

    def leave(self) -> None:
        """Give the place back."""
        self._places.free(self)


def places_for_one_listener() -> int:
    """Return how many places a listener has, having asked for as many files as that takes."""
    wanted = MAX_PLACES * FILES_SHARE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if _less(soft, wanted):
        asked = hard if _less(hard, wanted) else wanted
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (asked, hard))
        except (OSError, ValueError):
            pass  # macOS has a limit of its own below the one that it names
        else:
            soft = asked
    return MAX_PLACES if not _less(soft, wanted) else max(1, soft // FILES_SHARE)


def _less(files: int, wanted: int) -> bool:
    return files != resource.RLIM_INFINITY and files < wanted
