"""Weights that are computed when a layer needs them, and forgotten within a budget of bytes.

Whole tensors are kept in the order of their last use, the oldest forgotten first. A network uses
its layers in a circle, so that a budget that does not hold them all holds none for long: what is
saved then is memory, not time. Ahead of use, the next weight is computed in another thread.
"""

import weakref
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from threading import RLock

import torch
from torch import Tensor, nn

from .loading import Made, made_in


@dataclass
class Report:
    """What streaming did.

    `peak_bytes` are the most bytes of computed weights that were alive at once, whoever held them;
    `hits` and `misses` count the weights that were there, or on their way, when they were needed,
    and those that were not.
    """

    budget: int
    peak_bytes: int = 0
    hits: int = 0
    misses: int = 0

    @property
    def hit_rate(self) -> float:
        """Hits among all uses, 0 where there was none."""
        return self.hits / max(self.hits + self.misses, 1)


class _Keeper:
    """The weights that are kept, by what makes them; one for a module."""

    def __init__(self, report: Report, *, ahead: ThreadPoolExecutor | None) -> None:
        self.report, self.ahead = report, ahead
        self.kept: OrderedDict[Made, Tensor] = OrderedDict()
        self.coming: dict[Made, Future[Tensor]] = {}
        self.next: dict[Made, Made] = {}
        self.last: Made | None = None
        self.sizes: dict[Made, int] = {}
        self.alive = 0
        self.lock = RLock()

    def weight(self, made: Made) -> Tensor:
        """The weight, computed where it is not kept."""
        with self.lock:
            coming = self.coming.pop(made, None)
            found = self.kept.get(made)
            hit = coming is not None or found is not None
            self.report.hits += hit
            self.report.misses += not hit
        if found is None:
            found = self._computed(made) if coming is None else coming.result()
        with self.lock:
            self._keep(made, found)
            self._remember(made)
        return found

    def _computed(self, made: Made) -> Tensor:
        with torch.no_grad():
            if made in self.sizes:
                self._make_room(self.sizes[made])
            values = made.source()
        size = values.numel() * values.element_size()
        with self.lock:
            self.sizes[made] = size
            self.alive += size
            self.report.peak_bytes = max(self.report.peak_bytes, self.alive)
        weakref.finalize(values, self._died, size)
        return values

    def _died(self, size: int) -> None:
        with self.lock:
            self.alive -= size

    def _make_room(self, size: int) -> None:
        with self.lock:
            held = sum(self.sizes[one] for one in self.kept)
            while self.kept and held + size > self.report.budget:
                gone, _ = self.kept.popitem(last=False)
                held -= self.sizes[gone]

    def _keep(self, made: Made, values: Tensor) -> None:
        if made in self.kept:
            self.kept.move_to_end(made)
        elif self.sizes[made] <= self.report.budget:
            self._make_room(self.sizes[made])
            self.kept[made] = values

    def _remember(self, made: Made) -> None:
        """The order of use, and the weight after this one already begun."""
        if self.last is not None:
            self.next[self.last] = made
        self.last = made
        after = self.next.get(made)
        if self.ahead is None or after is None or after in self.kept or after in self.coming:
            return
        self.coming[after] = self.ahead.submit(self._computed, after)


@contextmanager
def streaming(module: nn.Module, *, budget: int, prefetch: bool = False) -> Iterator[Report]:
    """Keep computed weights within a budget of bytes while the block runs; for evaluation.

    Args:
        module: from `load`, not folded.
        budget: bytes of computed weights that are kept. A weight in use counts on top of it where
            it does not fit, and so does one that is computed ahead.
        prefetch: whether the next weight is computed in a thread while one is in use.
    """
    report = Report(budget)
    ahead = ThreadPoolExecutor(max_workers=1) if prefetch else None
    keeper = _Keeper(report, ahead=ahead)
    made = [one for _, _, one in made_in(module)]
    for one in made:
        one.keeper = keeper
    try:
        yield report
    finally:
        for one in made:
            one.keeper = None
        if ahead is not None:
            ahead.shutdown(cancel_futures=True)
