"""`lab plan`: what would run, what is there already, why what is new is new, and what it costs."""

import json
import sys

from lab.cli import exits
from lab.cli.load import show_diagnostics
from lab.cli.options import Options
from lab.cli.planned import Planned, planned
from lab.runtime.errors import LabError


def plan(options: Options) -> int:
    """Print the plan of each study; run nothing."""
    if options.output is not None and len(options.files) > 1:
        raise LabError("a saved plan is that of one study: give one file with -o")
    worst, studies = exits.DONE, list[Planned]()
    for file in options.files:
        loaded, one = planned(file, options)
        show_diagnostics(loaded)
        if one is None:
            worst = exits.STUDY_IS_WRONG
        else:
            studies.append(one)
            if not options.json:
                print(_text(one), end="\n\n" if len(options.files) > 1 else "\n")
    if options.json and studies:
        _print_json(studies)
    return worst


def _text(one: Planned) -> str:
    from lab.cli.plan_text import as_text

    return as_text(one)


def _print_json(studies: list[Planned]) -> None:
    from lab.cli.plan_json import as_json, document

    json.dump(document([as_json(one) for one in studies]), sys.stdout, indent=1)
    print()
