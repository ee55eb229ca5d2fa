"""Which alternative stands at each `|`: an odometer over the choices that an evaluation meets.

An evaluation asks `choose` at every `|` it comes to. The first time it gets the first option
everywhere; `advance` then turns the last wheel that has options left and forgets the wheels behind
it. Since only choices that are met become wheels, `a(x: 1 | 2) | b` is three points, not four:
conditional axes need no rule of their own.
"""

from lab.spec import core


class Chooser:
    """The state of one enumeration. Sites are compared by identity and must outlive it."""

    def __init__(self) -> None:
        self._wheels: list[tuple[object, int]] = []
        self._positions: dict[int, int] = {}

    def choose(self, site: object, count: int) -> int:
        """The option at a site, the same however often it is asked within one evaluation."""
        position = self._positions.get(id(site))
        if position is None:
            position = 0
            self._wheels.append((site, count))
            self._positions[id(site)] = 0
        return position

    def number(self, site: object, low: float, high: float) -> float:
        """The number taken from a continuous range: its first, where nothing proposes another."""
        self.choose(site, 1)
        return low

    def met(self, site: object) -> bool:
        """Whether this evaluation, or the part of it that is kept, has chosen at a site."""
        return id(site) in self._positions

    def position(self, site: object) -> int:
        """The option chosen at a site, -1 where none was."""
        return self._positions.get(id(site), -1)

    def texts(self) -> list[str]:
        """How the chosen options were written, in the order they were met."""
        return [
            site.texts[self._positions[id(site)]]
            for site, _ in self._wheels
            if isinstance(site, core.Choice)
        ]

    def snapshot(self) -> "Chooser":
        """A copy that keeps these choices."""
        copy = Chooser()
        copy._wheels = list(self._wheels)
        copy._positions = dict(self._positions)
        return copy

    def advance(self) -> bool:
        """Go on to the next combination; False after the last."""
        while self._wheels:
            site, count = self._wheels[-1]
            if self._positions[id(site)] + 1 < count:
                self._positions[id(site)] += 1
                return True
            self._wheels.pop()
            del self._positions[id(site)]
        return False
