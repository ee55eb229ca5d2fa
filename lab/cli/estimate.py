"""How long the rest of a run takes.

    left = (sum over what is at work and what waits of its expected seconds) / lanes

What is at work and says how far it is takes what its progress promises; anything else what the plan
expects of it, times what its kind took so far for each second that was expected of it. Lanes are
how many were at work at a time, on average: busy seconds / wall. Until anything is known, the plan
is believed.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
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
    """Told what starts, advances and ends, with the time at which it does, in seconds.

    `expected` has the seconds that the plan expects of nodes by key, of which `lanes` are at work
    at a time. Of what it lacks, the mean of its kind is expected, or of all.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        now: float,
        *,
        expected: Mapping[str, float] | None = None,
        lanes: int = 1,
    ) -> None:
        self._began = now
        self._expected = expected or {}
        self._planned_lanes = lanes
        self._kinds: dict[str, str] = {}
        self._waiting: dict[str, None] = {}
        self._active: dict[str, _Active] = {}
        self._took: dict[str, dict[str, float]] = defaultdict(dict)
        self.more(nodes)

    def more(self, nodes: Sequence[Node]) -> None:
        """More is to be done than was known."""
        self._kinds |= {node.key: node.component for node in nodes}
        self._waiting |= dict.fromkeys(node.key for node in nodes)
        means = self._means()
        overall = fmean(means.values()) if means else 1.0
        self._size = {
            key: self._expected.get(key) or means.get(kind, overall)
            for key, kind in self._kinds.items()
        }

    def _means(self) -> dict[str, float]:
        """What is expected of a node of a kind, on average, where anything is."""
        known: dict[str, list[float]] = defaultdict(list)
        for key, kind in self._kinds.items():
            if self._expected.get(key):
                known[kind].append(self._expected[key])
        return {kind: fmean(seconds) for kind, seconds in known.items()}

    def started(self, key: str, now: float) -> None:
        """A node begins to work."""
        self._waiting.pop(key, None)
        self._active[key] = _Active(self._kinds[key], now)

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
            self._took[active.kind][key] = now - active.began

    def seconds_left(self, now: float) -> float | None:
        """Seconds until all is done, None while nothing is known."""
        known = {**self._projected(now), **self._took}
        if not known:
            return self._planned(now)
        paces = {kind: self._pace(took.items()) for kind, took in known.items()}
        overall = self._pace(pair for took in known.values() for pair in took.items())

        def typical(key: str) -> float:
            return self._size[key] * paces.get(self._kinds[key], overall)

        left = sum(map(typical, self._waiting))
        for key, active in self._active.items():
            whole = _whole(active, now) or typical(key)
            left += max(0.0, whole - (now - active.began))
        return left / self._lanes(now)

    def _planned(self, now: float) -> float | None:
        """What the plan says is left, where it says anything."""
        if not self._expected:
            return None
        left = sum(map(self._size.__getitem__, self._waiting))
        for key, active in self._active.items():
            left += max(0.0, self._size[key] - (now - active.began))
        return left / self._planned_lanes

    def _pace(self, took: Iterable[tuple[str, float]]) -> float:
        """Seconds that nodes took for each second that was expected of them."""
        pairs = list(took)
        return sum(seconds for _, seconds in pairs) / sum(self._size[key] for key, _ in pairs)

    def _projected(self, now: float) -> dict[str, dict[str, float]]:
        found: dict[str, dict[str, float]] = defaultdict(dict)
        for key, active in self._active.items():
            whole = _whole(active, now)
            if whole is not None:
                found[active.kind][key] = whole
        return found

    def _lanes(self, now: float) -> float:
        busy = sum(sum(kind.values()) for kind in self._took.values())
        busy += sum(now - active.began for active in self._active.values())
        return max(1.0, busy / max(now - self._began, 1e-9))


def _whole(active: _Active, now: float) -> float | None:
    """What a node that says how far it is will have taken."""
    done = active.share - active.from_share
    if active.heard is None or done <= 0:
        return None
    return now - active.began + (1 - active.share) * (now - active.heard) / done
