"""`lab run` and `lab report`: what is missing is run, then everything is shown."""

import re
import shlex
import signal
import sys
import warnings
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.cli import exits
from lab.cli.counting import counting
from lab.cli.growth import as_known, grows, lost_searches, run_growing
from lab.cli.limits import Ended, left_for_want_of_time, limits_of
from lab.cli.load import Loaded, show_diagnostics
from lab.cli.options import Options
from lab.cli.planned import Planned, planned
from lab.cli.progress import Display
from lab.cli.standing import as_it_stands
from lab.compiler.plan import Plan
from lab.compiler.standing import Standing
from lab.runtime.contents import missing_files as contents_missing
from lab.runtime.descent import older_texts
from lab.runtime.errors import LabError
from lab.runtime.layout import FAILURES
from lab.runtime.missing import missing
from lab.runtime.store import Store

if TYPE_CHECKING:
    from lab.cli.gathered import Gathered

_NUMBER = re.compile(r"\d+(\.\d+)?")


def run(options: Options) -> int:
    """Run what the plan of each study says is missing, and report."""
    return max((_one(file, options, runs=True) for file in options.files), default=exits.DONE)


def report(options: Options) -> int:
    """Report on each study from what is stored; run nothing."""
    return max((_one(file, options, runs=False) for file in options.files), default=exits.DONE)


def _one(file: Path, options: Options, *, runs: bool) -> int:
    loaded, one = planned(file, options)
    show_diagnostics(loaded)
    return exits.STUDY_IS_WRONG if one is None else _carried_out(one, _command(one), runs=runs)


def _carried_out(one: Planned, command: str, *, runs: bool) -> int:
    """A plan run as far as it is not, and reported on."""
    loaded, file = one.loaded, one.loaded.file
    absent = contents_missing(one.plan, file.parent)
    if runs and absent:
        raise LabError(_about_missing(absent, file))
    if runs and _is_over_budget(one):
        return exits.OVER_BUDGET
    store = Store(one.store)
    ended = _execute(one, store) if runs else Ended({})
    plan = as_known(loaded, store.root, at_most=True) or one.plan
    stands = as_it_stands(loaded, plan, store.root)
    _show(loaded, stands, store, command=command, in_aim=not one.options.no_aim)
    _show_failures(ended.failed, plan, store)
    lost = list(lost_searches(plan, store.root))
    print(*lost, sep="\n", end="\n" if lost else "", file=sys.stderr)
    return ended.code() or (exits.RUNS_FAILED if lost else exits.DONE)


def _is_over_budget(one: Planned) -> bool:
    """Say what is about to be run; whether it would take more than the study allows."""
    from lab.cli.costs import budget_lines, one_line
    from lab.cli.plan_text import summary

    if not one.new:
        return False
    print(f"{one.plan.study}: {'; '.join(summary(one))}", file=sys.stderr)
    print(f"{one.plan.study}: {one_line(one.prices)}", file=sys.stderr)
    if not one.prices.over:
        return False
    print(*budget_lines(one.prices), "nothing was run", sep="\n", file=sys.stderr)
    return True


def _command(one: Planned) -> str:
    """The command that makes these results, for the report."""
    options = one.options
    profile = f" --profile {options.profile}" if options.profile else ""
    sets = "".join(f" --set {shlex.quote(each)}" for each in options.sets)
    only = f" --only {shlex.quote(options.only)}" if options.only else ""
    return f"lab run {one.loaded.file}{profile}{sets}{only}"


def _about_missing(absent: list[str], file: Path) -> str:
    names = ", ".join(f"`{name}`" for name in absent)
    return f"{file} names {names}, which is not in {file.parent}: put it there, or name another"


def _execute(one: Planned, store: Store) -> Ended:
    """Run what is missing."""
    from lab.runtime.engine import Opening, open_engine
    from lab.runtime.execution import execute, widest

    loaded, plan, options = one.loaded, one.plan, one.options
    limits = limits_of(plan, options)
    if grows(plan):
        with _asked_to_end_as_interrupted():
            failed, stopped = run_growing(loaded, store, options, limits=limits)
        plan = as_known(loaded, store.root) or plan
        return Ended(failed, stopped, left_for_want_of_time(plan, store.root, limits, failed))
    todo = missing(plan, store.keys())
    if not todo:
        why = "everything is there already" if plan.nodes else "no grid of it has a run"
        print(f"{plan.study}: {why}, nothing to run", file=sys.stderr)
        return Ended({})
    display = Display(plan, todo[: options.limit], one.prices if one.new else None)
    opening = Opening(store.root, widest(plan), options.jobs, options.devices or 1)
    with _asked_to_end_as_interrupted(), ExitStack() as opened:
        engine = open_engine(options.engine, opening)
        opened.callback(engine.stop)
        opened.enter_context(display)
        outcome = execute(
            plan,
            store,
            folder=loaded.file.resolve().parent,
            listener=display.listen,
            limit=options.limit,
            engine=engine,
            limits=limits,
        )
    left = left_for_want_of_time(plan, store.root, limits, outcome.failed)
    return Ended(outcome.failed, outcome.stopped, left)


@contextmanager
def _asked_to_end_as_interrupted() -> Generator[None]:
    """SIGTERM ends a run as Ctrl-C does: workers stopped, the cursor back, exit code 130."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _show_failures(failed: Mapping[str, Mapping[str, Any]], plan: Plan, store: Store) -> None:
    """Each cause once, and how much else could not be run for it."""
    causes: dict[str, list[str]] = {}
    for key, failure in failed.items():
        if failure["cause"] != "input failed":
            cause = f"{failure['cause']}: {failure['message']}"
            causes.setdefault(_NUMBER.sub("", cause), []).append(key)
    for keys in causes.values():
        cause = f"{failed[keys[0]]['cause']}: {failed[keys[0]]['message']}"
        times = "" if len(keys) == 1 else f" ({len(keys)} times)"
        again = all("again" in failed[key] for key in keys)
        before = " before, and not tried again without --retry" if again else ""
        print(f"failed{times}{before}: {cause}", file=sys.stderr)
        print(f"  details: {store.root / FAILURES / keys[0]}.json", file=sys.stderr)
    rest = len(failed) - sum(len(keys) for keys in causes.values())
    if rest:
        print(f"not run, since they need what failed: {rest}", file=sys.stderr)
    if failed:
        from lab.runtime.failed_runs import region_texts, regions

        where = regions(plan, done=store.keys(), failed=failed)
        print(
            *(f"where: {text}\n" for text in region_texts(where)), sep="", end="", file=sys.stderr
        )


def _show(loaded: Loaded, stands: Standing, store: Store, *, command: str, in_aim: bool) -> None:
    from lab.cli.gathered import gathered
    from lab.runtime import report as reports
    from lab.runtime.report import terminal

    found, results = gathered(stands, store.root), store.root.parent
    made = reports.write(
        found.plan,
        found.values,
        found.records,
        results / found.plan.study,
        study_text=loaded.source.text,
        command=command,
        failures=found.failures,
        growth=found.growth,
        stale=found.stale,
        accepted=found.accepted,
    )
    terminal.show(made, sys.stdout)
    sys.stdout.flush()
    if in_aim:
        _show_in_aim(found, stands, results)


def _show_in_aim(found: "Gathered", stands: Standing, results: Path) -> None:
    """Show finished runs in Aim. Those that cannot be shown now are shown the next time."""
    from lab.runtime.trackers import aim

    with (
        warnings.catch_warnings(record=True, action="always", category=aim.AimWarning) as trouble,
        counting(f"{found.plan.study}: showing runs in Aim") as told,
    ):
        older = older_texts(stands)
        aim.project(found.plan, found.values, found.records, results, older=older, told=told)
    for warning in trouble:
        print(f"lab: {warning.message}", file=sys.stderr)
