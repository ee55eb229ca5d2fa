"""How many runs a text asks for, by block, axis and claim: what `lab plan` would say."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from lab.compiler.build import Refusal, compile_study, runs_touching
from lab.compiler.plan import ClaimPlan, Plan
from lab.compiler.problem import Problem
from lab.compiler.remark import Remark
from lab.compiler.remarks import remarks
from lab.compiler.size import runs_in
from lab.server.notes import Analysis
from lab.spec import syntax
from lab.spec.diagnostics import Diagnostic, Label

#: Points of a study that are worth expanding while somebody types.
MOST = 2_000


@dataclass(frozen=True)
class Counts:
    """The plan of a text in numbers, and the findings that only a plan can have.

    `hints` are texts to show behind a place. `findings` are the checker's, with how many runs each
    of them touches, and the planner's refusal or its warnings.
    """

    hints: tuple[tuple[int, str], ...] = ()
    findings: tuple[Diagnostic, ...] = ()


def counted(analysis: Analysis) -> Counts:
    """The numbers of a text."""
    findings = tuple(analysis.checked.diagnostics)
    study = analysis.checked.study
    if study is None or sum(_sizes(analysis).values()) > MOST:
        return Counts(tuple(_limits(analysis)), findings)
    grids = {grid.name for grid in study.grids}
    subjects = frozenset({*grids, *(one.subject for one in findings if one.subject)})
    touched = runs_touching(study, analysis.catalog, subjects)
    reached = tuple(_reaching(one, touched) for one in findings)
    if analysis.checked.failed:
        return Counts((), reached)
    plan = compile_study(study, analysis.catalog, lambda _: None)
    if isinstance(plan, Refusal):
        return Counts((), (*reached, _refused(plan, analysis)))
    told = tuple(_warning(one, analysis) for one in remarks(study, plan, analysis.catalog))
    return Counts(tuple(_hints(analysis, plan, touched)), (*reached, *told))


def _sizes(analysis: Analysis) -> dict[str, int]:
    """Runs of every grid before its filters; none where that cannot be known."""
    study = analysis.checked.study
    try:
        return {} if study is None else runs_in(study, analysis.catalog)
    except Problem:
        return {}


def _reaching(one: Diagnostic, touched: dict[str, int]) -> Diagnostic:
    if not one.subject or not touched.get(one.subject):
        return one
    return replace(one, reach=f"{touched[one.subject]} of {touched['']} runs")


def _refused(refusal: Refusal, analysis: Analysis) -> Diagnostic:
    labels = (Label(refusal.span),)
    return Diagnostic(
        "error",
        refusal.code,
        refusal.message,
        analysis.source,
        labels,
        help=refusal.help_lines,
    )


def _warning(remark: Remark, analysis: Analysis) -> Diagnostic:
    labels, subject = (Label(remark.span),), remark.subject
    return Diagnostic(
        "warning", remark.code, remark.message, analysis.source, labels, subject=subject
    )


def _hints(analysis: Analysis, plan: Plan, touched: dict[str, int]) -> Iterator[tuple[int, str]]:
    values = {(one.grid, one.path): len(one.values) for one in plan.axes}
    claims = {one.name: one for one in plan.claims}
    for node in analysis.declarations:
        match node:
            case syntax.Study(name=name):
                yield name.span.end, _number(len(plan.runs), "run")
            case syntax.Grid(name=name):
                yield name.span.end, _number(touched.get(name.text, 0), "run")
                for axis in (one for one in node.entries if isinstance(one, syntax.Axis)):
                    number = values.get((name.text, str(axis.paths[0])), 0)
                    yield axis.span.end, _number(number, "value")
            case syntax.Claim(name=name) if name.text in claims:
                yield name.span.end, _claim(claims[name.text])
            case _:
                continue


def _claim(claim: ClaimPlan) -> str:
    seeds = max((len(case.seeds) for case in claim.cases), default=0)
    if not claim.cases:
        return "nothing to compare"
    return f"{_number(len(claim.cases), 'setting')} × {_number(seeds, 'replicate')}"


def _limits(analysis: Analysis) -> Iterator[tuple[int, str]]:
    """What can be said of a study that is too large to expand between two keys."""
    sizes = _sizes(analysis)
    for node in analysis.declarations:
        if isinstance(node, syntax.Grid) and node.name.text in sizes:
            yield node.name.span.end, f"up to {sizes[node.name.text]:,} runs"


def _number(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")
