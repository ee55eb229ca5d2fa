"""What of the zoo converts, and how near the result is to torch: the table of `docs/models.md`.

    python -m benches.zoo [NAME …]      measure those networks, or all, and write the table anew
    python -m benches.zoo --table       write the table of what was measured

Each network has a process of its own. What was measured is kept in `results/zoo.json`.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benches.zoo.models import ZOO, Entry
from lab.runtime.bridge.parity import TOLERANCE, Distance, StepErrors

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "results" / "zoo.json"
DOCUMENT = ROOT / "docs" / "models.md"
BEGIN, END = "<!-- zoo: begin -->", "<!-- zoo: end -->"
#: Examples that a network is converted with, and that it is compared on.
CONVERTED, COMPARED = 2, 3
SECONDS = 1200


def measured(entry: Entry) -> dict[str, Any]:
    """Errors of one network, or why there are none."""
    from benches.zoo.built import build, inputs_of
    from lab.runtime.bridge.exported import convert
    from lab.runtime.bridge.parity import evaluation_error, step_errors
    from lab.runtime.errors import Unconvertible

    module = build(entry)
    try:
        conversion = convert(module, inputs_of(entry, module, CONVERTED), about={})
    except Unconvertible as refusal:
        return {"missing": str(refusal)}
    inputs = inputs_of(entry, module, COMPARED)
    errors = step_errors(module, conversion, inputs)
    return {
        "nodes": len(conversion.evaluating.nodes),
        "evaluation": evaluation_error(module, conversion, inputs),
        "step": {which: step._asdict() for which, step in vars(errors).items()},
    }


def works(found: dict[str, Any]) -> bool:
    """Whether answers, loss, statistics and gradients are torch's."""
    return "missing" not in found and found["evaluation"] <= TOLERANCE and _errors(found).is_torchs


def _errors(found: dict[str, Any]) -> StepErrors:
    return StepErrors(**{which: Distance(**step) for which, step in found["step"].items()})


def table(results: dict[str, dict[str, Any]]) -> str:
    """The results as a table of Markdown, with a line above that counts."""
    known = [(entry, results[entry.name]) for entry in ZOO if entry.name in results]
    good = sum(works(found) for _, found in known)
    lines = [
        f"{good} of {len(ZOO)} networks work; {len(ZOO) - len(known)} were not measured.",
        "",
        "| network | of | nodes | answers | in float64 | loss | statistics | gradients | state |",
        "|---|---|---:|---:|---:|---:|---:|---:|---|",
        *(_row(entry, found) for entry, found in known),
    ]
    return "\n".join(lines)


def _row(entry: Entry, found: dict[str, Any]) -> str:
    if "missing" in found:
        return f"| {entry.name} | {entry.library} | | | | | | | {found['missing']} |"
    errors = _errors(found)
    cells = [
        entry.name,
        entry.library,
        str(found["nodes"]),
        f"{found['evaluation']:.0e}",
        f"{max(errors.same):.0e}",
        *(
            f"{ours:.0e} ({torch:.0e})"
            for ours, torch in zip(errors.found, errors.torch, strict=True)
        ),
    ]
    return "| " + " | ".join([*cells, "works" if works(found) else "differs"]) + " |"


def _write_table(results: dict[str, dict[str, Any]]) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    DOCUMENT.write_text(f"{before}{BEGIN}\n{table(results)}\n{END}{after}", encoding="utf-8")


def _in_a_process(name: str) -> dict[str, Any]:
    command = [sys.executable, "-W", "ignore", "-m", "benches.zoo", "--one", name]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=SECONDS, cwd=ROOT
        )
    except subprocess.TimeoutExpired:
        return {"missing": f"not done after {SECONDS} s"}
    if done.returncode:
        return {"missing": _reason(done.stderr)}
    return json.loads(done.stdout.splitlines()[-1])


def _reason(stderr: str) -> str:
    """The line of a traceback that names the error."""
    lines = [line for line in stderr.splitlines() if line.strip() and not line.startswith(" ")]
    named = [line for line in lines if "Error" in line.partition(":")[0]]
    return ([*lines[-1:], *named[-1:]] or ["it ended without a word"])[-1]


def main() -> int:
    """Measure and write; 1 where more than a tenth of the zoo does not work."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--table", action="store_true", help="measure nothing")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    entries = {entry.name: entry for entry in ZOO}
    if chosen.one:
        print(json.dumps(measured(entries[chosen.one])))
        return 0
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for name in () if chosen.table else chosen.names or entries:
        results[name] = _in_a_process(name)
        print(name, "works" if works(results[name]) else results[name], flush=True)
        RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    if DOCUMENT.exists():
        _write_table(results)
    return 0 if sum(map(works, results.values())) >= 0.9 * len(ZOO) else 1


if __name__ == "__main__":
    sys.exit(main())
