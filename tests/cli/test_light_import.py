"""`import lab` is light, and knows `lab.export` all the same."""

import subprocess
import sys

CODE = """
import sys
import lab
heavy = {"numpy", "jax", "torch", "flax", "lab.cli", "lab.runtime"} & set(sys.modules)
assert not heavy, heavy
assert callable(lab.export)
assert not {"jax", "torch"} & set(sys.modules)
try:
    lab.exprot
except AttributeError as error:
    assert "exprot" in str(error)
else:
    raise AssertionError
"""


def test_importing_lab_imports_nothing_that_is_heavy() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
