"""Killing `lab` in the middle of its work, and looking at what is left of it."""

import json
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from commands import study

from lab.runtime.layout import keys_in

TEXT = (Path(__file__).parent / "chaos.lab").read_text(encoding="utf-8")
#: Seconds between two checkpoints: short, so that stages are gone on with inside.
INTERVAL = 0.3
#: All processes of a run have this in their environment.
MARK = "LAB_CHAOS"
_SAME = ("values", "files", "notes", "history", "bytes")


def records(store: Path) -> dict[str, Any]:
    """All of what was made that must not depend on how."""
    found: dict[str, Any] = {}
    for key in keys_in(store):
        record = json.loads((store / key / "record.json").read_text())
        found[key] = {name: record.get(name) for name in _SAME}
    return found


def resumed(store: Path) -> dict[str, int]:
    """The stages that were gone on with inside, and the step at which."""
    found: dict[str, int] = {}
    for key in keys_in(store):
        record = json.loads((store / key / "record.json").read_text())
        if "resumed_at" in record:
            found[key] = record["resumed_at"]
    return found


def leftovers(results: Path) -> list[str]:
    """What no run that is over may leave."""
    store = results / "store"
    folders = ("owners", "running", "leases", "checkpoints", "failures")
    found = [path for name in folders for path in (store / name).glob("*") if path.name != ".lock"]
    found += store.glob(".tmp-*")
    found += (path for path in results.rglob("*.part") if ".aim" not in path.parts)
    return [str(path.relative_to(results)) for path in found]


def steps(store: Path) -> dict[str, int]:
    """The last checkpoint of each stage that is under way."""
    found: dict[str, int] = {}
    for path in (store / "checkpoints").glob("*/*.json"):
        if path.stem.isdigit():
            found[path.parent.name] = max(int(path.stem), found.get(path.parent.name, 0))
    return found


def processes(mark: str) -> list[int]:
    """Processes that live, or are zombies, with a mark in their environment."""
    found: list[int] = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            marked = f"{MARK}={mark}".encode() in (path / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if marked:
            found.append(int(path.name))
    return found


class Chaos:
    """A study that is run, killed, and run again until it is done.

    `seconds` is how long it takes where nobody disturbs it.
    """

    def __init__(self, folder: Path, text: str, seed: int, seconds: float) -> None:
        self.file = study(folder, text, "chaos.lab")
        self.results = folder / "results"
        self.store = self.results / "store"
        self.seconds = seconds
        self.draw = random.Random(seed)
        self.kills: list[str] = []
        self.seen: dict[str, int] = {}

    def run_with_kills(self, most: int) -> None:
        """Run to the end, killed so many times at most on the way."""
        while self._is_killed(len(self.kills) < most):
            assert len(self.kills) <= most, "it does not end"

    def _is_killed(self, may: bool) -> bool:
        """One run; whether it has to be run again."""
        mark = secrets.token_hex(8)
        process = subprocess.Popen(
            [sys.executable, "-m", "lab", "run", str(self.file), "--checkpoint", str(INTERVAL)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, MARK: mark},
        )
        try:
            said = process.communicate(timeout=self._moment(process) if may else 300)[0]
        except subprocess.TimeoutExpired:
            self._kill(process, mark)
            said = process.communicate(timeout=300)[0]
        for _ in _patiently():
            if not processes(mark):
                break
        assert not processes(mark), "a process outlives its run"
        assert "Traceback" not in said or process.returncode < 0, said
        for key, step in steps(self.store).items():
            assert step >= self.seen.get(key, 0), "work that was kept was lost"
            self.seen[key] = step
        return process.returncode != 0

    def _moment(self, process: "subprocess.Popen[str]") -> float:
        """Seconds to wait from now: any time, or soon after the next checkpoint of a stage."""
        if self.draw.random() < 0.3:
            return self.draw.uniform(0.1, 0.9) * self.seconds
        before = steps(self.store)
        while process.poll() is None and steps(self.store).items() <= before.items():
            time.sleep(0.02)
        return self.draw.uniform(0.0, 1.5)

    def _kill(self, process: "subprocess.Popen[str]", mark: str) -> None:
        how = self.draw.choice(("kill", "worker", "terminate", "interrupt"))
        workers = [one for one in processes(mark) if one != process.pid]
        self.kills.append(how)
        if how == "worker" and workers:
            os.kill(self.draw.choice(workers), signal.SIGKILL)
        else:
            number = {"terminate": signal.SIGTERM, "interrupt": signal.SIGINT}
            process.send_signal(number.get(how, signal.SIGKILL))


def _patiently() -> Iterator[None]:
    """Looks at something for ten seconds at most."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        yield
        time.sleep(0.02)
