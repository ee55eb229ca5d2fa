"""The compiler is a pure function: no numerics, no file, no clock, no chance, no environment.

The contracts of `pyproject.toml` look at imports of whole packages. Here every module that planning
loads is read, those of `spec/` among them, down to the names that it calls.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import lab

ROOT = Path(lab.__file__).parent
COMPILER = sorted((ROOT / "compiler").glob("*.py"))
#: What a pure function may take from the standard library.
HARMLESS = frozenset(
    {
        *("__future__", "abc", "bisect", "collections", "contextlib", "copy", "dataclasses"),
        *("difflib", "enum", "fractions", "functools", "graphlib", "hashlib", "heapq", "itertools"),
        *("json", "math", "numbers", "operator", "re", "statistics", "string", "textwrap"),
        *("types", "typing", "unicodedata"),
    }
)
#: Names that reach outside, whatever module they come from.
OUTSIDE = frozenset(
    {
        *("open", "input", "print", "exec", "eval", "compile", "breakpoint", "__import__"),
        *("read_text", "read_bytes", "write_text", "write_bytes", "mkdir", "unlink", "iterdir"),
        *("glob", "rglob", "stat", "getenv", "getcwd", "urlopen", "perf_counter"),
        *("monotonic", "time_ns", "utcnow", "today", "sleep", "urandom", "uuid4", "getpid"),
        *("default_rng", "randint", "shuffle"),
    }
)
#: A record's `__init__` is written as text and compiled, once for each class.
ALLOWED = {("lab.spec.records", "exec")}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def imported(path: Path) -> Iterator[str]:
    """Modules that a file imports when it runs, those for types alone left out."""
    for node in _running(tree(path)):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            module = str(node.module)
            yield module
            yield from (f"{module}.{one.name}" for one in node.names if _file(module, one.name))


def _running(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and _is_for_types(child)):
            yield from _running(child)


def _is_for_types(node: ast.If) -> bool:
    return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _file(*parts: str) -> Path | None:
    path = ROOT.parent.joinpath(*".".join(parts).split("."))
    return next(
        (one for one in (path.with_suffix(".py"), path / "__init__.py") if one.exists()), None
    )


@cache
def loaded() -> dict[str, Path]:
    """Every module of `lab` that planning loads, by name."""
    found = {f"lab.compiler.{path.stem}": path for path in COMPILER}
    waiting = list(found.values())
    while waiting:
        for name in imported(waiting.pop()):
            path = _file(name) if name.startswith("lab.") else None
            if path is not None and name not in found:
                found[name] = path
                waiting.append(path)
    return found


@pytest.mark.parametrize("name", loaded())
def test_a_module_that_plans_imports_nothing_that_acts(name: str) -> None:
    for other in imported(loaded()[name]):
        first = other.partition(".")[0]
        assert first in HARMLESS or other.startswith(("lab.compiler", "lab.spec")), other


@pytest.mark.parametrize("name", loaded())
def test_a_module_that_plans_calls_nothing_outside(name: str) -> None:
    for node in ast.walk(tree(loaded()[name])):
        named = _named(node)
        if named in OUTSIDE and (name, named) not in ALLOWED:
            pytest.fail(f"{name}:{getattr(node, 'lineno', 0)}: {named}")


def _named(node: ast.AST) -> str | None:
    """What is called, by its own name or on something."""
    if not isinstance(node, ast.Call) or ast.unparse(node.func) == "re.compile":
        return None
    called = node.func
    if isinstance(called, ast.Name):
        return called.id
    return called.attr if isinstance(called, ast.Attribute) else None


@pytest.mark.parametrize("path", COMPILER, ids=lambda path: path.stem)
def test_a_module_that_plans_changes_nothing_outside_of_its_functions(path: Path) -> None:
    """No `global`, and at the top only constants: two plans know nothing of each other."""
    assert not [node for node in ast.walk(tree(path)) if isinstance(node, ast.Global)]


def test_planning_loads_no_numerics() -> None:
    modules = ", ".join(sorted(f"lab.compiler.{path.stem}" for path in COMPILER))
    program = f"import {modules}, sys; print(*sys.modules)"
    made = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )
    found = {name.partition(".")[0] for name in made.stdout.split()}
    heavy = {"numpy", "jax", "torch", "flax", "optax", "scipy", "sklearn", "aim", "rich", "lark"}
    assert not found & heavy
