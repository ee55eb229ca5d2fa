"""The report as Markdown: verdicts, figures, how it was made, what the numbers mean."""

from collections.abc import Mapping, Sequence
from typing import Any

from lab.runtime import numbers
from lab.runtime.failed_runs import region_texts
from lab.runtime.figure import Drawing, Heading, Plot, Table
from lab.runtime.report.data import plan_digest
from lab.runtime.report.notes import notes
from lab.runtime.report.sizes import sizes_table
from lab.runtime.report.tables import table_of
from lab.runtime.results import Results
from lab.runtime.verdicts import Verdict

__all__ = ["report", "table_text"]

_BADGES = {
    "PASS": "✅ PASS",
    "FAIL": "❌ FAIL",
    "UNDECIDED": "❔ UNDECIDED",
    "STALE": "♻️ STALE",
    "UNTESTED": "⬜ UNTESTED",
}


def report(
    results: Results,
    verdicts: Sequence[Verdict],
    drawings: Sequence[Drawing],
    *,
    pictures: Mapping[str, str],
    study_text: str,
    command: str,
    accepted: Sequence[str] = (),
) -> str:
    """The whole text. `pictures` maps a plot's name to its file, relative to the report."""
    parts = [
        *_opening(results),
        *_accepted(accepted),
        *_claims(verdicts),
        *(_drawn(drawing, pictures) for drawing in drawings),
        *_everything(results),
        *_sizes(results),
        "## What the numbers mean",
        "\n".join(f"* {note}" for note in notes(results)),
        "## How it was made",
        _made(results, command),
        *_removed(results),
        *_failed(results),
        "## The study",
        f"```lab\n{study_text.strip()}\n```",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _opening(results: Results) -> list[str]:
    plan = results.plan
    finished = sum(results.is_measured(run) for run in plan.runs)
    profile = f", profile `{plan.profile}`" if plan.profile else ""
    seeds = {len(point.runs) for point in results.points}
    replicates = "–".join(str(n) for n in sorted({min(seeds), max(seeds)})) if seeds else "0"
    done = "all measured" if finished == len(plan.runs) else f"{finished} of them measured"
    return [
        f"# {plan.title or plan.study}",
        f"Study `{plan.study}`{profile}: {len(results.points)} points with {replicates} "
        f"replicates each, {len(plan.runs)} runs, {done}.",
    ]


def _accepted(accepted: Sequence[str]) -> list[str]:
    if not accepted:
        return []
    return ["## Results of older code", "\n".join(f"* {one}" for one in accepted)]


def _claims(verdicts: Sequence[Verdict]) -> list[str]:
    if not verdicts:
        return []
    rows = tuple(
        (f"**{_BADGES[v.outcome]}**", f"{v.label}<br>`{_one_line(v.text)}`", v.sentence)
        for v in verdicts
    )
    columns = (Heading("verdict"), Heading("claim"), Heading("evidence"))
    return ["## Verdicts", table_text(Table("", columns, rows))]


def _drawn(drawing: Drawing, pictures: Mapping[str, str]) -> str:
    title = f"## {_one_line(drawing.title)}"
    if isinstance(drawing, Plot):
        return f"{title}\n\n![{drawing.caption}]({pictures[drawing.name]})\n\n*{drawing.caption}*"
    notes = "  \n".join(drawing.notes)
    return f"{title}\n\n{table_text(drawing)}" + (f"\n\n{notes}" if notes else "")


def _everything(results: Results) -> list[str]:
    """Every point with every column, where the figures do not show them all."""
    if not results.columns or not results.points:
        return []
    table = table_of(
        results, results.points, results.columns, paths=("method",), title="Every point"
    )
    return ["## Every point", table_text(table)]


def _sizes(results: Results) -> list[str]:
    table = sizes_table(results)
    return [] if table is None else ["## Sizes", table_text(table), *table.notes]


def table_text(table: Table) -> str:
    """A table as Markdown."""
    lines = [
        [_escaped(column.text) for column in table.columns],
        ["---:" if column.align == "right" else ":---" for column in table.columns],
        *([_escaped(cell) for cell in row] for row in table.rows),
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _made(results: Results, command: str) -> str:
    environments = [
        dict(record["environment"])
        for record in results.records.values()
        if record.get("environment")
    ]
    finished = [str(r["finished_at"]) for r in results.records.values() if r.get("finished_at")]
    seconds = sum(float(r.get("wall_seconds") or 0.0) for r in results.records.values())
    lines = {
        "command": f"`{command}`",
        "device": _each(_device(environment) for environment in environments),
        "software": _each(_software(environment) for environment in environments),
        "work": f"{len(results.records)} stages and measurements, {numbers.clock(seconds)} in all",
        "finished": max(finished, default=""),
        "plan": f"`{plan_digest(results.plan)[:16]}`",
    }
    return "\n".join(f"* {name}: {text}" for name, text in lines.items() if text)


def _each(texts: Any) -> str:
    return "; ".join(dict.fromkeys(text for text in texts if text))


def _device(environment: Mapping[str, Any]) -> str:
    threads = environment.get("threads")
    return f"{environment.get('device', '')}{f', {threads} threads' if threads else ''}"


def _software(environment: Mapping[str, Any]) -> str:
    packages = environment.get("packages") or environment.get("versions") or {}
    versions = {"lab": environment.get("lab"), "Python": environment.get("python"), **packages}
    return ", ".join(f"{name} {version}" for name, version in versions.items() if version)


def _removed(results: Results) -> list[str]:
    if not results.plan.removed:
        return []
    lines = [
        f"* {one.runs} runs of `{one.grid}`: `{_one_line(one.text)}`, because {one.reason}"
        for one in results.plan.removed
    ]
    return ["Left out by the study's filters:", "\n".join(lines)]


def _failed(results: Results) -> list[str]:
    """Each cause once, with the nodes that it stopped."""
    causes: dict[str, list[str]] = {}
    for key, failure in results.failures.items():
        if key in results.lookup.nodes and failure.get("cause") != "input failed":
            cause = f"{failure.get('cause')}: {_one_line(str(failure.get('message')))}"
            causes.setdefault(cause, []).append(f"`{results.lookup.named(key)}`")
    if not causes:
        return []
    lines = [f"* {cause} ({', '.join(names)})" for cause, names in causes.items()]
    lines += [f"* where: {_one_line(text)}" for text in region_texts(results.failure_regions)]
    return ["## What failed", "\n".join(lines)]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
