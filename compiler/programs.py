"""Programs and lanes: what compiles once, and the nodes that it does.

A program is a stage or measurement with its static arguments. Nodes that differ in traced
arguments, in seeds, and in inputs that are themselves lanes of one program, are its lanes: a
hundred learning rates are one program. An engine takes programs, and each lane stays a node of its
own, with its own key, record and failure.

Of a schedule all numbers but durations are traced; its form is static (`lab.runtime.traced` is the
other half of this rule).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import Literal, cast

from lab.compiler.canonical import digest
from lab.compiler.cells import Filled
from lab.compiler.lazily import Lazy
from lab.compiler.plan import Node, Plan
from lab.compiler.strands import FIXED, Strand, Woven, woven
from lab.spec.records import record
from lab.spec.signature import Catalog, Signature
from lab.spec.values import Value

KEY_LENGTH = 32
#: Stands for a number that is an argument of the compiled program.
_NUMBER = "a number"


@record(eq=False, slots=False)
class Program:
    """One compilation and the nodes it does, in the order in which they are to be done.

    `first` is the first of its nodes, whose static arguments are those of all; `static` spells
    them. `inputs` maps a role to the program whose lanes are used. `traced` are the paths of
    arguments that may differ between lanes and compile nothing. Always holds: the programs of
    `inputs` stand earlier in the plan's.
    """

    first: Node
    inputs: Mapping[str, "Program"]
    lanes: Sequence[str]
    traced: tuple[str, ...]
    static: Callable[[], str]

    @cached_property
    def key(self) -> str:
        """The program's name: the same in every process, study and store."""
        about = [self.role, self.component, self.first.version, self.static()]
        return digest([*about, {role: one.key for role, one in self.inputs.items()}])[:KEY_LENGTH]

    @property
    def role(self) -> Literal["stage", "measurement"]:
        """Whether its nodes are stages or measurements."""
        return self.first.role

    @property
    def component(self) -> str:
        """The component that its nodes are of."""
        return self.first.component

    @property
    def label(self) -> str:
        """The program in a few words: those of its first node."""
        return self.first.label


def programs(plan: Plan, catalog: Catalog) -> tuple[Program, ...]:
    """The programs of a plan, each after the programs it uses."""
    known = woven(plan)
    frozen = _Frozen(catalog)
    return _of_nodes(plan, frozen) if known is None else _of_strands(known, frozen)


def _of_nodes(plan: Plan, frozen: "_Frozen") -> tuple[Program, ...]:
    ranks = _ranks(plan)
    #: The number of a node's program, in the order in which they appear.
    place: dict[str, int] = {}
    groups: list[list[Node]] = []
    numbers: dict[_Same, int] = {}
    for node in plan.nodes:
        same: _Same = (frozen.of(node), node.version)
        for role, key in node.inputs.items():
            same += (role, place[key])
        number = place[node.key] = numbers.setdefault(same, len(groups))
        if number == len(groups):
            groups.append([])
        groups[number].append(node)
    made: list[Program] = []
    for nodes in groups:
        nodes.sort(key=lambda node: ranks[node.key])
        inputs = {role: made[place[key]] for role, key in nodes[0].inputs.items()}
        lanes = tuple([node.key for node in nodes])
        made.append(_program(nodes[0], lanes, inputs, frozen))
    return tuple(made)


def _of_strands(known: Woven, frozen: "_Frozen") -> tuple[Program, ...]:
    """The same of a plan that is woven: the nodes of a strand are lanes of one program."""
    place: dict[Strand, int] = {}
    groups: list[list[Strand]] = []
    numbers: dict[_Same, int] = {}
    for strand in known.strands:
        template = strand.template
        static = frozen.static.get(id(template.arguments))
        if static is None:
            static = frozen.of(strand)
        same: _Same = (static, template.signature.version)
        for role, one in strand.inputs.items():
            same += (role, place[one])
        number = place[strand] = numbers.setdefault(same, len(groups))
        if number == len(groups):
            groups.append([])
        groups[number].append(strand)
    made: list[Program] = []
    for strands in groups:
        first, seed = next(_lanes(strands, known.seeds))
        inputs = {role: made[place[one]] for role, one in first.inputs.items()}
        made.append(_program(first.node(seed), _keys(strands, known.seeds), inputs, frozen))
    return tuple(made)


def _keys(strands: Sequence[Strand], seeds: Sequence[int]) -> Lazy[str]:
    return Lazy(
        lambda: sum([len(one.seeds) for one in strands]),
        lambda: (one.key(seed) for one, seed in _lanes(strands, seeds)),
    )


def _lanes(strands: Sequence[Strand], seeds: Sequence[int]) -> Iterator[tuple[Strand, int]]:
    """The replicates of some strands: the first of each, then the second."""
    for i, seed in enumerate(seeds):
        for one in strands:
            if seed in one.seeds or (i == 0 and one.seeds is FIXED):
                yield one, seed


def _program(
    first: Node, lanes: Sequence[str], inputs: Mapping[str, "Program"], frozen: "_Frozen"
) -> Program:
    signature = frozen.catalog.signatures.get((first.role, first.component))
    return Program(
        first=first,
        inputs=inputs,
        lanes=lanes,
        traced=tuple(_traced(first.arguments, signature, frozen.catalog)),
        static=partial(frozen.text, frozen.of(first)),
    )


def in_order(plan: Plan) -> tuple[str, ...]:
    """Keys of all nodes in the order in which they are to be done.

    The first replicate of every arm comes before the second of any, so that every row of a table
    has a number early; within a replicate the nodes stand as the plan has them. Always holds:
    nodes stand after the nodes they use.
    """
    ranks = _ranks(plan)
    return tuple(sorted((node.key for node in plan.nodes), key=ranks.__getitem__))


#: What lanes of one program have in common: static arguments and the programs of their inputs.
_Same = tuple[str | int, ...]


def _ranks(plan: Plan) -> dict[str, int]:
    """The replicate of each node, counted from 0: at least that of everything it uses."""
    seeds: dict[int | None, int] = {None: 0}
    for run in plan.runs:
        seeds.setdefault(run.seed, len(seeds) - 1)
    ranks: dict[str, int] = {}
    for node in plan.nodes:
        rank = seeds.setdefault(node.seed, len(seeds) - 1)
        for key in node.inputs.values():
            rank = max(rank, ranks[key])
        ranks[node.key] = rank
    return ranks


#: A part of a value: text of a plain one, the number of one that has parts itself.
_Part = str | int


class _Frozen:
    """Values without their traced numbers, as numbers that are equal where the values are.

    Values that several nodes share are looked at once: they live as long as their plan.
    """

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self._known: dict[tuple[int, bool], int] = {}
        #: Numbers by the identity of a node's arguments.
        self.static: dict[int, int] = {}
        self._flags: dict[tuple[str, str], dict[str, bool]] = {}
        #: Numbers by what arguments have in common with others, and parts of their own.
        self._filled: dict[tuple[object, ...], int] = {}
        self._numbers: dict[tuple[_Part, ...], int] = {}
        self._parts: list[tuple[_Part, ...]] = []

    def of(self, node: Node | Strand) -> int:
        """The number of the static part of a node's arguments."""
        known = self.static.get(id(node.arguments))
        if known is None:
            known = self._arguments(node.role, node.component, node.arguments)
            self.static[id(node.arguments)] = known
        return known

    def text(self, number: int) -> str:
        """What has this number, spelled out: the same in every process."""
        spelled = (self.text(one) if isinstance(one, int) else one for one in self._parts[number])
        return f"({' '.join(spelled)})"

    def _number(self, parts: tuple[_Part, ...]) -> int:
        number = self._numbers.setdefault(parts, len(self._parts))
        if number == len(self._parts):
            self._parts.append(parts)
        return number

    def _arguments(self, kind: str, name: str, arguments: Mapping[str, Value]) -> int:
        """The number of a component's arguments. Of filled ones only their own are looked at."""
        if not isinstance(arguments, Filled) or arguments.common is None:
            return self._number(self._spelled(kind, name, arguments))
        traced = self._traced(kind, name)
        own = [self._part(arguments[at], traced.get(at, False)) for at in arguments.own]
        same = (kind, name, id(arguments.common), *own)
        known = self._filled.get(same)
        if known is None:
            known = self._filled[same] = self._number(self._spelled(kind, name, arguments))
        return known

    def _spelled(self, kind: str, name: str, arguments: Mapping[str, Value]) -> tuple[_Part, ...]:
        flags = self._traced(kind, name) or dict.fromkeys(sorted(arguments), False)
        parts: list[_Part] = [kind, name]
        for at, traced in flags.items():
            value = arguments.get(at)
            # Most are plain and static: a call for each would cost more than the rest.
            kind_of = type(value)
            if kind_of is float or kind_of is int:
                parts.append(_NUMBER if traced else repr(value))
            elif kind_of is str or value is None:
                parts.append(repr(value))
            else:
                parts.append(self._part(value, traced))
        return tuple(parts)

    def _part(self, value: Value, traced: bool) -> _Part:
        if isinstance(value, dict):
            known = self._known.get((id(value), traced))
            if known is None:
                known = self._known[id(value), traced] = self._mapping(value, traced)
            return known
        if isinstance(value, list):
            return self._number(("list", *(self._part(one, traced) for one in value)))
        if traced and isinstance(value, int | float) and not isinstance(value, bool):
            return _NUMBER
        return repr(value)

    def _mapping(self, value: Mapping[str, Value], traced: bool) -> int:
        if "component" in value and not traced:
            kind, name = cast(str, value["kind"]), cast(str, value["component"])
            return self._arguments(kind, name, cast(Mapping[str, Value], value["args"]))
        inner = traced and "duration" not in value
        named = ((name, self._part(one, inner)) for name, one in sorted(value.items()))
        return self._number(tuple(part for pair in named for part in pair))

    def _traced(self, kind: str, name: str) -> dict[str, bool]:
        """Whether each argument of a component is traced."""
        known = self._flags.get((kind, name))
        if known is None:
            signature = self.catalog.signatures.get((kind, name))
            parameters = () if signature is None else signature.parameters
            known = self._flags[kind, name] = {one.name: one.traced for one in parameters}
        return known


def _traced(
    arguments: Mapping[str, Value], signature: Signature | None, catalog: Catalog, at: str = ""
) -> Iterator[str]:
    """Paths of the traced arguments of a component, and of components inside it."""
    for info in () if signature is None else signature.parameters:
        value, path = arguments.get(info.name), f"{at}{info.name}"
        if info.traced:
            yield path
        elif isinstance(value, dict) and "component" in value:
            inside = catalog.get(cast(str, value["kind"]), cast(str, value["component"]))
            yield from _traced(
                cast(Mapping[str, Value], value["args"]), inside, catalog, f"{path}."
            )
