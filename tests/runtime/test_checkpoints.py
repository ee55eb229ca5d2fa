"""Checkpoints: whole or passed over, and no part of a result."""

import json
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lab.runtime import checkpoints as module
from lab.runtime.checkpoints import Checkpoints, Nowhere, resumable


class State(NamedTuple):
    """Like a stage's: nested, named and typed."""

    step: jax.Array
    train: dict[str, jax.Array]
    optimizer: object


def state(seed: int) -> State:
    key = jax.random.key(seed)
    train = {"layer.0/weight": jax.random.normal(key, (3, 4)), "empty": jnp.zeros((0,))}
    return State(jnp.full((), seed, jnp.int32), train, optax.adam(1e-3).init(train))


def same(one: State, other: State) -> bool:
    return jax.tree.structure(one) == jax.tree.structure(other) and all(
        jax.tree.leaves(jax.tree.map(lambda a, b: bool(np.array_equal(a, b)), one, other))
    )


def test_what_is_restored_is_what_was_saved_bit_for_bit(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path / "key", 60)
    kept.save(7, state(7), {"loss": [0.1, 0.2]})
    found = Checkpoints(tmp_path / "key", 60).restore(state(0))
    assert found is not None
    assert same(found[0], state(7))
    assert found[1] == {"loss": [0.1, 0.2]}


def test_nothing_is_restored_where_nothing_was_saved(tmp_path: Path) -> None:
    assert Checkpoints(tmp_path / "key", 60).restore(state(0)) is None
    assert Nowhere().restore(state(0)) is None
    assert not Nowhere().is_due


def test_the_last_two_are_kept(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path, 60)
    for step in (5, 10, 15):
        kept.save(step, state(step), None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["10", "10.json", "15", "15.json"]


@pytest.mark.parametrize("damage", ["flipped", "cut short", "a file is gone", "no checksums"])
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(
    tmp_path: Path, damage: str
) -> None:
    kept = Checkpoints(tmp_path, 60)
    kept.save(5, state(5), "five")
    kept.save(10, state(10), "ten")
    file = max((tmp_path / "10").rglob("*"), key=lambda path: path.stat().st_size * path.is_file())
    content = bytearray(file.read_bytes())
    if damage == "flipped":
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    elif damage == "cut short":
        file.write_bytes(content[: len(content) // 2])
    elif damage == "a file is gone":
        file.unlink()
    else:
        (tmp_path / "10.json").write_text("{")
    found = kept.restore(state(0))
    assert found is not None
    assert found[1] == "five"
    assert same(found[0], state(5))
    assert not (tmp_path / "10").exists()


def test_a_checkpoint_of_another_shape_is_no_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = Checkpoints(tmp_path, 60)
    kept.save(5, {"a": jnp.zeros(3)}, None)
    assert kept.restore({"b": jnp.zeros((2, 2))}) is None
    assert "is no use" in capsys.readouterr().err


def test_a_full_disk_costs_a_checkpoint_and_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    kept = Checkpoints(tmp_path, 60)
    kept.save(5, state(5), "five")
    monkeypatch.setattr(module, "_write", full)
    kept.save(10, state(10), "ten")
    assert "No space left" in capsys.readouterr().err
    found = kept.restore(state(0))
    assert found is not None
    assert found[1] == "five"


def test_a_checkpoint_is_due_after_so_many_seconds(tmp_path: Path) -> None:
    times = iter([0.0, 59.0, 60.0, 60.0, 61.0, 62.0])
    kept = Checkpoints(tmp_path, 60, lambda: next(times))
    assert not kept.is_due
    assert kept.is_due
    kept.save(1, {"a": jnp.zeros(1)}, None)
    assert not kept.is_due


def test_stages_with_a_checkpoint_are_resumable(tmp_path: Path) -> None:
    assert resumable(tmp_path) == frozenset()
    Checkpoints(tmp_path / "checkpoints" / "abc", 60).save(1, {"a": jnp.zeros(1)}, None)
    (tmp_path / "checkpoints" / "half" / "3").mkdir(parents=True)
    assert resumable(tmp_path) == {"abc"}
    assert json.loads((tmp_path / "checkpoints" / "abc" / "1.json").read_text())["files"]
