"""Names that libraries know: of their models, for instance. Plain lists, which need no library.

`known/LIST.json` holds what `python -m lab.runtime.bridge.names` found: the library's version, its
names, and for each name the tags that may follow it after a dot. A list is read when a study uses a
parameter that takes its names (`parameter(…, known="timm")`), and not before.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from lab.spec.records import record
from lab.spec.suggest import nearest

FOLDER = Path(__file__).with_name("known")


@record
class Names:
    """The names of one list. `tags` are those that may follow a name, as in `name.tag`."""

    version: str
    tags: dict[str, tuple[str, ...]]

    def __contains__(self, name: str) -> bool:
        """Whether the library has it."""
        if name in self.tags:
            return True
        base, _, tag = name.partition(".")
        return tag in self.tags.get(base, ())

    def nearest(self, name: str) -> str | None:
        """The name that was probably meant."""
        base, _, tag = name.partition(".")
        if base in self.tags:
            near = nearest(tag, self.tags[base])
            return base if near is None else f"{base}.{near}"
        return nearest(base if tag else name, self.tags)


@cache
def names(known: str) -> Names:
    """A list. A name for which there is none is a defect of the component that asks for it."""
    stored: dict[str, Any] = json.loads((FOLDER / f"{known}.json").read_text(encoding="utf-8"))
    tags: dict[str, list[str]] = stored["names"]
    return Names(stored["version"], {name: tuple(each) for name, each in tags.items()})


def lists() -> tuple[str, ...]:
    """All lists there are."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.json")))
