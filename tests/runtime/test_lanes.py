"""Lanes that take their steps together are each what they would be alone."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from lab.cli.load import load
from lab.compiler.plan import Node
from lab.runtime import lanes, together
from lab.runtime.artifact import Artifact
from lab.runtime.asking import alone
from lab.runtime.data.digits import Digits
from lab.runtime.lane_journal import Choice, Grouping, Journal, Where, groups
from lab.runtime.lanes import Lane, Together
from lab.runtime.models.mlp import MLP
from lab.runtime.optimizers.adam import Adam
from lab.runtime.optimizers.sgd import SGD
from lab.runtime.reparameterizations.inwf import INWF
from lab.runtime.stages.fit import Fit
from lab.runtime.stages.train import Train
from lab.runtime.task import Batch, Task
from lab.runtime.work import Work
from lab.spec.units import Duration

STREAMS = ("init", "batches", "augment", "dropout")
STUDY = """
study lanes
data digits_set = digits()
model net = mlp(width: 8, layers: 1)
method small = train(by: sgd(lr: 0.1), for: 12 steps, batch: 50)
repeat 1 as seed
grid rates {{ small.lr: log 0.01 .. 0.1 by {count} points }}
report {{ table(bytes(small), by: small.lr) }}
"""
HERE = Where("a device", 1, looped=True)
NET = MLP(width=8, layers=1)
#: Steps for which no lane differs from itself alone by more than 1e-5 of its largest weight.
STEPS = 12


@pytest.fixture(autouse=True)
def highest_precision() -> Iterator[None]:
    with jax.default_matmul_precision("highest"):
        yield


def work(seed: int, **inputs: Artifact) -> Work:
    keys = dict(zip(STREAMS, jax.random.split(jax.random.key(seed), 4), strict=True))
    return Work(inputs, keys.__getitem__, lambda *_: None, Path())


def training(place: int, **fields: Any) -> Callable[[], Any]:
    by = SGD(lr=0.05 * (1 + place / 64), momentum=0.9)
    fields = {"model": NET, "by": by, "batch": 50, "duration": Duration(STEPS, "steps"), **fields}
    return lambda: Train(data=Digits(), **fields).going(work(place))


def fitting(before: Artifact, place: int) -> Callable[[], Any]:
    method = INWF(width=8, layers=1, min_size=0, w0=10.0 + place / 8)
    stage = Fit(through=method, duration=Duration(STEPS, "steps"), by=Adam(lr=1e-3 + place * 1e-5))
    return lambda: stage.going(work(place, before=before))


def network(seed: int) -> Artifact:
    return alone(training(seed, duration=Duration(1, "steps"))())


def done(starts: list[Callable[[], Any]]) -> list[Any]:
    """What lanes make together, in order; a failure where one failed."""
    found: dict[str, Any] = {}

    def ended(lane: Lane, value: Any, failure: Exception | None) -> None:
        found[lane.key] = failure or value

    crew = {i: Lane(str(i), start, ended) for i, start in enumerate(starts)}
    asks = {i: ask for i, lane in crew.items() if (ask := lane.begin())}
    lanes.take_together(crew, asks, Together(len(starts)))
    return [found[str(i)] for i in range(len(starts))]


def deviation(one: Artifact, other: Artifact) -> float:
    trees = ((a.split.train, dict(a.rest)) for a in (one, other))
    pairs = zip(*(map(np.asarray, jax.tree.leaves(tree)) for tree in trees), strict=True)
    return max(float(np.abs(a - b).max() / np.abs(a).max()) for a, b in pairs if a.size)


@pytest.mark.parametrize("count", [1, 7, 64])
@pytest.mark.parametrize("kind", ["train", "fit"])
def test_a_lane_among_others_is_what_it_is_alone(kind: str, count: int) -> None:
    make = training if kind == "train" else partial(fitting, network(100))
    starts = [make(place) for place in range(count)]
    made = done(starts)
    for place in {0, count // 2, count - 1}:
        assert deviation(alone(starts[place]()), made[place]) <= 1e-5


def test_lanes_that_diverge_or_end_early_leave_the_others_as_they_are() -> None:
    wild = training(1, by=SGD(lr=1e30, momentum=0.9), duration=Duration(3, "epochs"))
    starts = [training(place, duration=Duration(3, "epochs")) for place in (0, 2)]
    first, failed, last = done([starts[0], wild, starts[1]])
    assert isinstance(failed, Exception)
    assert "the loss is" in str(failed)
    assert [len(one.history["loss"]) for one in (first, last)] == [3, 3]
    assert deviation(first, done([starts[0], starts[1]])[0]) <= 1e-5


# Choosing and remembering


def batch(folder: Path, count: int) -> Batch:
    file = folder / "study.lab"
    file.write_text(STUDY.format(count=count), encoding="utf-8")
    plan = load(file).plan
    assert plan is not None

    def task(place: int, node: Node) -> Task:
        output = folder / str(place)
        output.mkdir(exist_ok=True)
        return Task(
            key=str(place),
            role=node.role,
            component=node.component,
            arguments=node.arguments,
            inputs={},
            seed=place,
            vary=node.vary,
            occurrence=0,
            fresh=False,
            folder=str(folder),
            output=str(output),
        )

    nodes = [node for node in plan.nodes if node.role == "stage"]
    tasks = tuple(task(place, node) for place, node in enumerate(nodes))
    return Batch("p", tasks, journal=str(folder / "programs" / "p.jsonl"))


def served(given: Batch) -> tuple[dict[str, Any], list[str]]:
    """What came of tasks that were done together, and the keys of those that were not."""
    said: dict[str, Any] = {}
    left = together.serve_lanes(
        given,
        say=lambda task, outcome: said.__setitem__(task.key, outcome),
        started=lambda _: None,
        reporter=lambda _: lambda *_: None,
        printing=lambda _: nullcontext(),
    )
    return said, [task.key for task in left]


def test_what_is_tiny_is_done_one_after_another_and_that_is_remembered(tmp_path: Path) -> None:
    given = batch(tmp_path, 3)
    said, left = served(given)
    assert (said, left) == ({}, ["0", "1", "2"])
    assert '"mode": "sequence"' in Path(given.journal).read_text()
    text = Path(given.journal).read_text()
    served(given)
    assert Path(given.journal).read_text() == text


def test_no_memory_halves_the_lanes_and_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Together.do

    def scarce(self: Together, asks: Any) -> Any:
        if self.width > 2:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: no room")
        return real(self, asks)

    monkeypatch.setattr(Together, "do", scarce)
    monkeypatch.setenv(together.MODE, "batched")
    said, left = served(batch(tmp_path, 7))
    assert sorted(said) == [str(i) for i in range(7)]
    assert not left
    assert {one["lanes"] for one in said.values()} <= {1, 2}


def test_groups_that_were_begun_go_on_as_they_were(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "p.jsonl", HERE)
    before = Grouping(("a", "b", "c"), 3, "01")
    journal.group(before)
    with (tmp_path / "p.jsonl").open("a") as file:
        file.write('{"grouping": {"lanes": ["b"')
    journal.group(Grouping(("x",), 1, ""))
    assert groups(journal, ["d", "c", "x", "e"], 3) == [
        before,
        Grouping(("x",), 1, ""),
        Grouping(("d", "e"), 3, ""),
    ]


def test_the_first_choice_stands_on_its_device_until_memory_runs_out(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    journal = Journal(path, HERE)
    assert journal.choice() is None
    first = Choice("batched", 8, "measured")
    assert journal.choose(first) == first
    assert journal.choose(Choice("batched", 16, "measured")) == first
    assert journal.choose(Choice("batched", 4, "no memory")).width == 4
    assert Journal(path, Where("another device", 1, looped=True)).choice() is None
