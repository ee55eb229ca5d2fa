"""Calls of components: which one a name means, and what its arguments are."""

from lab.spec import core, syntax
from lab.spec.check.arguments import Bound, Formal, Given, bind, formals, refuse_rest, wanted
from lab.spec.check.context import Context, Entry, Member, Place, Want
from lab.spec.check.dimensions import called
from lab.spec.check.quantities import described
from lab.spec.check.text import head, text_of, unwrapped
from lab.spec.signature import Signature
from lab.spec.source import Span
from lab.spec.values import Value


def read_component(
    context: Context, expression: syntax.Expr, want: Want, place: Place
) -> core.Core | None:
    """A component of the wanted kind, or a declared model or data source."""
    expression = unwrapped(expression)
    kind = want.type.name
    said = head(expression)
    if said is None or len(said[0].names) != 1:
        message = f"{want.what} takes {called(kind)}, not {described(expression, place)}"
        context.report("E0401", message, expression.span, place.scope)
        return None
    path, arguments = said
    name = path.names[0].text
    declared = context.definition(name, owner=place.scope.owner)
    if declared is not None:
        return _declared(context, path, arguments, want=want, place=place)
    signature = context.catalog.get(kind, name)
    if signature is None:
        _refuse_name(context, path.names[0], want, place)
        return None
    return _each_arrow(context, signature, arguments, span=expression.span, place=place)


def _declared(
    context: Context,
    path: syntax.Path,
    arguments: tuple[syntax.Argument, ...],
    *,
    want: Want,
    place: Place,
) -> core.Core | None:
    declared = context.declared[path.names[0].text]
    if declared.kind != want.type.name or declared.kind not in {"model", "data"}:
        found = f"`{declared.name}` is {called(declared.kind)}"
        message = f"{want.what} takes {called(want.type.name)}, and {found}"
        context.report("E0401", message, path.span, place.scope)
        return None
    if arguments:
        lines = [f"declare another {declared.kind}, or set a path such as `{declared.name}.…`"]
        message = f"the {declared.kind} `{declared.name}` takes no arguments"
        context.report("E0304", message, arguments[0].span, place.scope, help_lines=lines)
    context.define(declared)
    kind = "model" if declared.kind == "model" else "data"
    if place.scope.inside is not None or place.scope.measured:
        context.named_by_stages.add(declared.name)
    context.aliases.setdefault(place.slot, []).append(f"{kind} {declared.name}")
    return core.Named(kind, declared.name, path.span)


def _refuse_name(context: Context, name: syntax.Name, want: Want, place: Place) -> None:
    kind = want.type.name
    others = [other for other, known in context.catalog.signatures if known == name.text]
    named = [one for one in context.names(kind) if one != place.scope.owner]
    fits = [*context.catalog.names(kind), *want.type.words, *named]
    fits += ["none"] if want.type.optional else []
    if others or name.text in {"method", "model", "data"}:
        found = called(others[0]) if others else "a word of the language"
        message = f"{want.what} takes {called(kind)}, and `{name.text}` is {found}"
        context.report("E0401", message, name.span, place.scope)
        return
    lines = [f"{want.what} takes {called(kind)}: {', '.join(fits)}"] if fits else []
    candidates = [*fits, *place.scope.parameters, *context.names("let")]
    what = f"unknown {kind}"
    context.unknown(name, place.scope, what=what, candidates=candidates, help_lines=lines)


def _each_arrow(
    context: Context,
    signature: Signature,
    arguments: tuple[syntax.Argument, ...],
    *,
    span: Span,
    place: Place,
) -> core.Core:
    """`linear(a -> b | c -> d)`: ends that belong together make alternatives of the whole."""
    first = unwrapped(arguments[0].value) if arguments else None
    is_arrow = isinstance(first, syntax.Alternatives) and any(
        isinstance(unwrapped(option), syntax.Arrow) for option in first.options
    )
    if not isinstance(first, syntax.Alternatives) or not is_arrow or arguments[0].name is not None:
        return build(context, signature, arguments, span=span, place=place)
    pairs = [one for one in first.options if isinstance(unwrapped(one), syntax.Arrow)]
    for one in first.options:
        if one not in pairs:
            message = "`|` separates whole pairs here, and this is none"
            lines = [f"alternatives of one end: `{signature.name}(a -> (b | c))`"]
            context.report("E0411", message, one.span, place.scope, help_lines=lines)
    options = tuple(
        build(
            context,
            signature,
            (syntax.Argument(None, option, option.span), *arguments[1:]),
            span=span,
            place=place,
        )
        for option in pairs
    )
    source = place.scope.source
    texts = tuple(f"{signature.name}({text_of(source, one.span)})" for one in pairs)
    return core.Choice(options, texts, span)


def build(
    context: Context,
    signature: Signature,
    arguments: tuple[syntax.Argument, ...],
    *,
    span: Span,
    place: Place,
) -> core.Build:
    """A component with its arguments; those with a mistake are left out."""
    parameters = formals(signature)
    bound = bind(context, arguments, parameters, callee=signature.name, span=span, place=place)
    take_mapped(bound, parameters)
    names = [one.name for one in parameters if not one.want.type.mapping]
    refuse_rest(context, bound, names, callee=signature.name, place=place)
    values = read_bound(context, bound, place)
    members = members_of(signature, place.slot)
    members |= {
        name: Member(f"{place.slot}.{name}", given.formal.want.one())
        for name, given in bound.given.items()
        if given.formal.want.type.mapping
    }
    entry = Entry(signature.name, place.slot, members, set=place.scope.sets)
    context.enter(place.slot, entry)
    return core.Build(signature.kind, signature.name, values, place.slot, span)


def take_mapped(bound: Bound, parameters: list[Formal]) -> None:
    """Give the arguments that no parameter has to the parameter that takes all others."""
    mapping = next((one for one in parameters if one.want.type.mapping), None)
    if mapping is None:
        return
    kept: list[syntax.Argument] = []
    for argument in bound.rest:
        name = argument.name
        text = name.value if isinstance(name, syntax.Text) else str(name)
        if text in bound.given or (isinstance(name, syntax.Path) and len(name.names) > 1):
            kept.append(argument)
            continue
        bound.given[text] = Given(text, mapping, argument.value)
    bound.rest = kept


def read_bound(context: Context, bound: Bound, place: Place) -> dict[str, core.Core]:
    """Values of bound arguments, each at its slot; those with a mistake are left out."""
    values: dict[str, core.Core] = {}
    for name, given in bound.given.items():
        want = given.formal.want
        if want.type.mapping:
            want = Want(want.one().type, f"`{name}`")
        slot = given.formal.slot if name == given.formal.name else name
        value = context.read(given.value, want, place.child(slot))
        if value is not None:
            values[name] = value
    return values


def members_of(signature: Signature, slot: str) -> dict[str, Member]:
    """What a path can name inside a component at a slot."""
    return {
        info.name: Member(f"{slot}.{info.name}", wanted(info))
        for info in signature.parameters
        if not info.type.mapping
    }


def implied(context: Context, member: Member) -> Entry | None:
    """The component that stands at a slot by default."""
    default: Value = None if member.want.info is None else member.want.info.default
    if not isinstance(default, dict) or "component" not in default:
        return None
    signature = context.catalog.get(str(default["kind"]), str(default["component"]))
    if signature is None:
        return None
    return Entry(signature.name, member.slot, members_of(signature, member.slot))
