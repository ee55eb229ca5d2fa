"""What `lab run` may take: memory and time from the study's `budget` and the command line."""

import sys
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from lab.cli import exits
from lab.cli.options import Options
from lab.cli.units import duration_text
from lab.compiler.plan import Plan
from lab.runtime.layout import keys_in
from lab.runtime.missing import missing
from lab.spec.records import record

if TYPE_CHECKING:
    from pathlib import Path

    from lab.runtime.execution import Limits


@record
class Ended:
    """How a run ended: failures by key, why it was stopped, and what is left for want of time."""

    failed: Mapping[str, Mapping[str, Any]]
    stopped: str | None = None
    left: str | None = None

    def code(self) -> int:
        """What the command ends with; says on the way what it was stopped by."""
        for one in (self.stopped, self.left):
            if one:
                print(one, file=sys.stderr)
        if self.left:
            return exits.OVER_BUDGET
        return exits.RUNS_FAILED if self.failed else exits.DONE


def limits_of(plan: Plan, options: Options) -> "Limits":
    """The limits of a command, its time counted from now: all rounds of a plan share them."""
    from lab.runtime.checkpoints import SECONDS
    from lab.runtime.execution import Limits

    of_budget = Limits.of(plan)
    return Limits(
        memory_bytes=options.memory or of_budget.memory_bytes,
        deadline=of_budget.deadline,
        checkpoint_seconds=options.checkpoint or SECONDS,
        retry=options.retry,
        devices=options.devices,
    )


def left_for_want_of_time(
    plan: Plan, root: "Path", limits: "Limits", failed: Collection[str]
) -> str | None:
    """What is left of a plan whose time was used up, and how to go on; None if nothing is.

    Args:
        plan: what was to be run. `root`: the store's folder. `limits`: those it ran under.
        failed: keys of what was tried, and of what cannot be for want of it.
    """
    if plan.wall_seconds is None or not limits.is_over:
        return None
    left = sum(node.key not in failed for node in missing(plan, keys_in(root)))
    if not left:
        return None
    what = "stage or measurement is" if left == 1 else "stages and measurements are"
    return (
        f"{plan.study}: the budget of {duration_text(plan.wall_seconds)} is used up, and {left} "
        f"{what} left: what is done is kept, and what was under way goes on from its last "
        "checkpoint; run the same command again, or give the study a larger `budget`"
    )
