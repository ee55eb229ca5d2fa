"""The version of a component: a hash of the code that gives it its meaning, and of nothing else.

A module's digest is the hash of its syntax tree without docstrings, annotations, positions and the
one-line documentation of parameters; comments and white space are not in a syntax tree at all. A
component's version hashes the digests of its module and of every module of `lab.runtime` (and
`lab.spec.units`) that it imports, directly or not, as far as imports can be read from the text.
"""

import ast
import hashlib
from collections.abc import Iterator, Mapping

#: Packages whose modules are part of a version.
COUNTED = ("lab.runtime.", "lab.spec.units")


def digest(tree: ast.Module) -> str:
    """The hash of what a module does.

    Example:
        >>> digest(ast.parse("x = 1  # one")) == digest(ast.parse("'''Doc.'''\\nx = 1"))
        True
    """
    meaning = ast.dump(_Bare().visit(ast.parse(ast.unparse(tree))))
    return hashlib.sha256(meaning.encode()).hexdigest()


class _Bare(ast.NodeTransformer):
    """Drops what changes no result."""

    def visit(self, node: ast.AST) -> ast.AST:
        """A node without its docstring."""
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [line for line in node.body if not _is_text(line)] or [ast.Pass()]
        return super().visit(node)

    def visit_arg(self, node: ast.arg) -> ast.arg:
        """An argument without its annotation."""
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """A function without the type of its result."""
        node.returns = None
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """`parameter(default, …)` without its documentation, `component(…)` without its price."""
        if isinstance(node.func, ast.Name) and node.func.id == "parameter":
            node.args = node.args[:1]
            node.keywords = [word for word in node.keywords if word.arg != "doc"]
        if isinstance(node.func, ast.Name) and node.func.id == "component":
            node.keywords = [word for word in node.keywords if word.arg != "facts"]
        return self.generic_visit(node)


def _is_text(line: ast.stmt) -> bool:
    return (
        isinstance(line, ast.Expr)
        and isinstance(line.value, ast.Constant)
        and isinstance(line.value.value, str)
    )


def imports(tree: ast.Module, module: str) -> frozenset[str]:
    """Names of counted modules that a module may import; some may be names inside modules."""
    return frozenset(name for name in _imported(tree, module) if name.startswith(COUNTED))


def _imported(tree: ast.Module, module: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = module.split(".")[: -node.level] if node.level else []
            base = ".".join([*package, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def versions(digests: Mapping[str, str], edges: Mapping[str, frozenset[str]]) -> dict[str, str]:
    """The version of every module, from the digests and imports of all."""
    return {module: _version(module, digests, edges) for module in digests}


def _version(module: str, digests: Mapping[str, str], edges: Mapping[str, frozenset[str]]) -> str:
    reached: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in reached or name not in digests:
            continue
        reached.add(name)
        waiting.extend(edges.get(name, ()))
    parts = sorted(digests[name] for name in reached)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
