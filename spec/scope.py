"""Names that a piece of Python binds, as far as its text says."""

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)


@dataclass(slots=True)
class Scope:
    """A function's, a comprehension's or a class's own names.

    `names` maps a name to how it is written, None until it is first met. `imports` are those that
    stand for something imported: they are no names of the scope. `globals` are declared so.
    """

    names: dict[str, str | None]
    is_class: bool = False
    imports: dict[str, str] = field(default_factory=dict[str, str])
    globals: frozenset[str] = frozenset()

    @classmethod
    def of_names(cls, names: Iterable[str]) -> "Scope":
        """A scope with some names, not written yet."""
        return cls(dict.fromkeys(names))

    @classmethod
    def of_function(cls, body: Sequence[ast.stmt]) -> "Scope":
        """The scope of a function's body, its parameters aside."""
        from_outside: set[str] = set()
        of_module: set[str] = set()
        imports: dict[str, str] = {}
        nodes = list(own_nodes(body))
        for node in nodes:
            if isinstance(node, ast.Global):
                of_module.update(node.names)
            elif isinstance(node, ast.Nonlocal):
                from_outside.update(node.names)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                imports |= imported(node, "")
        left_out = from_outside | of_module | imports.keys()
        names = dict.fromkeys(name for name in _bound(nodes) if name not in left_out)
        return cls(dict(names), imports=imports, globals=frozenset(of_module))


def imported(node: ast.Import | ast.ImportFrom, module: str) -> dict[str, str]:
    """The names that an import binds, with what they stand for, dotted.

    Args:
        node: the import. `module`: the one it stands in, for imports that start with a dot.
    """
    if isinstance(node, ast.Import):
        return {
            one.asname or one.name.split(".")[0]: one.name if one.asname else one.name.split(".")[0]
            for one in node.names
        }
    package = module.split(".")[: -node.level] if node.level else []
    home = ".".join([*package, *([node.module] if node.module else [])])
    return {one.asname or one.name: f"{home}.{one.name}" for one in node.names}


def own_nodes(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """All nodes of a scope, those of scopes inside it left out (their first line is in)."""
    left = [*body][::-1]
    while left:
        node = left.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            left.extend(reversed(node.decorator_list))
        elif isinstance(node, _COMPREHENSIONS):
            # Only `:=` binds a name outside of a comprehension.
            yield from (one for one in ast.walk(node) if isinstance(one, ast.NamedExpr))
        elif not isinstance(node, ast.Lambda):
            left.extend([*ast.iter_child_nodes(node)][::-1])


def bound_names(body: Iterable[ast.AST]) -> Iterator[str]:
    """Names that a scope binds, imports left out; some may come twice."""
    return _bound(own_nodes(body))


def _bound(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                yield name
            case ast.NamedExpr(target=ast.Name(id=name)):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.ClassDef(name=name):
                yield name
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                yield name
            case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                yield name
            case _:
                continue
