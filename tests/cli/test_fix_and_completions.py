"""`lab check --fix` mends what has one remedy; `lab completions` knows every command."""

import shutil
import subprocess
from pathlib import Path

import pytest
from commands import TINY, lab, study

from lab.cli import exits
from lab.cli.arguments import ARGUMENTS
from lab.cli.completions import bash, fish, zsh
from lab.cli.language import check
from lab.cli.main import COMMANDS
from lab.cli.options import Options

TEXT = TINY.read_text(encoding="utf-8")
SLIPS = (("width: 8, layers", "widht: 8, layers"), ("by: [method", "by: [metod"))


def test_fix_gives_back_what_was_meant(tmp_path: Path) -> None:
    text = TEXT
    for right, wrong in SLIPS:
        assert right in text
        text = text.replace(right, wrong)
    file = study(tmp_path, text)
    assert lab("check", str(file)).returncode == exits.STUDY_IS_WRONG
    done = lab("check", "--fix", str(file))
    assert (done.returncode, file.read_text(encoding="utf-8")) == (exits.DONE, TEXT)
    assert "0 errors" in done.stdout


def test_fix_goes_on_where_one_remedy_uncovers_another(tmp_path: Path) -> None:
    file = study(tmp_path, TEXT.replace("quantize(bits: 8)", "quantise(bit: 8)"))
    assert check(Options(files=(file,), fix=True)) == exits.DONE
    assert file.read_text(encoding="utf-8") == TEXT


def test_fix_leaves_what_has_no_remedy(tmp_path: Path) -> None:
    file = study(tmp_path, TEXT.replace("width: 8, layers", "width: -8, layers"))
    before = file.read_bytes(), file.stat().st_mtime_ns
    assert check(Options(files=(file,), fix=True)) == exits.STUDY_IS_WRONG
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before


def test_fix_leaves_a_file_that_is_right_alone(tmp_path: Path) -> None:
    file = study(tmp_path, TEXT)
    before = file.stat().st_mtime_ns
    assert check(Options(files=(file,), fix=True)) == exits.DONE
    assert file.stat().st_mtime_ns == before
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("make", [bash, zsh, fish])
def test_every_command_and_option_is_completed(make: object) -> None:
    script = make()  # type: ignore[operator] - one of three functions
    for command in COMMANDS:
        assert command.name in script
        for name in command.arguments:
            flag = ARGUMENTS[name][0][0]
            if flag.startswith("--"):
                assert flag.removeprefix("--") in script


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
@pytest.mark.parametrize(
    ("words", "expected"),
    [(("lab", "che"), "check"), (("lab", "check", "--f"), "--fix"), (("lab", "lsp", "--x"), "")],
)
def test_bash_completes_words(words: tuple[str, ...], expected: str) -> None:
    line = " ".join(words)
    ask = f"COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _lab; echo ${{COMPREPLY[0]}}"
    done = subprocess.run(
        ["bash", "-c", f"{bash()}\n{ask}"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == expected
    assert done.stderr == ""


def test_completions_print_a_script() -> None:
    assert lab("completions", "bash").stdout == bash()
    assert lab("completions", "tcsh").returncode == exits.COMMAND_IS_WRONG
