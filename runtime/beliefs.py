"""How sure one may be of a statement and of its opposite, and how that climbs a claim.

    and, every:  p_holds = max p_holds_i                  p_fails = min(1, m · min p_fails_i)
    or, some:    p_holds = min(1, m · min p_holds_i)      p_fails = max p_fails_i
    not:         the two change places

Intersection-union tests and Bonferroni. `m` counts the parts whose test is not a foregone
conclusion, which is known without looking at anything random.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lab.runtime.statistics import Sided

__all__ = ["UNKNOWN", "Belief", "all_of", "any_of", "of_sign"]


@dataclass(frozen=True, slots=True)
class Belief:
    """P-values for a statement and for its opposite.

    Always holds: 1 where no test was made or its result was certain beforehand.
    """

    holds: float
    fails: float

    def negated(self) -> "Belief":
        """The belief in the opposite statement."""
        return Belief(self.fails, self.holds)


UNKNOWN = Belief(1.0, 1.0)


def all_of(beliefs: Sequence[Belief]) -> Belief:
    """The belief that every statement holds."""
    return Belief(max((b.holds for b in beliefs), default=1.0), _union([b.fails for b in beliefs]))


def any_of(beliefs: Sequence[Belief]) -> Belief:
    """The belief that some statement holds."""
    return all_of([b.negated() for b in beliefs]).negated()


def _union(p_values: Sequence[float]) -> float:
    """Bonferroni over the tests that were open before they were made."""
    open_tests = [p for p in p_values if p < 1]
    return min(1.0, len(open_tests) * min(open_tests)) if open_tests else 1.0


def of_sign(op: str, sided: Sided) -> Belief:
    """What evidence about the sign of `left - right` says of `left op right`.

    Nothing sampled can show that two means are equal, so `==` never passes on it.
    """
    if op in ("<", "<="):
        return Belief(sided.below, sided.above)
    if op in (">", ">="):
        return Belief(sided.above, sided.below)
    unequal = min(1.0, 2 * min(sided.above, sided.below))
    return Belief(1.0, unequal) if op == "==" else Belief(unequal, 1.0)
