"""`lab plan`: what would run, what is there already, why what is new is new, and what it costs."""

import json
import shlex
import sys
from pathlib import Path
from typing import Any

from lab.cli import exits
from lab.cli.load import show_diagnostics
from lab.cli.options import Options
from lab.cli.planned import Planned, planned
from lab.runtime.errors import LabError


def plan(options: Options) -> int:
    """Print the plan of each study; run nothing."""
    if options.output is not None and len(options.files) > 1:
        raise LabError("a saved plan is that of one study: give one file with -o")
    worst, documents = exits.DONE, list[dict[str, Any]]()
    for file in options.files:
        loaded, one = planned(file, options)
        show_diagnostics(loaded)
        if one is None:
            worst = max(worst, exits.STUDY_IS_WRONG)
            continue
        if options.probe:
            _probe(one)
        if options.json:
            documents.append(_as_json(one))
        else:
            print(_as_text(one), end="\n\n" if len(options.files) > 1 else "\n")
        if options.output is not None:
            _save(one, options.output)
        is_priced = one.has_new or bool(one.plan.searches)
        if options.since is None and is_priced and one.prices.over:
            worst = max(worst, exits.OVER_BUDGET)
    if documents:
        from lab.cli.plan_json import document

        json.dump(document(documents), sys.stdout, indent=1)
        print()
    return worst


def _as_text(one: Planned) -> str:
    if one.options.since is not None:
        from lab.cli import since

        return since.as_text(since.since(one, one.options.since))
    from lab.cli import plan_text

    return plan_text.as_text(one)


def _as_json(one: Planned) -> dict[str, Any]:
    if one.options.since is not None:
        from lab.cli import since

        return since.as_json(since.since(one, one.options.since))
    from lab.cli import plan_json

    return plan_json.as_json(one)


def _probe(one: Planned) -> None:
    from lab.cli.costs import probe

    def say(text: str) -> None:
        print(text, file=sys.stderr)

    probe(one.plan, one.store, catalog=one.catalog, study_folder=one.folder, say=say)


def _save(one: Planned, path: Path) -> None:
    from lab.cli.saved import save

    save(one, path)
    print(f"saved as {path}: `lab run {shlex.quote(str(path))}` runs exactly this", file=sys.stderr)
