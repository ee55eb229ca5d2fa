"""A component's version follows from what its code does, and from nothing else.

Edits are made to the files that ship: cosmetic ones to every file at once, others to one definition
each, with the components that it concerns and some that it does not.
"""

import ast
from collections.abc import Callable, Generator, Sequence
from functools import lru_cache

import pytest

from lab.spec import fingerprint
from lab.spec.catalog import own_sources
from lab.spec.components import read_components
from lab.spec.fingerprint import APART, AROUND, ASIDE
from lab.spec.normal import Found, Lookup, Normal, normal
from lab.spec.source import Source

Edit = Callable[[ast.Module], ast.AST]
_DEFINED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


#: Normal forms of statements, each with what the names in them meant.
_Forms = dict[tuple[int, ...], list[tuple[Sequence[ast.stmt], dict[str, Found], Normal]]]


@pytest.fixture(scope="module", autouse=True)
def remembered() -> Generator[None]:
    """A form is written once, as long as its statements are the same and their names mean the same.

    An edit leaves all files but one as they were, and a file that is unchanged is parsed once.
    """
    forms: _Forms = {}

    def form(statements: Sequence[ast.stmt], lookup: Lookup) -> Normal:
        known = forms.setdefault(tuple(map(id, statements)), [])
        for _, meant, made in known:
            if all(lookup(name) == found for name, found in meant.items()):
                return made
        asked: dict[str, Found] = {}
        made = normal(statements, lambda name: asked.setdefault(name, lookup(name)))
        known.append((statements, asked, made))
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fingerprint, "normal", form)
        yield


@lru_cache(maxsize=1)
def shipped() -> dict[str, Source]:
    return own_sources()


def versions(files: dict[str, Source]) -> dict[str, str]:
    reading = read_components(files)
    assert not reading.diagnostics
    found = reading.catalog.signatures
    return {f"{kind} {name}": one.version for (kind, name), one in found.items()}


@lru_cache(maxsize=1)
def before() -> dict[str, str]:
    return versions(shipped())


def changed(files: dict[str, str]) -> set[str]:
    """The components whose version changes with new texts of some files."""
    sources = {name: Source(shipped()[name].name, text) for name, text in files.items()}
    after = versions({**shipped(), **sources})
    assert after.keys() == before().keys()
    return {one for one, version in after.items() if version != before()[one]}


# Cosmetic edits, each of every file that ships.


def reformatted(tree: ast.Module) -> ast.Module:
    return tree


class _Documented(ast.NodeTransformer):
    def visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, (ast.Module, *_DEFINED)):
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body[0] = ast.Expr(ast.Constant("Said in other words."))
        return self.generic_visit(node)


class _Unannotated(ast.NodeTransformer):
    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node


class _Noted(ast.NodeTransformer):
    """Another documentation and other limits of every parameter."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and node.func.id == "parameter" and len(node.args) == 2:
            node.args[1] = ast.Constant("another doc")
            node.keywords = [one for one in node.keywords if one.arg not in ("low", "high")]
        return self.generic_visit(node)


def reordered(tree: ast.Module) -> ast.Module:
    """Functions and methods in the reverse order."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef):
            places = [i for i, one in enumerate(node.body) if _may_move(one)]
            moved = [node.body[i] for i in reversed(places)]
            for place, one in zip(places, moved, strict=True):
                node.body[place] = one
    return tree


def _may_move(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef) and not node.decorator_list


class _Renamed(ast.NodeTransformer):
    """Other names for what functions assign, where that is plain to see."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        inside = [one for one in ast.walk(node) if one is not node]
        stored = {
            one.id for one in inside if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
        }
        others = {one.arg for one in ast.walk(node) if isinstance(one, ast.arg)}
        others |= {one.name for one in inside if isinstance(one, _DEFINED)}
        for one in inside:
            others |= set(one.names) if isinstance(one, ast.Global | ast.Nonlocal) else set()
            if isinstance(one, ast.Name) and one.id in stored - others:
                one.id = f"renamed_{one.id}"
        return node


COSMETIC: dict[str, Edit] = {
    "comments and formatting": reformatted,
    "docstrings": _Documented().visit,
    "annotations of functions": _Unannotated().visit,
    "documentation and limits of parameters": _Noted().visit,
    "the order of functions and methods": reordered,
    "names of local variables": _Renamed().visit,
}


@pytest.mark.parametrize("what", COSMETIC)
def test_no_version_depends_on(what: str) -> None:
    texts: dict[str, str] = {}
    for name, source in shipped().items():
        edited = COSMETIC[what](ast.parse(source.text))
        texts[name] = ast.unparse(ast.fix_missing_locations(edited))
    assert sum(text != shipped()[name].text for name, text in texts.items()) > 30
    assert changed(texts) == set()


def test_no_version_depends_on_where_a_helper_stands() -> None:
    helper = "def helper(x):\n    return 2 * x\n"
    body = '@component("c", kind="selector")\nclass C:\n    def f(self, x):\n        return {}(x)\n'
    declare = "from lab.spec.declare import component\n"
    here = declare + helper + body.format("helper")
    there = declare + "from lab.runtime import other\n" + body.format("other.helper")
    by_name = declare + "from lab.runtime.other import helper\n" + body.format("helper")
    other = {"lab.runtime.other": Source("o.py", helper)}
    found = {
        versions({"c": Source("c.py", text), **other})["selector c"]
        for text in (here, there, by_name)
    }
    assert len(found) == 1


# Edits of meaning.


class _Mutated(ast.NodeTransformer):
    """The first number, operator or flag of a definition, changed."""

    done = False

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if self.done or not isinstance(node.value, int | float):
            return node
        self.done = True
        changed = not node.value if isinstance(node.value, bool) else node.value + 1
        return ast.Constant(changed)

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        if self.done:
            return node
        self.done = True
        swapped = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
        return ast.BinOp(node.left, swapped, node.right)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.args.kw_defaults = [one and self.visit(one) for one in node.args.kw_defaults]
        node.body = [self.visit(one) for one in node.body]
        return node


def _place(tree: ast.Module, dotted: str) -> ast.stmt:
    body: Sequence[ast.stmt] = tree.body
    found: ast.stmt | None = None
    for part in dotted.split("."):
        found = next(one for one in body if part in _names(one))
        body = getattr(found, "body", ())
    assert found is not None
    return found


def _names(node: ast.stmt) -> set[str]:
    if isinstance(node, _DEFINED):
        return {node.name}
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def mutated(module: str, dotted: str) -> set[str]:
    name = f"lab.runtime.{module}"
    tree = ast.parse(shipped()[name].text)
    mutation = _Mutated()
    mutation.visit(_place(tree, dotted))
    assert mutation.done, f"nothing to change in {module}.{dotted}"
    return changed({name: ast.unparse(ast.fix_missing_locations(tree))})


OPTIMIZERS = {"optimizer adam", "optimizer adamw", "optimizer sgd"}
TRAINING = {"stage train", "stage finetune"}
SCORING = {"measurement accuracy", "measurement loss"}
DATA = {"data cifar10", "data cifar10_sample", "data digits"}
STAGES = {*TRAINING, "stage fit", "stage apply", "stage pretrained"}
MEASUREMENTS = {*SCORING, "measurement bytes", "measurement parameters", "measurement r2"}
INWF, QUANTIZE = {"reparameterization inwf"}, {"reparameterization quantize"}
FOURIER, MODELS = {"encoding fourier"}, {"model mlp", "model resnet20"}
#: The components that the edits below speak of; others may be concerned or not.
SPOKEN_OF = {
    *OPTIMIZERS, *STAGES, *MEASUREMENTS, *DATA, *INWF, *QUANTIZE, *FOURIER, *MODELS,
    "schedule cosine", "selector random", "loss task", "reparameterization prune",
    "model torchvision",
}  # fmt: skip

MEANING = [
    ("a formula", "schedules.cosine", "Cosine", {"schedule cosine"}),
    ("a formula", "reparameterizations.quantize", "Quantize.levels", QUANTIZE),
    ("a formula", "selectors.random", "Random.count", {"selector random"}),
    ("a formula", "encodings.fourier", "Fourier.features", FOURIER),
    ("a formula", "data.digits", "_everything", {"data digits"}),
    ("a constant", "training", "AVERAGE_WARM_UP", TRAINING),
    ("a constant", "portions", "FEWEST", SCORING | TRAINING),
    ("a constant", "sine", "_SINE", FOURIER | INWF),
    ("a constant", "models.resnet20", "BLOCKS", {"model resnet20"}),
    ("a constant", "data.digits", "SPLIT_SEED", {"data digits"}),
    ("a constant", "cifar10.sample", "TEST_COUNT", {"data cifar10_sample"}),
    ("a constant", "field_objective", "WORTH_CUTTING", INWF),
    ("a default", "optimizers.adam", "Adam.b1", {"optimizer adam"}),
    ("a default", "optimizers.sgd", "SGD.momentum", {"optimizer sgd"}),
    ("a default", "stages.train", "Train.batch", {"stage train"}),
    ("a default", "reparameterizations.inwf", "INWF.width", INWF),
    ("a default of a function", "dataset", "carve", DATA),
    ("a helper", "sine", "_polynomial", FOURIER | INWF),
    ("a derivative", "sine", "_sine_derivative", FOURIER | INWF),
    ("a helper", "fields", "_divided", INWF),
    ("a helper", "schedule", "_curve", OPTIMIZERS),
    ("a helper", "training", "_averaged", TRAINING),
    ("a helper", "training", "_step", TRAINING),
    ("a helper", "durations", "whole_steps", OPTIMIZERS | TRAINING | {"stage fit"}),
    ("a method of a base class", "schedule", "_Span", OPTIMIZERS),
    ("a helper of the engine", "streams", "_number", STAGES | MEASUREMENTS),
    ("a method of a base class", "optimizer", "Optimizer.rate", OPTIMIZERS),
    ("code of another process", "bridge.exported", "EXAMPLES", {"model torchvision"}),
    ("code of another process", "bridge.convert", "_built", {"model torchvision"}),
]


@pytest.mark.parametrize(
    ("module", "dotted"),
    [
        ("files", "_MANY"),
        ("download", "ATTEMPTS"),
        ("checkpoints", "Checkpoints"),
        ("executables", "Kept"),
    ],
)
def test_how_bytes_are_carried_is_no_part_of_a_version(module: str, dotted: str) -> None:
    assert module in {one.rpartition(".")[2] for one in ASIDE}
    assert mutated(module, dotted) == set()


@pytest.mark.parametrize(("what", "module", "dotted", "expected"), MEANING)
def test_a_change_concerns_the_components_that_reach_it(
    what: str, module: str, dotted: str, expected: set[str]
) -> None:
    found = mutated(module, dotted) & SPOKEN_OF
    assert expected <= found
    # Stages come to use a helper more easily than components of other kinds do.
    unexpected = {one for one in found - expected if not one.startswith("stage ")}
    assert not unexpected, f"{what} in {module}"


def test_the_code_around_components_is_found() -> None:
    asking = [".".join(one) for one in APART]
    found = [one for group in (*AROUND.values(), *APART.values()) for one in group]
    for dotted in (*asking, *found):
        module, _, name = dotted.rpartition(".")
        assert _place(ast.parse(shipped()[module].text), name) is not None


def test_everything_of_the_language_that_components_use_can_count() -> None:
    """What a component takes from `lab.spec` is counted, or says what components are.

    Or it looks for the name that a person may have meant, which is for messages only.
    """
    declares = {"lab.spec.catalog", "lab.spec.records", "lab.spec.signature", "lab.spec.values"}
    declares |= {"lab.spec.suggest"}
    reading = read_components(shipped())
    keyed = [one for one in reading.catalog.signatures.values() if one.kind != "figure"]
    reached = {name for one in keyed for name in reading.parts[one.version]}
    modules = {max((m for m in shipped() if name.startswith(m)), key=len) for name in reached}
    for module in modules:
        for node in ast.walk(ast.parse(shipped()[module].text)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lab.spec"):
                assert node.module in {*shipped(), *declares}, f"{module}: {node.module}"
