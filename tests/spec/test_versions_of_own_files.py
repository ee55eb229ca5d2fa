"""A component in a file of a person's own: its version follows from all that it reaches.

Edits are made to the file, to another that it imports, and to that of its base class.
"""

import pytest

from lab.spec.components import read_components
from lab.spec.source import Source

MINE = """
from lab.runtime.other import base, constant as taken
from lab.spec.declare import component, parameter

LIMIT = 3
TABLE = {"a": 1}
TABLE["b"] = LIMIT


def even(n):
    return n == 0 or odd(n - 1)


def odd(n):
    from lab.runtime.other import deep
    return deep(n) and even(n - 1)


def unused(x):
    return x


def known(f):
    TABLE[f.__name__] = f
    return f


@known
def listed(x):
    return x + 10


def outer(x, *, k=1, j):
    total = 0

    def inner(y):
        nonlocal total
        total = total + y * 2
        return total

    return [inner(z) for z in x if (w := z)] + [w, k, j]


@component("mine", kind="selector")
class Mine(base.Base):
    rate: float = parameter(0.5, "rate")

    def select(self, losses):
        return outer(losses, j=taken) if even(losses) else TABLE

    def other(self):
        raise ValueError(f"{self.rate} is wrong")
"""
OTHER = """
constant = 5
left = 6


def deep(n):
    return n * left


def elsewhere():
    return 1
"""
BASE = """
from lab.runtime.other import elsewhere


class Base:
    def shared(self):
        return elsewhere() + 1
"""


def mine(
    old: str = "", new: str = "", *, text: str = MINE, other: str = OTHER, base: str = BASE
) -> str:
    """The version of the component in `MINE` after an edit of one of the three files."""
    texts = [text, other, base]
    assert any(old in one for one in texts)
    text, other, base = (one.replace(old, new) if old else one for one in texts)
    files = {"lab.runtime.other": other + "from lab.runtime import base\n"}
    files["lab.runtime.base"] = base
    found = read_components(
        {"mine": Source("mine.py", text)},
        base=[(name, Source(f"{name}.py", one)) for name, one in files.items()],
    )
    assert not found.diagnostics
    return found.catalog.signatures["selector", "mine"].version


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("total", "amount"),
        ("inner", "within"),
        ("def unused(x):\n    return x", "def unused(x):\n    return 2 * x"),
        ("[w, k, j]", "[w, k, j,]"),
        ("is wrong", "is not right"),
        ("constant as taken", "constant as given, constant as taken"),
        ("LIMIT = 3", "LIMIT: int = 3"),
        ("    rate: float", "    rate: 'float'"),
        ('"rate")', '"the rate", low=0)'),
    ],
)
def test_an_edit_of_an_own_file_that_changes_nothing(old: str, new: str) -> None:
    assert mine(old, new) == mine()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 3", "LIMIT = 4"),
        ('TABLE["b"] = LIMIT', 'TABLE["c"] = LIMIT'),
        ("x + 10", "x + 11"),
        ("y * 2", "y * 3"),
        ("k=1, j", "k, j=1"),
        ("n == 0", "n == 1"),
        ("odd(n - 1)", "odd(n - 2)"),
        ("left = 6", "left = 7"),
        ("n * left", "n + left"),
        ("constant = 5", "constant = 6"),
        ("return 1", "return 2"),
        ("elsewhere() + 1", "elsewhere() + 2"),
        ("import base, constant", "import base, left"),
        ("[inner(z) for z in x", "[inner(x) for z in x"),
        ("(0.5,", "(0.6,"),
        ("        nonlocal total\n", ""),
        ("def select", "def choose"),
        ("j=taken", "j=LIMIT"),
        ("raise ValueError", "raise TypeError"),
    ],
)
def test_an_edit_of_an_own_file_that_changes_something(old: str, new: str) -> None:
    assert mine(old, new) != mine()


def test_what_a_version_covers_can_be_listed() -> None:
    reading = read_components(
        {"mine": Source("mine.py", MINE)},
        base=[("lab.runtime.other", Source("o.py", OTHER))],
    )
    (version,) = (one.version for one in reading.catalog.signatures.values())
    covered = reading.parts[version]
    assert {"mine.Mine", "mine.even", "lab.runtime.other.deep", "mine.LIMIT"} <= covered.keys()
    assert "mine.unused" not in covered


# A parameter that came later.

EARLY = """
from lab.spec.declare import component, parameter


@component("c", kind="selector")
class C:
    rate: float = parameter(0.5, "rate")

    def select(self, losses):
        return losses
"""
FIELD = """    decay: float = parameter(0, "decay", legacy=0)
    mode: str | None = parameter(None, "mode", legacy=None)
"""
LATE = EARLY.replace("\n    def select", FIELD + "\n    def select")


def test_a_parameter_that_came_later_is_no_part_of_the_version() -> None:
    early, late = (read_components({"c": Source("c.py", text)}).catalog for text in (EARLY, LATE))
    old, new = early.signatures["selector", "c"], late.signatures["selector", "c"]
    assert old.version == new.version
    assert old.late is None
    assert new.late == {"decay": 0.0, "mode": None}


def test_an_argument_that_means_what_its_absence_meant_does_not_count() -> None:
    found = read_components({"c": Source("c.py", LATE)}).catalog.signatures["selector", "c"]
    assert found.counted({"rate": 1, "decay": 0.0, "mode": None}) == {"rate": 1}
    given = {"rate": 1, "decay": 0.1, "mode": "hard"}
    assert found.counted(given) == given
