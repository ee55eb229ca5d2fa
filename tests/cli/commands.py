"""Running `lab` as people do: a process of its own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

TINY = Path(__file__).parent / "tiny.lab"


def lab(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lab", *_alone(arguments), *_unseen(arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
        timeout=600,
    )


def _alone(arguments: tuple[str, ...]) -> tuple[str, ...]:
    """With one worker, unless a test says how many: tests have no cores to themselves."""
    one = () if "--jobs" in arguments or arguments[:1] != ("run",) else ("--jobs", "1")
    return *arguments, *one


def _unseen(arguments: tuple[str, ...]) -> tuple[str, ...]:
    """Without Aim, which takes longer than tiny studies do; tests of it do not go this way."""
    return ("--no-aim",) if arguments[:1] in {("run",), ("report",)} else ()


def started(*arguments: str) -> "subprocess.Popen[str]":
    """`lab` at work, with what it says in pipes."""
    return subprocess.Popen(
        [sys.executable, "-m", "lab", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def killed_when(condition, *arguments: str) -> None:
    """Start `lab` and `kill -9` it as soon as a condition holds."""
    process = subprocess.Popen(
        [sys.executable, "-m", "lab", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while process.poll() is None and not condition():
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it ended before it could be killed"


def study(folder: Path, text: str, name: str = "tiny.lab") -> Path:
    """A study in a folder of its own, beside which `results/` would stand."""
    path = folder / "studies" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
