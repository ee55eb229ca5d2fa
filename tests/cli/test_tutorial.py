"""Every command of the tutorial says what the page shows.

`GOLDEN=write pytest tests/cli/test_tutorial.py` writes the page anew, where an output has changed
on purpose.
"""

import os

import pytest
from tutorial import PAGE, Said, commands, played, rewritten, stable

TEXT = PAGE.read_text("utf-8")
#: Averages of accuracy over three replicates move with the order of sums of a processor.
POINTS = 3.0


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> list[Said]:
    made = list(played(TEXT, tmp_path_factory.mktemp("tutorial")))
    if os.environ.get("GOLDEN") == "write":
        PAGE.write_text(rewritten(TEXT, made), "utf-8")
    return made


@pytest.mark.parametrize(
    "index", range(len(commands(TEXT))), ids=lambda i: commands(TEXT)[i].command
)
def test_a_command_says_what_the_page_shows(outputs: list[Said], index: int) -> None:
    shown = commands(PAGE.read_text("utf-8"))[index]
    got, expected = stable(outputs[index].output), stable(shown.output)
    assert outputs[index].command == shown.command
    assert got.text == expected.text
    assert got.means == pytest.approx(expected.means, abs=POINTS)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("a  93.0 ± 2.8 [+1.6 −2.2]  3.4 s  a5d88b2d", "a  92.0 ± 1 [± 0.3]  12 s  00d88b2d", True),
        ("ratio 6.156 †", "ratio 6.157 †", False),
        ("9 runs of 3 points", "8 runs of 3 points", False),
        ("PASS  close", "FAIL  close", False),
    ],
)
def test_only_what_is_volatile_is_forgiven(one: str, other: str, alike: bool) -> None:
    assert (stable(one).text == stable(other).text) is alike
