"""The version of a component: a hash of the code that gives it its meaning, and of nothing else.

From the component's class one walks to the definitions that it names, and from those to the ones
they name: functions, classes with their bases and all their methods, constants, as far as they
stand in `lab.runtime` or in the component's own file. The version hashes each in normal form
(`lab.spec.normal`), numbered in the order in which they are met, so that it does not depend on
where a definition stands. A stage or measurement also reaches the code that hands it its inputs
and keeps what it makes, and whatever asks another process reaches the code that answers (`APART`).

What a text does not name is not followed: `self.through.materialize` belongs to the component that
a key holds as the argument `through`, with a version of its own.
"""

import ast
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lab.spec.normal import Found, Lookup, Normal, Reference, normal
from lab.spec.scope import bound_names, imported

#: Modules of which only what they pass on from elsewhere counts: the one that says what components
#: are and not what they do, and those that carry bytes, which are checked where they arrive.
ASIDE = frozenset(
    {
        "lab.spec.declare",
        "lab.runtime.checkpoints",
        "lab.runtime.credentials",
        "lab.runtime.download",
        "lab.runtime.errors",
        "lab.runtime.executables",
        "lab.runtime.files",
    }
)
#: Code that runs a component of a kind without being named by it.
AROUND = {
    "stage": (
        "lab.runtime.perform._input",
        "lab.runtime.perform._staged",
        "lab.runtime.streams.streams",
    ),
    "measurement": (
        "lab.runtime.perform._input",
        "lab.runtime.perform._measured",
        "lab.runtime.streams.streams",
    ),
}
#: Code that a definition has another process run: its text names no more than a question.
APART = {
    ("lab.runtime.foreign.conversions", "_convert"): ("lab.runtime.bridge.convert.converted",),
    ("lab.runtime.foreign.conversions", "drawn"): ("lab.runtime.bridge.convert.drawn",),
}
#: The statements of a module that define no name; they count when anything of the module does.
_LOOSE = ""
_LENGTH = 32


@dataclass
class Names:
    """What the outermost level of a module binds."""

    definitions: dict[str, list[ast.stmt]] = field(default_factory=dict[str, list[ast.stmt]])
    imports: dict[str, str] = field(default_factory=dict[str, str])
    stars: list[str] = field(default_factory=list[str])

    @classmethod
    def of(cls, tree: ast.Module, module: str) -> "Names":
        """The names of a module."""
        made = cls()
        for node in tree.body:
            made._note(node, module)
        for node in tree.body:
            for owner, place in _owners(node):
                if owner in made.definitions:
                    made.definitions.setdefault(place, []).append(node)
        return made

    def _note(self, node: ast.stmt, module: str) -> None:
        if isinstance(node, ast.Import | ast.ImportFrom):
            self._import(node, module)
        elif isinstance(node, ast.If) and _is_elsewhere(node.test):
            return
        elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            for inside in ast.walk(node) if isinstance(node, ast.If | ast.Try) else ():
                if isinstance(inside, ast.Import | ast.ImportFrom):
                    self._import(inside, module)
            for name in set(bound_names([node])) or {_LOOSE}:
                self.definitions.setdefault(name, []).append(node)

    def _import(self, node: ast.Import | ast.ImportFrom, module: str) -> None:
        found = imported(node, module)
        if "*" in found:
            self.stars.append(found.pop("*").removesuffix(".*"))
        self.imports |= found


def _owners(node: ast.stmt) -> Iterator[tuple[str, str]]:
    """Decorators of a definition by the name they begin with, and of what they make it a part.

    `@f.defjvp` makes it a part of `f`; what `@register` does with it nobody can see, so that it
    counts with everything in the module.
    """
    if not isinstance(node, ast.FunctionDef | ast.ClassDef):
        return
    for decorator in node.decorator_list:
        match decorator.func if isinstance(decorator, ast.Call) else decorator:
            case ast.Name(id=name):
                yield name, _LOOSE
            case ast.Attribute(value=ast.Name(id=name)) if name != node.name:
                yield name, name
            case _:
                continue


def _is_elsewhere(test: ast.expr) -> bool:
    """Whether a condition is of type checkers, or of a module that is run as a program."""
    text = ast.unparse(test)
    return text.endswith("TYPE_CHECKING") or text.startswith("__name__ ==")


class Code:
    """Modules by dotted name, read as text."""

    def __init__(self, trees: Mapping[str, ast.Module]) -> None:
        self._names = {module: Names.of(tree, module) for module, tree in trees.items()}
        self._normal: dict[Reference, Normal] = {}

    def version(self, module: str, name: str, *, kind: str) -> str:
        """The version of a component, by its class."""
        stamp = hashlib.sha256()
        number: dict[Reference, int] = {}
        for place, one in enumerate(self.reached(module, name, kind=kind)):
            number[one] = place
        for one in number:
            form = self._form(one)
            targets = ",".join(str(number[target]) for target in self._targets(one))
            stamp.update(f"{form.text}\n{targets}\n".encode())
        return stamp.hexdigest()[:_LENGTH]

    def parts(self, module: str, name: str, *, kind: str) -> dict[str, str]:
        """A short digest of each definition that a component reaches, by dotted name."""
        return {
            ".".join(one).rstrip("."): self._digest(one)
            for one in self.reached(module, name, kind=kind)
        }

    def reached(self, module: str, name: str, *, kind: str) -> list[Reference]:
        """The definitions that a component reaches, itself first, in the order they are named."""
        around = [self._found(dotted) for dotted in AROUND.get(kind, ())]
        waiting = [(module, name), *(one for found in around for one in found.references)][::-1]
        reached: dict[Reference, None] = {}
        while waiting:
            one = waiting.pop()
            if one not in reached:
                reached[one] = None
                waiting += reversed(self._targets(one))
        return list(reached)

    def _targets(self, one: Reference) -> list[Reference]:
        module, name = one
        is_loose = name == _LOOSE or _LOOSE not in self._names[module].definitions
        apart = (self._found(dotted).references for dotted in APART.get(one, ()))
        return [
            *self._form(one).references,
            *(reference for found in apart for reference in found),
            *([] if is_loose else [(module, _LOOSE)]),
        ]

    def _digest(self, one: Reference) -> str:
        form = self._form(one)
        named = " ".join(name for _, name in form.references)
        return hashlib.sha256(f"{form.text}\n{named}".encode()).hexdigest()[:12]

    def _form(self, one: Reference) -> Normal:
        if one not in self._normal:
            module, name = one
            statements = self._names[module].definitions[name]
            self._normal[one] = normal(statements, self._lookup(module))
        return self._normal[one]

    # What a name leads to.

    def _lookup(self, module: str) -> Lookup:
        def look(dotted: str) -> Found:
            if dotted.startswith("."):
                return self._found(dotted[1:])
            first, _, rest = dotted.partition(".")
            names = self._names[module]
            if first in names.definitions:
                return Found(((module, first),), "", tuple(rest.split(".")) if rest else ())
            if first in names.imports:
                origin = names.imports[first]
                return self._found(f"{origin}.{rest}" if rest else origin)
            return self._from_stars(names, dotted)

        return look

    def _from_stars(self, names: Names, dotted: str) -> Found:
        tried = (self._found(f"{star}.{dotted}") for star in names.stars)
        return next((found for found in tried if found.references), Found((), dotted))

    def _found(self, dotted: str) -> Found:
        """What an absolute name leads to, through modules that pass it on."""
        seen: set[str] = set()
        passed_on: str | None = dotted
        while passed_on is not None and passed_on not in seen:
            seen.add(passed_on)
            dotted, passed_on = passed_on, self._passed_on(passed_on)
        module, rest = self._home(dotted)
        if module is None:
            return Found((), dotted)
        if not rest:
            return Found(tuple(self._everything(module)), "")
        if rest[0] in self._names[module].definitions and module not in ASIDE:
            return Found(((module, rest[0]),), "", rest[1:])
        return Found((), dotted)

    def _home(self, dotted: str) -> tuple[str | None, tuple[str, ...]]:
        """The module that a dotted name starts with, the longest, and what follows."""
        homes = ((module, rest) for module, rest in _splits(dotted) if module in self._names)
        return next(homes, (None, ()))

    def _passed_on(self, dotted: str) -> str | None:
        """Where a name comes from that its module only imports."""
        module, rest = self._home(dotted)
        if module is None or not rest:
            return None
        names = self._names[module]
        if rest[0] in names.definitions or rest[0] not in names.imports:
            return None
        return ".".join([names.imports[rest[0]], *rest[1:]])

    def _everything(self, module: str) -> Iterator[Reference]:
        """A module that is handed around as a whole counts as a whole."""
        return ((module, name) for name in sorted(self._names[module].definitions))


def _splits(dotted: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The ways to see a dotted name as a module and what stands in it, longest module first."""
    parts = tuple(dotted.split("."))
    return ((".".join(parts[:i]), parts[i:]) for i in range(len(parts), 0, -1))
