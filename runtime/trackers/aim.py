"""Runs in Aim: one Aim run for each run of a study, the study as experiment.

Aim is written to by a process of its own, started here: its import takes its time and warns, it
keeps threads and locks, and whatever goes wrong in it must not touch ours. Trouble is an
`AimWarning`, never an error; what was not projected this time is projected the next.

A run's hash cannot be chosen, so a journal inside the Aim repository keeps which Aim run shows
which of ours, and what it showed. Lines are appended, `begun` before a run is filled and `done`
after, so that a process killed in between leaves a run that the next one replaces. Removing the
Aim repository removes the journal with it, and the next projection fills a new one.
"""

import fcntl
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO, TypeVar

from lab.compiler.plan import Plan
from lab.runtime.evidence import Values
from lab.runtime.results import Records
from lab.runtime.tracker import TrackedRun, Tracker, tracked_runs

__all__ = ["AimTracker", "AimWarning", "project", "rebuild"]

_JOURNAL = "lab-journal.jsonl"
_TRIES, _SECONDS_BETWEEN_TRIES = 40, 0.25
_SECONDS_A_RUN = 5.0
_SECONDS_TO_START = 120.0
#: Told how many runs are shown, of how many.
Told = Callable[[int, int], None]
T = TypeVar("T")


def _unheard(shown: int, total: int) -> None:
    """Nobody wants to know."""
    del shown, total


class AimWarning(UserWarning):
    """Runs could not be shown in Aim. The results themselves are not affected."""


def project(
    plan: Plan,
    values: Values,
    records: Records,
    repo: Path,
    *,
    older: Mapping[str, str] | None = None,
    told: Told = _unheard,
) -> None:
    """Show a plan's finished runs in the Aim repository in the folder `repo`; made if need be.

    `older` says, by node, of results of older code what was accepted and why. Aim takes its time
    for each run: `told` hears of it.
    """
    AimTracker(repo, told).project(tracked_runs(plan, values, records, older))


def rebuild(plan: Plan, values: Values, records: Records, repo: Path) -> None:
    """Take away all that was projected of any study's runs, and show this plan's anew."""
    AimTracker(repo).rebuild(tracked_runs(plan, values, records))


class AimTracker(Tracker):
    """An Aim repository: the folder that holds `.aim`."""

    def __init__(self, repo: Path, told: Told = _unheard) -> None:
        self.repo = repo
        self._told = told

    def project(self, runs: Sequence[TrackedRun]) -> None:
        """Show these runs; see `Tracker`."""
        self._send(runs, forget=False)

    def rebuild(self, runs: Sequence[TrackedRun]) -> None:
        """Forget all runs projected here, and show these."""
        self._send(runs, forget=True)

    def _send(self, runs: Sequence[TrackedRun], *, forget: bool) -> None:
        shown = {} if forget else shown_in(self.repo / ".aim")
        new = [run for run in runs if shown.get(run.identity, ("", ""))[1] != run.digest]
        if not new and not forget:
            return
        job = {
            "repo": str(self.repo),
            "forget": forget,
            "runs": [
                {"identity": run.identity, "digest": run.digest, **asdict(run)} for run in new
            ],
        }
        count = 0

        def shown_now(so_many: int) -> None:
            nonlocal count
            count = so_many
            self._told(count, len(new))

        shown_now(0)
        trouble = _run_process(
            json.dumps(job),
            seconds=_SECONDS_TO_START + _SECONDS_A_RUN * len(new),
            shown=shown_now,
        )
        if trouble:
            message = f"{len(new) - count} runs are not shown in Aim ({self.repo}): {trouble}"
            warnings.warn(message, AimWarning, stacklevel=4)


def _run_process(job: str, *, seconds: float, shown: Callable[[int], None]) -> str:
    """Do a job in a process of its own. Returns what went wrong, or nothing."""
    import lab

    above = str(Path(lab.__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, (above, os.environ.get("PYTHONPATH"))))
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as complaints:
        try:
            process = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", "lab.runtime.trackers.aim"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                env={**os.environ, "PYTHONPATH": path},
                text=True,
            )
        except OSError as error:
            return str(error)
        too_late = threading.Timer(seconds, process.kill)
        too_late.start()
        try:
            code = _heard(process, job, shown)
        finally:
            is_late = not too_late.is_alive()
            too_late.cancel()
            process.kill()
            process.wait()
        if code == 0:
            return ""
        if is_late:
            return f"it took more than {seconds:.0f} s"
        complaints.seek(0)
        lines = complaints.read().strip().splitlines()
        return lines[-1] if lines else f"its process ended with code {code}"


def _heard(process: "subprocess.Popen[str]", job: str, shown: Callable[[int], None]) -> int:
    """Hand a process its job, and hear it to its end; returns its exit code."""
    with process, suppress(BrokenPipeError):
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(job)
        process.stdin.close()
        for line in filter(str.isdigit, map(str.strip, process.stdout)):
            shown(int(line))
    return process.wait()


def shown_in(aim_folder: Path) -> dict[str, tuple[str, str]]:
    """What an Aim repository shows: our identity -> (Aim's hash, the digest of what is shown).

    The digest is empty where a run was begun and never done.
    """
    shown: dict[str, tuple[str, str]] = {}
    try:
        lines = (aim_folder / _JOURNAL).read_text(encoding="utf-8").splitlines()
    except OSError:
        return shown
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # the last line of a process that was killed
        if entry["is"] == "gone":
            shown.pop(entry["identity"], None)
        else:
            digest = entry["digest"] if entry["is"] == "done" else ""
            shown[entry["identity"]] = (entry["hash"], digest)
    return shown


# What follows happens in the process of its own, the only one that imports Aim.


def main() -> int:
    """Do the job on standard input."""
    job = json.load(sys.stdin)
    say = _own_stdout()
    repo_folder = Path(job["repo"])
    repo_folder.mkdir(parents=True, exist_ok=True)
    from aim import Repo

    repo = Repo.from_path(str(repo_folder), init=True)
    with _alone(repo_folder / ".aim"):
        shown = shown_in(repo_folder / ".aim")
        with (repo_folder / ".aim" / _JOURNAL).open("a", encoding="utf-8") as journal:
            for identity in list(shown) if job["forget"] else ():
                _remove(repo, journal, identity, shown.pop(identity)[0])
            for count, run in enumerate(job["runs"], 1):
                made = _show(repo, journal, run, shown)
                if made is not None:
                    _index(repo, made)
                print(count, file=say, flush=True)
    return 0


def _own_stdout() -> TextIO:
    """Standard output for counts alone; what Aim prints goes to standard error."""
    say = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    return say


@contextmanager
def _alone(aim_folder: Path) -> Iterator[None]:
    """One projection at a time; the lock goes with the process that holds it."""
    with (aim_folder / "lab-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _note(journal: Any, **entry: str) -> None:
    journal.write(json.dumps(entry) + "\n")
    journal.flush()
    os.fsync(journal.fileno())


def _remove(repo: Any, journal: Any, identity: str, aim_hash: str) -> None:
    patiently(lambda: repo.delete_run(aim_hash))
    _note(journal, **{"is": "gone", "identity": identity})


def _show(
    repo: Any, journal: Any, run: Mapping[str, Any], shown: Mapping[str, tuple[str, str]]
) -> str | None:
    """Show one run unless it is shown as it is; returns the hash of a new Aim run."""
    from aim import Run

    known = shown.get(run["identity"])
    if known is not None:
        if known[1] == run["digest"]:
            return None
        _remove(repo, journal, run["identity"], known[0])
    made = Run(
        repo=repo,
        experiment=run["study"],
        system_tracking_interval=None,
        log_system_params=False,
        capture_terminal_logs=False,
    )
    entry = {"identity": run["identity"], "hash": made.hash, "digest": run["digest"]}
    _note(journal, **{"is": "begun", **entry})
    made.name = run["name"]
    for name, value in run["params"].items():
        made[name] = value
    for name, value in run["metrics"].items():
        made.track(value, name=name, step=0, context={"measured": "at the end"})
    for curve in run["curves"]:
        for step, value in zip(curve["steps"], curve["values"], strict=True):
            made.track(value, name=curve["name"], step=step, context={"stage": curve["stage"]})
    made.close()
    _note(journal, **{"is": "done", **entry})
    return str(made.hash)


def _index(repo: Any, made: str) -> None:
    """Make a new run readable at once; a user interface that runs does so by itself, later."""
    from aim.sdk.index_manager import RepoIndexManager

    manager = RepoIndexManager.get_index_manager(repo)
    patiently(lambda: manager.index(made))


def patiently(action: Callable[[], T]) -> T:
    """Do something with Aim's index, which has one writer at a time, when it is free."""
    from aimrocks.errors import RocksIOError

    for _ in range(_TRIES):
        try:
            return action()
        except RocksIOError:
            time.sleep(_SECONDS_BETWEEN_TRIES)
    return action()


if __name__ == "__main__":
    sys.exit(main())
