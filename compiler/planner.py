"""A checked study that is planned again as what it waits for is decided.

A study with searches has not one plan but several: each search that is over binds its winner, and
the plan made then has the winner's stages where a waiting stage stood before. All of them are pure
functions of the study and of what was decided.
"""

from collections.abc import Sequence

from lab.compiler.build import Refusal, compile_study
from lab.compiler.evaluate import Contents
from lab.compiler.floors import with_floors
from lab.compiler.only import only
from lab.compiler.plan import Plan
from lab.compiler.points import Scope
from lab.compiler.problem import Problem
from lab.compiler.searches import Decisions, search_winners
from lab.compiler.trials import Ask, Trial, compile_trial
from lab.spec import core
from lab.spec.records import record
from lab.spec.signature import Catalog


@record
class Planner:
    """A study with what is needed to plan it; `contents` gives the checksum of a named file.

    `filters` choose a part of the plan.
    """

    study: core.Study
    catalog: Catalog
    contents: Contents
    filters: tuple[core.Filter, ...] = ()

    def plan(self, decided: Decisions | None = None) -> Plan | Refusal:
        """The plan with the winners of the searches that are decided."""
        made = compile_study(self.study, self.catalog, self.contents, decided)
        if isinstance(made, Refusal) or not (self.filters or made.adaptive):
            return made
        scope = Scope(self.study, self.catalog, self.contents)
        try:
            search_winners(scope, decided)
            return only(with_floors(made, scope), scope, self.filters)
        except Problem as problem:
            return Refusal(problem.code, problem.message, problem.span, problem.help_lines)

    def trial(self, search: str, ask: Ask, decided: Decisions | None = None) -> Trial | Refusal:
        """The trial that `ask` proposes, or why it cannot be.

        What `ask` raises is passed on: KeyError from `replay` where it lacks a value.
        """
        scope = Scope(self.study, self.catalog, self.contents)
        one = next(one for one in self.study.searches if one.name == search)
        try:
            search_winners(scope, decided)
            return compile_trial(scope, one, ask)
        except Problem as problem:
            return Refusal(problem.code, problem.message, problem.span, problem.help_lines)


def plan_of_trials(plan: Plan, trials: Sequence[Trial]) -> Plan:
    """The plan of some trials of a study whose own plan is given."""
    nodes = {node.key: node for trial in trials for node in trial.nodes}
    runs = {(run.point, run.seed): run for trial in trials for run in trial.runs}
    return Plan(
        study=plan.study,
        title=plan.title,
        profile=plan.profile,
        nodes=tuple(nodes.values()),
        runs=tuple(runs.values()),
        claims=(),
        figures=(),
        axes=(),
        removed=(),
        wall_seconds=plan.wall_seconds,
        memory_bytes=plan.memory_bytes,
        components=plan.components,
    )
