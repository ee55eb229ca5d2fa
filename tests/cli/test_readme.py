"""The README's table of commands is the table of commands."""

import re
from pathlib import Path

from lab.cli.main import COMMANDS

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_says_what_every_command_does_and_names_no_other() -> None:
    rows = [one for one in README.read_text("utf-8").splitlines() if one.startswith("| `lab ")]
    named = {name for row in rows for name in re.findall(r"`lab ([a-z]+)", row.split(" | ")[0])}
    assert named == {one.name for one in COMMANDS}
