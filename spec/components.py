"""Components read from text: the classes that `@component` decorates, as signatures.

Nothing is imported and nothing is run, so a user's file is as safe to check as a study. A mistake
in a file is a diagnostic at its place; the file's other components are read all the same.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from lab.spec.annotations import UnreadableError, called, default_value, type_of
from lab.spec.declare import KINDS
from lab.spec.diagnostics import Diagnostic, Label
from lab.spec.fingerprint import Code
from lab.spec.settle import settled
from lab.spec.signature import Catalog, ParameterInfo, Signature, Type
from lab.spec.source import Source, Span

_LIMITS = ("low", "high", "above", "below", "known")
#: What a decorator says, and a signature repeats as it is.
_SAID = ("stage", "content", "examples", "unit", "better", "facts", "reads")


@dataclass(frozen=True)
class Reading:
    """What files hold: their components, what could not be read, and the code behind each version.

    `parts` maps a version to a short digest of every definition that the component reaches.
    """

    catalog: Catalog
    diagnostics: tuple[Diagnostic, ...]
    parts: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])


@dataclass
class _Module:
    """One file: its classes, where its other names come from, and its constants."""

    name: str
    source: Source
    tree: ast.Module
    classes: dict[str, ast.ClassDef] = field(default_factory=dict[str, ast.ClassDef])
    origins: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    constants: dict[str, ast.expr] = field(default_factory=dict[str, ast.expr])


def read_components(
    files: Mapping[str, Source], *, base: Sequence[tuple[str, Source]] = ()
) -> Reading:
    """The components of files, by dotted module name.

    Args:
        files: sources to read. `base`: further modules whose classes the files may mention; their
            components are not part of the result.
    """
    reader = _Reader()
    for name, source in (*base, *files.items()):
        reader.add(name, source)
    found: dict[tuple[str, str], Signature] = {}
    for signature in reader.signatures(frozenset(files)):
        reader.refuse_twice(found, signature)
        found[signature.kind, signature.name] = signature
    return Reading(Catalog(found), tuple(reader.diagnostics), reader.parts)


def _names(value: Any) -> tuple[str, ...] | None:
    return None if value is None else tuple(value)


class _Reader:
    def __init__(self) -> None:
        self.modules: dict[str, _Module] = {}
        self.diagnostics: list[Diagnostic] = []
        self.parts: dict[str, Mapping[str, str]] = {}
        self._parameters: dict[tuple[str, str], tuple[ParameterInfo, ...]] = {}
        self._busy: set[tuple[str, str]] = set()

    def add(self, name: str, source: Source) -> None:
        """Parse a file and note its names."""
        try:
            tree = _parsed(source.text)
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None) or 1
            start = source.line_starts[min(line, len(source.line_starts)) - 1]
            self._report(source, Span(start, start), f"this is no Python: {error.args[0]}")
            return
        module = _Module(name, source, tree)
        for node in tree.body:
            _note(module, node)
        self.modules[name] = module

    def signatures(self, wanted: frozenset[str]) -> Iterator[Signature]:
        """Signatures of the components in some modules, in the order of the files."""
        code = Code({name: module.tree for name, module in self.modules.items()})
        for name in (one for one in self.modules if one in wanted):
            module = self.modules[name]
            for node in module.classes.values():
                about = _decorator(node)
                if about is None:
                    continue
                try:
                    yield self._signature(module, node, about, code)
                except UnreadableError as error:
                    where = _span(module.source, error.node)
                    self._report(module.source, where, str(error))

    def refuse_twice(
        self, found: Mapping[tuple[str, str], Signature], signature: Signature
    ) -> None:
        """Report two components of one kind with one name."""
        if (signature.kind, signature.name) in found:
            module = self.modules[signature.module]
            where = _span(module.source, module.classes[signature.qualname])
            self._report(module.source, where, f"a second {signature.kind} `{signature.name}`")

    def _signature(
        self, module: _Module, node: ast.ClassDef, about: ast.Call, code: Code
    ) -> Signature:
        said = {word.arg: word.value for word in about.keywords if word.arg}
        said |= dict(zip(("name",), about.args, strict=False))
        values = {
            name: default_value(text, _no_call, module.constants) for name, text in said.items()
        }
        kind = values.pop("kind", None)
        if kind not in KINDS or not isinstance(values.get("name"), str):
            raise UnreadableError(
                f"a component has a name and a kind, one of {', '.join(KINDS)}", about
            )
        parameters = self.parameters(module, node)
        version = code.version(module.name, node.name, kind=kind)
        self.parts[version] = code.parts(module.name, node.name, kind=kind)
        return Signature(
            name=values["name"],
            kind=kind,
            parameters=parameters,
            doc=(ast.get_docstring(node) or "").split("\n\n")[0].replace("\n", " "),
            module=module.name,
            qualname=node.name,
            file=module.source.name,
            line=node.lineno,
            version=version,
            streams=tuple(values.get("streams") or ()),
            fresh=bool(values.get("fresh", False)),
            curves=_names(values.get("curves")),
            notes=_names(values.get("notes")),
            needs=_names(values.get("needs")) or (),
            late={one.name: one.legacy for one in parameters if one.is_late} or None,
            **{key: values.get(key) for key in _SAID},
        )

    def parameters(self, module: _Module, node: ast.ClassDef) -> tuple[ParameterInfo, ...]:
        """Parameters of a class, its bases' first."""
        key = (module.name, node.name)
        if key in self._busy:
            raise UnreadableError(f"`{node.name}` is built on itself", node)
        if key not in self._parameters:
            self._busy.add(key)
            try:
                self._parameters[key] = tuple(self._gathered(module, node).values())
            finally:
                self._busy.discard(key)
        return self._parameters[key]

    def _gathered(self, module: _Module, node: ast.ClassDef) -> dict[str, ParameterInfo]:
        found: dict[str, ParameterInfo] = {}
        for base in node.bases:
            place = self._class(module, called(base))
            if place is not None:
                found |= {info.field: info for info in self.parameters(*place)}
        for line in node.body:
            if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
                name = line.target.id
                if not name.startswith("_") and "ClassVar" not in ast.unparse(line.annotation):
                    found[name] = self._parameter(module, name, line)
        return found

    def _class(self, module: _Module, name: str) -> tuple[_Module, ast.ClassDef] | None:
        if name in module.classes:
            return module, module.classes[name]
        origin = module.origins.get(name)
        if origin is None or origin[0] not in self.modules:
            return None
        home = self.modules[origin[0]]
        if origin[1] in home.classes:
            return home, home.classes[origin[1]]
        return self._class(home, origin[1]) if home is not module else None

    def _parameter(self, module: _Module, name: str, line: ast.AnnAssign) -> ParameterInfo:
        kind = type_of(line.annotation)
        said: dict[str, ast.expr] = {}
        if isinstance(line.value, ast.Call) and called(line.value.func) == "parameter":
            said |= dict(zip(("default", "doc"), line.value.args, strict=False))
            said |= {word.arg: word.value for word in line.value.keywords if word.arg}
        elif line.value is not None:
            said["default"] = line.value
        default, legacy = said.pop("default", None), said.pop("legacy", None)
        values = {
            key: default_value(text, _no_call, module.constants) for key, text in said.items()
        }
        return ParameterInfo(
            name=values.get("name") or name,
            field=name,
            type=kind,
            required=default is None and not kind.mapping,
            default=None if default is None else self._default(module, default, kind),
            doc=values.get("doc", ""),
            traced=bool(values.get("traced", False)),
            positional=bool(values.get("positional", False)),
            since=values.get("since", 1),
            line=line.lineno,
            is_late=legacy is not None,
            legacy=None if legacy is None else self._default(module, legacy, kind),
            **{key: values.get(key) for key in _LIMITS},
        )

    def _default(self, module: _Module, node: ast.expr, kind: Type) -> Any:
        value = default_value(node, lambda call: self._called(module, call), module.constants)
        return settled(value, kind)

    def _called(self, module: _Module, call: ast.Call) -> Any:
        place = self._class(module, called(call.func))
        about = None if place is None else _decorator(place[1])
        if place is None or about is None:
            raise UnreadableError(f"`{ast.unparse(call.func)}` is no component known here", call)
        said = {word.arg: word.value for word in about.keywords if word.arg}
        said |= dict(zip(("name",), about.args, strict=False))
        values = {
            name: default_value(text, _no_call, module.constants) for name, text in said.items()
        }
        parameters = self.parameters(*place)
        return {
            "component": values.get("name"),
            "kind": values.get("kind"),
            "args": self._arguments(module, call, parameters),
        }

    def _arguments(
        self, module: _Module, call: ast.Call, parameters: tuple[ParameterInfo, ...]
    ) -> dict[str, Any]:
        given = {word.arg: word.value for word in call.keywords}
        if call.args or not set(given) <= {info.field for info in parameters}:
            raise UnreadableError("a default names the fields of the component it calls", call)
        found: dict[str, Any] = {}
        for info in parameters:
            if info.field in given:
                found[info.name] = self._default(module, given[info.field], info.type)
            elif info.required:
                raise UnreadableError(
                    f"`{called(call.func)}` needs a value for `{info.field}`", call
                )
            else:
                found[info.name] = info.default
        return found

    def _report(self, source: Source, span: Span, message: str) -> None:
        self.diagnostics.append(
            Diagnostic("error", "E0705", message, source, (Label(span),), subject=None)
        )


@lru_cache(maxsize=512)
def _parsed(text: str) -> ast.Module:
    """A file's tree, which nobody changes: the files that ship are read for every own file."""
    return ast.parse(text)


def _note(module: _Module, node: ast.stmt) -> None:
    match node:
        case ast.ClassDef():
            module.classes[node.name] = node
        case ast.ImportFrom():
            package = module.name.split(".")[: -node.level] if node.level else []
            home = ".".join([*package, *([node.module] if node.module else [])])
            names = {alias.asname or alias.name: (home, alias.name) for alias in node.names}
            module.origins.update(names)
        case ast.Assign(targets=[ast.Name(id=name)]):
            module.constants[name] = node.value
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            module.constants[name] = value
        case _:
            return


def _decorator(node: ast.ClassDef) -> ast.Call | None:
    calls = [one for one in node.decorator_list if isinstance(one, ast.Call)]
    return next((call for call in calls if called(call.func) == "component"), None)


def _no_call(call: ast.Call) -> Any:
    raise UnreadableError("this has to be a plain value", call)


def _span(source: Source, node: ast.AST) -> Span:
    """The first line of a node, as a span of characters."""
    line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
    text = source.line(line)
    start = len(text.encode()[:column].decode(errors="ignore"))
    last = getattr(node, "end_lineno", line)
    end = getattr(node, "end_col_offset", None) if last == line else None
    stop = len(text) if end is None else len(text.encode()[:end].decode(errors="ignore"))
    first = source.line_starts[line - 1]
    return Span(first + start, first + stop)
