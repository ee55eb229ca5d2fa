"""Golden pairs in plain text: `=== name`, an input, `---`, what is expected of it.

`GOLDEN=write pytest …` writes what is there now into the file, for a person to read before it is
committed.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent
STUDIES = sorted((FOLDER / "studies").glob("*.lab"))


class Case(NamedTuple):
    name: str
    given: str
    expected: str


def cases(name: str) -> list[Case]:
    """The pairs of a file, in order."""
    found: list[Case] = []
    for block in (FOLDER / "golden" / name).read_text("utf-8").split("\n=== ")[1:]:
        title, _, rest = block.partition("\n")
        given, _, expected = rest.partition("\n---\n")
        found.append(Case(title, given, expected.rstrip("\n") + "\n"))
    return found


def checked(name: str, answer: Callable[[str], str]) -> list[tuple[str, str, str]]:
    """Name, what came out and what was expected, for each pair; or the file is written anew."""
    pairs = cases(name)
    results = [(c.name, answer(c.given).rstrip("\n") + "\n", c.expected) for c in pairs]
    if os.environ.get("GOLDEN") == "write":
        path = FOLDER / "golden" / name
        head = path.read_text("utf-8").split("\n=== ")[0]
        blocks = [
            f"{c.name}\n{c.given}\n---\n{got}"
            for c, (_, got, _) in zip(pairs, results, strict=True)
        ]
        path.write_text("\n=== ".join([head, *blocks]), "utf-8")
        return []
    return results
