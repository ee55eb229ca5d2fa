"""One comparison of a claim against evidence.

What a comparison `left op right` is tested on:

* replicates, by `lab.runtime.statistics.one_sided`, on differences paired by replicate;
* where nothing random happened (or every replicate gave the same value) and the metric is made of
  accuracies: test examples, by McNemar's test for two bare accuracies, else by the bootstrap;
* where nothing is sampled at all (bytes of one checkpoint): the numbers themselves, exactly.

A comparison that misses any of its replicates is not tested: runs that failed are seldom the ones
that would have been average.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from lab.compiler.plan import Case, Comparison, Junction, Tree
from lab.runtime import beliefs, statistics
from lab.runtime.beliefs import UNKNOWN, Belief
from lab.runtime.evidence import Estimate, Lookup
from lab.runtime.statistics import Sided

__all__ = ["CaseEvidence", "ComparisonEvidence", "TestedOn", "case_evidence", "projected_belief"]

TestedOn = Literal["replicates", "test examples", "exact", "too few", "missing"]

_COMPARES: Mapping[str, Callable[[float], bool]] = {
    "<": lambda d: bool(d < 0),
    "<=": lambda d: bool(d <= 0),
    ">": lambda d: bool(d > 0),
    ">=": lambda d: bool(d >= 0),
    "==": lambda d: bool(d == 0),
    "!=": lambda d: bool(d != 0),
}


@dataclass(frozen=True, slots=True)
class ComparisonEvidence:
    """One comparison, what both sides were, and how far each way the evidence goes.

    `difference` is `left - right`. The estimates are None where a measurement is `missing`.
    The texts are the metrics as written out over measurements.
    """

    op: str
    tested_on: TestedOn
    belief: Belief
    replicates: int
    left_text: str
    right_text: str
    left: Estimate | None = None
    right: Estimate | None = None
    difference: Estimate | None = None
    unit: str | None = None
    missing: tuple[str, ...] = ()

    @property
    def seems_to_hold(self) -> bool | None:
        """Whether the estimates as they are fulfill the comparison, whatever the evidence."""
        if self.difference is None or not self.difference.is_finite:
            return None
        return _COMPARES[self.op](self.difference.mean)

    @property
    def violation(self) -> float:
        """How far the estimates are from fulfilling it: 0 … 1, relative to their size."""
        if self.left is None or self.right is None or self.seems_to_hold is None:
            return 1.0
        if self.seems_to_hold:
            return 0.0
        size = abs(self.left.mean) + abs(self.right.mean)
        return abs(self.left.mean - self.right.mean) / size if size else 0.0


@dataclass(frozen=True, slots=True)
class CaseEvidence:
    """A claim at one setting."""

    setting: Mapping[str, str]
    group: Mapping[str, str]
    seeds: tuple[int, ...]
    belief: Belief
    comparisons: tuple[ComparisonEvidence, ...]

    @property
    def violation(self) -> float:
        """How far the estimates are from the claim; orders cases that all fail."""
        return sum(c.violation for c in self.comparisons)

    @property
    def missing(self) -> tuple[str, ...]:
        """Keys of measurements that were not made."""
        return tuple(dict.fromkeys(key for c in self.comparisons for key in c.missing))


def case_evidence(case: Case, lookup: Lookup, *, level: float) -> CaseEvidence:
    """What the measurements say of a claim at one setting; intervals are at `level`."""
    found = {
        id(leaf): _comparison_evidence(leaf, lookup, level=level)
        for leaf in _comparisons(case.condition)
    }
    belief = _condition_belief(case.condition, {key: e.belief for key, e in found.items()})
    return CaseEvidence(case.setting, case.group, case.seeds, belief, tuple(found.values()))


def _condition_belief(condition: Comparison | Junction, leaves: Mapping[int, Belief]) -> Belief:
    if isinstance(condition, Comparison):
        return leaves[id(condition)]
    operands = [_condition_belief(operand, leaves) for operand in condition.operands]
    if condition.op == "not":
        return operands[0].negated()
    return beliefs.all_of(operands) if condition.op == "and" else beliefs.any_of(operands)


def _comparisons(condition: Comparison | Junction) -> Iterator[Comparison]:
    if isinstance(condition, Comparison):
        yield condition
    else:
        for operand in condition.operands:
            yield from _comparisons(operand)


def _comparison_evidence(
    comparison: Comparison, lookup: Lookup, *, level: float
) -> ComparisonEvidence:
    missing = lookup.missing((*comparison.left, *comparison.right))
    evidence = ComparisonEvidence(
        op=comparison.op,
        tested_on="missing",
        belief=UNKNOWN,
        replicates=len(comparison.left),
        left_text=lookup.written(comparison.left[0]),
        right_text=lookup.written(comparison.right[0]),
        missing=missing,
    )
    if missing:
        return evidence
    difference = lookup.estimate(_differences(comparison), level=level)
    tested_on, belief = _tested(comparison, difference, lookup)
    return replace(
        evidence,
        tested_on=tested_on,
        belief=belief,
        left=lookup.estimate(comparison.left, level=level),
        right=lookup.estimate(comparison.right, level=level),
        difference=difference,
        unit=lookup.unit(comparison.left[0]) or lookup.unit(comparison.right[0]),
    )


def _differences(comparison: Comparison) -> list[Tree]:
    pairs = zip(comparison.left, comparison.right, strict=True)
    return [{"op": "-", "of": [dict(left), dict(right)]} for left, right in pairs]


def _tested(
    comparison: Comparison, difference: Estimate, lookup: Lookup
) -> tuple[TestedOn, Belief]:
    if not difference.is_finite:
        return "missing", UNKNOWN
    if difference.basis == "replicates":
        if difference.n < statistics.FEWEST:
            return "too few", UNKNOWN
        return "replicates", beliefs.of_sign(comparison.op, statistics.one_sided(difference.values))
    forest = (*comparison.left, *comparison.right)
    if difference.basis != "constant" and lookup.has_examples(forest):
        return "test examples", beliefs.of_sign(
            comparison.op, _sided_over_examples(comparison, difference, lookup)
        )
    holds = _COMPARES[comparison.op](difference.mean)
    return "exact", Belief(float(not holds), float(holds))


def _sided_over_examples(comparison: Comparison, difference: Estimate, lookup: Lookup) -> Sided:
    paired = lookup.paired(comparison.left[0], comparison.right[0])
    if paired is not None and difference.basis == "deterministic":
        return statistics.mcnemar(*paired)
    return statistics.sided_of_draws(lookup.draws(_differences(comparison)))


def projected_belief(found: CaseEvidence, condition: Comparison | Junction, n: int) -> Belief:
    """The belief that a case would reach with `n` replicates, where replicates matter to it."""
    return _condition_belief(
        condition,
        {
            id(leaf): _projected_leaf(evidence, n)
            for leaf, evidence in zip(_comparisons(condition), found.comparisons, strict=True)
        },
    )


def _projected_leaf(evidence: ComparisonEvidence, n: int) -> Belief:
    difference = evidence.difference
    if difference is None or evidence.tested_on not in ("replicates", "too few"):
        return evidence.belief
    if difference.n < 2:
        return UNKNOWN
    deviation = float(np.std(difference.values, ddof=1))
    return beliefs.of_sign(evidence.op, statistics.projected(difference.mean, deviation, n))
