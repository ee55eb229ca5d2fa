"""The catalog knows of a component what its file says, without importing it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from stand_ins import catalog as stand_ins
from stand_ins import source as source_of_stand_ins

from lab.spec.catalog import builtin_catalog, catalog_of, read_files
from lab.spec.docs import describe
from lab.spec.signature import ParameterInfo, Signature, Type
from lab.spec.source import Source

TOY = '''
"""A toy."""
import does_not_exist

from lab.runtime.reparameterizations.plain import Plain
from lab.spec.declare import Duration, Share, component, parameter

WIDTH = 2 ** 5


class Base:
    """Fields that others inherit."""

    strength: Share = parameter(0.5, "how much", low=0, high=1, traced=True)


@component("toy", kind="reparameterization", stage="fit", streams=("init",))
class Toy(Base):
    """Does little.

    Much more about it.
    """

    width: int = parameter(WIDTH, "hidden units", low=1)
    mode: Literal["soft", "hard"] | None = parameter(None, "how")
    length: Duration = parameter(Duration(2000, "steps"), "how long", name="for")
    inner: Reparameterization = parameter(Plain(), "for its numbers")
    names: tuple[Literal["head"] | str, ...] = parameter(("head", "**.w"), "which")
    size: "Bytes" = parameter(100e6, "kept")
    rate: float = parameter(1, "rate")
    needed: int = parameter(doc="must be given", positional=True)
    rest: dict[str, Optimizer] = parameter(doc="by label")

    def formula(self, x):
        """Twice."""
        return 2 * x  # doubled
'''


def toy(text: str = TOY) -> Signature:
    reading = read_files([Source("toy.py", text)])
    assert not reading.diagnostics
    found = reading.catalog.get("reparameterization", "toy")
    assert found is not None
    return found


def parameter(name: str) -> ParameterInfo:
    found = toy().parameter(name)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "kind", "default"),
    [
        ("strength", Type("share"), 0.5),
        ("width", Type("int"), 32),
        ("mode", Type("word", ("soft", "hard"), optional=True), None),
        ("for", Type("duration"), {"duration": 2000, "unit": "steps"}),
        ("inner", Type("reparameterization"), {"component": "plain"}),
        ("names", Type("string", ("head",), many=True), ["head", "**.w"]),
        ("size", Type("bytes"), 100_000_000),
        ("rate", Type("float"), 1.0),
        ("needed", Type("int"), None),
        ("rest", Type("optimizer", mapping=True), None),
    ],
)
def test_a_field_is_a_parameter(name: str, kind: Type, default: object) -> None:
    found = parameter(name)
    assert found.type == kind
    if isinstance(found.default, dict) and "component" in found.default:
        assert found.default["component"] == "plain"
    else:
        assert found.default == default
        assert type(found.default) is type(default)


def test_limits_and_documentation_are_read() -> None:
    found = parameter("strength")
    assert (found.low, found.high, found.traced, found.doc) == (0, 1, True, "how much")
    assert parameter("needed").required
    assert parameter("needed").positional
    assert parameter("for").field == "length"
    assert not parameter("rest").required


def test_the_first_paragraph_of_the_docstring_is_the_documentation() -> None:
    found = toy()
    assert (found.doc, found.stage, found.streams) == ("Does little.", "fit", ("init",))
    assert (found.module, found.qualname, found.file) == ("toy", "Toy", "toy.py")


def test_inherited_parameters_come_first() -> None:
    assert toy().parameters[0].name == "strength"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("# doubled", "# twice as much"),
        ('"""Twice."""', '"""Something else."""'),
        ("Much more about it.", "Little more about it."),
        ("    def formula", "\n\n    def formula"),
        ('"hidden units"', '"units inside"'),
        ("return 2 * x", "return (2 * x)"),
        ("def formula(self, x):", "def formula(self, x: float) -> float:"),
        ("import does_not_exist", "import nothing_of_it_is_used"),
    ],
)
def test_a_cosmetic_edit_keeps_the_version(before: str, after: str) -> None:
    assert before in TOY
    assert toy(TOY.replace(before, after)).version == toy().version


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("2 * x", "3 * x"),
        ("2 ** 5", "2 ** 6"),
        ('parameter(0.5, "how much"', 'parameter(0.6, "how much"'),
    ],
)
def test_an_edit_of_meaning_changes_the_version(before: str, after: str) -> None:
    assert before in TOY
    assert toy(TOY.replace(before, after)).version != toy().version


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("class A(:", "this is no Python"),
        ('@component("a", kind="nothing")\nclass A:\n    pass', "one of data, model"),
        (
            '@component("a", kind="data")\nclass A:\n    x: Nonsense = parameter(1)',
            "`Nonsense` is no type of a parameter",
        ),
        (
            '@component("a", kind="data")\nclass A:\n    x: int | float = parameter(1)',
            "a parameter has one type",
        ),
        (
            '@component("a", kind="data")\nclass A:\n    x: int = parameter(open("f"))',
            "`open` is no component known here",
        ),
        (
            '@component("a", kind="data")\nclass A:\n    x: int = parameter(y)',
            "`y` is no default that can be read",
        ),
        (
            '@component("a", kind="data")\nclass A:\n    pass\n'
            '@component("a", kind="data")\nclass B:\n    pass',
            "a second data `a`",
        ),
        ('@component("a", kind="data")\nclass A(A):\n    pass', "is built on itself"),
    ],
)
def test_a_mistake_in_a_file_is_a_finding_at_its_place(text: str, message: str) -> None:
    (found,) = read_files([Source("mine.py", text)]).diagnostics
    assert (found.code, found.source.name) == ("E0705", "mine.py")
    assert message in found.message


def test_a_mistake_leaves_the_other_components() -> None:
    bad = '\n@component("b", kind="data")\nclass B:\n    x: Nonsense = parameter(1)\n'
    assert read_files([Source("toy.py", TOY + bad)]).catalog.get("reparameterization", "toy")


def test_what_is_read_from_files_hides_what_ships() -> None:
    text = '@component("adam", kind="optimizer")\nclass Mine:\n    """Mine."""\n'
    made = catalog_of([Source("mine.py", text)], builtin=stand_ins())
    found = made.get("optimizer", "adam")
    assert found is not None
    assert found.doc == "Mine."
    assert made.get("optimizer", "sgd") is not None


def test_what_ships_can_all_be_read() -> None:
    found = builtin_catalog()
    assert {"adam", "sgd"} <= set(found.names("optimizer"))
    for signature in found.signatures.values():
        assert signature.doc, signature.name
        assert all(one.doc for one in signature.parameters), signature.name
        assert not Path(signature.file).is_absolute()


def test_a_default_has_all_its_own_defaults_filled_in() -> None:
    fit = stand_ins().get("stage", "fit")
    assert fit is not None
    by = fit.parameter("by")
    assert by is not None
    args = {"lr": 0.001, "b1": 0.9, "b2": 0.999, "eps": 1e-08}
    assert by.default == {"component": "adam", "kind": "optimizer", "args": args}


def test_the_catalog_is_found_in_the_cache_and_made_anew_when_it_is_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first = builtin_catalog()
    (kept,) = (tmp_path / "lab").glob("catalog-*.json")
    assert builtin_catalog() == first
    stored = json.loads(kept.read_text("utf-8"))
    stored["signatures"] = stored["signatures"][:1]
    kept.write_text(json.dumps(stored), "utf-8")
    assert len(builtin_catalog().signatures) == 1
    kept.write_text("{", "utf-8")
    assert builtin_catalog() == first


def test_installations_beside_each_other_keep_a_catalog_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = tmp_path / "lab"
    folder.mkdir()
    for age in range(9):
        (folder / f"catalog-{age}.json").write_text("{}", "utf-8")
        os.utime(folder / f"catalog-{age}.json", (age, age))
    builtin_catalog()
    others = {path.name for path in folder.glob("catalog-?.json")}
    assert others == {"catalog-6.json", "catalog-7.json", "catalog-8.json"}
    assert len(list(folder.glob("catalog-*.json"))) == 4


def test_a_cache_that_cannot_be_written_to_costs_nothing_but_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("", "utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    assert builtin_catalog().signatures


def test_checking_imports_neither_jax_nor_numpy_nor_a_component() -> None:
    code = (
        "import sys\nfrom lab.spec.check import check\nfrom lab.spec.catalog import "
        "builtin_catalog\nfrom lab.spec.source import Source\n"
        "check(Source('s.lab', 'data d = digits()'), builtin_catalog())\n"
        "heavy = {'jax', 'numpy', 'torch', 'flax', 'aim', 'rich', 'lab.runtime'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_a_page_of_documentation_says_everything_about_a_component() -> None:
    page = describe(toy())
    for text in (
        "toy(needed: …, strength, width, mode, for, inner, names, size, rate, rest)",
        "(reparameterization)",
        "Does little.",
        "share (%); at least 0%, at most 100%; default 50%; changing it compiles nothing",
        "whole number; at least 1; default 32",
        "soft | hard | none; default none",
        "default 2000 steps",
        'default [head, "**.w"]',
        "default 100000000 B",
        "whole number; required; may be given without its name",
        "any other argument by name, each: optimizer",
        "as a stage: short for fit(through: toy(…), …)",
        "random streams: init",
        "source: toy.py:",
    ):
        assert text in page
    assert page == describe(toy())


def test_every_shipped_component_has_a_page() -> None:
    assert all(describe(one) for one in builtin_catalog().signatures.values())


def test_nothing_stands_in_for_a_component_that_ships_with_all_of_its_parameters() -> None:
    shipped = builtin_catalog().signatures
    for which, one in catalog_of([source_of_stand_ins()]).signatures.items():
        there = {own.name for own in shipped[which].parameters} if which in shipped else set()
        lacking = {own.name for own in one.parameters} - there
        assert which not in shipped or lacking, f"{one.name} ships: take it out of `stand_ins`"
