"""Names: what a study and the files it uses declare."""

from collections.abc import Callable
from pathlib import Path, PurePosixPath

from lab.spec import syntax
from lab.spec.catalog import read_files
from lab.spec.check.context import Context, Declared, Scope
from lab.spec.diagnostics import Label
from lab.spec.files import read_source
from lab.spec.parser import Parsed, parse
from lab.spec.source import Source
from lab.spec.syntax import Definition

#: The text of a file that a study names, or None where there is none.
Load = Callable[[str], Source | None]

KEYWORDS = frozenset({"method", "model", "data"})


def beside(source: Source) -> Load:
    """Files beside a study's own."""
    folder = Path(source.name).parent

    def load(name: str) -> Source | None:
        found = read_source(folder / PurePosixPath(name))
        return found if isinstance(found, Source) else None

    return load


def gather(context: Context, parsed: Parsed, source: Source, load: Load) -> None:
    """Note every declaration of a study and of the files it uses."""
    context.diagnostics += parsed.diagnostics
    context.broken |= parsed.broken
    _declare(context, parsed, source)
    _use(context, parsed, source, load=load, chain=(source.name,))


def _declare(context: Context, parsed: Parsed, source: Source) -> None:
    blocks: dict[tuple[str, str], syntax.Name] = {}
    for node in parsed.module.declarations:
        if isinstance(node, Definition):
            _define(context, node, source)
        elif isinstance(node, syntax.Grid | syntax.Search | syntax.Claim | syntax.Profile):
            family = (
                "block" if isinstance(node, syntax.Grid | syntax.Search) else type(node).__name__
            )
            first = blocks.setdefault((family, node.name.text), node.name)
            if first is not node.name:
                _twice(context, node.name, Scope(source, node.name.text), first)
            if isinstance(node, syntax.Search):
                context.searches[node.name.text] = node


def _define(context: Context, node: Definition, source: Source) -> None:
    scope = Scope(source, node.name.text)
    known = context.declared.get(node.name.text)
    if node.name.text in KEYWORDS:
        message = f"`{node.name.text}` is a word of the language and no name"
        context.report("E0108", message, node.name.span, scope)
    elif known is None:
        context.declared[node.name.text] = Declared(node, source)
    elif known.source is source:
        _twice(context, node.name, scope, known.node.name)
    else:
        own = known.source is context.source
        name, other = (known.node.name, source) if own else (node.name, known.source)
        message = f"`{name.text}` is defined in {other.name} too"
        context.report(
            "E0704", message, name.span, Scope(known.source if own else source, name.text)
        )


def _twice(context: Context, name: syntax.Name, scope: Scope, first: syntax.Name) -> None:
    also = [Label(first.span, "first here")]
    context.report("E0202", f"`{name.text}` is defined twice", name.span, scope, also=also)


def _use(
    context: Context, parsed: Parsed, source: Source, *, load: Load, chain: tuple[str, ...]
) -> None:
    for node in parsed.module.declarations:
        if not isinstance(node, syntax.Use):
            continue
        scope = Scope(source)
        found = load(node.file.value)
        if found is None:
            message = f"the file {node.file.value} cannot be read"
            lines = ["it is sought beside the study"]
            context.report("E0701", message, node.file.span, scope, help_lines=lines)
            _stay_silent(context)
        elif found.name in chain:
            message = f"{node.file.value} uses this file in turn"
            context.report("E0703", message, node.file.span, scope)
        elif node.file.value.endswith(".py"):
            reading = read_files([found], builtin=context.catalog)
            context.diagnostics += reading.diagnostics
            context.catalog = reading.catalog
        else:
            inner = parse(found)
            context.diagnostics += inner.diagnostics
            context.broken |= inner.broken
            _declare_shared(context, inner, found)
            _use(context, inner, found, load=load, chain=(*chain, found.name))


def _declare_shared(context: Context, parsed: Parsed, source: Source) -> None:
    for node in parsed.module.declarations:
        if isinstance(node, Definition):
            _define(context, node, source)


def _stay_silent(context: Context) -> None:
    """Names that an unreadable file may define are not reported as unknown."""
    context.forgiving = True
