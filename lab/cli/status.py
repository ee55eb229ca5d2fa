"""`lab status`: what is running, as another shell sees it; `lab logs`: what a stage said."""

import json
import time
from dataclasses import asdict
from pathlib import Path

from lab.cli import exits
from lab.cli.load import results_folder
from lab.cli.options import Options
from lab.cli.plan_tables import table
from lab.cli.units import duration_text
from lab.runtime.checkpoints import resumable
from lab.runtime.errors import LabError
from lab.runtime.keys import key_of
from lab.runtime.layout import failures_in, keys_in
from lab.runtime.running import Active, Running, running_in
from lab.runtime.store import LOGS, Store


def status(options: Options) -> int:
    """Show every process at work on a store, and what it is at."""
    root = _root(options)
    found = running_in(root)
    if options.json:
        print(json.dumps({"schema": 1, "running": [asdict(one) for one in found]}, indent=1))
        return exits.DONE
    for one in found:
        print("\n".join(_shown(one)))
    begun = len(resumable(root))
    kept, failed = len(keys_in(root)), len(failures_in(root))
    print(f"{root}: {kept} stages stored, {failed} failed when last tried, {begun} to go on from")
    if not found:
        print("nothing is running")
    return exits.DONE


def _shown(one: Running) -> list[str]:
    now = time.time()
    over = one.done + one.failed
    failed = f", {one.failed} failed" if one.failed else ""
    head = f"{one.study}: {over} of {one.total}{failed}, for {duration_text(now - one.began)}"
    rows = [("key", "stage", "at", "for")]
    rows += [
        (each.key[:12], each.label, _position(each), duration_text(now - each.since))
        for each in one.active.values()
    ]
    return [f"{head} ({one.process})", *table(rows), ""]


def _position(active: Active) -> str:
    if active.step is None:
        return "starting"
    values = " ".join(f"{name} {value:.4g}" for name, value in active.values.items())
    return f"{active.step} of {active.total} {values}".rstrip()


def logs(options: Options) -> int:
    """Print what a stage printed while it was made, and how it failed where it did."""
    root = _root(options)
    kept = Store(root)
    there = {path.stem for path in (root / LOGS).glob("*.txt")}
    failed = failures_in(root)
    for written in options.names:
        key = key_of(written, {*kept.keys(), *failed, *there})
        if key in failed:
            failure = kept.failure(key)
            print(f"{key[:12]} failed: {failure['cause']}: {failure['message']}")
            print(failure.get("traceback", ""), end="")
        elif key not in there:
            print(f"{key[:12]} printed nothing")
        if key in there:
            print(kept.log(key).read_text(encoding="utf-8", errors="replace"), end="")
    return exits.DONE


def _root(options: Options) -> Path:
    named = results_folder(options.files[0], options.results) if options.files else options.results
    root = (named or Path("results")) / "store"
    if not root.is_dir():
        raise LabError(f"there is no store {root}: name the folder of results with --results")
    return root
