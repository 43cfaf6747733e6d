"""How many infohashes go into one scrape, learned from what a tracker answers. Pure.

Trackers leave out what they do not know, and some read only the first so many of a request, or
only the first, or only the last: nothing in the answer tells these apart. So the first answer
that lacks something is tried, once: the missing ones are asked for again with a swarm that the
tracker knows at the other end of the list. If that one alone is answered, lists are read whole.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from swarm.infohash import InfoHash

MAX_BATCH = 70  # BEP 15: 74 fit a datagram; a few fewer leave room for tunnels


class Batches:
    """What is still to be scraped at one tracker, and in which portions."""

    def __init__(self, infohashes: Sequence[InfoHash]) -> None:
        self._waiting = list(infohashes)
        self._size = MAX_BATCH
        self._trusted = False  # whether what a portion lacks is unknown to the tracker
        self._probe: tuple[InfoHash, ...] = ()  # what is being tried
        self._witness: InfoHash | None = None
        self._whole = 0  # how many it certainly reads

    def __bool__(self) -> bool:
        return bool(self._waiting or self._probe)

    @property
    def left(self) -> tuple[InfoHash, ...]:
        """All that has no answer yet."""
        probed = [infohash for infohash in self._probe if infohash != self._witness]
        return (*probed, *self._waiting)

    def portion(self) -> tuple[InfoHash, ...]:
        """What to ask for now, in this order; ask until the object is false."""
        return self._probe or tuple(self._waiting[: self._size])

    def settle(self, asked: Sequence[InfoHash], known: Collection[InfoHash]) -> list[InfoHash]:
        """Take the answer to `asked`; returns what is final now, known or unknown.

        What is not returned will be in a later portion, except a witness asked for twice.
        """
        if self._probe:
            return self._settle_probe(known)
        self._waiting = self._waiting[len(asked) :]
        missing = [infohash for infohash in asked if infohash not in known]
        if not missing and len(asked) > 1:
            self._trusted = True
        if not missing or self._trusted or len(missing) == len(asked):
            return list(asked)
        found = [infohash for infohash in asked if infohash in known]
        self._whole = len(found)
        self._witness = found[0]
        at_front = asked[-1] in known  # answered last: does it read what stands before?
        self._probe = (self._witness, *missing) if at_front else (*missing, self._witness)
        return found

    def drop(self, asked: Sequence[InfoHash]) -> list[InfoHash]:
        """Take it that `asked` brought no answer; returns what is thereby final."""
        if self._probe:
            lost = [infohash for infohash in self._probe if infohash != self._witness]
            self._probe, self._witness = (), None
            return lost
        self._waiting = self._waiting[len(asked) :]
        return list(asked)

    def _settle_probe(self, known: Collection[InfoHash]) -> list[InfoHash]:
        asked, witness = self._probe, self._witness
        self._probe, self._witness = (), None
        self._trusted = True
        again = [infohash for infohash in asked if infohash != witness]
        found = [infohash for infohash in again if infohash in known]
        if witness in known and not found:
            return again  # it read the first list whole too
        self._size = max(1, self._whole)
        if witness in known:
            return again
        self._waiting = [infohash for infohash in again if infohash not in known] + self._waiting
        return found
