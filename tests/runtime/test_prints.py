"""What tasks print: a file for each that did, none for the others."""

import os
from pathlib import Path

import pytest

from lab.runtime.serving import _empty_files, _printing_to


def printed(log: Path, text: str) -> None:
    with _printing_to(str(log)):
        os.write(1, text.encode())


@pytest.mark.parametrize("texts", [["", "b", "", "d"], ["a", "", "", ""], ["", "", "", "d"]])
def test_every_task_that_printed_has_a_file_of_its_own(tmp_path: Path, texts: list[str]) -> None:
    logs = [tmp_path / "logs" / f"{i}.txt" for i in range(len(texts))]
    for log, text in zip(logs, texts, strict=True):
        printed(log, text)
    _empty_files.clear()
    found = {log: log.read_text() for log in (tmp_path / "logs").iterdir()}
    assert found == {log: text for log, text in zip(logs, texts, strict=True) if text}


def test_a_file_of_an_earlier_try_is_replaced_and_one_that_was_removed_is_made_anew(
    tmp_path: Path,
) -> None:
    first, second, third = (tmp_path / f"{name}.txt" for name in "abc")
    second.write_text("an earlier try")
    printed(first, "")
    printed(second, "")
    second.unlink()
    printed(third, "c")
    _empty_files.clear()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"c.txt": "c"}
