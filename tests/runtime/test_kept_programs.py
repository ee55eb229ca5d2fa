"""Programs that outlive their process: the same bits, and none of another text."""

import hashlib
import json
import math
import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lab
from lab.runtime import fitting, kept_programs, lanes, meters, registry, training
from lab.runtime.artifact import weights
from lab.runtime.asking import Ask, alone, by_itself
from lab.runtime.data.digits import Digits
from lab.runtime.described import name_of
from lab.runtime.executables import Kept
from lab.runtime.fields import Architecture
from lab.runtime.lanes import Together
from lab.runtime.models.mlp import MLP
from lab.runtime.models.torch import Torch
from lab.runtime.optimizers.adam import Adam
from lab.runtime.reparameterizations.inwf import INWF
from lab.runtime.sine import sine
from lab.runtime.stages.fit import Fit
from lab.runtime.stages.train import Train
from lab.runtime.work import Work
from lab.spec.units import Duration

STEPS = Duration(7, "steps")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where programs are kept during a test, also while somebody edits what is tested."""
    monkeypatch.setattr(kept_programs, "_BEGUN", math.inf)
    kept_programs.keep_in(tmp_path / "programs")
    yield tmp_path / "programs" / "kept"
    kept_programs.keep_in(None)


@pytest.fixture
def loads() -> Iterator[Callable[[], int]]:
    """How many programs were loaded since this was last asked."""
    count = 0

    def add(event: str, seconds: float, **_: object) -> None:
        nonlocal count
        count += event == meters.LOADING

    def since() -> int:
        nonlocal count
        found, count = count, 0
        return found

    jax.monitoring.register_event_duration_secs_listener(add)
    yield since
    jax.monitoring.unregister_event_duration_listener(add)


def anew() -> None:
    """Forget the programs of this process, as another process would know none."""
    for programs in (training._programs, training._beginnings, fitting._programs, lanes._programs):
        programs.clear()
    fitting._beginnings.clear()


def work(before: Any = None) -> Work:
    keys = jax.random.split(jax.random.key(3), 4)
    streams = dict(zip(("init", "batches", "augment", "dropout"), keys, strict=True))
    inputs = {} if before is None else {"before": before}
    return Work(inputs, streams.__getitem__, lambda *_: None, Path())


def trained(lr: float = 1e-3) -> Train:
    return Train(model=MLP(width=8, layers=1), data=Digits(), duration=STEPS, by=Adam(lr=lr))


def made() -> list[np.ndarray]:
    """All numbers of a training and a fit, by programs that are got anew."""
    anew()
    registry.catalog()
    network = alone(trained().going(work()))
    method = INWF(width=8, layers=1, min_size=0)
    field = alone(Fit(through=method, duration=STEPS).going(work(network)))
    leaves = jax.tree.leaves((weights(network), weights(field), dict(field.split.train)))
    return [np.asarray(leaf) for leaf in leaves]


def same(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_program_that_was_loaded_gives_the_bits_of_the_one_that_was_compiled(
    folder: Path, loads: Callable[[], int]
) -> None:
    compiled = made()
    assert files(folder)
    assert loads() == 0
    loaded = made()
    assert loads() >= 4
    kept_programs.keep_in(None)
    by_jax = made()
    assert loads() == 0
    assert same(compiled, loaded)
    assert same(compiled, by_jax)


def test_programs_of_steps_count_where_they_are_loaded_too(folder: Path) -> None:
    meters.programs_since()
    made()
    assert meters.programs_since() == 2
    made()
    assert meters.programs_since() == 2


def test_a_step_takes_the_memory_of_the_state_over_however_its_program_came(folder: Path) -> None:
    for _ in range(2):
        anew()
        ask = next(trained().going(work()))
        before = jax.tree.leaves(ask.state)
        by_itself(ask)
        assert all(array.is_deleted() for array in before)
        assert not any(array.is_deleted() for array in (ask.supply.inputs, ask.supply.labels))


def test_lanes_together_are_loaded_with_the_same_bits(
    folder: Path, loads: Callable[[], int]
) -> None:
    registry.catalog()
    found = []
    for _ in range(2):
        anew()
        asks: dict[int, Ask] = {i: next(trained(1e-3 * (1 + i)).going(work())) for i in range(3)}
        loads()
        group = Together(3)
        answers = group.do(asks)
        leaves = jax.tree.leaves([answers[place].state.whole() for place in answers])
        found.append([np.asarray(leaf) for leaf in leaves])
    assert loads() >= 1
    assert same(*found)


@pytest.mark.parametrize("harm", ["flipped", "short", "empty"])
def test_damaged_files_are_made_again(folder: Path, loads: Callable[[], int], harm: str) -> None:
    compiled = made()
    harmed: dict[Path, bytes] = {}
    for path in files(folder):
        content = path.read_bytes()
        middle = len(content) // 2
        flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        harmed[path] = {"flipped": flipped, "short": content[:middle], "empty": b""}[harm]
        path.write_bytes(harmed[path])
    assert same(compiled, made())
    assert loads() == 0
    assert all(path.read_bytes() != content for path, content in harmed.items())
    assert same(compiled, made())
    assert loads() >= 4


def test_random_keys_and_numbers_of_the_host_go_in_and_out(folder: Path) -> None:
    function = Kept(_shuffled)
    for key in (jax.random.key(1), jax.random.split(jax.random.key(2), 3)):
        keys, numbers = function(key, np.arange(3.0), scale=np.float32(2))
        assert jnp.issubdtype(keys.dtype, jax.dtypes.prng_key)
        assert jax.random.bits(keys.ravel()[0]) != jax.random.bits(key.ravel()[0])
        np.testing.assert_array_equal(numbers, 2 * np.arange(3.0, dtype=np.float32))


def _shuffled(key: Any, numbers: Any, *, scale: Any) -> tuple[Any, Any]:
    return jax.vmap(jax.random.fold_in, (0, None))(key.ravel(), 7), numbers * scale


# As a function of ours, since programs of other functions are not kept.
_shuffled.__module__ = "lab.test"


def test_a_call_inside_a_program_is_part_of_that(folder: Path) -> None:
    function = Kept(_doubled)
    assert jax.jit(lambda x: function(x) + 1)(jnp.ones(3)).tolist() == [3, 3, 3]
    assert jax.grad(lambda x: function(x).sum())(jnp.ones(3)).tolist() == [2, 2, 2]
    assert not folder.exists() or not files(folder)


def _doubled(x: Any) -> Any:
    return 2 * x


_doubled.__module__ = "lab.test"


def test_settings_of_products_are_part_of_a_name(folder: Path) -> None:
    function = Kept(_doubled)
    function(jnp.ones(3))
    with jax.default_matmul_precision("bfloat16"):
        function(jnp.ones(3))
    assert function.programs == 2
    function(jnp.ones(3, jnp.int32))
    function(jnp.asarray(1.0))
    function(jnp.zeros(()))
    assert function.programs == 5


# Names


@dataclass(frozen=True)
class Own:
    """A component of a person's own file."""

    width: int = 3


def test_nothing_has_a_name_whose_code_is_somewhere_else() -> None:
    architecture = Architecture(width=3, layers=1, activation="relu", encoding=None, w0=1.0)
    assert name_of((MLP(), architecture, sine, None, "x", 1.5)) is not None
    for other in (Own(), Own, Torch(name="nets.py:make"), Torch, np.zeros(3), lambda: 0, object()):
        assert name_of((MLP(), other)) is None


def test_a_function_of_a_persons_own_is_compiled_by_jax(folder: Path) -> None:
    function = Kept(lambda x: x + 1)
    assert function(jnp.ones(2)).tolist() == [2, 2]
    assert function.programs == 1
    assert not folder.exists() or not files(folder)


def test_every_text_is_part_of_the_digest_of_code(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    one, two = tmp_path / "one.py", tmp_path / "inside" / "two.py"
    one.write_text("x = 1\n", encoding="utf-8")
    two.write_text("y = 1\n", encoding="utf-8")
    found = {kept_programs.code_digest((tmp_path,))}
    two.write_text("y = 2\n", encoding="utf-8")
    found.add(kept_programs.code_digest((tmp_path,)))
    two.rename(tmp_path / "two.py")
    found.add(kept_programs.code_digest((tmp_path,)))
    assert len(found) == 3


SCRIPT = """
import sys
from pathlib import Path
import jax, jax.numpy as jnp
from lab.runtime import kept_programs, meters
from lab.runtime.fields import Architecture
from lab.runtime.reparameterizations.inwf import INWF

loaded = []
jax.monitoring.register_event_duration_secs_listener(
    lambda event, seconds, **_: loaded.append(event) if event == meters.LOADING else None
)
kept_programs.keep_in(Path(sys.argv[1]))
method = INWF(width=4, layers=1, min_size=0)
split = method.init({"w": jnp.arange(12.0).reshape(4, 3)}, key=jax.random.key(0))
made = method.materialize(split)["w"]
print(len(loaded), float(made[1, 2]).hex())
"""


def test_another_formula_does_not_find_what_was_compiled_before(tmp_path: Path) -> None:
    above = Path(lab.__file__).parents[1]
    copy = tmp_path / "copy"
    for name in ("lab", "spec", "compiler", "runtime"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(above / name, copy / name, symlinks=True, ignore=ignored)

    def told() -> list[str]:
        command = [sys.executable, "-c", SCRIPT, str(tmp_path / "programs")]
        env = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            command, check=False, cwd=copy, env=env, capture_output=True, text=True
        )
        assert not done.returncode, done.stderr
        return done.stdout.split()

    formula = copy / "runtime" / "fields.py"
    os.utime(formula, (0, 0))
    first, again = told(), told()
    assert first[0] == "0"
    assert again[0] != "0"
    assert first[1] == again[1]
    text = formula.read_text(encoding="utf-8")
    assert text.count("sine(w0 * x)") == 1
    formula.write_text(text.replace("sine(w0 * x)", "sine(w0 * x + 1)"), encoding="utf-8")
    # A text that changes while a process runs may not be what it runs: nothing is kept of it.
    os.utime(formula, (time.time() + 60, time.time() + 60))
    changed = told()
    assert changed[1] != first[1]
    assert told()[1] == changed[1]
    os.utime(formula, (0, 0))
    assert told()[1] == told()[1] == changed[1]
    formula.write_text(text, encoding="utf-8")
    os.utime(formula, (0, 0))
    assert told() == again


# The folder


def test_the_folder_is_its_owners_alone_or_not_used(folder: Path) -> None:
    assert kept_programs.folder() is not None
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o770)
    kept_programs.keep_in(folder.parent)
    assert kept_programs.folder() is None


def test_a_folder_that_cannot_be_made_costs_no_result(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    kept_programs.keep_in(tmp_path / "file" / "below")
    try:
        assert Kept(_doubled)(jnp.ones(2)).tolist() == [2, 2]
    finally:
        kept_programs.keep_in(None)


def test_names_of_old_texts_are_removed_and_code_stays(folder: Path) -> None:
    names = kept_programs.folder()
    assert names is not None
    kept_programs.keep_code("c", b"code")
    for age in range(2 * kept_programs.TEXTS):
        old = names.with_name(f"text{age}")
        old.mkdir()
        os.utime(old, (1000 + age, 1000 + age))
    kept_programs.keep_in(folder.parent)
    assert kept_programs.folder() == names
    left = {path.name for path in names.parent.iterdir()} - {"code", names.name}
    assert left == {f"text{age}" for age in range(kept_programs.TEXTS + 1, 2 * kept_programs.TEXTS)}
    assert kept_programs.find_code("c") == b"code"


@pytest.mark.parametrize(
    "tree",
    [
        {"of": ["os", "stat_result"], "parts": [0]},
        {"of": ["lab.runtime.files", "write_atomically"], "parts": [0]},
        {"of": ["lab.runtime.nothing", "Here"], "parts": [0]},
        {"of": ["lab.runtime.recipe", "Nothing"], "parts": [0]},
        {"else": 0},
    ],
)
def test_a_name_builds_nothing_but_named_tuples_of_known_packages(folder: Path, tree: Any) -> None:
    names = kept_programs.folder()
    assert names is not None
    content = json.dumps({"tree": tree, "keys": [""], "code": "c"}).encode()
    (names / "n").write_bytes(hashlib.sha256(content).digest() + content)
    assert kept_programs.find("n") is None
