"""Schedules and losses: values with one algebra.

A schedule is a constant, a component such as `linear(a -> b)`, a declared schedule with arguments, or
pieces `A for D then B`; a loss is a component. Both add up, and a schedule scales either.
"""

from lab.spec import core, syntax
from lab.spec.check.arguments import Formal, bind, refuse_rest
from lab.spec.check.components import read_component
from lab.spec.check.context import (
    NUMBER,
    Context,
    Declared,
    Place,
    Scope,
    Want,
    head,
    unwrapped,
)
from lab.spec.check.limits import fitted
from lab.spec.check.quantities import described, is_numeric, quantity, refuse, unit_of, use_let
from lab.spec.signature import Type
from lab.spec.source import Span

SCHEDULE = Type("schedule")
DURATION = Want(Type("duration"), "`for`")


def read_schedule(
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
    if is_numeric(binary) and unit_of(context, binary, place) is not None:
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
    value = declared.node.value
    if is_numeric(value) or isinstance(value, syntax.Range):
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
    values: dict[str, core.Core] = {}
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


def parameter_want(declared: Declared, name: str) -> Want:
    """What a parameter, or with the empty name a `let`, is used as: the most telling of its uses."""
    uses = declared.types.get(name, [])
    telling = [one for one in uses if one.type.name != "number"]
    fallback = Type("schedule") if declared.kind == "schedule" else NUMBER
    found = (telling or uses or [Want(fallback, "")])[0]
    return Want(found.type, f"`{name or declared.name}`", found.info)


def read_loss(
    context: Context, expression: syntax.Expr, want: Want, place: Place
) -> core.Core | None:
    """A loss: components, sums of them, and schedules that scale them."""
    expression = unwrapped(expression)
    terms: list[core.Core] = []
    made = _loss(context, expression, want, place, terms=terms)
    return made


def _loss(
    context: Context, expression: syntax.Expr, want: Want, place: Place, *, terms: list[core.Core]
) -> core.Core | None:
    expression = unwrapped(expression)
    if isinstance(expression, syntax.Sign):
        inner = _loss(context, expression.operand, want, place, terms=terms)
        if inner is None or expression.op == "+":
            return inner
        return core.Arithmetic("*", core.Const(-1.0, expression.span), inner, expression.span)
    if not isinstance(expression, syntax.Binary):
        return _term(context, expression, want, place, terms=terms)
    if expression.op in ("+", "-"):
        left = _part(context, expression.left, want, place, terms=terms)
        right = _part(context, expression.right, want, place, terms=terms)
    else:
        left, right = _scaled(context, expression, want, place, terms=terms)
    if left is None or right is None:
        return None
    return core.Arithmetic(expression.op, left, right, expression.span)


def _part(
    context: Context, expression: syntax.Expr, want: Want, place: Place, *, terms: list[core.Core]
) -> core.Core | None:
    """One side of a sum, with slots of its own."""
    if isinstance(unwrapped(expression), syntax.Binary | syntax.Sign):
        return _loss(context, expression, want, place, terms=terms)
    return _own_slot(context, expression, want, place, terms=terms)


def _own_slot(
    context: Context, expression: syntax.Expr, want: Want, place: Place, *, terms: list[core.Core]
) -> core.Core | None:
    said = head(unwrapped(expression))
    name = said[0].names[-1].text if said else "term"
    slot = f"{place.slot}.{name}"
    if slot in context.entries:
        slot = f"{slot}#{len(terms)}"
    made = _term(context, expression, want, place.at(slot), terms=terms)
    for entry in context.entries.get(slot, []):
        context.enter(place.slot, entry)
    return made


def _scaled(
    context: Context, binary: syntax.Binary, want: Want, place: Place, *, terms: list[core.Core]
) -> tuple[core.Core | None, core.Core | None]:
    """The sides of a product or quotient: one is a loss, the other a schedule."""
    left_is, right_is = (is_loss(context, one, place) for one in (binary.left, binary.right))
    if left_is and right_is:
        context.report("E0411", "two losses cannot be multiplied", binary.span, place.scope)
        return None, None
    if not left_is and not right_is:
        message = f"{want.what} takes a loss, not {described(binary, place)}"
        context.report("E0411", message, binary.span, place.scope)
        return None, None
    if binary.op == "/" and right_is:
        context.report("E0411", "nothing can be divided by a loss", binary.span, place.scope)
        return None, None
    scale = Want(SCHEDULE, "the weight of a loss")
    weight = place.at(f"{place.slot}.weight#{len(terms)}")
    if left_is:
        left = _part(context, binary.left, want, place, terms=terms)
        return left, context.read(binary.right, scale, weight)
    return context.read(binary.left, scale, weight), _part(
        context, binary.right, want, place, terms=terms
    )


def is_loss(context: Context, expression: syntax.Expr, place: Place) -> bool:
    """Whether an expression has the form of a loss."""
    expression = unwrapped(expression)
    match expression:
        case syntax.Binary(left=left, right=right):
            return is_loss(context, left, place) or is_loss(context, right, place)
        case syntax.Sign(operand=operand):
            return is_loss(context, operand, place)
        case syntax.Alternatives(options=options):
            return any(is_loss(context, option, place) for option in options)
        case syntax.Path() | syntax.Call():
            said = head(expression)
            name = said[0].names[0].text if said else ""
            if name in place.scope.parameters:
                return False
            let = context.definition(name, "let")
            if let is not None:
                return is_loss(context, let.node.value, Place(Scope(let.source), ""))
            known = context.catalog.get("loss", name) is not None
            return known or (not context.catalog_has(name) and context.definition(name) is None)
        case _:
            return False


def _term(
    context: Context, expression: syntax.Expr, want: Want, place: Place, *, terms: list[core.Core]
) -> core.Core | None:
    expression = unwrapped(expression)
    if not isinstance(expression, syntax.Path | syntax.Call):
        if isinstance(expression, syntax.Alternatives):
            made = context.read(expression, want, place)
        else:
            message = f"{want.what} takes a loss, not {described(expression, place)}"
            context.report("E0411", message, expression.span, place.scope)
            return None
    elif isinstance(expression, syntax.Path) and _is_bare(context, expression, place):
        made = context.read(expression, want, place)
    else:
        made = read_component(context, expression, want, place)
    if made is not None:
        terms.append(made)
    return made


def _is_bare(context: Context, path: syntax.Path, place: Place) -> bool:
    name = path.names[0].text
    return name in place.scope.parameters or context.definition(name, "let") is not None
