"""`lab`: one table of commands, from which help, completion and the reference follow."""

import argparse
import errno
import gc
import io
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from lab import __version__
from lab.cli import exits
from lab.cli.arguments import ARGUMENTS
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
            "--no-aim",
        ),
    ),
    Command(
        "report",
        "tables, verdicts and plots from what is stored",
        "lab.cli.run:report",
        (*_STUDY, "--only", "--no-aim"),
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
        "the model that an arm ends with, for people without lab",
        "lab.cli.export:export",
        (
            "result",
            "--profile",
            "--set",
            "--results",
            "--arm",
            "--to",
            "--output",
            "--shrink",
            "--dense",
            "--replace",
        ),
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
        "verify",
        "make results again that lanes made together, each alone: how far they are from it",
        "lab.cli.verify:verify",
        ("verified", "--sample", "--profile", "--set", "--results", "--json"),
    ),
    Command(
        "store",
        "what is kept, whether it is whole, what may go, and moving it",
        "lab.cli.storage:store",
        ("action", "--profile", "--set", "--results", "--archive", "--yes", "--json"),
    ),
    Command(
        "data",
        "fetch data sets by name, and list what is there",
        "lab.cli.data:data",
        ("data-action", "--json"),
    ),
    Command(
        "models",
        "networks that a study can name, those of libraries too",
        "lab.cli.models:models",
        ("any-names",),
    ),
    Command(
        "doctor",
        "what this environment has; of a model, whether it converts and what it costs",
        "lab.cli.doctor:doctor",
        ("any-names",),
    ),
    Command("lsp", "serve an editor over standard input and output", "lab.cli.lsp:lsp", ()),
    Command(
        "completions",
        "a script with which a shell completes `lab`",
        "lab.cli.completions:completions",
        ("shell",),
    ),
)


def grammar() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """The command line's grammar, and that of each command."""
    top = argparse.ArgumentParser(
        prog="lab", description="A typed language for machine-learning experiments."
    )
    top.add_argument("--version", action="version", version=f"lab {__version__}")
    subparsers = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    commands: dict[str, argparse.ArgumentParser] = {}
    for command in COMMANDS:
        one = subparsers.add_parser(command.name, help=command.summary, description=command.summary)
        for name in command.arguments:
            flags, keywords = ARGUMENTS[name]
            one.add_argument(*flags, **keywords)
        commands[command.name] = one
    return top, commands


def parsed(arguments: Sequence[str] | None) -> dict[str, Any]:
    """What is given; names and files may stand before, between and after options."""
    top, commands = grammar()
    found, rest = top.parse_known_args(arguments)
    given = vars(found)
    if rest:
        command = next(one for one in COMMANDS if one.name == given["command"])
        many = [ARGUMENTS[name] for name in command.arguments]
        many = [(flags[0], own) for flags, own in many if own.get("nargs") in ("+", "*")]
        if not many or any(word.startswith("-") and word != "-" for word in rest):
            commands[command.name].error(f"unrecognized arguments: {' '.join(rest)}")
        name, own = many[0]
        given[name] = [*given[name], *map(own.get("type", str), rest)]
    return given


#: Commands that are over before collecting garbage would pay.
BRIEF = frozenset({"check", "docs", "explain", "fmt", "models", "plan"})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    _write_what_the_terminal_can()
    given: dict[str, Any] = parsed(arguments)
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
