"""`lab run` and `lab report`: what is missing is run, then everything is shown."""

import shlex
import signal
import sys
import warnings
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab.cli import exits
from lab.cli.growth import as_known, grows, lost_searches, run_growing, settled
from lab.cli.load import Loaded, load, results_folder, show_diagnostics
from lab.cli.options import Options
from lab.cli.progress import Display
from lab.cli.standing import as_it_stands
from lab.compiler.plan import Plan
from lab.compiler.standing import Standing
from lab.runtime.contents import missing_files as contents_missing
from lab.runtime.descent import accepted_texts, stale_texts
from lab.runtime.errors import LabError
from lab.runtime.missing import missing
from lab.runtime.store import FAILURES, Store, failures_in

_NOTHING: Mapping[str, Mapping[str, Any]] = {}


def run(options: Options) -> int:
    """Run what the plan of each study says is missing, and report."""
    return max((_one(file, options, runs=True) for file in options.files), default=exits.DONE)


def report(options: Options) -> int:
    """Report on each study from what is stored; run nothing."""
    return max((_one(file, options, runs=False) for file in options.files), default=exits.DONE)


def _one(file: Path, options: Options, *, runs: bool) -> int:
    loaded = load(file, profile=options.profile, sets=options.sets)
    show_diagnostics(loaded)
    if loaded.plan is None:
        return exits.STUDY_IS_WRONG
    absent = contents_missing(loaded.plan, file.parent)
    if runs and absent:
        raise LabError(_about_missing(absent, file))
    results = results_folder(file, options.results)
    store = Store(results / "store")
    plan = as_it_stands(loaded, loaded.plan, store.root).plan
    failed = _execute(loaded, plan, store, options) if runs else _NOTHING
    plan = as_known(loaded, store.root) or loaded.plan
    _show(loaded, as_it_stands(loaded, plan, store.root), store, command=_command(file, options))
    _show_failures(failed, store)
    lost = list(lost_searches(plan, store.root))
    print(*lost, sep="\n", end="\n" if lost else "", file=sys.stderr)
    return exits.RUNS_FAILED if failed or lost else exits.DONE


def _command(file: Path, options: Options) -> str:
    """The command that makes these results, for the report."""
    profile = f" --profile {options.profile}" if options.profile else ""
    sets = "".join(f" --set {shlex.quote(one)}" for one in options.sets)
    return f"lab run {file}{profile}{sets}"


def _about_missing(absent: list[str], file: Path) -> str:
    names = ", ".join(f"`{name}`" for name in absent)
    return f"{file} names {names}, which is not in {file.parent}: put it there, or name another"


def _execute(
    loaded: Loaded, plan: Plan, store: Store, options: Options
) -> Mapping[str, Mapping[str, Any]]:
    from lab.runtime.execution import execute

    if grows(plan):
        with _asked_to_end_as_interrupted():
            return run_growing(loaded, store, options)
    todo = missing(plan, store.keys())
    if not todo:
        why = "everything is there already" if plan.nodes else "no grid of it has a run"
        print(f"{plan.study}: {why}, nothing to run", file=sys.stderr)
        return {}
    display = Display(plan, todo[: options.limit])
    with _asked_to_end_as_interrupted(), display:
        outcome = execute(
            plan,
            store,
            folder=loaded.file.resolve().parent,
            listener=display.listen,
            jobs=options.jobs,
            limit=options.limit,
        )
    return outcome.failed


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


def _show_failures(failed: Mapping[str, Mapping[str, Any]], store: Store) -> None:
    """Each cause once, and how much else could not be run for it."""
    causes: dict[str, list[str]] = {}
    for key, failure in failed.items():
        if failure["cause"] != "input failed":
            causes.setdefault(f"{failure['cause']}: {failure['message']}", []).append(key)
    for cause, keys in causes.items():
        times = "" if len(keys) == 1 else f" ({len(keys)} times)"
        print(f"failed{times}: {cause}", file=sys.stderr)
        print(f"  details: {store.root / FAILURES / keys[0]}.json", file=sys.stderr)
    rest = len(failed) - sum(len(keys) for keys in causes.values())
    if rest:
        print(f"not run, since they need what failed: {rest}", file=sys.stderr)


def _show(loaded: Loaded, stands: Standing, store: Store, *, command: str) -> None:
    from lab.runtime import report as reports
    from lab.runtime.report import terminal
    from lab.runtime.report.growth import grown
    from lab.runtime.trackers import aim

    plan, have, failed = stands.plan, store.keys(), failures_in(store.root)
    records = {node.key: store.record(node.key) for node in plan.nodes if node.key in have}
    values = {key: record["values"] for key, record in records.items() if record["values"]}
    failures = {node.key: store.failure(node.key) for node in plan.nodes if node.key in failed}
    results = store.root.parent
    growth = grown(plan, store.root, values, failed)
    plan = settled(plan, values, failed)
    made = reports.write(
        plan,
        values,
        records,
        results / plan.study,
        study_text=loaded.source.text,
        command=command,
        failures=failures,
        growth=growth,
        stale=stale_texts(stands, store.root),
        accepted=accepted_texts(stands),
    )
    terminal.show(made, sys.stdout)
    sys.stdout.flush()
    with warnings.catch_warnings(record=True, action="always", category=aim.AimWarning) as found:
        aim.project(plan, values, records, results)
    for warning in found:
        print(f"lab: {warning.message}", file=sys.stderr)
