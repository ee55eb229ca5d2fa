"""Pairs of studies, before and after an edit, with what has to run again and why: plain text.

    == what the edit is about
    - text that stands once in the study
    + what stands there instead
    new 6 field fit through.width=48
    line 26 `field.width` 48 besides 32

`new` is how many stages, of which arm, of which component, with what among their arguments: counted
by hand, and all there are. `line` is where the reason points, and the reason itself; nothing is new
where neither stands. Lines that begin with a blank go on.
"""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Pair:
    """One edit, and what is expected of it. `reasons` have the line they point at."""

    title: str
    edits: list[tuple[str, str]] = field(default_factory=list)
    new: list[tuple[int, str, str, dict[str, str]]] = field(default_factory=list)
    reasons: list[tuple[int, str]] = field(default_factory=list)

    def after(self, study: str) -> str:
        """The study once it is edited."""
        for old, new in self.edits:
            assert study.count(old) == 1, (self.title, old)
            study = study.replace(old, new)
        return study


def pairs_of(path: Path) -> list[Pair]:
    """All pairs of a file."""
    found: list[Pair] = []
    removed = ""
    for line in path.read_text("utf-8").replace("\n ", "\x00").splitlines():
        mark, _, rest = line.partition(" ")
        text = rest.replace("\x00", "\n")
        match mark:
            case "==":
                found.append(Pair(text))
            case "-":
                removed = text
            case "+":
                found[-1].edits.append((removed, text))
            case "new":
                count, arm, component, *said = text.split()
                told = dict(one.split("=") for one in said)
                found[-1].new.append((int(count), arm, component, told))
            case "line":
                number, _, reason = text.partition(" ")
                found[-1].reasons.append((int(number), reason))
            case _:
                assert not line, line
    return found
