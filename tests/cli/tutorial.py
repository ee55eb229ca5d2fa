"""docs/tutorial.md as a session: files are written, edits are made, commands are run."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"
FENCE = re.compile(r"^(`{3,})(\w+)(?: (\S+))?\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
#: What the page calls the folder that the session is in.
HOME = "~/digits"


@dataclass(frozen=True)
class Said:
    """A command of the page, and what stands below it."""

    command: str
    output: str


def commands(text: str) -> list[Said]:
    """Every command of a text, in order."""
    return [
        said
        for _, kind, _, body in FENCE.findall(text)
        if kind == "console"
        for said in _said(body)
    ]


def _said(body: str) -> Iterator[Said]:
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield Said(command, output.rstrip("\n"))


def played(text: str, folder: Path) -> Iterator[Said]:
    """Do what a text says in a folder; yields each command with what it really says."""
    code = 0
    for _, kind, name, body in FENCE.findall(text):
        if kind == "lab":
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(body, "utf-8")
        elif kind == "diff":
            _edit(folder / name, body.splitlines())
        for said in _said(body) if kind == "console" else ():
            if said.command == "echo $?":
                yield Said(said.command, str(code))
                continue
            code, output = _run(said.command, folder)
            yield Said(said.command, output)


def _edit(path: Path, lines: list[str]) -> None:
    old = "".join(f"{line[1:]}\n" for line in lines if line[0] in " -")
    new = "".join(f"{line[1:]}\n" for line in lines if line[0] in " +")
    text = path.read_text("utf-8")
    assert text.count(old) == 1, f"{path.name} has no such lines to replace:\n{old}"
    path.write_text(text.replace(old, new), "utf-8")


def _run(command: str, folder: Path) -> tuple[int, str]:
    program, *arguments = shlex.split(command)
    assert program == "lab", f"the tutorial runs `{program}`"
    done = subprocess.run(
        [sys.executable, "-m", "lab", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "COLUMNS": "120"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
        timeout=600,
    )
    lines = done.stdout.replace(str(folder.resolve()), HOME).rstrip().splitlines()
    return done.returncode, "\n".join(line.rstrip() for line in lines if not PROGRESS.match(line))


#: How far a run has come: how often it is told depends on how fast the machine is.
PROGRESS = re.compile(r" +\d+/\d+(,|  )")
MEAN = re.compile(r"(-?\d+(?:\.\d+)?) ± [\d.]+|\b(\d\d\.\d\d)\b")
#: What a plan says of the machine it is on, and of what it takes there; what stands for it when two
#: outputs are compared.
MACHINE = (
    (re.compile(r"^program .*?\n\n", re.MULTILINE | re.DOTALL), "<programs>\n\n"),
    (re.compile(r"^time: .*$", re.MULTILINE), "time: <time>"),
    (re.compile(r"\bon .*, \d+ workers? of \d+ threads?"), "on <device>"),
    (re.compile(r"\b\d+(\.\d+)? (B|kB|MB|GB)\b"), "<size>"),
)
#: What else differs from one machine to the next.
VOLATILE = (
    (re.compile(r"\[(over test examples )?(± ?[\d.]+|\+[\d.]+ −[\d.]+)( %)?\]"), "<range>"),
    (re.compile(r"\bp = [\d.e-]+"), "p = <p>"),
    (re.compile(r"\b[0-9a-f]{8}\b"), "<key>"),
    (re.compile(r"\b\d+(\.\d+)? (s|min|h)\b( \d+ (s|min)\b)?"), "<time>"),
    (re.compile(r"\.py:\d+"), ".py:<line>"),
    (re.compile(r"-{2,}"), "--"),
    (re.compile(r" {2,}"), "  "),
)


@dataclass(frozen=True)
class Stable:
    """An output without what is volatile: its text, and the averages that stood in it."""

    text: str
    means: tuple[float, ...]


def stable(output: str) -> Stable:
    """What of an output is the same on every machine, and the averages that nearly are."""
    for pattern, name in MACHINE:
        output = pattern.sub(name, output)
    means = tuple(float(one or other) for one, other in MEAN.findall(output))
    text = MEAN.sub("<mean>", output)
    for pattern, name in VOLATILE:
        text = pattern.sub(name, text)
    return Stable(text, means)


def rewritten(text: str, outputs: list[Said]) -> str:
    """A text with what its commands really say."""
    left = iter(outputs)

    def filled(fence: re.Match[str]) -> str:
        if fence[2] != "console":
            return fence[0]
        said = [next(left) for _ in _said(fence[4])]
        body = "".join(f"$ {one.command}\n{one.output}\n" for one in said).replace("\n\n$ ", "\n$ ")
        return f"{fence[1]}console\n{body}{fence[1]}"

    return FENCE.sub(filled, text)
