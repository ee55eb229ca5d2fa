"""What a plan costs in time and memory, each number with its basis.

    wall = S + max(sum of what is missing / workers, longest chain of it)

A program's seconds are those of its lanes that were measured on this device; else those of a
probe; else arithmetic times what the component's other programs took here for each second of
theirs (`scaled`); else arithmetic at the rates of a device like this one. A program whose
arithmetic is not known has none until it is measured or probed, and the sum is a lower bound then.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from statistics import median
from typing import Literal

from lab.compiler.compilers import compilers
from lab.compiler.cost import Rates, Unknown, lanes_at_once
from lab.compiler.elsewhere import Elsewhere
from lab.compiler.facts import Asking, Cost
from lab.compiler.plan import Plan
from lab.compiler.programs import Program
from lab.compiler.stored import Described, Stored
from lab.compiler.strands import Everything
from lab.spec.records import record, replaced

Basis = Literal["measured", "probed", "scaled", "arithmetic"]
#: From the best basis to the weakest.
BASES: tuple[Basis, ...] = ("measured", "probed", "scaled", "arithmetic")
#: A lane that compiled for less than this share of its time found its program compiled.
_WARM = 0.05
#: Stored lanes that are looked at for each program, and for each component.
_LANES, _PROGRAMS = 7, 5


@record
class Device:
    """Where a plan would run: `workers` processes with so many threads each.

    `memory_bytes` is what there is for all of them, `process_bytes` what a worker takes with
    nothing in it, `start_seconds` what it takes to come up.
    """

    name: str
    workers: int
    threads: int
    rates: Rates
    memory_bytes: float | None = None
    process_bytes: float = 0.0
    start_seconds: float = 0.0


@record
class Seen:
    """What a program took: seconds of a lane and to compile it, bytes of its process."""

    lane: float
    compiling: float
    memory: float | None = None


@record
class Price:
    """One program: `todo` are its lanes that are missing. `seen` is None where nothing is known.

    `compilers` are the workers that compile it.
    """

    program: Program
    cost: Cost | Unknown
    todo: Sequence[str]
    seen: Seen | None
    basis: Basis | None
    lanes_at_once: int | None
    compilers: int = 1

    @property
    def seconds(self) -> float:
        """Seconds of one worker for all that is missing; what is not known counts nothing."""
        if self.seen is None or not self.todo:
            return 0.0
        return self.seen.compiling * self.compilers + len(self.todo) * self.seen.lane


@record
class Prices:
    """A plan, priced. `wall` and `memory` are of what is missing; `disk` what it will add."""

    plan: Plan
    device: Device
    programs: tuple[Price, ...]
    wall: float
    memory: float
    disk: int

    @property
    def missing(self) -> tuple[Price, ...]:
        """Programs with lanes that are missing."""
        return tuple(one for one in self.programs if one.todo)

    @property
    def unknown(self) -> tuple[Price, ...]:
        """Missing programs whose seconds are not known: what is said of time is a lower bound."""
        return tuple(one for one in self.missing if one.seen is None)

    @property
    def expected(self) -> Mapping[str, float]:
        """Seconds of each node that is missing, by key, compilations with the first ones."""
        return {
            key: one.seen.lane + (one.seen.compiling if place < one.compilers else 0.0)
            for one in self.missing
            if one.seen is not None
            for place, key in enumerate(one.todo)
        }

    @property
    def over_time(self) -> bool:
        """Whether what is missing takes longer than the budget has."""
        return self.plan.wall_seconds is not None and self.wall > self.plan.wall_seconds

    @property
    def over_memory(self) -> bool:
        """Whether a run takes more memory than the budget has."""
        return self.plan.memory_bytes is not None and self.memory > self.plan.memory_bytes

    @property
    def over(self) -> bool:
        """Whether the budget is exceeded."""
        return self.over_time or self.over_memory


@record
class Known:
    """What has been seen of programs: stored stages, and probes by the keys of programs.

    `asking` is for what other studies stored.
    """

    stored: Stored
    probes: Mapping[str, Seen]
    asking: Asking


def prices(
    plan: Plan,
    costs: Sequence[tuple[Program, Cost | Unknown]],
    *,
    todo: frozenset[str] | Everything,
    known: Known,
    device: Device,
) -> Prices:
    """What is missing of a plan (`todo`), priced on a device."""
    history = _History(costs, known, device)
    limits = [one for one in (device.memory_bytes, plan.memory_bytes) if one is not None]
    room = min(limits, default=None)
    alone = [_price(program, cost, history, todo=todo, room=room) for program, cost in costs]
    counts = compilers([(one.program, len(one.todo)) for one in alone], device.workers)
    both = zip(alone, counts, strict=True)
    made = tuple([one if n == 1 else replaced(one, compilers=n) for one, n in both])
    memory = max((_memory(one, device) for one in made if one.todo), default=0.0)
    return Prices(
        plan=plan,
        device=device,
        programs=made,
        wall=_wall(made, device),
        memory=memory,
        disk=sum(len(one.todo) * one.cost.disk for one in made if isinstance(one.cost, Cost)),
    )


def _price(
    program: Program,
    cost: Cost | Unknown,
    history: "_History",
    *,
    todo: frozenset[str] | Everything,
    room: float | None,
) -> Price:
    left = program.lanes
    if not isinstance(todo, Everything):
        left = tuple([key for key in left if key in todo])
    seen, basis = history.of(program, cost) if left else (None, None)
    if isinstance(cost, Cost):
        cost = cost.within(room)
    at_once = lanes_at_once(cost, room) if isinstance(cost, Cost) else None
    return Price(program, cost, left, seen, basis, at_once)


def _memory(price: Price, device: Device) -> float:
    if price.seen is not None and price.seen.memory is not None:
        return price.seen.memory
    return device.process_bytes + (price.cost.memory if isinstance(price.cost, Cost) else 0)


def _wall(made: Sequence[Price], device: Device) -> float:
    """Seconds from the first start of a worker to the last end."""
    total = 0.0
    #: The longest chain of lanes that ends with a program's, by the program.
    chains: dict[int, float] = {}
    for one in made:
        chain = max((chains[id(used)] for used in one.program.inputs.values()), default=0.0)
        if one.seen is not None and one.todo:
            total += one.seconds
            chain += one.seen.lane + one.seen.compiling
        chains[id(one.program)] = chain
    kinds = len({one.program.first.fresh for one in made if one.todo})
    longest = max(chains.values(), default=0.0)
    return kinds * device.start_seconds + max(total / device.workers, longest)


class _History:
    """What was seen on this device, and what that says of programs that were not."""

    def __init__(
        self, costs: Sequence[tuple[Program, Cost | Unknown]], known: Known, device: Device
    ) -> None:
        self.device = device
        self._known = known
        self._costs = costs
        self._others = Elsewhere(known.stored, known.asking)
        self._ratios: Mapping[str, float] | None = None
        self._compiled: set[object] = set()

    def of(self, program: Program, cost: Cost | Unknown) -> tuple[Seen | None, Basis | None]:
        """Seconds of a program, and where they are from."""
        measured = self._measured(program)
        if measured is not None:
            return measured, "measured"
        probed = self._probe(program)
        if probed is not None:
            return probed, "probed"
        if isinstance(cost, Unknown):
            return None, None
        rates = self.device.rates
        ratio = self._scale().get(program.component)
        lane = rates.seconds(cost) * (1.0 if ratio is None else ratio)
        compiling = rates.compile_seconds(cost) if self._is_first(program, cost) else 0.0
        return Seen(lane, compiling), "arithmetic" if ratio is None else "scaled"

    def _is_first(self, program: Program, cost: Cost) -> bool:
        """Whether no other program like it, but for what it starts from, is compiled before."""
        same = (program.component, program.static(), cost.kind, cost.macs)
        is_first = same not in self._compiled
        self._compiled.add(same)
        return is_first

    def _probe(self, program: Program) -> Seen | None:
        return self._known.probes.get(program.key) if self._known.probes else None

    def _measured(self, program: Program) -> Seen | None:
        if not self._known.stored:
            return None
        found = (self._known.stored.get(key) for key in program.lanes)
        here = (seen for one in found if one is not None and (seen := self._seen(one)) is not None)
        return _typical(tuple(islice(here, _LANES)))

    def _seen(self, stored: Described) -> Seen | None:
        """What a stored stage took, None where it was not on this device."""
        facts = stored.facts
        wall = facts.get("wall_seconds")
        if facts.get("device") != self.device.name or not isinstance(wall, int | float):
            return None
        compiling = float(facts.get("compile_seconds", 0.0))
        return Seen(max(wall - compiling, 0.0), compiling, facts.get("memory_bytes"))

    def _scale(self) -> Mapping[str, float]:
        """By component: seconds that its programs took for each second of arithmetic."""
        if self._ratios is None:
            found: dict[str, list[float]] = {}
            if self._known.stored or self._known.probes:
                self._gather(found)
            self._ratios = {component: median(ratios) for component, ratios in found.items()}
        return self._ratios

    def _gather(self, found: dict[str, list[float]]) -> None:
        for program, cost in self._costs:
            ratios = found.setdefault(program.component, [])
            if len(ratios) >= _PROGRAMS or isinstance(cost, Unknown):
                continue
            seen = self._measured(program) or self._probe(program)
            if seen is not None:
                ratios.append(seen.lane / self.device.rates.seconds(cost))
        for component in [one for one, ratios in found.items() if not ratios]:
            found[component] = list(self._elsewhere(component))
            if not found[component]:
                del found[component]

    def _elsewhere(self, component: str) -> Iterator[float]:
        """Seconds for each second of arithmetic, of what other studies stored."""
        for one, cost in self._others.of(component):
            seen = self._seen(one)
            if seen is not None:
                yield seen.lane / self.device.rates.seconds(cost)


def _typical(seen: Sequence[Seen]) -> Seen | None:
    """What lanes have in common: a process's first one traces and imports besides it compiles.

    So the others say what a lane takes, and what the first ones took more is done once.
    """
    if not seen:
        return None
    memory = [one.memory for one in seen if one.memory is not None]
    warm = [one for one in seen if one.compiling <= _WARM * one.lane] or seen
    lane = median(one.lane for one in warm)
    once = [one.lane + one.compiling - lane for one in seen if one.compiling > _WARM * one.lane]
    return Seen(
        lane=lane,
        compiling=max(0.0, median(once)) if once else 0.0,
        memory=max(memory) if memory else None,
    )
