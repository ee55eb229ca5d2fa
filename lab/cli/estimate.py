"""How long the rest of a run takes.

    left = (sum over what is at work and what waits of its expected seconds) / lanes

What is at work and says how far it is takes what its progress promises; anything else as long as
its kind took so far. Lanes are how many were at work at a time, on average: busy seconds / wall.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from lab.compiler.plan import Node


@dataclass
class _Active:
    kind: str
    began: float
    #: When it was first heard how far it is, and how far; then how far it is now. What comes before
    #: the first word (a compilation, steps of a run that was interrupted) is not its pace.
    heard: float | None = None
    from_share: float = 0.0
    share: float = 0.0


class Estimate:
    """Told what starts, advances and ends, with the time at which it does, in seconds."""

    def __init__(self, nodes: Sequence[Node], now: float) -> None:
        self._began = now
        self._waiting = {node.key: node.component for node in nodes}
        self._active: dict[str, _Active] = {}
        self._took: dict[str, list[float]] = defaultdict(list)

    def more(self, nodes: Sequence[Node]) -> None:
        """More is to be done than was known."""
        self._waiting |= {node.key: node.component for node in nodes}

    def started(self, key: str, now: float) -> None:
        """A node begins to work."""
        self._active[key] = _Active(self._waiting.pop(key), now)

    def advanced(self, key: str, share: float, now: float) -> None:
        """A node has done a share of its work, 0 … 1."""
        active = self._active[key]
        if active.heard is None:
            active.heard, active.from_share = now, share
        active.share = share

    def ended(self, key: str, now: float, *, worked: bool) -> None:
        """A node is over; one that did not work says nothing of how long its kind takes."""
        self._waiting.pop(key, None)
        active = self._active.pop(key, None)
        if active is not None and worked:
            self._took[active.kind].append(now - active.began)

    def seconds_left(self, now: float) -> float | None:
        """Seconds until all is done, None while nothing is known."""
        projected = self._projected(now)
        samples = [*self._took.values(), *projected.values()]
        if not samples:
            return None
        overall = fmean(seconds for kind in samples for seconds in kind)

        def typical(kind: str) -> float:
            known = self._took.get(kind) or projected.get(kind)
            return fmean(known) if known else overall

        left = sum(map(typical, self._waiting.values()))
        for active in self._active.values():
            whole = _whole(active, now) or typical(active.kind)
            left += max(0.0, whole - (now - active.began))
        return left / self._lanes(now)

    def _projected(self, now: float) -> dict[str, list[float]]:
        found: dict[str, list[float]] = defaultdict(list)
        for active in self._active.values():
            whole = _whole(active, now)
            if whole is not None:
                found[active.kind].append(whole)
        return found

    def _lanes(self, now: float) -> float:
        busy = sum(map(sum, self._took.values()))
        busy += sum(now - active.began for active in self._active.values())
        return max(1.0, busy / max(now - self._began, 1e-9))


def _whole(active: _Active, now: float) -> float | None:
    """What a node that says how far it is will have taken."""
    done = active.share - active.from_share
    if active.heard is None or done <= 0:
        return None
    return now - active.began + (1 - active.share) * (now - active.heard) / done
