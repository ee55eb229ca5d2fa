"""Points with their replicates: the runs of a plan and the nodes that they ask for.

Nothing is made before it is looked at: the number of runs and of nodes, which is all that
`lab check` tells, follows from the points.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from lab.compiler.canonical import Shown
from lab.compiler.formulas import Formula, Formulas, closed, tree
from lab.compiler.graph import Asked, Graph, Keys, chain
from lab.compiler.lazily import Lazy
from lab.compiler.plan import Node, Run
from lab.compiler.points import Point
from lab.compiler.stages import Template
from lab.compiler.strands import Loom, Nodes, Repeated, Strand, Woven
from lab.spec import core
from lab.spec.records import record

#: Which replicates of a point are runs of their own, and what differs between them.
Replicates = tuple[tuple[int, ...], tuple[str, ...]]
KEYS = Keys()


class Words(Protocol):
    """Says how a study puts things."""

    def settings(self, point: Point) -> Mapping[str, str]:
        """What a point has at the paths that the study mentions."""
        ...

    def departing(self, point: Point) -> tuple[str, ...]:
        """The paths at which axes set what the point's arm as defined does not have."""
        ...


class Told(NamedTuple):
    """What a point's runs say of it."""

    identity: str
    settings: Mapping[str, str]
    departs: tuple[str, ...]
    formulas: Mapping[str, Formula]


@record(frozen=False, eq=False)
class Described:
    """What the runs of one point have in common.

    `measured` are the measurements that stand in the formulas, in their order.
    """

    point: Point
    repeat: core.Repeat
    formulas: Formulas
    measured: tuple[Template, ...]
    words: Words
    _told: Told | None = None

    def asks(self) -> tuple[Template, ...]:
        """The stages and measurements that it needs, without those that they need."""
        return (self.point.stage, *self.measured)

    def told(self) -> Told:
        """What its runs say of it, worked out when there are runs."""
        if self._told is None:
            point = self.point
            own: dict[object, Template] = dict(
                zip(self.formulas.leaves, self.measured, strict=True)
            )
            self._told = Told(
                point.identity(self.repeat.vary),
                self.words.settings(point),
                self.words.departing(point),
                {
                    label: closed(formula, own.__getitem__)
                    for label, formula in self.formulas.by_label.items()
                },
            )
        return self._told

    def run(self, seed: int) -> Run:
        """The run of a replicate."""
        vary, point, told = self.repeat.vary, self.point, self.told()
        return Run(
            grid=point.grid.name,
            point=told.identity,
            arm=point.arm,
            seed=seed,
            settings=told.settings,
            departs=told.departs,
            metrics={
                label: tree(formula, seed, vary, KEYS) for label, formula in told.formulas.items()
            },
            stages=tuple([one.key(seed, vary) for one in chain(point.stage)]),
        )


class Unfolding:
    """Points and replicates in their order: breadth over points before depth over replicates."""

    def __init__(self, described: Sequence[Described], shown: Shown) -> None:
        self._described = described
        self._shown = shown
        self._seeds = _own_seeds(described)

    def runs(self) -> Lazy[Run]:
        """The runs."""
        return Lazy(lambda: sum(map(len, self._seeds)), self._runs)

    def nodes(self, asked: Asked) -> Nodes:
        """The nodes that the runs ask for, then those that were asked for elsewhere."""
        return Nodes(
            lambda: self._count(asked), lambda: self._nodes(asked), lambda: self._woven(asked)
        )

    def _each(self) -> Iterator[tuple[Described, int]]:
        longest = max((len(one.repeat.seeds) for one in self._described), default=0)
        for replicate in range(longest):
            for one, own in zip(self._described, self._seeds, strict=True):
                seeds = one.repeat.seeds
                if replicate < len(seeds) and (own is seeds or seeds[replicate] in own):
                    yield one, seeds[replicate]

    def _runs(self) -> Iterator[Run]:
        return (one.run(seed) for one, seed in self._each())

    def _nodes(self, asked: Asked) -> Iterator[Node]:
        graph = Graph(self._shown)
        for one, seed in self._each():
            for template in one.asks():
                graph.add(template, seed, one.repeat.vary)
            yield from graph.taken()
        for template, seed, vary in asked.all:
            graph.add(template, seed, vary)
        yield from graph.taken()

    def _woven(self, asked: Asked) -> Woven | None:
        """The nodes as strands; None where points differ in their replicates."""
        repeats = {(one.repeat.seeds, one.repeat.vary) for one in self._described}
        if len(repeats) != 1:
            return None
        ((seeds, vary),) = repeats
        loom = Loom(seeds, vary, self._shown)
        ends = [
            self._used(loom, one)
            for one, own in zip(self._described, self._seeds, strict=True)
            if own
        ]
        if not all([loom.ask(*one) for one in asked.all]):
            return None
        every = dict.fromkeys([*seeds, *(seed for _, seed, _ in asked.all)])
        is_measured = any([one.formulas.by_label for one in self._described])
        return Woven(
            strands=tuple(loom.strands),
            ends=() if is_measured else tuple(ends),
            grids=self._repeated(seeds),
            seeds=tuple(every),
        )

    def _used(self, loom: Loom, one: Described) -> Strand:
        """The strand of a point's last stage; all that its runs use is noted."""
        strands = [loom.strand(template) for template in one.asks()]
        times = len(one.repeat.seeds)
        for strand in strands:
            loom.use(strand, one, times)
        return strands[0]

    def _repeated(self, seeds: tuple[int, ...]) -> dict[str, Repeated]:
        names = [
            one.point.grid.name
            for one, own in zip(self._described, self._seeds, strict=True)
            if own
        ]
        return {name: Repeated(count, seeds) for name, count in Counter(names).items()}

    def _count(self, asked: Asked) -> int:
        """The number of nodes: templates that are random count for each of their replicates."""
        found: dict[Replicates, dict[str, Template]] = {}
        for one, own in zip(self._described, self._seeds, strict=True):
            known = found.setdefault((own, one.repeat.vary), {})
            for template in one.asks():
                _gather(template, known)
        for template, seed, vary in asked.all:
            _gather(template, found.setdefault(((seed,), vary), {}))
        fixed: set[str] = set()
        random: dict[tuple[int, tuple[str, ...]], list[set[str]]] = {}
        for (seeds, vary), templates in found.items():
            keys = {digest for digest, one in templates.items() if one.random}
            fixed |= templates.keys() - keys
            for seed in seeds:
                random.setdefault((seed, vary), []).append(keys)
        return len(fixed) + sum(len(set[str]().union(*each)) for each in random.values())


def _gather(template: Template, known: dict[str, Template]) -> None:
    if template.digest not in known:
        known[template.digest] = template
        for one in template.inputs.values():
            _gather(one, known)


def _own_seeds(described: Sequence[Described]) -> list[tuple[int, ...]]:
    """The seeds of each point that no point equal to it has had before, in the order of runs."""
    same = [one.point.same(one.repeat.vary) for one in described]
    times = Counter(same)
    own = [
        one.repeat.seeds if times[name] == 1 else ()
        for one, name in zip(described, same, strict=True)
    ]
    several = [i for i, name in enumerate(same) if times[name] > 1]
    seen: set[tuple[object, int]] = set()
    kept: dict[int, list[int]] = {i: [] for i in several}
    longest = max((len(described[i].repeat.seeds) for i in several), default=0)
    for replicate in range(longest):
        for i in several:
            one = described[i]
            if replicate < len(one.repeat.seeds):
                named = same[i], one.repeat.seeds[replicate]
                if named not in seen:
                    seen.add(named)
                    kept[i].append(named[1])
    for i, seeds in kept.items():
        own[i] = tuple(seeds)
    return own
