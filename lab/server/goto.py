"""Where a name comes from: a declaration of the study, of a file it uses, or a Python file."""

from dataclasses import dataclass
from pathlib import Path

import lab.spec
from lab.server.names import Index, Occurrence
from lab.server.notes import Analysis
from lab.spec.signature import ParameterInfo, Signature
from lab.spec.source import Source, Span


@dataclass(frozen=True)
class Site:
    """A span of a text, which may be of another file."""

    source: Source
    span: Span


def definition(analysis: Analysis, index: Index, offset: int) -> Site | None:
    """Where the name at an offset is defined."""
    found = index.at(offset)
    if found is None:
        return None
    declared = analysis.context.declared
    match found.target.kind:
        case "definition" if found.target.name in declared:
            one = declared[found.target.name]
            return Site(one.source, one.node.name.span)
        case "parameter":
            return _parameter(analysis, found.target.name)
        case "file":
            return _file(analysis, found.target.name)
        case "block" | "seed":
            named = [one for one in index.of(found.target) if one.defines]
            return Site(analysis.source, named[0].span) if named else None
        case _:
            return _python(analysis, found)


def _parameter(analysis: Analysis, slot: str) -> Site | None:
    owner, _, name = slot.removesuffix(")").partition("(")
    declared = analysis.context.declared.get(owner)
    for one in () if declared is None else declared.node.parameters:
        if declared is not None and one.name.text == name:
            return Site(declared.source, one.name.span)
    return None


def _file(analysis: Analysis, name: str) -> Site | None:
    path = Path(analysis.source.name).parent / name
    return Site(Source(str(path), ""), Span(0, 0)) if path.is_file() else None


def _python(analysis: Analysis, found: Occurrence) -> Site | None:
    """The class of a component, or the line of a parameter in it."""
    if isinstance(found.known, Signature):
        return _line(found.known, found.known.line, f"class {found.known.qualname}")
    info = found.known
    if not isinstance(info, ParameterInfo):
        return None
    for signature in analysis.catalog.signatures.values():
        if any(one is info for one in signature.parameters):
            # A parameter that was inherited stands in the file of another class.
            return _line(signature, info.line, info.field) or _line(
                signature, signature.line, f"class {signature.qualname}"
            )
    return None


def _line(signature: Signature, number: int, word: str) -> Site | None:
    path = _path_of(signature)
    try:
        source = Source(str(path), path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return None
    if not 1 <= number <= len(source.line_starts):
        return None
    for line in range(number, min(number + 8, len(source.line_starts)) + 1):
        column = source.line(line).find(word)
        if column >= 0:
            start = source.line_starts[line - 1] + column
            return Site(source, Span(start, start + len(word)))
    return None


def _path_of(signature: Signature) -> Path:
    """The file of a component; those of `lab` are named from the folder of its packages."""
    path = Path(signature.file)
    own = Path(lab.spec.__path__[0]).resolve().parent / path
    return own if not path.is_absolute() and own.is_file() else path
