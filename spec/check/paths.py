"""Paths: from what a person writes to the slots it stands for.

The name after a method's is sought among the method's parameters, then among the stages written in
its definition and their arguments, then among arguments inside those, level by level: the first
level with a match decides.
"""

from collections.abc import Iterable, Iterator, Sequence

from lab.spec import core, syntax
from lab.spec.check.context import (
    NO_HINT,
    Context,
    Declared,
    Entry,
    Hint,
    Member,
    Scope,
    Want,
    suggestion,
)
from lab.spec.check.places import Hit, Node, children, reachable, roots_of, search
from lab.spec.check.schedules import declared_formals, parameter_want
from lab.spec.check.text import listed
from lab.spec.records import replaced
from lab.spec.signature import Type

ROOTS = {"method": "arm", "model": "model", "data": "data"}
DEEPEST = 8


def resolve(
    context: Context, path: syntax.Path, scope: Scope, *, arms: Sequence[str] | None = None
) -> list[Member]:
    """The slots of a path, none after a finding.

    Args:
        arms: the methods that `method.x` may mean; all of them where None.
    """
    head = path.names[0].text
    if head in ROOTS and head not in context.declared:
        return _of_root(context, path, scope, arms=arms)
    declared = context.definition(head)
    if declared is None:
        candidates = [*context.declared, *ROOTS]
        context.unknown(path.names[0], scope, what="unknown name", candidates=candidates)
        return []
    if len(path.names) == 1:
        return _whole(context, declared, path, scope)
    found = _within(context, declared, path.names[1:], scope)
    return [] if found is None else [found]


def axis_path(path: syntax.Path, members: Sequence[Member]) -> core.AxisPath:
    """A path with what it stands for."""
    slots = tuple(one.slot for one in members)
    return core.AxisPath(str(path), slots, path.span, owners_of(members))


def owners_of(members: Sequence[Member]) -> tuple[str, ...]:
    """The definition that has each member, none where a path starts at a declared name."""
    found = tuple(one.of for one in members)
    return found if any(found) else ()


def _whole(context: Context, declared: Declared, path: syntax.Path, scope: Scope) -> list[Member]:
    context.define(declared)
    if declared.kind in {"model", "data"}:
        slot = f"{declared.kind} {declared.name}"
        return [Member(slot, Want(Type(declared.kind), f"`{declared.name}`"))]
    if declared.kind == "let":
        return [Member(f"let {declared.name}", parameter_want(declared, ""))]
    message = f"`{declared.name}` is a {declared.kind}, and a path names something inside it"
    lines = [f"write `method: {declared.name}`"] if declared.kind == "method" else []
    context.report("E0501", message, path.span, scope, help_lines=lines)
    return []


def _of_root(
    context: Context, path: syntax.Path, scope: Scope, *, arms: Sequence[str] | None
) -> list[Member]:
    """`method`, `method.rank`: whichever the point's method has."""
    head = path.names[0].text
    if len(path.names) == 1:
        return [Member(head, Want(Type(ROOTS[head]), f"`{head}`"))]
    names = context.names(head)
    if head == "method" and arms is not None:
        names = [name for name in names if name in arms]
    found: list[Member] = []
    several = False
    for name in names:
        declared = context.declared[name]
        with context.muted():
            member = _within(context, declared, path.names[1:], scope)
        if member is not None:
            found.append(replaced(member, of=name))
        elif arms is not None and _has_several(context, declared, path.names[1].text):
            several = True  # not to be passed over: this arm would not be varied
            _within(context, declared, path.names[1:], scope)
    if not found and not several and not any(one.text in context.broken for one in path.names):
        known = {one for name in names for one in reachable(context, context.declared[name])}
        last = path.names[-1]
        hint = suggestion(last.text, last.span, sorted(known))
        if hint.edit is None and context.unsure.intersection(names):
            return []
        where = "no method here has" if head == "method" else f"no {head} has"
        context.report("E0501", f"{where} `{_text(path.names[1:])}`", path.span, scope, hint=hint)
    return found


def _has_several(context: Context, declared: Declared, name: str) -> bool:
    """Whether a definition has several of a name on one level."""
    if any(one.name == name for one in declared_formals(declared)):
        return False
    is_method = declared.kind == "method"
    return len(search(context, roots_of(context, declared), name, with_stages=is_method)) > 1


def inside_method(
    context: Context,
    declared: Declared,
    path: syntax.Path,
    *,
    parameters: Sequence[str],
    scope: Scope,
) -> Member | None:
    """What `name: value` in a call of a method sets."""
    del parameters
    return _within(context, declared, path.names, scope, code="E0312")


def _within(
    context: Context,
    declared: Declared,
    names: Sequence[syntax.Name],
    scope: Scope,
    *,
    code: str = "E0501",
) -> Member | None:
    context.define(declared)
    first, rest = names[0], names[1:]
    formal = next((one for one in declared_formals(declared) if one.name == first.text), None)
    if formal is not None:
        member: Member | None = Member(f"{declared.name}({first.text})", formal.want)
        context.watch.finds(declared, first, member, scope)
        entries = list(children(context, member))
    else:
        roots = roots_of(context, declared)
        hits = search(context, roots, first.text, with_stages=declared.kind == "method")
        member = _only(context, declared, hits, first, scope=scope, code=code)
        if member is None:
            return None
        entries = _below(context, roots, member, first.text)
    for name in rest:
        hits = search(context, [Node(entry, (), "") for entry in entries], name.text)
        member = _only(context, declared, hits, name, scope=scope, code=code)
        if member is None:
            return None
        entries = list(children(context, member))
    return member


def _below(context: Context, roots: Iterable[Node], member: Member, name: str) -> list[Entry]:
    """What is inside a match; a stage's name leads to the stage as written."""
    stages = [node.entry for node in roots if node.entry.label == name]
    if stages and stages[0].slot == member.slot:
        return stages
    return list(children(context, member))


def _only(
    context: Context,
    declared: Declared,
    hits: list[Hit],
    name: syntax.Name,
    *,
    scope: Scope,
    code: str,
) -> Member | None:
    """The one match; none and several are findings."""
    if len(hits) == 1:
        context.watch.finds(declared, name, hits[0].member, scope)
        return hits[0].member
    if hits:
        lines = [f"write `{'` or `'.join(_spellings(declared, hits))}`"]
        message = f"`{name.text}` means {len(hits)} things in `{declared.name}`"
        context.report("E0502", message, name.span, scope, help_lines=lines)
        return None
    if name.text in context.broken or declared.name in context.broken:
        return None
    known = list(reachable(context, declared))
    hint, line = _elsewhere(context, declared, name)
    if hint.edit is None:
        hint = suggestion(name.text, name.span, known)
    if hint.edit is None and not line and declared.name in context.unsure:
        return None
    lines = [line] if line else [f"`{declared.name}` has {listed(known)}"] if known else []
    what = "no parameter" if code == "E0312" else "nothing called"
    message = f"`{declared.name}` has {what} `{name.text}`"
    context.report(code, message, name.span, scope, hint=hint, help_lines=lines)
    return None


def _spellings(declared: Declared, hits: Iterable[Hit]) -> list[str]:
    made: list[str] = []
    for hit in hits:
        names = hit.trail if len(hit.trail) > 1 else (hit.stage, *hit.trail)
        made.append(".".join([declared.name, *names]))
    if len(set(made)) < len(made):
        made = [f"{declared.name}.{hit.stage}.{'.'.join(hit.trail)}" for hit in hits]
    return list(dict.fromkeys(made))


def _elsewhere(context: Context, declared: Declared, name: syntax.Name) -> tuple[Hint, str]:
    """Where a method that this one builds on has the name."""
    for other in builds_on(context, declared):
        with context.muted():
            found = _within(context, context.declared[other], (name,), Scope(declared.source))
        if found is not None:
            return NO_HINT, f"`{name.text}` belongs to `{other}`: write `{other}.{name.text}`"
    return NO_HINT, ""


def builds_on(context: Context, declared: Declared) -> list[str]:
    """Methods that a method's definition mentions, nearest first."""
    found: list[str] = []
    waiting = [declared.name]
    while waiting:
        one = context.declared[waiting.pop(0)]
        for name in _mentioned(one.node.value):
            known = context.definition(name, "method")
            if known is not None and name not in found and name != declared.name:
                found.append(name)
                waiting.append(name)
    return found


def _mentioned(expression: syntax.Expr) -> Iterator[str]:
    match expression:
        case syntax.Then(parts=parts) | syntax.Group(items=parts):
            for part in parts:
                yield from _mentioned(part)
        case syntax.Alternatives(options=options):
            for option in options:
                yield from _mentioned(option)
        case syntax.Path(names=(name,)):
            yield name.text
        case syntax.Call(function=function):
            yield function.names[0].text
        case _:
            return


def _text(names: Sequence[syntax.Name]) -> str:
    return ".".join(name.text for name in names)
