"""Labels that are numbers, from a table to a score: squared errors, and no accuracy."""

import csv
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from test_training import train, work

from lab.runtime.batches import right
from lab.runtime.data.digits import Digits
from lab.runtime.data.table import Table
from lab.runtime.errors import UnsuitableSetting
from lab.runtime.losses.distill import Distill
from lab.runtime.losses.task import Task
from lab.runtime.measurements.accuracy import Accuracy
from lab.runtime.measurements.f1 import F1
from lab.runtime.measurements.loss import MeasuredLoss
from lab.runtime.measurements.matthews import Matthews
from lab.runtime.measurements.pearson import Pearson
from lab.runtime.measurements.spearman import Spearman
from lab.runtime.models.mlp import MLP
from lab.spec.units import Duration


@pytest.fixture
def table(tmp_path: Path) -> Table:
    """A number that is nearly the sum of three others."""
    values = np.random.default_rng(3).normal(size=(400, 3))
    path = tmp_path / "sums.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["a", "b", "c", "sum"])
        rows.writerows([*row, row.sum()] for row in values)
    return Table(file=str(path), label="sum", labels="numbers", validation=50)


def test_the_loss_is_the_squared_error() -> None:
    losses = Task().per_example(jnp.array([[1.0], [4.0]]), jnp.array([3.0, 4.0]))
    assert losses.tolist() == [4.0, 0.0]


def test_a_teacher_of_numbers_is_followed_by_squares() -> None:
    loss = Distill(source="wide")
    found = loss.per_example(jnp.array([[1.0]]), jnp.array([0.0]), teacher=jnp.array([[3.0]]))
    assert found.tolist() == [4.0]


def test_of_a_number_nothing_is_right() -> None:
    assert not right(jnp.ones((3, 1)), jnp.zeros(3)).any()
    assert right(jnp.eye(2), jnp.array([0, 1])).all()


def test_a_network_learns_the_numbers_and_is_scored_by_correlation(table: Table) -> None:
    made = train(
        model=MLP(width=32, layers=1, inputs=3, classes=1),
        data=table,
        duration=Duration(60, "epochs"),
        batch=32,
    ).run(work(1))
    assert "train_accuracy" not in made.history
    assert made.history["loss"][-1] < made.history["loss"][0] / 10
    for component in (Pearson, Spearman):
        found = component(data=table).measure(work(0, of=made))
        assert found["value"] > 0.95
        assert len(found["answers"]) == len(found["labels"]) == found["examples"] == 80
    error = MeasuredLoss(data=table, on="validation").measure(work(0, of=made))
    assert error["examples"] == 50
    with pytest.raises(UnsuitableSetting, match="measure `pearson`"):
        Accuracy(data=table).measure(work(0, of=made))
    with pytest.raises(UnsuitableSetting, match=r"`f1` is of classes.*pearson or spearman"):
        F1(data=table).measure(work(0, of=made))


def test_classes_are_scored_by_f1_and_matthews_and_not_by_correlation() -> None:
    made = train(duration=Duration(3, "epochs")).run(work(2))
    for component in (F1, Matthews):
        assert 0.5 < float(component(data=Digits()).measure(work(0, of=made))["value"]) <= 1
    with pytest.raises(UnsuitableSetting, match=r"`pearson` is of numbers.*f1 or matthews"):
        Pearson(data=Digits()).measure(work(0, of=made))
