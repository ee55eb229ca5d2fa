"""The checker's shapes as the protocol's: findings, remedies, outlines."""

from collections.abc import Iterable, Iterator, Sequence

from lsprotocol import types

from lab.server.documents import Known, uri_of
from lab.server.hover import outline_kind
from lab.server.places import Places
from lab.spec import syntax
from lab.spec.diagnostics import Diagnostic, Edit, Label
from lab.spec.render import fixed
from lab.spec.source import Span

_SEVERITY = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
}
_UNUSED = "W0809"
_SYMBOLS = {
    "study": types.SymbolKind.Module,
    "data": types.SymbolKind.Array,
    "model": types.SymbolKind.Class,
    "schedule": types.SymbolKind.Event,
    "method": types.SymbolKind.Function,
    "metric": types.SymbolKind.Number,
    "let": types.SymbolKind.Constant,
    "grid": types.SymbolKind.Namespace,
    "search": types.SymbolKind.Namespace,
    "claim": types.SymbolKind.Boolean,
    "profile": types.SymbolKind.Package,
    "report": types.SymbolKind.File,
}


def findings(known: Known, found: Iterable[Diagnostic]) -> list[types.Diagnostic]:
    """Findings in the text itself; one in a file that it uses stands at its `use`."""
    made: list[types.Diagnostic] = []
    for one in found:
        if one.source.name == known.source.name:
            made.append(_finding(one, known.places, one.labels[0].span))
        else:
            made.append(_finding(one, known.places, _use_of(known, one)))
    return made


def _use_of(known: Known, finding: Diagnostic) -> Span:
    uses = [one for one in known.analysis.declarations if isinstance(one, syntax.Use)]
    fits = [one for one in uses if finding.source.name.endswith(one.file.value)]
    return (fits or uses)[0].file.span if uses else Span(0, 0)


def _finding(one: Diagnostic, places: Places, span: Span) -> types.Diagnostic:
    is_here = one.source.text == places.text
    return types.Diagnostic(
        range=places.range(span),
        message="\n".join(_message(one)),
        severity=_SEVERITY[one.severity],
        code=one.code,
        source="lab",
        tags=[types.DiagnosticTag.Unnecessary] if one.code == _UNUSED else None,
        related_information=list(_related(one, one.labels[1:] if is_here else one.labels)) or None,
    )


def _message(one: Diagnostic) -> Iterator[str]:
    said = one.labels[0].text
    yield f"{one.message}: {said}" if said else one.message
    if one.reach is not None:
        yield f"reach: {one.reach}"
    yield from (f"help: {line}" for line in one.help)


def _related(
    one: Diagnostic, labels: Sequence[Label]
) -> Iterator[types.DiagnosticRelatedInformation]:
    places = Places(one.source.text)
    for label in labels:
        location = types.Location(uri_of(one.source), places.range(label.span))
        yield types.DiagnosticRelatedInformation(location, label.text or one.message)


def text_edits(places: Places, edits: Iterable[Edit]) -> list[types.TextEdit]:
    """Edits of a text."""
    return [types.TextEdit(places.range(one.span), one.replacement) for one in edits]


def replaced(places: Places, text: str) -> list[types.TextEdit]:
    """The smallest edit that makes one text of another; none where they are the same."""
    old = places.text
    if old == text:
        return []
    most = min(len(old), len(text))
    head = next((i for i in range(most) if old[i] != text[i]), most)
    tail = next((i for i in range(most - head) if old[-1 - i] != text[-1 - i]), most - head)
    edit = Edit(Span(head, len(old) - tail), text[head : len(text) - tail])
    return text_edits(places, [edit])


def actions(known: Known, wanted: types.CodeActionParams) -> Iterator[types.CodeAction]:
    """Remedies for the findings in a range, and one for all of them together."""
    uri = wanted.text_document.uri
    kinds = wanted.context.only
    asked = known.places.span(wanted.range)
    here = [one for one in known.analysis.checked.diagnostics if one.source == known.source]
    for one in here:
        touches = one.labels[0].span.start <= asked.end and asked.start <= one.labels[0].span.end
        if one.edit is not None and touches and _asked_for(kinds, "quickfix"):
            yield types.CodeAction(
                title=_title(known, one.edit),
                kind=types.CodeActionKind.QuickFix,
                diagnostics=findings(known, [one]),
                is_preferred=True,
                edit=types.WorkspaceEdit(changes={uri: text_edits(known.places, [one.edit])}),
            )
    whole = replaced(known.places, fixed(known.source, here))
    if whole and _asked_for(kinds, "source.fixAll"):
        yield types.CodeAction(
            title="Fix everything that has one remedy",
            kind=types.CodeActionKind.SourceFixAll,
            edit=types.WorkspaceEdit(changes={uri: whole}),
        )


def _asked_for(kinds: Sequence[types.CodeActionKind | str] | None, kind: str) -> bool:
    asked = [str(getattr(one, "value", one)) for one in kinds or ()]
    return kinds is None or any(kind == one or kind.startswith(f"{one}.") for one in asked)


def _title(known: Known, edit: Edit) -> str:
    old = known.source.text[edit.span.start : edit.span.end]
    if not old:
        return f"Insert `{edit.replacement.strip()}`"
    if not edit.replacement.strip():
        return f"Remove `{old.strip()}`"
    return f"Replace `{old}` with `{edit.replacement}`"


def outline(known: Known) -> list[types.DocumentSymbol]:
    """Declarations in order, blocks with their axes."""
    return [_symbol(known, node) for node in known.analysis.declarations if _named(node)]


def _named(node: syntax.Declaration) -> bool:
    return outline_kind(node) in _SYMBOLS


def _symbol(known: Known, node: syntax.Declaration) -> types.DocumentSymbol:
    name = getattr(node, "name", None)
    kind = outline_kind(node)
    span = name.span if isinstance(name, syntax.Name) else Span(node.span.start, node.span.start)
    title = getattr(node, "title", None)
    axes = [one for one in getattr(node, "entries", ()) if isinstance(one, syntax.Axis)]
    return types.DocumentSymbol(
        name=name.text if isinstance(name, syntax.Name) else kind,
        kind=_SYMBOLS[kind],
        range=known.places.range(node.span.to(span)),
        selection_range=known.places.range(span),
        detail=title.value if isinstance(title, syntax.Text) else kind,
        children=[_axis(known, one) for one in axes],
    )


def _axis(known: Known, node: syntax.Axis) -> types.DocumentSymbol:
    return types.DocumentSymbol(
        name=", ".join(map(str, node.paths)),
        kind=types.SymbolKind.EnumMember,
        range=known.places.range(node.span),
        selection_range=known.places.range(node.paths[0].span),
    )
