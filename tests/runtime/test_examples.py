"""Every example in a docstring of the runtime is run."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import lab.runtime

ROOT = Path(lab.runtime.__file__).parent
WITH_EXAMPLES = sorted(
    ".".join(("lab", "runtime", *path.relative_to(ROOT).with_suffix("").parts))
    for path in ROOT.rglob("*.py")
    if ">>> " in path.read_text()
)


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_the_examples_of_a_module_are_true(module: str) -> None:
    found = doctest.testmod(import_module(module))
    assert found.attempted > 0
    assert found.failed == 0
