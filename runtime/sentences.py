"""A verdict in one or two sentences: what was compared, where, how sure, and what is missing."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lab.runtime import numbers
from lab.runtime.comparisons import CaseEvidence, ComparisonEvidence
from lab.runtime.evidence import Estimate, Lookup

if TYPE_CHECKING:
    from lab.runtime.verdicts import Verdict

__all__ = ["sentence", "setting_text"]

_SIGNS = {"<": "<", "<=": "≤", ">": ">", ">=": "≥", "==": "=", "!=": "≠"}
_MISSING_SHOWN = 3


def sentence(verdict: "Verdict", lookup: Lookup) -> str:
    """The evidence of a verdict in words."""
    if verdict.outcome in ("UNTESTED", "STALE"):
        return _missing(verdict, lookup)
    best = verdict.best
    if best is None:
        return "The claim has no case to test."
    found = "; ".join(_compared(one) for one in best.comparisons)
    parts = [f"{_opening(verdict, best)}{found}.", _confidence(verdict, best)]
    if verdict.outcome == "UNDECIDED":
        parts.append(_more(verdict))
    return " ".join(part for part in parts if part)


def setting_text(setting: Mapping[str, str]) -> str:
    """A setting in words: `field.width = 64, field.layers = 2`."""
    return ", ".join(f"{path} = {value}" for path, value in setting.items())


def _opening(verdict: "Verdict", best: CaseEvidence) -> str:
    where = setting_text({**best.group, **best.setting}) if len(verdict.cases) > 1 else ""
    count = len(verdict.cases)
    match verdict.outcome, bool(where):
        case "PASS", True:
            return f"Holds, at {where}: "
        case "FAIL", True if _fails_everywhere(verdict):
            return f"Fails in all {count} settings; nearest is {where}: "
        case "FAIL", True:
            return f"Fails at {where}: "
        case _, True:
            return f"Most telling of {count} settings is {where}: "
        case _:
            return ""


def _fails_everywhere(verdict: "Verdict") -> bool:
    return all(case.belief.fails <= case.belief.holds for case in verdict.cases)


def _compared(one: ComparisonEvidence) -> str:
    if one.left is None or one.right is None:
        return f"{one.left_text} {_SIGNS[one.op]} {one.right_text} was not measured"
    sizes = [e.mean for e in (one.left, one.right)]
    scale = numbers.scale_of(one.unit, *sizes)
    left = _side(one.left_text, one.left, scale)
    right = _side(one.right_text, one.right, scale)
    relation = _SIGNS[one.op] if one.seems_to_hold else f"is not {_SIGNS[one.op]}"
    return f"{left} {relation} {right}{_paired(one, scale)}"


def _side(text: str, estimate: Estimate, scale: numbers.Scale) -> str:
    if estimate.basis == "constant":
        return numbers.written(estimate.mean / scale.factor) + scale.after
    return f"{text} = {numbers.text(estimate, scale)}{scale.after}"


def _paired(one: ComparisonEvidence, scale: numbers.Scale) -> str:
    """The interval that the test is about, where neither side shows it."""
    if one.difference is None:
        return ""
    notes = []
    constant = one.right is not None and one.right.basis == "constant"
    if not constant and one.difference.interval is not None:
        notes.append(f"difference {numbers.text(one.difference, scale)}{scale.after}")
    side = one.left if constant else one.difference
    if side is not None and side.examples is not None:
        half = numbers.signed_half(side.examples, side.mean, scale=scale)
        notes.append(f"over test examples {half}{scale.after}")
    return f" [{', '.join(notes)}]" if notes else ""


def _confidence(verdict: "Verdict", best: CaseEvidence) -> str:
    ways = {one.tested_on for one in best.comparisons}
    if ways == {"exact"}:
        random = any(one.left and one.left.basis == "identical" for one in best.comparisons)
        return (
            "Every replicate gave the same value, which decides it exactly."
            if random
            else "Deterministic given the checkpoint: the numbers decide it exactly."
        )
    if verdict.p_pass >= 1 and verdict.p_fail >= 1:
        return ""
    basis = {
        "replicates": f"{verdict.replicates} replicates",
        "test examples": f"test examples ({_why_no_replicates(best)})",
    }
    found = " and ".join(text for way, text in basis.items() if way in ways)
    p = numbers.p_value(verdict.adjusted)
    return f"One-sided {p} over {found}, corrected over all claims." if found else ""


def _why_no_replicates(best: CaseEvidence) -> str:
    on_examples = [one for one in best.comparisons if one.tested_on == "test examples"]
    if any(one.difference and one.difference.basis == "identical" for one in on_examples):
        return "every replicate gave the same value"
    return "deterministic given the checkpoint"


def _more(verdict: "Verdict") -> str:
    if verdict.more_replicates is not None:
        plural = "s" if verdict.more_replicates != 1 else ""
        return f"About {verdict.more_replicates} more replicate{plural} would decide."
    if verdict.more_examples is not None:
        count = f"{verdict.more_examples:,}"
        return f"More replicates would not decide it; about {count} test examples would."
    if any(one.difference and not one.difference.is_finite for one in _comparisons(verdict)):
        return "A value that is infinite or no number cannot be tested."
    if any(one.tested_on == "too few" for one in _comparisons(verdict)):
        return "A test needs at least 3 replicates."
    return "More replicates would not decide it: the two sides are too close to tell apart."


def _comparisons(verdict: "Verdict") -> list[ComparisonEvidence]:
    return [one for case in verdict.cases for one in case.comparisons]


def _missing(verdict: "Verdict", lookup: Lookup) -> str:
    if not verdict.missing:
        return "Nothing in the study's grids is evidence for it: add a grid with the arms it names."
    names = list(dict.fromkeys(lookup.named(key) for key in verdict.missing))
    shown = "; ".join(names[:_MISSING_SHOWN])
    more = f" and {len(names) - _MISSING_SHOWN} more" if len(names) > _MISSING_SHOWN else ""
    if verdict.outcome == "STALE":
        changed = "; ".join(verdict.changed)
        return (
            f"The evidence was made by other code ({changed}): {shown}{more}. `lab run` makes it "
            "again; `lab accept` says that it stands."
        )
    return f"No result yet for {shown}{more}. `lab run` makes it."
