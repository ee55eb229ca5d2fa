"""The arguments of `lab`'s commands: how each is given, and what its help says."""

import argparse
from pathlib import Path
from typing import Any

from lab.cli import quantities


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


#: Formats of `--to`; `lab.runtime.bridge.export.formats` has what each writes.
FORMATS = ("torch", "compact", "pt2", "onnx", "peft", "transformers")

#: What `argparse` is given for each argument that the table of commands names.
ARGUMENTS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "files": (("files",), {"nargs": "+", "type": Path, "metavar": "FILE.lab"}),
    "any-files": (("files",), {"nargs": "*", "type": Path, "metavar": "FILE.lab"}),
    "keys": (("names",), {"nargs": "+", "metavar": "KEY"}),
    "action": (
        ("names",),
        {"nargs": "+", "metavar": "ls|verify|gc|export|import [FILE]"},
    ),
    "data-action": (("names",), {"nargs": "+", "metavar": "fetch NAME …|ls"}),
    "verified": (("names",), {"nargs": "+", "metavar": "lanes FILE.lab"}),
    "--sample": (
        ("--sample",),
        {"type": _positive, "metavar": "K", "help": "so many lanes, spread evenly (3)"},
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
            "help": "devices that share each batch of a training, cores where that pays if not "
            "given; no part of what it makes",
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
    "--no-aim": (
        ("--no-aim",),
        {"action": "store_true", "help": "leave it to the next run or report to show runs in Aim"},
    ),
    "--port": (("--port",), {"type": _port, "metavar": "P", "help": "port on this machine"}),
    "--arm": (("--arm",), {"metavar": "A", "help": "the method to export, where a study is named"}),
    "--to": (
        ("--to",),
        {
            "choices": FORMATS,
            "metavar": "|".join(FORMATS),
            "help": "a format for people without lab; without it, weights by name in one file",
        },
    ),
    "--output": (
        ("--output", "-o"),
        {"type": Path, "metavar": "PATH", "help": "the folder to write; without --to, the file"},
    ),
    "--shrink": (
        ("--shrink",),
        {"action": "store_true", "help": "take out channels that pruning left at zero"},
    ),
    "--dense": (
        ("--dense",),
        {"action": "store_true", "help": "fold codes into float32 where a format would keep them"},
    ),
    "--replace": (
        ("--replace",),
        {"action": "store_true", "help": "replace an export that is there"},
    ),
}
