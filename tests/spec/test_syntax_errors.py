"""Every slip that people make gets a message in words of the language."""

import pytest
from golden_texts import checked

from lab.spec.parser import parse
from lab.spec.render import render_all
from lab.spec.source import Source


def shown(text: str) -> str:
    found = parse(Source("s.lab", text)).diagnostics
    return render_all(found) or "no error"


@pytest.mark.parametrize(("name", "got", "expected"), checked("syntax_errors.txt", shown))
def test_message_is_the_one_that_was_read_and_approved(name: str, got: str, expected: str) -> None:
    assert got == expected, name
