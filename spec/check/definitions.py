"""Definitions: from syntax to checked values, each once, on first use."""

from lab.spec import core, syntax
from lab.spec.check.context import NUMBER, Context, Declared, Place, Scope, Want
from lab.spec.check.dimensions import Unit, name_of
from lab.spec.check.methods import read_method
from lab.spec.check.metrics import metric
from lab.spec.check.quantities import is_numeric, quantity
from lab.spec.check.schedules import parameter_want
from lab.spec.check.text import unwrapped
from lab.spec.signature import Type

METRIC = Want(Type("metric"), "a metric")


def define(context: Context, declared: Declared) -> None:
    """Check a definition and keep what it means."""
    node = declared.node
    scope = _scope(declared)
    unit: Unit | None = None
    better = None
    if node.kind == "method":
        value = read_method(context, node.value, Place(scope, declared.name))
    elif node.kind == "metric":
        found = metric(context, node.value, METRIC, Place(scope, f"metric {declared.name}"))
        value = None if found is None else found.core
        if found is not None:
            unit, better = found.unit, found.better
            context.metrics[declared.name] = (found.unit, found.open)
    elif node.kind == "let" and not declared.types.get(""):
        value = _unused(context, node.value, Place(scope, f"let {declared.name}"))
    else:
        slot = f"{node.kind} {declared.name}"
        value = context.read(node.value, _want(declared), Place(scope, slot))
    defaults = {one.name.text: _default(context, declared, one) for one in node.parameters}
    if value is None:
        value = _stand_in(context, declared)
    declared.made = core.Definition(
        kind=node.kind,
        name=declared.name,
        parameters=defaults,
        value=value,
        span=node.span,
        title=None if node.title is None else node.title.value,
        unit=name_of(unit),
        better=better,
    )


def _unused(context: Context, value: syntax.Expr, place: Place) -> core.Core | None:
    """A value that nothing uses has no type; it is a number or not looked into."""
    value = unwrapped(value)
    if not is_numeric(value) or isinstance(value, syntax.Path | syntax.Alternatives):
        return None
    found = quantity(context, value, Want(NUMBER, "this"), place)
    return None if found is None else found.core


def _stand_in(context: Context, declared: Declared) -> core.Core:
    """A value to go on with after a mistake, so that what the mistake touches can be counted."""
    span = declared.node.span
    if declared.kind != "method":
        return core.Const(0 if declared.kind in {"schedule", "metric"} else None, span)
    stages = (one for one in context.catalog.signatures.values() if one.kind == "stage")
    simple = [one for one in stages if not any(info.required for info in one.parameters)]
    if not simple:
        return core.Pipeline((), span)
    return core.Build("stage", simple[0].name, {}, f"{declared.name}#0", span)


def _scope(declared: Declared) -> Scope:
    node = declared.node
    return Scope(
        source=declared.source,
        subject=declared.name,
        owner=declared.name,
        parameters={one.name.text: f"{declared.name}({one.name.text})" for one in node.parameters},
        measured=node.kind == "metric",
        inside=declared.name if node.kind == "method" else None,
    )


def _want(declared: Declared) -> Want:
    kind = declared.kind
    if kind == "let":
        return parameter_want(declared, "")
    return Want(Type(kind), f"`{declared.name}`")


def _default(context: Context, declared: Declared, parameter: syntax.Parameter) -> core.Core | None:
    if parameter.default is None:
        return None
    name = parameter.name.text
    place = Place(Scope(declared.source, declared.name), f"{declared.name}({name})")
    if not declared.types.get(name) and declared.kind != "schedule":
        unused = _unused(context, parameter.default, place)
        return unused or core.Const(None, parameter.span)
    return context.read(parameter.default, parameter_want(declared, name), place)


def agree(context: Context, declared: Declared) -> None:
    """Check a definition's parameters, or a `let`, against all that its uses ask for."""
    for name, wants in declared.types.items():
        chosen = parameter_want(declared, name)
        parameter = next((one for one in declared.node.parameters if one.name.text == name), None)
        expression = declared.node.value if parameter is None else parameter.default
        if expression is None:
            continue
        for want in wants:
            if want.type not in (chosen.type, Type("number")):
                scope = Scope(declared.source, declared.name, owner=declared.name)
                context.read(expression, want, Place(scope, "elsewhere"))


def repeated(context: Context, declared: Declared) -> None:
    """Report parameters of one name."""
    seen: set[str] = set()
    for one in declared.node.parameters:
        if one.name.text in seen:
            scope = Scope(declared.source, declared.name)
            message = f"`{declared.name}` has two parameters `{one.name.text}`"
            context.report("E0202", message, one.name.span, scope)
        seen.add(one.name.text)
