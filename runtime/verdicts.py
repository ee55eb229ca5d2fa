"""Claims against evidence: PASS, FAIL, UNDECIDED, STALE or UNTESTED.

Every comparison is two one-sided tests, one for what is claimed and one for its opposite
(`lab.runtime.comparisons`), and their p-values climb the claim (`lab.runtime.beliefs`): a claim
holds when in every group some case holds. Over the claims of a study `min(p_pass, p_fail)` is
adjusted by Holm; only one of the two can be a mistake, so a claim whose adjusted p-value is at most
`1 - level` is decided, and the study as a whole passes something false with at most that
probability.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from lab.compiler.plan import ClaimPlan, Plan
from lab.runtime import statistics
from lab.runtime.beliefs import Belief, all_of, any_of
from lab.runtime.comparisons import CaseEvidence, case_evidence, projected_belief
from lab.runtime.evidence import Lookup, Values
from lab.runtime.sentences import sentence

__all__ = ["Outcome", "Verdict", "decide"]

Outcome = Literal["PASS", "FAIL", "UNDECIDED", "STALE", "UNTESTED"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the evidence says of a claim.

    `best` is the case that the verdict turns on: the one that passes, or comes nearest to it.
    `p_pass` and `p_fail` are as the claim's algebra gives them, `adjusted` the smaller one after
    Holm. `more_replicates` (of every arm) or `more_examples` would decide with 80 % probability if
    effect and spread stay as they are; None: not needed, or no number helps. `changed` says what of
    the code has changed since results were made, where others are missing.
    """

    name: str
    title: str | None
    text: str
    level: float
    outcome: Outcome
    cases: tuple[CaseEvidence, ...]
    best: CaseEvidence | None
    p_pass: float
    p_fail: float
    adjusted: float
    replicates: int
    more_replicates: int | None = None
    more_examples: int | None = None
    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    sentence: str = ""
    #: Where the numbers of the claim were published.
    source: str | None = None

    @property
    def label(self) -> str:
        """The claim's title, or its name, and where its numbers were published."""
        label = self.title or self.name
        return f"{label} (source: {self.source})" if self.source else label


def decide(plan: Plan, values: Values, *, stale: Mapping[str, str] | None = None) -> list[Verdict]:
    """The verdict of every claim, in the study's order.

    Args:
        plan: the study's plan.
        values: results of measurements by node key.
        stale: nodes for which there is a result that other code made, with what changed.
    """
    lookup = Lookup(plan, values)
    judged = [_judge(claim, lookup) for claim in plan.claims]
    tested = [i for i, v in enumerate(judged) if min(v.p_pass, v.p_fail) < 1]
    adjusted = statistics.holm([min(judged[i].p_pass, judged[i].p_fail) for i in tested])
    for i, p in zip(tested, adjusted, strict=True):
        judged[i] = replace(judged[i], adjusted=p)
    verdicts = [
        _concluded(verdict, claim, lookup, stale=stale or {}, tests=max(len(tested), 1))
        for verdict, claim in zip(judged, plan.claims, strict=True)
    ]
    return [replace(verdict, sentence=sentence(verdict, lookup)) for verdict in verdicts]


def _judge(claim: ClaimPlan, lookup: Lookup) -> Verdict:
    cases = tuple(case_evidence(case, lookup, level=claim.level) for case in claim.cases)
    belief = _claim_belief(cases)
    return Verdict(
        name=claim.name,
        title=claim.title,
        text=claim.text,
        level=claim.level,
        outcome="UNDECIDED",
        cases=cases,
        best=_decisive(cases, belief),
        p_pass=belief.holds,
        p_fail=belief.fails,
        adjusted=1.0,
        replicates=max((len(case.seeds) for case in cases), default=0),
        missing=tuple(dict.fromkeys(key for case in cases for key in case.missing)),
        source=claim.source,
    )


def _concluded(
    verdict: Verdict, claim: ClaimPlan, lookup: Lookup, *, stale: Mapping[str, str], tests: int
) -> Verdict:
    alpha = 1 - verdict.level
    if verdict.adjusted <= alpha:
        return replace(verdict, outcome="PASS" if verdict.p_pass <= verdict.p_fail else "FAIL")
    changed = tuple(dict.fromkeys(stale[key] for key in verdict.missing if key in stale))
    if changed:
        return replace(verdict, outcome="STALE", changed=changed)
    if verdict.missing or not verdict.cases:
        return replace(verdict, outcome="UNTESTED")
    replicates = _replicates_to_decide(verdict, claim, alpha=alpha / tests)
    more = None if replicates is None else replicates - verdict.replicates
    examples = None if more is not None else _examples_to_decide(verdict, lookup, alpha / tests)
    return replace(verdict, more_replicates=more, more_examples=examples)


def _claim_belief(cases: Sequence[CaseEvidence]) -> Belief:
    return all_of([any_of([case.belief for case in group]) for group in _groups(cases)])


def _groups(cases: Sequence[CaseEvidence]) -> list[list[CaseEvidence]]:
    groups: dict[tuple[tuple[str, str], ...], list[CaseEvidence]] = {}
    for case in cases:
        groups.setdefault(tuple(sorted(case.group.items())), []).append(case)
    return list(groups.values())


def _decisive(cases: Sequence[CaseEvidence], belief: Belief) -> CaseEvidence | None:
    """The best case of the group on which the claim turns: the weakest one."""
    groups = _groups(cases)
    if not groups:
        return None
    beliefs = [any_of([case.belief for case in group]) for group in groups]
    best = [min(group, key=lambda c: (c.belief.holds, c.violation)) for group in groups]
    if belief.fails < belief.holds:
        order = [(b.fails, -case.violation) for b, case in zip(beliefs, best, strict=True)]
    else:
        order = [(-b.holds, -case.violation) for b, case in zip(beliefs, best, strict=True)]
    return best[min(range(len(groups)), key=order.__getitem__)]


# How much more evidence would decide.


def _replicates_to_decide(verdict: Verdict, claim: ClaimPlan, *, alpha: float) -> int | None:
    def decides(n: int) -> bool:
        cases = [
            replace(found, belief=projected_belief(found, planned.condition, n))
            for found, planned in zip(verdict.cases, claim.cases, strict=True)
        ]
        belief = _claim_belief(cases)
        return min(belief.holds, belief.fails) <= alpha

    return statistics.smallest(decides, start=max(verdict.replicates + 1, statistics.FEWEST))


def _examples_to_decide(verdict: Verdict, lookup: Lookup, alpha: float) -> int | None:
    """Test examples with which the least decided comparison of the best case would be decided."""
    if verdict.best is None:
        return None
    factors = [
        statistics.more_examples(one.difference.mean, one.difference.examples, alpha=alpha)
        for one in verdict.best.comparisons
        if one.tested_on == "test examples"
        and min(one.belief.holds, one.belief.fails) > alpha
        and one.difference is not None
        and one.difference.examples is not None
        and one.difference.mean != 0
    ]
    return int(np.ceil(max(factors) * _examples(lookup))) if factors else None


def _examples(lookup: Lookup) -> int:
    """How many test examples the study's measurements had, at most."""
    kept = (v.get("correct") or v.get("answers") or () for v in lookup.values.values())
    return max(map(len, kept), default=0)
