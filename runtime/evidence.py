"""What is known of a metric: numbers of its replicates, made into an estimate.

Four things that look alike in a table are kept apart:

| basis           | is                                                                   |
|-----------------|----------------------------------------------------------------------|
| `constant`      | arithmetic on numbers; nothing was measured                          |
| `deterministic` | nothing random happened: one measurement, whatever replicates share it     |
| `identical`     | replicates drew different random numbers and gave the same value     |
| `replicates`    | several values, with an interval from three on                       |

Only `replicates` has an interval over replicates. Where a measurement keeps what it found for every
test example (`correct`, or `answers` and `labels`), an interval over test examples stands beside
any of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lab.compiler.plan import Node, Plan, Tree
from lab.runtime import statistics, trees
from lab.runtime.scores import SCORES, Score
from lab.runtime.statistics import Interval

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["Basis", "Estimate", "Lookup", "Values", "constant"]

#: Measurements by key: `value` is the number, `correct` a 0 or 1 for each test example. Of a score
#: that is no mean of these, `answers` and `labels` are what it is of (`lab.runtime.scores`).
Values = Mapping[str, Mapping[str, Any]]
Basis = Literal["constant", "deterministic", "identical", "replicates"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A metric of one arm at one point.

    `n` counts independent measurements: 1 where nothing random happened. `values` are those of the
    replicates. `interval` is over replicates, `examples` over test examples.
    """

    mean: float
    n: int
    basis: Basis
    values: tuple[float, ...]
    interval: Interval | None = None
    examples: Interval | None = None

    @property
    def is_finite(self) -> bool:
        """Whether every replicate's value is a number."""
        return all(np.isfinite(self.values))


def constant(number: float) -> Estimate:
    """A number that was written, not measured."""
    return Estimate(number, 0, "constant", (number,))


class Lookup:
    """Measured values of a plan's nodes, and where they come from."""

    def __init__(self, plan: Plan, values: Values) -> None:
        self.nodes: Mapping[str, Node] = {node.key: node for node in plan.nodes}
        self.values = values

    def number(self, key: str) -> float:
        """The value of a measurement; not a number where it recorded none."""
        value = self.values[key].get("value")
        return float("nan") if value is None else float(value)

    def value(self, tree: Tree) -> float:
        """The value of a metric in one replicate."""
        return float(trees.evaluate(tree, self.number))

    def missing(self, forest: Iterable[Tree]) -> tuple[str, ...]:
        """Keys of the measurements that are needed and were not made, each once, in order."""
        keys = dict.fromkeys(key for tree in forest for key in trees.node_keys(tree))
        return tuple(key for key in keys if key not in self.values)

    def is_random(self, forest: Sequence[Tree]) -> bool:
        """Whether anything random stands between the study and these values."""
        if len(forest) > 1 and all(tree == forest[0] for tree in forest):
            return False
        keys = {key for tree in forest for key in trees.node_keys(tree)}
        return any(self.nodes[key].seed is not None for key in keys if key in self.nodes)

    def has_examples(self, forest: Iterable[Tree]) -> bool:
        """Whether some measurement in the trees kept a value for every test example."""
        keys = {key for tree in forest for key in trees.node_keys(tree)}
        return any(self._has_examples(key) for key in keys)

    def estimate(self, forest: Sequence[Tree], *, level: float = 0.95) -> Estimate:
        """What the replicates' trees say. Raises KeyError where a measurement is missing."""
        sample = np.array([self.value(tree) for tree in forest])
        basis = self._basis(forest, sample)
        finite = bool(np.isfinite(sample).all())
        with np.errstate(invalid="ignore"):  # the mean of both infinities is no number
            mean = float(sample[0] if basis != "replicates" else sample.mean())
        return Estimate(
            mean=mean,
            n=1 if basis == "deterministic" else len(sample),
            basis=basis,
            values=tuple(float(x) for x in sample),
            interval=statistics.interval(sample, level=level)
            if basis == "replicates" and finite
            else None,
            examples=self._over_examples(forest, level) if finite else None,
        )

    def _basis(self, forest: Sequence[Tree], sample: Float[np.ndarray, " n"]) -> Basis:
        if all(trees.is_number(tree) for tree in forest):
            return "constant"
        if not self.is_random(forest):
            return "deterministic"
        is_finite = bool(np.isfinite(sample).all())
        if (
            is_finite
            and len(sample) >= statistics.FEWEST
            and statistics.standard_error(sample) == 0
        ):
            return "identical"
        return "replicates"

    def _over_examples(self, forest: Sequence[Tree], level: float) -> Interval | None:
        if not self.has_examples(forest):
            return None
        draws = self.draws(forest)
        return statistics.interval_of_draws(draws, level=level) if np.ptp(draws) else None

    def draws(self, forest: Sequence[Tree]) -> Float[np.ndarray, " resamples"]:
        """The mean over replicates of the trees, recomputed on resampled test examples.

        Networks scored on the same examples are resampled together; different sets of examples
        (another split or data source) independently.
        """
        keys = dict.fromkeys(key for tree in forest for key in trees.node_keys(tree))
        resampled: dict[str, Any] = {key: self.number(key) for key in keys}
        for shift, population in enumerate(self._populations(keys).values()):
            right = {key: one for key in population if (one := self._correct(key)) is not None}
            resampled |= _resampled(right, shift=shift) if right else {}
            for key in (one for one in population if one not in right):
                resampled[key] = self._scores(key, shift=shift)
        values = [trees.evaluate(tree, resampled.__getitem__) for tree in forest]
        return np.mean(np.broadcast_arrays(*values, np.zeros(statistics.EXAMPLE_RESAMPLES))[:-1], 0)

    def _populations(self, keys: Iterable[str]) -> dict[Any, list[str]]:
        """Measurements that kept something of every example, by the set of examples."""
        populations: dict[Any, list[str]] = {}
        for key in (one for one in keys if self._has_examples(one)):
            counted = self._correct(key)
            count = len(self.values[key]["answers"] if counted is None else counted)
            populations.setdefault(self._population(key, count), []).append(key)
        return populations

    def _has_examples(self, key: str) -> bool:
        return self._correct(key) is not None or self._score(key) is not None

    def _score(self, key: str) -> Score | None:
        """The score that a measurement is, where it kept answers and labels."""
        node, found = self.nodes.get(key), self.values.get(key, {})
        if node is None or len(found.get("answers") or ()) < 2:
            return None
        return SCORES.get(node.component)

    def _scores(self, key: str, *, shift: int) -> Float[np.ndarray, " resamples"]:
        """A score of resampled examples, the same ones as those of other measurements."""
        found, score = self.values[key], self._score(key)
        if score is None:
            raise TypeError(f"{key} kept no answers")
        weights = statistics.example_weights(len(found["answers"]), 0)
        return np.roll(score.draws(found["answers"], found["labels"], weights), shift * 7)

    def _population(self, key: str, examples: int) -> tuple[Any, ...]:
        node = self.nodes.get(key)
        if node is None:
            return (examples,)
        return (examples, str(node.arguments.get("data")), str(node.arguments.get("on")))

    def unit(self, tree: Tree) -> str | None:
        """The dimension of a metric; None for a plain number."""
        return trees.unit_of(tree, self._measured_unit)

    def _measured_unit(self, key: str) -> str | None:
        from lab.runtime.registry import catalog

        node = self.nodes.get(key)
        signature = catalog().get("measurement", node.component) if node else None
        return signature.unit if signature else None

    def written(self, tree: Tree) -> str:
        """A metric as a person would write it: `accuracy(dense) - accuracy(field)`."""
        return _written(tree, self._named)

    def named(self, key: str) -> str:
        """A measurement of a replicate, as people write it: `accuracy(field), seed 2`."""
        node = self.nodes.get(key)
        seed = "" if node is None or node.seed is None else f", seed {node.seed}"
        return self._named(key) + seed

    def _named(self, key: str) -> str:
        node = self.nodes.get(key)
        if node is None:
            return key[:8]
        owner = node.label.split(": ", 1)[0]
        return f"{node.component}({owner})" if owner != node.label else node.component

    def _correct(self, key: str) -> np.ndarray | None:
        found = self.values.get(key, {}).get("correct")
        return np.asarray(found, np.float32) if found is not None and len(found) > 1 else None

    def paired(self, left: Tree, right: Tree) -> tuple[np.ndarray, np.ndarray] | None:
        """What two bare measurements found for the same test examples, if that is what they are."""
        found = []
        for tree in (left, right):
            key = str(tree.get("node"))
            correct = self._correct(key)
            if correct is None:
                return None
            found.append((self._population(key, len(correct)), correct))
        (one, a), (other, b) = found
        return (a, b) if one == other else None


def _resampled(population: Mapping[str, np.ndarray], *, shift: int) -> dict[str, np.ndarray]:
    """Every measurement's mean on resampled examples, half an example of each kind added.

    The kinds: all networks right, all wrong, and each network alone disagreeing with the rest.
    `shift` decouples sets of examples that have nothing to do with each other.
    """
    table = np.stack(list(population.values()), axis=1)
    count = table.shape[1]
    kinds = np.unique(np.vstack([np.zeros(count), np.ones(count), 1 - np.eye(count)]), axis=0)
    weights = statistics.example_weights(len(table), len(kinds))
    means = weights @ np.vstack([table, kinds]).astype(np.float32)
    means = np.roll(means, shift * 7, axis=0)
    return {key: means[:, column].astype(float) for column, key in enumerate(population)}


def _written(tree: Tree, name: Callable[[str], str], *, tight: bool = False) -> str:
    if "number" in tree:
        return f"{tree['number']:g}"
    if "node" in tree:
        return name(str(tree["node"]))
    op, (left, right) = str(tree["op"]), trees.operands(tree)
    product = op in "*/"
    text = f"{_written(left, name, tight=product)} {op} {_written(right, name, tight=True)}"
    return f"({text})" if tight else text
