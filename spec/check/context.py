"""What a check knows while it reads: declarations, components, places, and what it found wrong."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Literal

from lab.spec import core, syntax
from lab.spec.check.dimensions import Unit
from lab.spec.check.later import Later
from lab.spec.check.watch import Watch
from lab.spec.diagnostics import Diagnostic, Edit, Label
from lab.spec.records import made_by, record, replaced
from lab.spec.signature import Catalog, ParameterInfo, Type
from lab.spec.source import Source, Span
from lab.spec.suggest import nearest

NUMBER = Type("number")


@record
class Scope:
    """Where an expression stands.

    `subject` is the definition or block it belongs to; `owner` the definition whose own name does
    not hide a component here; `parameters` maps names in scope to their slots. `measured`: `method`
    is the arm being measured. `inside`: the method whose definition this is. `search`: in a search.
    `sets`: the value of a path in a block.
    """

    source: Source
    subject: str | None = None
    owner: str | None = None
    parameters: Mapping[str, str] = made_by(default_factory=dict[str, str])
    measured: bool = False
    inside: str | None = None
    search: bool = False
    sets: bool = False


@record
class Place:
    """A scope, and the slot at which the value that is read there will stand."""

    scope: Scope
    slot: str

    def at(self, slot: str) -> Place:
        """The same scope at another slot."""
        return Place(self.scope, slot)

    def child(self, name: str) -> Place:
        """The place of an argument."""
        return self.at(f"{self.slot}.{name}")


@record
class Want:
    """What a value is read as; `what` names it in messages, `info` knows its limits and default."""

    type: Type
    what: str
    info: ParameterInfo | None = None

    def one(self) -> Want:
        """What an item of the list is."""
        return replaced(self, type=replaced(self.type, many=False, mapping=False))


@record
class Member:
    """Something that a path can name: its slot, and what may stand there.

    `of`: the definition that has it, where the path starts at `method`, `model` or `data`.
    """

    slot: str
    want: Want
    of: str = ""


@record
class Entry:
    """A component or call that stands at a slot: its name as written, and what is inside it.

    `set`: a block puts it there, and not a definition.
    """

    label: str
    slot: str
    members: Mapping[str, Member]
    set: bool = False


@record(frozen=False)
class Declared:
    """A definition as written, and what has been made of it so far.

    `types` maps a parameter, or the empty name for a `let`, to what its uses ask for.
    """

    node: syntax.Definition
    source: Source
    state: Literal["new", "busy", "done"] = "new"
    made: core.Definition | None = None
    types: dict[str, list[Want]] = made_by(default_factory=dict[str, list[Want]])

    @property
    def kind(self) -> syntax.DefinitionKind:
        """What was declared."""
        return self.node.kind

    @property
    def name(self) -> str:
        """What it is called."""
        return self.node.name.text


@record
class Hint:
    """What to say beside the carets, the remedy that a machine can apply, and what would fit."""

    says: str
    edit: Edit | None = None
    among: tuple[str, ...] = ()


NO_HINT = Hint("")


def suggestion(word: str, span: Span, candidates: Iterable[str]) -> Hint:
    """The candidate that a word resembles, as a question and an edit."""
    among = tuple(candidates)
    near = nearest(word, among)
    if near is None:
        return Hint("", among=among)
    return Hint(f"did you mean `{near}`?", Edit(span, near), among)


Reader = Callable[["Context", syntax.Expr, Want, Place], "core.Core | None"]


class Context:
    """One check of one study."""

    def __init__(
        self,
        source: Source,
        catalog: Catalog,
        *,
        readers: Mapping[str, Reader],
        define: Callable[[Context, Declared], None],
        watch: Watch | None = None,
    ) -> None:
        self.source = source
        self.catalog = catalog
        self.readers = readers
        self.watch = watch or Watch()
        self.diagnostics: list[Diagnostic] = []
        self.declared: dict[str, Declared] = {}
        self.broken: set[str] = set()
        self.searches: dict[str, syntax.Search] = {}
        self.entries: dict[str, list[Entry]] = {}
        self.aliases: dict[str, list[str]] = {}
        self.stages: dict[str, str] = {}
        self.seeds: set[str] = {"seed"}
        self.metrics: dict[str, tuple[Unit | None, bool]] = {}
        self.measuring: set[str] = set()
        self.forgiving = False
        self.later = Later()
        self.named_by_stages: set[str] = set()
        self.attempted: set[tuple[str | None, str]] = set()
        #: Definitions that name what nobody knows: what would be inside it is not known either.
        self.unsure: set[str] = set()
        self._define = define
        self._muted = 0
        #: A unit is being looked for: what is named on the way is not used by it.
        self.weighing = False
        self._unknown: dict[tuple[str, str], int] = {}
        self._said: set[tuple[str, str, int, int]] = set()

    # Findings

    def report(
        self,
        code: str,
        message: str,
        span: Span,
        scope: Scope,
        *,
        help_lines: Sequence[str] = (),
        hint: Hint = NO_HINT,
        also: Iterable[Label] = (),
    ) -> None:
        """Add a finding; `W…` codes are warnings. The same finding is added once."""
        key = (code, scope.source.name, span.start, span.end)
        if self._muted:
            return
        self.watch.misses(span, hint.among, scope)
        if key in self._said:
            return
        self._said.add(key)
        self.diagnostics.append(
            Diagnostic(
                severity="warning" if code.startswith("W") else "error",
                code=code,
                message=message,
                source=scope.source,
                labels=(Label(span, hint.says), *also),
                help=tuple(help_lines),
                edit=hint.edit,
                subject=scope.subject,
            )
        )

    def unknown(
        self,
        name: syntax.Name,
        scope: Scope,
        *,
        what: str,
        candidates: Iterable[str],
        help_lines: Sequence[str] = (),
    ) -> None:
        """Report a name that means nothing: once, however often it is written."""
        among = tuple(candidates)
        self.watch.misses(name.span, among, scope)
        if scope.owner is not None:
            self.unsure.add(scope.owner)
        if self._muted or self.forgiving or name.text in self.broken:
            return
        key = (scope.source.name, name.text)
        if key in self._unknown:
            index = self._unknown[key]
            first = self.diagnostics[index]
            if all(label.span != name.span for label in first.labels):
                more = Label(name.span, "and here")
                self.diagnostics[index] = replaced(first, labels=(*first.labels, more))
            return
        self._unknown[key] = len(self.diagnostics)
        self.report(
            "E0201",
            f"{what} `{name.text}`",
            name.span,
            scope,
            help_lines=help_lines,
            hint=suggestion(name.text, name.span, among),
        )

    @property
    def is_muted(self) -> bool:
        """Whether findings are not reported now."""
        return self._muted > 0

    @contextmanager
    def muted(self) -> Generator[None]:
        """What is found inside is not reported."""
        self._muted += 1
        try:
            yield
        finally:
            self._muted -= 1

    @contextmanager
    def only_weighing(self) -> Generator[None]:
        """What is named inside does not count as used."""
        was, self.weighing = self.weighing, True
        try:
            yield
        finally:
            self.weighing = was

    # Definitions

    def define(self, declared: Declared) -> core.Definition | None:
        """The checked definition; a circle of definitions is reported where it closes."""
        if declared.state == "new":
            was, self._muted, self.weighing = (self._muted, self.weighing), 0, False
            declared.state = "busy"
            self._define(self, declared)
            declared.state = "done"
            self._muted, self.weighing = was
        elif declared.state == "busy":
            scope = Scope(declared.source, declared.name)
            self.report(
                "E0203",
                f"`{declared.name}` depends on itself",
                declared.node.name.span,
                scope,
            )
        return declared.made

    def definition(self, name: str, *kinds: str, owner: str | None = None) -> Declared | None:
        """What the study declares under a name, if it is of one of the kinds.

        In its own definition a name means the component that it hides elsewhere.
        """
        found = self.declared.get(name)
        if found is None or name == owner or (kinds and found.kind not in kinds):
            return None
        return found

    def names(self, *kinds: str) -> list[str]:
        """Names of the definitions of some kinds."""
        return [name for name, one in self.declared.items() if one.kind in kinds]

    @cached_property
    def words(self) -> frozenset[str]:
        """Words that any parameter takes."""
        found = (one.type.words for s in self.catalog.signatures.values() for one in s.parameters)
        return frozenset(word for words in found for word in words)

    def catalog_has(self, name: str) -> bool:
        """Whether a component of any kind has a name."""
        return any(known == name for _, known in self.catalog.signatures)

    # Reading

    def read(self, expression: syntax.Expr, want: Want, place: Place) -> core.Core | None:
        """The value of an expression as its type asks; None after a finding."""
        self.watch.reads(expression, want, place)
        return self.readers[""](self, expression, want, place)

    def enter(self, slot: str, entry: Entry) -> None:
        """Note what stands at a slot."""
        self.entries.setdefault(slot, []).append(entry)

    def apart(self, place: Place, component: str) -> Place:
        """Where a stage stands: alternatives of one component share a slot, others do not."""
        first = self.stages.setdefault(place.slot, component)
        return place if first == component else place.at(f"{place.slot}~{component}")

    def enter_stage(self, place: Place, entry: Entry) -> None:
        """Note a stage of the method whose definition is being read."""
        if place.scope.inside is not None:
            self.enter(f"method {place.scope.inside}", entry)

    def use(self, slot: str, want: Want) -> None:
        """Note that the value of a definition's parameter is used as something."""
        name, _, parameter = slot.removesuffix(")").partition("(")
        known = self.declared[name].types.setdefault(parameter, [])
        if all(want.type != one.type for one in known):
            known.append(want)
