"""Hover: type, unit, default, range and meaning of what stands under the cursor."""

from collections.abc import Iterator

from lab.server.names import Index, Occurrence
from lab.server.notes import Analysis
from lab.spec import syntax
from lab.spec.check.context import Declared, Want
from lab.spec.check.dimensions import called
from lab.spec.check.schedules import parameter_want
from lab.spec.check.text import text_of
from lab.spec.docs import describe, limits_of, shown, type_text
from lab.spec.signature import ParameterInfo, Signature
from lab.spec.source import Span
from lab.spec.units import UNITS

_ROOTS = {
    "method": "the method that a point runs; in a metric, the one that is measured",
    "model": "the model that a point starts from",
    "data": "the data that a point uses",
}


def hover(analysis: Analysis, index: Index, offset: int) -> tuple[str, Span] | None:
    """Markdown about the name at an offset, and where it stands."""
    found = index.at(offset)
    text = None if found is None else "\n\n".join(_about(analysis, found))
    return (text, found.span) if found is not None and text else None


def _about(analysis: Analysis, found: Occurrence) -> Iterator[str]:
    target, declared = found.target, analysis.context.declared
    match target.kind:
        case "definition" if target.name in declared:
            yield from about_definition(analysis, declared[target.name])
        case "parameter":
            yield from _about_parameter(analysis, target.name)
        case "block":
            yield f"**{target.name}**"
        case "seed":
            yield "the replicate: what differs between runs of one point"
        case "root":
            yield _ROOTS[target.name]
        case "unit":
            yield f"unit of {UNITS[target.name][0]}"
        case "word":
            yield from _about_word(target.name, found.want)
        case _ if isinstance(found.known, Signature):
            yield f"```text\n{describe(found.known)}\n```"
        case _ if found.want is not None:
            yield from about_argument(target.name.rpartition(".")[2], found.want)
        case _:
            return


def about_definition(analysis: Analysis, declared: Declared) -> Iterator[str]:
    """A definition: how it is written, what it is, and its unit."""
    node = declared.node
    written = text_of(declared.source, Span(node.span.start, node.span.end))
    yield f"```lab\n{_cut(written)}\n```"
    if node.title is not None:
        yield node.title.value
    made = declared.made
    if declared.kind == "metric" and made is not None:
        better = f", {made.better} is better" if made.better else ""
        yield f"{made.unit or 'number'}{better}"
    if declared.kind == "let" and declared.types.get(""):
        yield type_text(parameter_want(declared, "").type)
    if declared.source.name != analysis.source.name:
        yield f"from `{declared.source.name}`"


def _about_parameter(analysis: Analysis, slot: str) -> Iterator[str]:
    owner, _, name = slot.removesuffix(")").partition("(")
    declared = analysis.context.declared.get(owner)
    if declared is None:
        return
    want = parameter_want(declared, name)
    default = _default_of(declared, name)
    said = f" = {default}" if default else ""
    yield f"**{name}**{said}, a parameter of `{owner}`"
    info = want.info
    yield f"{type_text(want.type)}{_limits(info)}" if info else called(want.type.name)


def _default_of(declared: Declared, name: str) -> str:
    for one in declared.node.parameters:
        if one.name.text == name and one.default is not None:
            return text_of(declared.source, one.default.span)
    return ""


def _about_word(name: str, want: Want | None) -> Iterator[str]:
    if want is None:
        yield f"`{name}`"
        return
    yield f"`{name}`: {want.what} takes {type_text(want.type)}"
    if want.info is not None and want.info.doc:
        yield want.info.doc


def about_argument(name: str, want: Want) -> Iterator[str]:
    """An argument of a component: type, range, default and meaning."""
    info = want.info
    if info is None:
        yield f"**{name}**: {type_text(want.type)}"
        return
    yield f"**{name}**: {type_text(info.type)}{_limits(info)}"
    if info.doc:
        yield info.doc
    yield "required" if info.required else _default(info)
    if info.traced:
        yield "changing it compiles nothing"


def _default(info: ParameterInfo) -> str:
    return "" if info.type.mapping else f"default `{shown(info.default, info.type)}`"


def _limits(info: ParameterInfo | None) -> str:
    return "" if info is None else "".join(f", {one}" for one in limits_of(info))


def _cut(text: str, limit: int = 300) -> str:
    return text if len(text) <= limit else f"{text[:limit]} …"


def outline_kind(node: syntax.Declaration) -> str:
    """What a declaration is called in an outline."""
    return node.kind if isinstance(node, syntax.Definition) else type(node).__name__.lower()
