"""Every name in a text, and what it means.

A bare word is a parameter in scope, else a word of the type that its place asks for, else a
declared name, else a component: the rule is the checker's, and so are the types.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lab.server.notes import Analysis
from lab.spec import syntax
from lab.spec.check.arguments import Formal
from lab.spec.check.context import Want
from lab.spec.check.values import word_value
from lab.spec.signature import ParameterInfo, Signature
from lab.spec.source import Span
from lab.spec.units import UNITS

_ROOTS = ("method", "model", "data")
_BLOCKS = (syntax.Grid, syntax.Search, syntax.Claim, syntax.Profile)


@dataclass(frozen=True, slots=True)
class Target:
    """What a name means: equal for names of one thing.

    `kind` is `definition`, `parameter` (of a definition), `block`, `seed`, `component`, `argument`
    (of a component), `stage`, `word`, `unit` or `root`.
    """

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A name in the text. `known` is what the catalog has of it; `defines`: it is named here."""

    span: Span
    target: Target
    defines: bool = False
    known: Signature | ParameterInfo | None = None
    want: Want | None = None


@dataclass(frozen=True)
class Index:
    """The names of a text in their order."""

    occurrences: tuple[Occurrence, ...]
    starts: tuple[int, ...]

    def at(self, offset: int) -> Occurrence | None:
        """The name at an offset, its end included."""
        last = bisect_right(self.starts, offset) - 1
        for one in self.occurrences[max(0, last - 1) : last + 1][::-1]:
            if one.span.start <= offset <= one.span.end:
                return one
        return None

    def of(self, target: Target) -> list[Occurrence]:
        """Where a thing is named."""
        return [one for one in self.occurrences if one.target == target]


def index_of(analysis: Analysis) -> Index:
    """The index of a checked text."""
    walker = _Walker(analysis)
    found: dict[Span, Occurrence] = {}
    for declaration in analysis.declarations:
        for one in walker.declaration(declaration):
            found.setdefault(one.span, one)
    ordered = sorted(found.values(), key=lambda one: one.span.start)
    return Index(tuple(ordered), tuple(one.span.start for one in ordered))


@dataclass(frozen=True)
class _Scope:
    """Parameters in scope by name, and the definition whose own name means a component."""

    parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    owner: str | None = None


class _Walker:
    """One pass over the syntax."""

    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis
        self.context = analysis.context
        self.notes = analysis.notes
        self.by_name: dict[str, list[Signature]] = {}
        for (_, name), signature in analysis.catalog.signatures.items():
            self.by_name.setdefault(name, []).append(signature)

    # Declarations

    def declaration(self, node: syntax.Declaration) -> Iterator[Occurrence]:
        match node:
            case syntax.Definition():
                yield from self._definition(node)
            case syntax.Grid() | syntax.Search() | syntax.Profile():
                yield self._block(node)
                yield from self._entries(node.entries)
            case syntax.Claim():
                yield from self._claim(node)
            case syntax.Report(items=items) | syntax.Budget(amounts=items):
                for item in items:
                    yield from self.expression(item, _Scope())
            case syntax.Repeat():
                yield from self._entries((node,))
            case syntax.Study(name=name):
                yield Occurrence(name.span, Target("study", name.text), defines=True)
            case syntax.Use(file=file):
                yield Occurrence(file.span, Target("file", file.value))

    def _definition(self, node: syntax.Definition) -> Iterator[Occurrence]:
        owner = node.name.text
        yield Occurrence(node.name.span, Target("definition", owner), defines=True)
        parameters: dict[str, str] = {}
        for one in node.parameters:
            slot = parameters[one.name.text] = f"{owner}({one.name.text})"
            yield Occurrence(one.name.span, Target("parameter", slot), defines=True)
            if one.default is not None:
                yield from self.expression(one.default, _Scope(owner=owner))
        yield from self.expression(node.value, _Scope(parameters, owner))

    def _block(
        self, node: syntax.Grid | syntax.Search | syntax.Profile | syntax.Claim
    ) -> Occurrence:
        kind = type(node).__name__.lower()
        target = Target("block", f"{kind} {node.name.text}")
        return Occurrence(node.name.span, target, defines=True)

    def _claim(self, node: syntax.Claim) -> Iterator[Occurrence]:
        yield self._block(node)
        for expression in (node.condition, node.where, node.level):
            if expression is not None:
                yield from self.expression(expression, _Scope())
        for over in node.over:
            for path in over.paths:
                yield from self.expression(path, _Scope())
        for name in node.paired:
            yield self._seed(name)

    def _entries(self, entries: Sequence[object]) -> Iterator[Occurrence]:
        for node in entries:
            match node:
                case syntax.Axis(paths=paths, value=value):
                    for one in (*paths, value):
                        yield from self.expression(one, _Scope())
                case syntax.Repeat():
                    yield from self._repeat(node)
                case syntax.Filter(condition=one) | syntax.Trials(count=one):
                    yield from self.expression(one, _Scope())
                case syntax.Goal(metric=metric, constraint=constraint):
                    yield from self.expression(metric, _Scope())
                    if constraint is not None:
                        yield from self.expression(constraint, _Scope())
                case syntax.Claim() | syntax.Grid() | syntax.Budget():
                    yield from self.declaration(node)
                case _:
                    continue

    def _repeat(self, node: syntax.Repeat) -> Iterator[Occurrence]:
        yield from self.expression(node.count, _Scope())
        if node.until is not None:
            yield from self.expression(node.until, _Scope())
            match node.until:
                case syntax.Comparison(left=syntax.Call(function=interval)):
                    yield Occurrence(interval.span, Target("word", str(interval)))
                case _:
                    pass
        if node.seed is not None:
            target = Target("seed", node.seed.text)
            yield Occurrence(node.seed.span, target, defines=True)
        for name in node.vary:
            yield Occurrence(name.span, Target("word", name.text))

    def _seed(self, name: syntax.Name) -> Occurrence:
        kind = "seed" if name.text in self.context.seeds else "word"
        return Occurrence(name.span, Target(kind, name.text))

    # Expressions

    def expression(self, node: syntax.Expr, scope: _Scope) -> Iterator[Occurrence]:
        """Names in an expression."""
        match node:
            case syntax.Path():
                yield from self._path(node, node, scope)
            case syntax.Call():
                yield from self._path(node.function, node, scope)
                yield from self._arguments(node, scope)
            case syntax.Number(unit=syntax.Name() as unit) if unit.text in UNITS:
                yield Occurrence(unit.span, Target("unit", unit.text))
            case _:
                for child in _children(node):
                    yield from self.expression(child, scope)

    def _path(self, path: syntax.Path, whole: syntax.Expr, scope: _Scope) -> Iterator[Occurrence]:
        first = path.names[0]
        head = self._head(first, whole, scope, dotted=len(path.names) > 1)
        if head is not None:
            yield head
        for name in path.names[1:]:
            if head is not None and head.target == Target("block", f"search {first.text}"):
                yield Occurrence(name.span, Target("word", name.text))
            yield from self._found(name)

    def _head(  # noqa: PLR0911 - one return for each thing a word can be
        self, name: syntax.Name, whole: syntax.Expr, scope: _Scope, *, dotted: bool
    ) -> Occurrence | None:
        text, span = name.text, name.span
        noted = self.notes.wants.get(id(whole))
        want = None if noted is None else noted[0]
        if text in scope.parameters and not dotted:
            return Occurrence(span, Target("parameter", scope.parameters[text]), want=want)
        if want is not None and not dotted and word_value(text, want) is not None:
            return Occurrence(span, Target("word", text), want=want)
        declared = self.context.declared.get(text)
        if declared is not None and text != scope.owner:
            return Occurrence(span, Target("definition", text), want=want)
        if dotted and text in self.context.searches:
            return Occurrence(span, Target("block", f"search {text}"))
        if text in _ROOTS:
            return Occurrence(span, Target("root", text))
        signature = self._component(text, whole, want)
        if signature is not None:
            target = Target("component", f"{signature.kind} {text}")
            return Occurrence(span, target, known=signature, want=want)
        if text in self.context.seeds:
            return Occurrence(span, Target("seed", text))
        is_curve = want is not None and want.type.name == "curve"
        return Occurrence(span, Target("word", text), want=want) if is_curve else None

    def _component(self, name: str, whole: syntax.Expr, want: Want | None) -> Signature | None:
        """The component that a name means; of several, the one whose parameters were matched."""
        known = self.by_name.get(name, [])
        bound = self.analysis.call(whole.span)
        if bound is not None:
            infos = {id(one.want.info) for one in bound.parameters}
            for one in known:
                if any(id(info) in infos for info in one.parameters):
                    return one
        if want is not None:
            for one in known:
                if one.kind == want.type.name:
                    return one
        return known[0] if known else None

    def _arguments(self, call: syntax.Call, scope: _Scope) -> Iterator[Occurrence]:
        bound = self.analysis.call(call.span)
        formals = {} if bound is None else {one.name: one for one in bound.parameters}
        callee = "" if bound is None else bound.callee
        #: The one that takes every label, where a component has such.
        labeled = next((one for one in formals.values() if one.want.type.mapping), None)
        for argument in call.arguments:
            if isinstance(argument.name, syntax.Path):
                first = argument.name.names[0]
                formal = formals.get(first.text, labeled)
                if formal is not None and len(argument.name.names) == 1:
                    yield self._formal(first, formal, callee)
                else:
                    for name in argument.name.names:
                        yield from self._found(name)
            yield from self.expression(argument.value, scope)

    def _formal(self, name: syntax.Name, formal: Formal, callee: str) -> Occurrence:
        declared = self.context.declared.get(callee)
        own = () if declared is None else [one.name.text for one in declared.node.parameters]
        info = formal.want.info
        if name.text in own and (info is None or self.owner_of(info) is None):
            target = Target("parameter", f"{callee}({name.text})")
            return Occurrence(name.span, target, want=formal.want)
        return self._argument(name, formal.want)

    def _argument(self, name: syntax.Name, want: Want) -> Occurrence:
        info = want.info
        owner = None if info is None else self.owner_of(info)
        shown = name.text if owner is None else f"{owner.kind} {owner.name}.{name.text}"
        return Occurrence(name.span, Target("argument", shown), known=info, want=want)

    def owner_of(self, info: ParameterInfo) -> Signature | None:
        """The component that a parameter belongs to."""
        for signature in self.analysis.catalog.signatures.values():
            if any(one is info for one in signature.parameters):
                return signature
        return None

    def _found(self, name: syntax.Name) -> Iterator[Occurrence]:
        for declared, member in self.notes.finds_of.get(id(name), [])[:1]:
            if member.slot == f"{declared.name}({name.text})":
                yield Occurrence(name.span, Target("parameter", member.slot), want=member.want)
            elif member.want.type.name == "stage":
                known = next(iter(self.by_name.get(name.text, [])), None)
                stage = Target("stage", f"{declared.name}.{name.text}")
                if name.text in self.context.declared:
                    stage = Target("definition", name.text)
                yield Occurrence(name.span, stage, known=known, want=member.want)
            else:
                yield self._argument(name, member.want)


def _children(node: syntax.Expr) -> tuple[syntax.Expr, ...]:  # noqa: PLR0911 - one for each form
    match node:
        case syntax.ListOf(items=items) | syntax.Group(items=items):
            return items
        case syntax.Alternatives(options=items) | syntax.Then(parts=items):
            return items
        case syntax.Logic(operands=items):
            return items
        case syntax.Lasting(value=value, duration=duration):
            return (value, duration)
        case syntax.Range(start=start, stop=stop, by=by):
            return (start, stop) if by is None else (start, stop, by)
        case syntax.Arrow(start=start, stop=stop):
            return (start, stop)
        case syntax.Binary(left=left, right=right) | syntax.Comparison(left=left, right=right):
            return (left, right)
        case syntax.Sign(operand=operand) | syntax.Not(operand=operand):
            return (operand,)
        case _:
            return ()
