"""Schedules: values with an algebra.

A schedule is a constant, a component such as `linear(a -> b)`, a declared schedule with arguments,
or pieces `A for D then B`. Schedules add up and multiply.
"""

from collections.abc import Iterator

from lab.spec import core, syntax
from lab.spec.check.arguments import Formal, bind, missing, refuse_rest
from lab.spec.check.components import read_component
from lab.spec.check.context import NUMBER, Context, Declared, Place, Scope, Want
from lab.spec.check.limits import fitted
from lab.spec.check.quantities import is_numeric, quantity, refuse, unit_of, use_let
from lab.spec.check.text import head, unwrapped
from lab.spec.signature import Type
from lab.spec.source import Span

SCHEDULE = Type("schedule")
DURATION = Want(Type("duration"), "`for`")


def read_schedule(  # noqa: PLR0911 - one return for each form
    context: Context, expression: syntax.Expr, want: Want, place: Place
) -> core.Core | None:
    """A schedule, or the number that is one which never changes."""
    expression = unwrapped(expression)
    match expression:
        case syntax.Then(parts=parts):
            return _pieces(context, parts, want, place, span=expression.span)
        case syntax.Lasting():
            message = "a piece with `for` is followed by `then` and what comes after it"
            context.report("E0411", message, expression.span, place.scope)
            return None
        case syntax.Arrow():
            message = "`->` stands inside a schedule"
            lines = ["write `linear(a -> b)` or `cosine(a -> b)`"]
            context.report("E0411", message, expression.span, place.scope, help_lines=lines)
            return None
        case syntax.Binary() if not _is_constant(expression):
            return _combination(context, expression, want, place)
        case syntax.Sign(op=op, operand=operand) if not _is_constant(operand):
            inner = context.read(operand, want, place)
            if inner is None or op == "+":
                return inner
            minus = core.Const(-1.0, expression.span)
            return core.Arithmetic("*", minus, inner, expression.span)
        case syntax.Path() | syntax.Call():
            return _called(context, expression, want, place)
        case _:
            found = quantity(context, expression, want, place)
            return None if found is None else fitted(context, found, want, place)


def _is_constant(expression: syntax.Expr) -> bool:
    expression = unwrapped(expression)
    match expression:
        case syntax.Number():
            return True
        case syntax.Sign(operand=inner):
            return _is_constant(inner)
        case syntax.Binary(left=left, right=right):
            return _is_constant(left) and _is_constant(right)
        case _:
            return False


def _combination(
    context: Context, binary: syntax.Binary, want: Want, place: Place
) -> core.Core | None:
    unit = None
    if is_number(context, binary, place):
        unit = unit_of(context, binary, place)
    if unit is not None:
        found = quantity(context, binary, want, place)
        return None if found is None else fitted(context, found, want, place)
    part = Want(want.type, want.what)
    left = context.read(binary.left, part, place.at(f"{place.slot}#0"))
    right = context.read(binary.right, part, place.at(f"{place.slot}#1"))
    _gather(context, place, 2)
    if left is None or right is None:
        return None
    return core.Arithmetic(binary.op, left, right, binary.span)


def _pieces(
    context: Context,
    parts: tuple[syntax.Expr, ...],
    want: Want,
    place: Place,
    *,
    span: Span,
) -> core.Core | None:
    pieces: list[tuple[core.Core, core.Core | None]] = []
    for i, part in enumerate(parts):
        expression = unwrapped(part)
        lasting = expression if isinstance(expression, syntax.Lasting) else None
        if lasting is None and i + 1 < len(parts):
            message = "every piece of a schedule but the last says how long it lasts"
            lines = ["write `value for 30%`"]
            context.report("E0411", message, part.span, place.scope, help_lines=lines)
        value = lasting.value if lasting else expression
        read = context.read(value, Want(want.type, want.what), place.at(f"{place.slot}#{i}"))
        length = None if lasting is None else context.read(lasting.duration, DURATION, place)
        if read is not None:
            pieces.append((read, length))
    _gather(context, place, len(parts))
    return core.Pieces(tuple(pieces), span) if pieces else None


def _gather(context: Context, place: Place, count: int) -> None:
    """What stands in the parts of a value stands in it."""
    for i in range(count):
        for entry in context.entries.get(f"{place.slot}#{i}", []):
            context.enter(place.slot, entry)


def _called(
    context: Context, expression: syntax.Path | syntax.Call, want: Want, place: Place
) -> core.Core | None:
    said = head(expression)
    if said is None or len(said[0].names) != 1:
        refuse(context, expression, want, place)
        return None
    path, arguments = said
    name = path.names[0].text
    declared = context.definition(name, "schedule", "let", owner=place.scope.owner)
    if declared is not None and declared.kind == "schedule":
        return schedule_call(context, declared, arguments, span=expression.span, place=place)
    if declared is not None:
        return _let(context, declared, path, want=want, place=place)
    signature = context.catalog.get("schedule", name)
    if signature is not None:
        return read_component(context, expression, Want(SCHEDULE, want.what), place)
    if context.definition(name) is None and not context.catalog_has(name):
        known = [*context.catalog.names("schedule"), *context.names("schedule", "let")]
        candidates = [*known, *place.scope.parameters]
        context.unknown(path.names[0], place.scope, what="unknown name", candidates=candidates)
        return None
    refuse(context, expression, want, place)
    return None


def _let(
    context: Context, declared: Declared, path: syntax.Path, *, want: Want, place: Place
) -> core.Core | None:
    value, inside = declared.node.value, Place(Scope(declared.source), f"let {declared.name}")
    if is_number(context, value, inside) or isinstance(value, syntax.Range):
        found = quantity(context, path, want, place)
        return None if found is None else fitted(context, found, want, place)
    use_let(context, declared.name, Want(SCHEDULE, want.what))
    slot = f"let {declared.name}"
    context.aliases.setdefault(place.slot, []).append(slot)
    return core.Reference(slot, path.span)


def schedule_call(
    context: Context,
    declared: Declared,
    arguments: tuple[syntax.Argument, ...],
    *,
    span: Span,
    place: Place,
) -> core.Core:
    """A declared schedule with values for its parameters."""
    context.define(declared)
    parameters = declared_formals(declared)
    bound = bind(context, arguments, parameters, callee=declared.name, span=span, place=place)
    names = [one.name for one in parameters]
    refuse_rest(context, bound, names, callee=declared.name, place=place)
    values = missing(context, bound, parameters, callee=declared.name, span=span)
    for name, given in bound.given.items():
        value = context.read(given.value, given.formal.want, place.child(name))
        if value is not None:
            values[name] = value
    return core.ScheduleCall(declared.name, values, span)


def declared_formals(declared: Declared) -> list[Formal]:
    """Parameters of a definition: typed by how it uses them."""
    return [
        Formal(
            one.name.text,
            parameter_want(declared, one.name.text),
            one.name.text,
            required=one.default is None,
            positional=True,
        )
        for one in declared.node.parameters
    ]


def is_number(
    context: Context, expression: syntax.Expr, place: Place, seen: frozenset[str] = frozenset()
) -> bool:
    """Whether an expression has the form of a number, and so has every `let` that it names."""
    if not is_numeric(expression):
        return False
    for name in _names(expression):
        declared = context.definition(name, "let")
        if name in place.scope.parameters or declared is None or name in seen:
            continue
        if isinstance(declared.node.value, syntax.Range):
            continue
        inside = Place(Scope(declared.source), f"let {name}")
        if not is_number(context, declared.node.value, inside, seen | {name}):
            return False
    return True


def _names(expression: syntax.Expr) -> Iterator[str]:
    match unwrapped(expression):
        case syntax.Path(names=(name,)):
            yield name.text
        case syntax.Sign(operand=inner):
            yield from _names(inner)
        case syntax.Binary(left=left, right=right):
            yield from (*_names(left), *_names(right))
        case syntax.Alternatives(options=options):
            yield from (name for option in options for name in _names(option))
        case _:
            return


def parameter_want(declared: Declared, name: str) -> Want:
    """What a parameter, or under the empty name a `let`, is used as: the most telling use."""
    uses = declared.types.get(name, [])
    single = [one for one in uses if one.type != SCHEDULE] or uses
    telling = [one for one in single if one.type.name != "number"]
    fallback = Type("schedule") if declared.kind == "schedule" else NUMBER
    found = (telling or single or [Want(fallback, "")])[0]
    return Want(found.type, f"`{name or declared.name}`", found.info)
