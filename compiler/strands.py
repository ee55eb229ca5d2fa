"""Nodes of one template, told once: they are alike but for their replicates.

A study of a million runs has millions of nodes and few templates for them. What does not depend on
the replicate (what a stage is, what it costs, how often it is used) is worked out for each strand,
and a key only where somebody compares it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal

from lab.compiler.canonical import Shown
from lab.compiler.lazily import Lazy
from lab.compiler.plan import Node, Plan
from lab.compiler.stages import Template
from lab.spec.records import record
from lab.spec.signature import Signature
from lab.spec.values import Value

#: The replicates of a node on which nothing random ever acted.
FIXED: tuple[int | None, ...] = (None,)

#: Keys of no more replicates than this are kept: there may be hundreds of thousands of strands.
FEW = 4


def label_of(template: Template, shown: Shown) -> str:
    """A stage in a few words: one that a reparameterization is short for goes by its name."""
    through = _through(template)
    what = template.signature.name if through is None else shown.text(dict(through))
    return f"{template.owner}: {what}"


def _through(template: Template) -> Mapping[str, Value] | None:
    if template.role == "stage" and "before" in template.inputs:
        through = template.arguments.get("through")
        return through if isinstance(through, dict) else None
    return None


class Strand:
    """The nodes of a template, one for each of `seeds`.

    Always holds: a strand stands after those it uses, and they have all of its seeds or are fixed.
    `uses` counts the runs that use its nodes, and one for a node that no run uses.
    """

    __slots__ = ("_keys", "_shown", "inputs", "mark", "seeds", "template", "uses", "vary")

    def __init__(
        self,
        template: Template,
        inputs: Mapping[str, "Strand"],
        replicates: tuple[tuple[int | None, ...], tuple[str, ...]],
        shown: Shown,
    ) -> None:
        self.template = template
        self.inputs = inputs
        self.seeds, self.vary = replicates
        self.uses = 0
        #: What came by last.
        self.mark: object = None
        self._shown = shown
        self._keys: tuple[str, ...] | None = None

    @property
    def role(self) -> Literal["stage", "measurement"]:
        """Whether its nodes are stages or measurements."""
        return self.template.role

    @property
    def component(self) -> str:
        """The component that its nodes are of."""
        return self.template.signature.name

    @property
    def signature(self) -> Signature:
        """The component as the plan was made with it."""
        return self.template.signature

    @property
    def arguments(self) -> Mapping[str, Value]:
        """The arguments of its nodes."""
        return self.template.arguments

    @property
    def is_notable(self) -> bool:
        """Whether a schedule or a file stands in the arguments of its nodes."""
        return self.template.is_notable

    @property
    def label(self) -> str:
        """A node of it in a few words."""
        return label_of(self.template, self._shown)

    @property
    def line(self) -> str:
        """The label without what is in brackets."""
        template = self.template
        through = _through(template)
        if through is None:
            return f"{template.owner}: {template.signature.name}"
        if "component" in through:
            return f"{template.owner}: {through['component']}"
        return self.label.partition("(")[0]

    def key(self, seed: int | None) -> str:
        """The key of its node for a replicate."""
        return self.template.key(0 if seed is None else seed, self.vary)

    def keys(self) -> Sequence[str]:
        """The keys of its nodes."""
        if self._keys is not None:
            return self._keys
        keys = tuple([self.key(seed) for seed in self.seeds])
        if len(keys) <= FEW:
            self._keys = keys
        return keys

    def node(self, seed: int | None) -> Node:
        """Its node for a replicate."""
        template, is_random = self.template, self.template.random
        return Node(
            key=self.key(seed),
            role=template.role,
            component=template.signature.name,
            arguments=template.arguments,
            inputs={role: one.key(seed) for role, one in self.inputs.items()},
            seed=seed if is_random else None,
            vary=self.vary if is_random else (),
            version=template.signature.version,
            fresh=template.signature.fresh,
            label=self.label,
        )


@record
class Repeated:
    """The runs of a grid: how many points, and for which replicates."""

    points: int
    seeds: tuple[int, ...]


@record(eq=False)
class Woven:
    """A plan whose points all have the same replicates, as strands.

    `strands` stand in the order of their first nodes. `ends` are those of the last stages of runs
    of which nothing is measured. `seeds` are all there are, in the order in which they are run.
    """

    strands: tuple[Strand, ...]
    ends: tuple[Strand, ...]
    grids: Mapping[str, Repeated]
    seeds: tuple[int, ...]

    @property
    def nodes(self) -> int:
        """How many nodes there are."""
        return sum([len(one.seeds) for one in self.strands])


class Everything:
    """Stands for the keys of all nodes, none of which has to be made."""


EVERYTHING = Everything()


class Nodes(Lazy[Node]):
    """The nodes of a plan, which know what they are woven of; None where that is not known."""

    __slots__ = ("_is_woven", "_weave", "_woven")

    def __init__(
        self,
        count: Callable[[], int],
        make: Callable[[], Iterator[Node]],
        weave: Callable[[], Woven | None],
    ) -> None:
        super().__init__(lambda: count() if self.woven is None else self.woven.nodes, make)
        self._weave = weave
        self._is_woven = False
        self._woven: Woven | None = None

    @property
    def woven(self) -> Woven | None:
        """The strands, made once."""
        if not self._is_woven:
            self._woven, self._is_woven = self._weave(), True
        return self._woven


def woven(plan: Plan) -> Woven | None:
    """What the nodes of a plan are woven of; None where only the nodes themselves are known."""
    return plan.nodes.woven if isinstance(plan.nodes, Nodes) else None


def kinds(plan: Plan) -> Iterable[Strand | Node]:
    """One for each kind of node in a plan: all but replicates and inputs are told by it."""
    known = woven(plan)
    return plan.nodes if known is None else known.strands


def notable_kinds(plan: Plan) -> Iterable[Strand | Node]:
    """The kinds of nodes in whose arguments a schedule or a file may stand."""
    known = woven(plan)
    return plan.nodes if known is None else [one for one in known.strands if one.is_notable]


def repeats_of(plan: Plan) -> Mapping[str, Repeated]:
    """The points and replicates of each grid, grids in the order of their runs."""
    known = woven(plan)
    if known is not None:
        return known.grids
    points: dict[str, set[str]] = {}
    seeds: dict[str, dict[int, None]] = {}
    for run in plan.runs:
        points.setdefault(run.grid, set()).add(run.point)
        seeds.setdefault(run.grid, {})[run.seed] = None
    return {grid: Repeated(len(points[grid]), tuple(seeds[grid])) for grid in points}


def keys_of(plan: Plan) -> Iterator[Sequence[str]]:
    """All keys of a plan, some at a time."""
    known = woven(plan)
    if known is None:
        yield [node.key for node in plan.nodes]
    else:
        yield from (one.keys() for one in known.strands)


def line_of(one: Strand | Node) -> str:
    """What nodes of one line of a table have in common: the arm, and the component."""
    return one.line if isinstance(one, Strand) else one.label.partition("(")[0]


class Loom:
    """Makes strands of the templates that points ask for, all for the same replicates."""

    def __init__(self, seeds: tuple[int, ...], vary: tuple[str, ...], shown: Shown) -> None:
        self.strands: list[Strand] = []
        self._seeds = seeds
        self._vary = vary
        self._shown = shown
        self._of: dict[Template, Strand] = {}
        self._known: dict[str, Strand] = {}

    def strand(self, template: Template, seeds: tuple[int, ...] | None = None) -> Strand:
        """The strand of a template, which is there from then on, for all replicates or some."""
        known = self._of.get(template)
        if known is None:
            known = self._known.get(template.digest)
            if known is None:
                known = self._made(template, self._seeds if seeds is None else seeds)
            self._of[template] = known
        return known

    def _made(self, template: Template, seeds: tuple[int, ...]) -> Strand:
        inputs = {role: self.strand(one, seeds) for role, one in template.inputs.items()}
        replicates = (seeds, self._vary) if template.random else (FIXED, ())
        made = Strand(template, inputs, replicates, self._shown)
        self._known[template.digest] = made
        self.strands.append(made)
        return made

    def use(self, strand: Strand, by: object, times: int) -> None:
        """Note that so many runs of a point use a strand, and all that it uses."""
        if strand.mark is not by:
            strand.mark = by
            strand.uses += times
            for one in strand.inputs.values():
                self.use(one, by, times)

    def ask(self, template: Template, seed: int, vary: tuple[str, ...]) -> bool:
        """Note that a node is asked for that no run has to use; False where it fits no strand."""
        if template.random and vary != self._vary:
            return False
        strand = self.strand(template, ())
        return self._lengthened(strand, seed)

    def _lengthened(self, strand: Strand, seed: int) -> bool:
        if seed in strand.seeds or (strand.seeds is FIXED and strand.uses):
            return True
        if strand.seeds is self._seeds:
            return False
        if not all([self._lengthened(one, seed) for one in strand.inputs.values()]):
            return False
        if strand.seeds is not FIXED:
            strand.seeds = (*strand.seeds, seed)
        strand.uses += 1
        return True
