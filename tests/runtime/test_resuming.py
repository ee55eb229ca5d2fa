"""A training that was killed goes on from its checkpoint to the same bits."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import pytest

from lab.runtime import training
from lab.runtime.artifact import Artifact
from lab.runtime.checkpoints import Checkpoints, Nowhere
from lab.runtime.data.digits import Digits
from lab.runtime.models.mlp import MLP
from lab.runtime.optimizers.adam import Adam
from lab.runtime.reparameterizations.codeq import CoDeQ
from lab.runtime.selectors.ast import AST
from lab.runtime.stages.train import Train
from lab.runtime.work import Work
from lab.spec.units import Duration

STREAMS = ("init", "batches", "augment", "dropout")


class Killed(BaseException):
    """Ends a stage as a kill would: nothing catches it."""


def train(**fields: Any) -> Train:
    defaults: dict[str, Any] = {
        "model": MLP(width=16, layers=1),
        "data": Digits(validation=97),
        "by": Adam(lr=3e-3),
        "duration": Duration(3, "epochs"),
        "evaluate": Duration(7, "steps"),
        "batch": 100,
    }
    return Train(**{**defaults, **fields})


def work(seed: int, checkpoints: Checkpoints, *, killed_at: int | None = None) -> Work:
    def progress(step: int, total: int, values: Mapping[str, float]) -> None:
        del total, values
        if killed_at is not None and step >= killed_at:
            raise Killed

    keys = dict(zip(STREAMS, jax.random.split(jax.random.key(seed), 4), strict=True))
    return Work({}, keys.__getitem__, progress, Path(), checkpoints=checkpoints)


def same(one: Artifact, other: Artifact) -> bool:
    trees = ((a.split, dict(a.rest), dict(a.buffers)) for a in (one, other))
    arrays = zip(*map(jax.tree.leaves, trees), strict=True)
    return all(bool((a == b).all()) for a, b in arrays)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"average": 0.9, "accumulate": 2},
        {"keep": "best", "watch": "validation"},
        {"select": AST(target=0.5)},
        {"through": CoDeQ(), "freeze_bits": Duration(0.5, "share")},
        {"micro_batch": 30},
    ],
    ids=["plain", "averaged", "the best", "selected", "quantized", "in pieces"],
)
def test_a_training_that_was_killed_goes_on_to_the_same_bits(
    tmp_path: Path, fields: dict[str, Any]
) -> None:
    whole = train(**fields).run(work(5, Nowhere()))
    with pytest.raises(Killed):
        train(**fields).run(work(5, Checkpoints(tmp_path, 0), killed_at=25))
    assert list(tmp_path.glob("*.json")), "it was killed after a checkpoint"
    resumed = train(**fields).run(work(5, Checkpoints(tmp_path, 60)))
    assert same(resumed, whole)
    assert resumed.history == whole.history
    assert resumed.notes == whole.notes


def test_steps_that_are_programs_of_their_own_go_on_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "loops_in_program", lambda _: False)
    stage = train(evaluate=Duration(1, "epochs"), batch=40)
    whole = stage.run(work(6, Nowhere()))
    with pytest.raises(Killed):
        stage.run(work(6, Checkpoints(tmp_path, 0), killed_at=50))
    resumed = stage.run(work(6, Checkpoints(tmp_path, 60)))
    assert same(resumed, whole)
    assert resumed.history == whole.history


def test_a_checkpoint_of_other_pieces_of_a_batch_is_not_gone_on_from(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        train().run(work(7, Checkpoints(tmp_path, 0), killed_at=25))
    other = train(micro_batch=50)
    resumed = other.run(work(7, Checkpoints(tmp_path, 60)))
    assert same(resumed, other.run(work(7, Nowhere())))
