"""Every stable code, with its title and the page that explains it.

`codes.md` beside this file is their one home: a section a code, headed `## E0101: title`, with a
failing example, why it is refused and what to do instead. A code is never given a second meaning.
"""

import re
from functools import cache
from pathlib import Path

from lab.spec.records import record

_PAGES = Path(__file__).with_name("codes.md")
_HEADING = re.compile(r"^## ([EW]\d{4}): (.+)$", re.MULTILINE)


@record
class Code:
    """One code. Always holds: `page` is Markdown and starts with the code and its title."""

    code: str
    title: str
    page: str


@cache
def table() -> dict[str, Code]:
    """All codes, in the order of the pages."""
    text = _PAGES.read_text(encoding="utf-8")
    headings = list(_HEADING.finditer(text))
    ends = [heading.start() for heading in headings[1:]] + [len(text)]
    return {
        heading[1]: Code(heading[1], heading[2], text[heading.start() + 3 : end].strip() + "\n")
        for heading, end in zip(headings, ends, strict=True)
    }


def explain(code: str) -> str | None:
    """The page of a code, or None where there is no such code.

    Example:
        >>> explain("E0104").splitlines()[0]
        'E0104: a string is never closed'
    """
    found = table().get(code.strip().upper())
    return found.page if found else None
