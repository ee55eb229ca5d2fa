"""`lab`: one table of commands, from which help, completion and the reference follow."""

import argparse
import errno
import gc
import io
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from lab import __version__
from lab.cli import exits, quantities
from lab.cli.options import Options
from lab.spec.records import record

if TYPE_CHECKING:
    from lab.runtime.errors import LabError


@record
class Command:
    """A row of the table. `target` is `module:function`, imported only when the command is used."""

    name: str
    summary: str
    target: str
    arguments: tuple[str, ...]

    def function(self) -> Callable[[Options], int]:
        """What the command does."""
        module, _, name = self.target.partition(":")
        return getattr(import_module(module), name)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not 1 or more")
    return number


def _port(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{number} is no port: a port is 1 to 65535")
    return number


_STUDY = ("files", "--profile", "--set", "--results")

COMMANDS = (
    Command(
        "check",
        "find every mistake in studies",
        "lab.cli.language:check",
        ("files", "--fix", "--json"),
    ),
    Command(
        "fmt",
        "write studies in canonical form",
        "lab.cli.language:fmt",
        ("files", "--check", "--diff"),
    ),
    Command("explain", "a page about an error code", "lab.cli.language:explain", ("names",)),
    Command("docs", "signature and meaning of components", "lab.cli.language:docs", ("any-names",)),
    Command(
        "plan",
        "what would run and why, what is there, and what it costs",
        "lab.cli.plan:plan",
        (*_STUDY, "--only", "--since", "--probe", "--save", "--verbose", "--json"),
    ),
    Command(
        "run",
        "run what is missing and report",
        "lab.cli.run:run",
        (
            *_STUDY,
            "--only",
            "--engine",
            "--jobs",
            "--devices",
            "--limit",
            "--memory",
            "--checkpoint",
            "--retry",
        ),
    ),
    Command(
        "report",
        "tables, verdicts and plots from what is stored",
        "lab.cli.run:report",
        (*_STUDY, "--only"),
    ),
    Command(
        "results",
        "tables of what is stored, with intervals",
        "lab.cli.results:results",
        (*_STUDY, "--only", "--json"),
    ),
    Command(
        "claims",
        "the verdict on every claim; exit code 4 when one failed",
        "lab.cli.results:claims",
        (*_STUDY, "--only", "--json"),
    ),
    Command(
        "compare",
        "how the results of two studies differ, point by point",
        "lab.cli.results:compare",
        (*_STUDY, "--only", "--json"),
    ),
    Command("new", "a study that runs, to begin from", "lab.cli.new:new", ("study-names",)),
    Command("ui", "open Aim on a study's runs", "lab.cli.ui:ui", (*_STUDY, "--port")),
    Command(
        "export",
        "the weights an arm of a study ends with, as safetensors",
        "lab.cli.export:export",
        (*_STUDY, "--arm", "--output"),
    ),
    Command(
        "why",
        "what a result was made of and with, and what the nearest one has else",
        "lab.cli.why:why",
        ("result", "--profile", "--set", "--results", "--json"),
    ),
    Command(
        "accept",
        "say, with a reason, that results of older code stand",
        "lab.cli.accept:accept",
        ("results", "--because", "--undo", "--profile", "--set", "--results", "--json"),
    ),
    Command(
        "status",
        "what is running, as another shell sees it",
        "lab.cli.status:status",
        ("any-files", "--results", "--json"),
    ),
    Command(
        "logs",
        "what a stage printed while it was made, and how it failed",
        "lab.cli.status:logs",
        ("keys", "--results"),
    ),
    Command(
        "rerun",
        "make a stage once more, and compare it with what is stored",
        "lab.cli.rerun:rerun",
        ("result", "--profile", "--set", "--results"),
    ),
    Command(
        "store",
        "what is kept, whether it is whole, what may go, and moving it",
        "lab.cli.storage:store",
        ("action", "--profile", "--set", "--results", "--archive", "--yes", "--json"),
    ),
    Command("doctor", "what this environment has", "lab.cli.doctor:doctor", ()),
    Command("lsp", "serve an editor over standard input and output", "lab.cli.lsp:lsp", ()),
    Command(
        "completions",
        "a script with which a shell completes `lab`",
        "lab.cli.completions:completions",
        ("shell",),
    ),
)

ARGUMENTS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "files": (("files",), {"nargs": "+", "type": Path, "metavar": "FILE.lab"}),
    "any-files": (("files",), {"nargs": "*", "type": Path, "metavar": "FILE.lab"}),
    "keys": (("names",), {"nargs": "+", "metavar": "KEY"}),
    "action": (
        ("names",),
        {"nargs": "+", "metavar": "ls|verify|gc|export|import [FILE]"},
    ),
    "--yes": (("--yes",), {"action": "store_true", "help": "remove what `gc` names"}),
    "--archive": (
        ("--output", "-o"),
        {"type": Path, "metavar": "FILE.tar", "help": "the archive that `export` writes"},
    ),
    "names": (("names",), {"nargs": "+", "metavar": "CODE"}),
    "result": (("names",), {"nargs": "+", "metavar": "KEY|FILE.lab"}),
    "results": (("names",), {"nargs": "*", "metavar": "NAME|KEY|FILE.lab"}),
    "--because": (
        ("--because",),
        {"metavar": "TEXT", "help": "why they stand; reports that use them repeat it"},
    ),
    "--undo": (("--undo",), {"action": "store_true", "help": "take an acceptance back"}),
    "any-names": (("names",), {"nargs": "*", "metavar": "NAME"}),
    "study-names": (("names",), {"nargs": "+", "metavar": "NAME"}),
    "--profile": (("--profile",), {"metavar": "P", "help": "apply `profile P` of the study"}),
    "--set": (
        ("--set",),
        {"action": "append", "dest": "sets", "metavar": "PATH=VALUE", "help": "edit one value"},
    ),
    "--only": (
        ("--only",),
        {"metavar": "CONDITION", "help": "only runs that `keep CONDITION` would leave in a grid"},
    ),
    "--since": (
        ("--since",),
        {"metavar": "REV", "help": "price the edit of the study since a git revision"},
    ),
    "--probe": (
        ("--probe",),
        {"action": "store_true", "help": "measure a few steps of what was not measured here"},
    ),
    "--save": (
        ("-o", "--output"),
        {"type": Path, "metavar": "PLAN.json", "help": "save the plan, for `lab run PLAN.json`"},
    ),
    "--verbose": (
        ("--verbose", "-v"),
        {"action": "store_true", "help": "list every point"},
    ),
    "--results": (("--results",), {"type": Path, "metavar": "DIR", "help": "where results go"}),
    "shell": (
        ("names",),
        {"nargs": 1, "choices": ("bash", "zsh", "fish"), "metavar": "bash|zsh|fish"},
    ),
    "--fix": (("--fix",), {"action": "store_true", "help": "apply remedies, and check again"}),
    "--json": (("--json",), {"action": "store_true", "help": "print JSON"}),
    "--check": (("--check",), {"action": "store_true", "help": "exit 1 where text would change"}),
    "--diff": (("--diff",), {"action": "store_true", "help": "print the change, write nothing"}),
    "--engine": (
        ("--engine",),
        {
            "choices": ("local", "ray", "slurm"),
            "metavar": "local|ray|slurm",
            "help": "where to run: this machine, a Ray cluster, jobs of Slurm",
        },
    ),
    "--devices": (
        ("--devices",),
        {
            "type": _positive,
            "metavar": "N",
            "help": "devices that share each batch of a training; no part of what it makes",
        },
    ),
    "--jobs": (
        ("--jobs",),
        {"type": _positive, "metavar": "N", "help": "worker processes at most"},
    ),
    "--limit": (("--limit",), {"type": _positive, "metavar": "N", "help": "stages to run at most"}),
    "--memory": (
        ("--memory",),
        {"type": quantities.size, "metavar": "SIZE", "help": "memory of a run at most: 32GB"},
    ),
    "--checkpoint": (
        ("--checkpoint",),
        {
            "type": quantities.time,
            "metavar": "TIME",
            "help": "work between two checkpoints, which a kill may cost: 60s",
        },
    ),
    "--retry": (
        ("--retry",),
        {"action": "store_true", "help": "try again what failed of itself, as by diverging"},
    ),
    "--port": (("--port",), {"type": _port, "metavar": "P", "help": "port on this machine"}),
    "--arm": (("--arm",), {"required": True, "metavar": "A", "help": "the method to export"}),
    "--output": (("--output", "-o"), {"type": Path, "metavar": "FILE", "required": True}),
}


def parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    top = argparse.ArgumentParser(
        prog="lab", description="A typed language for machine-learning experiments."
    )
    top.add_argument("--version", action="version", version=f"lab {__version__}")
    subparsers = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        one = subparsers.add_parser(command.name, help=command.summary, description=command.summary)
        for name in command.arguments:
            flags, keywords = ARGUMENTS[name]
            one.add_argument(*flags, **keywords)
    return top


#: Commands that are over before collecting garbage would pay.
BRIEF = frozenset({"check", "docs", "explain", "fmt", "plan"})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    _write_what_the_terminal_can()
    given: dict[str, Any] = vars(parser().parse_args(arguments))
    name = given.pop("command")
    command = next(one for one in COMMANDS if one.name == name)
    options = Options(**{k: _plain(v) for k, v in given.items() if v is not None})
    if command.name in BRIEF:
        gc.disable()
    try:
        code = command.function()(options)
        if not sys.stdout.closed:  # as `lab lsp` leaves it
            sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return exits.INTERRUPTED
    except BrokenPipeError:
        # The reader of our output left, as `head` does: nothing more to say.
        _drop_output()
        return exits.DONE
    except OSError as error:
        if error.errno == errno.ENOSPC:
            _drop_output()
        return _said(_about(error))
    except _person_error() as error:
        return _said(str(error), error.exit_code)


def _drop_output() -> None:
    """What could not be written is not tried again when the process ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _about(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return "the disk is full: make room; what is done is kept, and the same command goes on"
    return f"{error.filename or 'input/output'}: {error.strerror or error}"


def _write_what_the_terminal_can() -> None:
    """A terminal that has no ± gets a question mark in its place, not a failure."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _person_error() -> "type[LabError]":
    from lab.runtime.errors import LabError

    return LabError


def _said(message: str, code: int = exits.COMMAND_IS_WRONG) -> int:
    print(f"lab: {message}", file=sys.stderr)
    return code


def _plain(value: Any) -> Any:
    return tuple(cast(list[Any], value)) if isinstance(value, list) else value


if __name__ == "__main__":
    sys.exit(main())
