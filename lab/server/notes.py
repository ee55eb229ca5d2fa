"""What was heard of a check: every expression's type, every call's parameters, every path."""

from collections.abc import Sequence
from dataclasses import dataclass

from lab.spec import syntax
from lab.spec.check import Checked, check
from lab.spec.check.arguments import Formal
from lab.spec.check.context import Context, Declared, Member, Place, Scope, Want
from lab.spec.check.gather import Load, beside
from lab.spec.check.watch import Watch
from lab.spec.parser import Parsed
from lab.spec.signature import Catalog
from lab.spec.source import Source, Span


@dataclass(frozen=True, slots=True)
class Bound:
    """A call, and the parameters that its arguments were matched with."""

    callee: str
    parameters: tuple[Formal, ...]
    span: Span
    source: str


class Notes(Watch):
    """All that a check said.

    `wants` has the first type that an expression was read as, and its place; `finds` what a name on
    a path is, once for each method that `method.x` may mean; `misses` what would have fit.
    """

    context: Context
    parsed: Parsed

    def __init__(self) -> None:
        self.wants: dict[int, tuple[Want, Place]] = {}
        self.read: list[tuple[Span, Want, Place]] = []
        self.calls: dict[Span, list[Bound]] = {}
        self.finds_of: dict[int, list[tuple[Declared, Member]]] = {}
        self.missed: list[tuple[Span, str, tuple[str, ...]]] = []

    def begins(self, context: Context, parsed: Parsed) -> None:
        """Keep what was read."""
        self.context, self.parsed = context, parsed

    def reads(self, expression: syntax.Expr, want: Want, place: Place) -> None:
        """Keep the type of an expression."""
        self.wants.setdefault(id(expression), (want, place))
        self.read.append((expression.span, want, place))

    def binds(self, callee: str, parameters: Sequence[Formal], span: Span, place: Place) -> None:
        """Keep the parameters of a call."""
        made = Bound(callee, tuple(parameters), span, place.scope.source.name)
        self.calls.setdefault(span, []).append(made)

    def finds(self, declared: Declared, name: syntax.Name, member: Member, scope: Scope) -> None:
        """Keep what a name on a path is."""
        del scope
        self.finds_of.setdefault(id(name), []).append((declared, member))

    def misses(self, span: Span, candidates: Sequence[str], scope: Scope) -> None:
        """Keep what would have fit."""
        self.missed.append((span, scope.source.name, tuple(candidates)))


@dataclass(frozen=True)
class Analysis:
    """One text, checked, with what was heard of it.

    `given` are the components that it was checked against, `load` is how it read other files.
    """

    source: Source
    checked: Checked
    notes: Notes
    given: Catalog
    load: Load

    @property
    def context(self) -> Context:
        """The state in which the check ended."""
        return self.notes.context

    @property
    def catalog(self) -> Catalog:
        """All components of the text: those that ship with `lab`, and those of its files."""
        return self.checked.catalog

    @property
    def declarations(self) -> tuple[syntax.Declaration, ...]:
        """Declarations that could be read."""
        return self.notes.parsed.module.declarations

    def call(self, span: Span) -> Bound | None:
        """The call at a span."""
        found = self.notes.calls.get(span, ())
        return next((one for one in found if one.source == self.source.name), None)


def analyze(source: Source, catalog: Catalog, *, load: Load | None = None) -> Analysis:
    """Check a text and listen."""
    notes = Notes()
    reads = load or beside(source)
    checked = check(source, catalog, load=reads, watch=notes)
    return Analysis(source, checked, notes, catalog, reads)
