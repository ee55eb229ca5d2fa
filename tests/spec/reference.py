"""The studies in `docs/language` and what their comments promise; its first page says how."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from lab.compiler.build import Refusal, compile_study
from lab.compiler.remarks import Remark, remarks
from lab.runtime.arithmetic import find
from lab.spec.check import check
from lab.spec.diagnostics import Diagnostic, Label
from lab.spec.render import render
from lab.spec.signature import Catalog
from lab.spec.source import Source

FOLDER = Path(__file__).parents[2] / "docs" / "language"
PAGES = sorted(FOLDER.glob("*.md"))
PROMISE = re.compile(r"# (error|warning): (.+?)\s*$")
CODE = re.compile(r'([EW]\d{4})(?: "([^"]+)")?')
RUNS = re.compile(r"# runs(?: in (\w+))?: (\d+)\s*$", re.MULTILINE)
UNUSED = "W0809"
#: What the text of a fence is called where it is checked.
STUDY = "study.lab"


@dataclass(frozen=True)
class Fence:
    """A fenced block: where it stands, the words behind its backticks, and its text."""

    page: str
    line: int
    words: tuple[str, ...]
    text: str

    @property
    def is_whole(self) -> bool:
        """Whether it is a study of its own, and not a part that the page's preamble completes."""
        return re.search(r"^study ", self.text, re.MULTILINE) is not None

    @property
    def name(self) -> str:
        return f"{self.page}:{self.line}"


class Place(NamedTuple):
    """A line of a fence, or of a file that it uses; lines of the preamble are below 1."""

    file: str
    line: int


class Promise(NamedTuple):
    """A finding that a comment promises."""

    place: Place
    severity: str
    code: str
    says: str


@dataclass(frozen=True)
class Found:
    """What the checker and the compiler say of a fence: its size, and findings by place."""

    runs: int
    findings: tuple[tuple[Place, Diagnostic], ...]

    def __str__(self) -> str:
        return "\n".join(
            f"{place.file}:{place.line}\n{render(one)}" for place, one in self.findings
        )


def fences(page: Path) -> list[Fence]:
    """All fenced blocks of a page."""
    return list(_fences(page.name, page.read_text("utf-8").splitlines()))


def _fences(page: str, lines: list[str]) -> Iterator[Fence]:
    start: int | None = None
    for number, line in enumerate(lines, 1):
        if not line.startswith("```"):
            continue
        if start is None:
            start = number
            continue
        words = tuple(lines[start - 1].removeprefix("```").split())
        yield Fence(page, start + 1, words, "\n".join(lines[start : number - 1]) + "\n")
        start = None


def studies(page: Path) -> list[Fence]:
    """The fences that are checked: studies and parts of such."""
    return [one for one in fences(page) if one.words[:1] == ("lab",) and not _file_name(one)]


def _file_name(fence: Fence) -> str | None:
    return next((word for word in fence.words if word.endswith((".lab", ".py"))), None)


def promises(fence: Fence) -> list[Promise]:
    """What the comments of a fence, and of the files that it uses, say is found there."""
    used = [one for one in fences(FOLDER / fence.page) if f'use "{_file_name(one)}"' in fence.text]
    texts = {STUDY: fence.text, **{_file_name(one) or "": one.text for one in used}}
    return [one for file, text in texts.items() for one in _promises(file, text)]


def _promises(file: str, text: str) -> Iterator[Promise]:
    for number, line in enumerate(text.splitlines(), 1):
        said = PROMISE.search(line)
        if said is not None:
            for code, says in CODE.findall(said[2]):
                yield Promise(Place(file, number), said[1], code, says)


def promised_runs(fence: Fence) -> dict[str | None, int]:
    """Sizes that a fence's comments promise, by profile."""
    return {profile or None: int(count) for profile, count in RUNS.findall(fence.text)}


def look(fence: Fence, catalog: Catalog, *, profile: str | None = None) -> Found:
    """Check a fence as `lab check` does, and plan it where it can be."""
    page = FOLDER / fence.page
    files = {name: one.text for one in fences(page) if (name := _file_name(one))}
    before = "" if fence.is_whole or "preamble" in fence.words else _preamble(page)
    source = Source(STUDY, before + fence.text)
    files[STUDY] = source.text

    def load(name: str) -> Source | None:
        return Source(name, files[name]) if name in files else None

    checked = check(source, catalog, profile=profile, load=load)
    findings, runs = list(checked.diagnostics), 0
    if checked.study is not None and not checked.failed:
        made = compile_study(checked.study, checked.catalog, lambda _: None)
        if isinstance(made, Refusal):
            findings.append(_diagnostic(made, source))
        else:
            runs = len(made.runs)
            findings += [
                _warning(one, source) for one in remarks(checked.study, made, checked.catalog, find)
            ]
    kept = [one for one in findings if one.code != UNUSED or fence.is_whole]
    shift = before.count("\n")
    return Found(runs, tuple((_place(one, shift), one) for one in kept))


def _place(finding: Diagnostic, shift: int) -> Place:
    line, _ = finding.source.position(finding.labels[0].span.start)
    name = finding.source.name
    return Place(name, line - shift if name == STUDY else line)


def _diagnostic(refusal: Refusal, source: Source) -> Diagnostic:
    label, helps = Label(refusal.span), refusal.help_lines
    return Diagnostic("error", refusal.code, refusal.message, source, (label,), help=helps)


def _warning(remark: Remark, source: Source) -> Diagnostic:
    return Diagnostic("warning", remark.code, remark.message, source, (Label(remark.span),))


def _preamble(page: Path) -> str:
    return "".join(one.text for one in fences(page) if "preamble" in one.words)
