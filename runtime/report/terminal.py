"""The report in a terminal: the same tables and verdicts, colored where someone is looking."""

from collections.abc import Callable
from typing import TextIO

from lab.runtime.figure import Heading, Table
from lab.runtime.report import Report

__all__ = ["show"]

_COLORS = {
    "PASS": "green",
    "FAIL": "red",
    "UNDECIDED": "yellow",
    "STALE": "magenta",
    "UNTESTED": "dim",
}


def show(report: Report, stream: TextIO) -> None:
    """Print a report: rich in a terminal, plain text elsewhere."""
    if stream.isatty():
        _show_rich(report, stream)
    else:
        _show_plain(report, stream)


def _show_rich(report: Report, stream: TextIO) -> None:
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    console = Console(file=stream, highlight=False)
    for table in report.tables:
        drawn = RichTable(title=Text(_one_line(table.title)), title_justify="left")
        kept = _kept(table, console.width)
        for index in kept:
            column = table.columns[index]
            drawn.add_column(column.text, justify=column.align)
        for row in table.rows:
            drawn.add_row(*(Text(row[index]) for index in kept))
        console.print(drawn)
        for note in table.notes:
            console.print(Text(note), style="dim")
        console.print()
    for one in report.accepted:
        console.print(Text(one, style="magenta"))
    for verdict in report.verdicts:
        console.print(Text(verdict.outcome, style=f"bold {_COLORS[verdict.outcome]}"), end="  ")
        console.print(Text(verdict.label, style="bold"))
        console.print(Text(f"  {verdict.sentence}"))
    _show_paths(report, lambda line: console.print(Text(line)))


def _show_plain(report: Report, stream: TextIO) -> None:
    for table in report.tables:
        stream.write(f"{_one_line(table.title)}\n{plain(table)}\n")
        stream.writelines(f"  {note}\n" for note in table.notes)
        stream.write("\n")
    stream.writelines(f"{one}\n" for one in report.accepted)
    for verdict in report.verdicts:
        stream.write(f"{verdict.outcome}  {verdict.label}\n  {verdict.sentence}\n")
    _show_paths(report, lambda line: stream.write(f"{line}\n"))


def plain(table: Table, *, width: int = 160) -> str:
    """A table in aligned columns; details are left out where they do not fit."""
    kept = _kept(table, width)
    cells = [[table.columns[i].text for i in kept], *([row[i] for i in kept] for row in table.rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(kept))]
    heads = [table.columns[i] for i in kept]
    rows = [
        "  ".join(_aligned(c, w, h) for c, w, h in zip(row, widths, heads, strict=True)).rstrip()
        for row in cells
    ]
    return "\n".join(
        ("  " + row).rstrip() for row in (rows[0], "  ".join("-" * w for w in widths), *rows[1:])
    )


def _aligned(text: str, width: int, heading: Heading) -> str:
    return text.rjust(width) if heading.align == "right" else text.ljust(width)


def _kept(table: Table, width: int) -> list[int]:
    """Columns that fit: all, or those that are no details."""
    needed = sum(
        3 + max(len(column.text), *(len(row[i]) for row in table.rows), 0)
        for i, column in enumerate(table.columns)
    )
    return [i for i, column in enumerate(table.columns) if needed <= width or not column.is_detail]


def _show_paths(report: Report, line: Callable[[str], object]) -> None:
    pictures = [name for name in report.paths if name.startswith("plots/")]
    runs = [name for name in report.paths if name.startswith("runs/")]
    line("")
    line(f"report   {report.paths['report.md']}")
    line(f"numbers  {report.paths['results.json']}")
    if pictures:
        line(f"plots    {report.paths[pictures[0]].parent} ({len(pictures)})")
    line(f"runs     {report.paths['results.json'].parent / 'runs'} ({len(runs)})")


def _one_line(text: str) -> str:
    return " ".join(text.split())
