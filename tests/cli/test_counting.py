"""How far something is that is counted, as people see it."""

import sys

import pytest

from lab.cli import counting as seen
from lab.cli.counting import counting


def test_lines_say_how_far_it_is_and_how_long_it_takes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(seen.time, "monotonic", lambda: now[0])
    with counting("showing runs") as told:
        told(0, 100)
        now[0] += 30  # A start, which says nothing of what follows.
        for done in range(1, 101):
            told(done, 100)
            now[0] += 0.5
    assert capsys.readouterr().err.splitlines() == [
        "showing runs: 5/100, about 48 s left",
        "showing runs: 25/100, about 38 s left",
        "showing runs: 45/100, about 28 s left",
        "showing runs: 65/100, about 18 s left",
        "showing runs: 85/100, about 8 s left",
    ]


def test_what_is_over_at_once_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with counting("showing runs") as told:
        told(0, 2)
        told(1, 2)
        told(2, 2)
    assert capsys.readouterr().err == ""


def test_a_terminal_has_a_bar_that_goes_away(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TERM", "xterm")
    with counting("showing runs"):
        pass
    assert capsys.readouterr().err == "", "nothing is counted, so nothing is seen"
    with counting("showing runs") as told:
        told(1, 2)
    assert "showing runs" in capsys.readouterr().err
