"""Code in normal form: one text for all spellings of a definition that do the same.

Left out are comments, docstrings, annotations, formatting, the order of methods, the documentation
and limits of parameters, and what a raised error says. Local variables are numbered in the order in
which they first appear; parameters that can be given by name, attributes and globals keep their
names. A name that belongs to another definition is left open: the text has a mark there, and the
definition stands in `references` in the same order.
"""

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lab.spec.scope import Scope, bound_names

#: What stands in a text for a reference.
MARK = "@"
_IGNORED = frozenset({"ctx", "type_comment", "kind", "type_params", "returns", "annotation"})
_DECLARE = "lab.spec.declare."
#: Arguments of a declaration on which a result can depend beside the key's own parts.
_DECLARED = {
    f"{_DECLARE}component": frozenset({"streams", "fresh"}),
    f"{_DECLARE}parameter": frozenset({"default", "traced"}),
}
_OTHER_FIELDS = ("ClassVar", "InitVar", "KW_ONLY")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

Reference = tuple[str, str]
#: What a dotted name from the outermost scope means: references to definitions, or a plain text;
#: `rest` are the parts of the name that are attributes of what was found.
Lookup = Callable[[str], "Found"]


@dataclass(frozen=True, slots=True)
class Found:
    """What a global name leads to: definitions, or a name of something that is not counted."""

    references: tuple[Reference, ...]
    text: str
    rest: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Normal:
    """A definition in normal form."""

    text: str
    references: tuple[Reference, ...]


def normal(statements: Sequence[ast.stmt], lookup: Lookup) -> Normal:
    """The normal form of the statements that define a global name.

    Args:
        statements: of a module's outermost level. `lookup`: says what a global name means.

    Example:
        >>> def form(text):
        ...     return normal(ast.parse(text).body, lambda name: Found((), name)).text
        >>> form("def f(x):\\n y = x\\n return y") == form("def f(x: int): z = x; return z")
        True
    """
    writer = _Writer(lookup)
    for statement in statements:
        writer.statement(statement)
    return Normal("".join(writer.text), tuple(writer.references))


class _Writer:
    """Writes nodes; knows the scopes that it is in."""

    def __init__(self, lookup: Lookup) -> None:
        self.text: list[str] = []
        self.references: list[Reference] = []
        self._lookup = lookup
        self._scopes: list[Scope] = []
        self._locals = 0
        self._raises = False
        self._declares = False

    def statement(self, node: ast.stmt) -> None:
        """Write a statement, unless it does nothing."""
        match node:
            case ast.Expr(value=ast.Constant(value=str())) | ast.Pass():
                return
            case ast.Global() | ast.Nonlocal() | ast.Import() | ast.ImportFrom():
                return
            case ast.AnnAssign():
                self._annotated(node)
            case ast.ClassDef():
                self._class(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._function(node)
            case ast.Raise():
                self._raises = True
                self._generic(node)
                self._raises = False
            case _:
                self._generic(node)

    def _node(self, node: ast.AST) -> None:
        match node:
            case ast.stmt():
                self.statement(node)
            case ast.Name():
                self._name(node.id)
            case ast.Attribute():
                self._attribute(node)
            case ast.Constant() | ast.JoinedStr():
                self._literal(node)
            case ast.Call():
                self._call(node)
            case ast.Lambda():
                self._lambda(node)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                self._comprehension(node)
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                self._name(name)
                self._generic(node, leaving="name")
            case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                self._name(name)
                self._generic(
                    node, leaving="rest" if isinstance(node, ast.MatchMapping) else "name"
                )
            case _:
                self._generic(node)

    def _generic(self, node: ast.AST, *, leaving: str = "") -> None:
        self.text.append(type(node).__name__ + "(")
        for name, value in ast.iter_fields(node):
            if name not in _IGNORED and name != leaving and value is not None and value != []:
                self.text.append(f"{name}=")
                self._value(value)
        self.text.append(")")

    def _value(self, value: object) -> None:
        if isinstance(value, list):
            self.text.append("[")
            for item in value:  # pyright: ignore[reportUnknownVariableType] - fields of a node
                self._value(item)  # pyright: ignore[reportUnknownArgumentType] - as above
            self.text.append("]")
        elif isinstance(value, ast.AST):
            self._node(value)
        else:
            self.text.append(f"{value!r};")

    def _literal(self, node: ast.Constant | ast.JoinedStr) -> None:
        if self._raises and (isinstance(node, ast.JoinedStr) or isinstance(node.value, str)):
            self.text.append("str:;")
        elif isinstance(node, ast.JoinedStr):
            self._generic(node)
        else:
            self.text.append(f"{type(node.value).__name__}:{node.value!r};")

    # Names.

    def _name(self, name: str) -> None:
        for place in reversed(range(len(self._scopes))):
            scope = self._scopes[place]
            if name in scope.globals:
                break
            if name in scope.names and (not scope.is_class or place == len(self._scopes) - 1):
                self.text.append(self._local(scope, name))
                return
        self._global(name)

    def _local(self, scope: Scope, name: str) -> str:
        written = scope.names[name]
        if written is None:
            self._locals += 1
            written = scope.names[name] = f"%{self._locals};"
        return written

    def _is_local(self, name: str) -> bool:
        inside = any(name in one.names for one in self._scopes if not one.is_class)
        return inside or bool(self._scopes and name in self._scopes[-1].names)

    def _origin(self, name: str) -> str:
        """The dotted name that an import inside a function gave to a name, or the name."""
        for scope in reversed(self._scopes):
            if name in scope.imports:
                return scope.imports[name]
        return name

    def _global(self, dotted: str) -> None:
        first, _, rest = dotted.partition(".")
        origin = self._origin(first)
        # A leading dot: what an import named, and not a name of this module.
        name = f".{origin}" if origin != first else first
        found = self._lookup(f"{name}.{rest}" if rest else name)
        self.references += found.references
        self.text.append(MARK * len(found.references) or f"{found.text};")
        self.text += [f".{part}" for part in found.rest]

    def _attribute(self, node: ast.Attribute) -> None:
        dotted = self.dotted(node)
        if dotted is None:
            self._generic(node)
        else:
            self._global(dotted)

    def dotted(self, node: ast.expr) -> str | None:
        """`a.b.c` of a name that is no local one."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or self._is_local(node.id):
            return None
        return ".".join([node.id, *reversed(parts)])

    def called(self, node: ast.Call) -> str:
        """What a call names, where that is not counted: `lab.spec.declare.parameter`."""
        dotted = self.dotted(node.func)
        return "" if dotted is None else self._lookup(dotted).text

    # Definitions and scopes.

    def _annotated(self, node: ast.AnnAssign) -> None:
        in_class = bool(self._scopes) and self._scopes[-1].is_class
        if node.value is None and not in_class:
            return
        if isinstance(node.value, ast.Call) and _is_late(node.value, self.called(node.value)):
            return
        if in_class:
            annotation = ast.unparse(node.annotation)
            self.text += [f"field:{word};" for word in _OTHER_FIELDS if word in annotation]
        if node.value is None:
            self._node(node.target)
        else:
            self._generic(ast.Assign([node.target], node.value))

    def _class(self, node: ast.ClassDef) -> None:
        self._defined(node, "class")
        self._value([*node.bases, *node.keywords])
        body = [one for one in node.body if not isinstance(one, _FUNCTIONS)]
        methods = sorted(
            (one for one in node.body if isinstance(one, _FUNCTIONS)), key=lambda one: one.name
        )
        names = {name: f"{name};" for name in bound_names(node.body)}
        self._inside(Scope(dict(names), is_class=True), [*body, *methods])

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._defined(node, type(node).__name__)
        self._defaults(node.args)
        scope = Scope.of_function(node.body)
        self._parameters(node.args, scope, named=True)
        self._inside(scope, node.body)

    def _defined(
        self, node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, kind: str
    ) -> None:
        self._value(node.decorator_list)
        self.text.append(f"{kind}(")
        if self._scopes:
            self._name(node.name)
        else:
            self.text.append(f"{node.name};")

    def _inside(self, scope: Scope, body: Sequence[ast.AST]) -> None:
        self._scopes.append(scope)
        for one in body:
            self._node(one)
        self._scopes.pop()
        self.text.append(")")

    def _lambda(self, node: ast.Lambda) -> None:
        self.text.append("Lambda(")
        self._defaults(node.args)
        scope = Scope.of_names(bound_names([ast.Expr(node.body)]))
        self._parameters(node.args, scope, named=False)
        self._inside(scope, [node.body])

    def _defaults(self, args: ast.arguments) -> None:
        self._value([*args.defaults, *(one for one in args.kw_defaults if one is not None)])

    def _parameters(self, args: ast.arguments, scope: Scope, *, named: bool) -> None:
        """Say the parameters; the names of those that can be given by name stay."""
        kinds = ["k" if one is None else "k=" for one in args.kw_defaults]
        listed = [("", one, False) for one in args.posonlyargs]
        listed += [("", one, named) for one in args.args]
        listed += [("*", one, False) for one in (args.vararg,) if one is not None]
        listed += [(kind, one, True) for kind, one in zip(kinds, args.kwonlyargs, strict=True)]
        listed += [("**", one, False) for one in (args.kwarg,) if one is not None]
        for kind, arg, keeps_name in listed:
            scope.names[arg.arg] = f"{arg.arg};" if keeps_name else None
            self.text.append(kind + self._local(scope, arg.arg))
        self.text.append(f"({len(args.posonlyargs)}/{len(args.defaults)})")

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp
    ) -> None:
        self.text.append(type(node).__name__ + "(")
        self._node(node.generators[0].iter)
        targets = [one.target for one in node.generators]
        scope = Scope.of_names(
            name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)
        )
        parts: list[ast.AST] = []
        for place, one in enumerate(node.generators):
            parts += [one.target, *([one.iter] if place else []), *one.ifs]
        made = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        self.text += ["a" * one.is_async + str(len(one.ifs)) for one in node.generators]
        self._inside(scope, [*parts, *made])

    # Calls that declare something, or nothing.

    def _call(self, node: ast.Call) -> None:
        called = self.called(node)
        if called == "typing.cast" and len(node.args) == 2:
            self._node(node.args[1])
        elif called in _DECLARED:
            self._declaration(node, called)
        elif self._declares:
            # A component as a default is an argument like any other: a key holds its version.
            self.text.append(f"Call({ast.unparse(node.func).rpartition('.')[2]};")
            self._value([*node.args, *node.keywords])
            self.text.append(")")
        else:
            self._generic(node)

    def _declaration(self, node: ast.Call, called: str) -> None:
        self.text.append(f"{called.removeprefix(_DECLARE)}(")
        self._declares = True
        for name, value in _said(node, called):
            if name in _DECLARED[called]:
                self.text.append(f"{name}=")
                self._node(value)
        self._declares = False
        self.text.append(")")


def _said(node: ast.Call, called: str) -> Iterator[tuple[str, ast.expr]]:
    """Arguments of a declaration, by name and sorted."""
    first = ("default", "doc") if called.endswith("parameter") else ("name",)
    said = dict(zip(first, node.args, strict=False))
    said |= {word.arg: word.value for word in node.keywords if word.arg}
    yield from sorted(said.items())


def _is_late(node: ast.Call, called: str) -> bool:
    """Whether a field came later and says what its absence meant: it is no part of the code."""
    return called == f"{_DECLARE}parameter" and any(one.arg == "legacy" for one in node.keywords)
