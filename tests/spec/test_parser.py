"""Texts become the trees that the language says they are."""

import subprocess
import sys
from pathlib import Path

import pytest
from dumps import dump
from golden_texts import STUDIES, checked

from lab.spec import syntax
from lab.spec.files import decode, read_source
from lab.spec.parser import Parsed, parse, parse_axis, parse_expression
from lab.spec.render import render_all
from lab.spec.source import Source
from lab.spec.trees import children, same_meaning


def read(text: str) -> Parsed:
    return parse(Source("s.lab", text))


def whole(text: str) -> tuple[syntax.Declaration, ...]:
    parsed = read(text)
    assert not parsed.diagnostics, render_all(parsed.diagnostics)
    return parsed.module.declarations


def names(parsed: Parsed) -> list[str]:
    return [d.name.text for d in parsed.module.declarations if isinstance(d, syntax.Definition)]


def tree(text: str) -> str:
    return "".join(dump(declaration, text) for declaration in whole(text))


@pytest.mark.parametrize(("name", "got", "expected"), checked("trees.txt", tree))
def test_tree_is_the_one_that_was_read_and_approved(name: str, got: str, expected: str) -> None:
    assert got == expected, name


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_study_has_no_syntax_error(path: Path) -> None:
    text = path.read_text("utf-8")
    starts = ("study", "use", "data", "model", "let", "schedule", "method", "metric", "grid")
    starts += ("search", "claim", "report", "profile", "budget", "repeat")
    written = sum(line.startswith(starts) for line in text.splitlines())
    assert len(whole(text)) == written


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_spans_lie_within_their_parents_and_hold_no_surrounding_blanks(path: Path) -> None:
    text = path.read_text("utf-8")
    waiting: list[object] = list(whole(text))
    while waiting:
        node = waiting.pop()
        span = node.span  # type: ignore[attr-defined] - every node has one
        said = text[span.start : span.end]
        assert said.strip() == said != ""
        if isinstance(node, syntax.Name):
            assert said == node.text
        for child in children(node):
            inner = child.span  # type: ignore[attr-defined] - every node has one
            assert span.start <= inner.start <= inner.end <= span.end
            waiting.append(child)


def test_alternatives_written_alike_are_two_nodes() -> None:
    first, second = whole("let x = a\nlet y = a")
    assert isinstance(first, syntax.Definition)
    assert isinstance(second, syntax.Definition)
    assert first.value != second.value
    assert same_meaning(first.value, second.value)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("20k", 20_000),
        ("2M", 2_000_000),
        ("1e3", 1_000),
        ("1e-3", 1e-3),
        ("1.0e-3", 1e-3),
        ("0.001", 1e-3),
        ("2.5k", 2_500.0),
        ("1_000", 1_000),
        ("0.3k", 300.0),
    ],
)
def test_number_has_the_value_that_was_written(written: str, value: float) -> None:
    (found,) = whole(f"let x = {written}")
    assert isinstance(found, syntax.Definition)
    assert isinstance(found.value, syntax.Number)
    assert found.value.value == value
    assert type(found.value.value) is type(value)


@pytest.mark.parametrize(
    ("written", "value"),
    [(r'"a\"b"', 'a"b'), (r'"a\\b"', r"a\b"), (r'"a\nb"', "a\nb"), (r'"a\*b"', r"a\*b")],
)
def test_string_is_unescaped(written: str, value: str) -> None:
    (found,) = whole(f"use {written}")
    assert isinstance(found, syntax.Use)
    assert found.file.value == value


@pytest.mark.parametrize(
    "word", ["then", "for", "or", "by", "in", "at", "where", "repeat", "claim", "log", "method"]
)
def test_word_of_the_language_is_a_name_where_it_is_read_as_one(word: str) -> None:
    text = f"let x = f({word}: 1, a.{word}: 2)\ngrid {word} {{ {word}: 1; {word}.{word}: 2 }}"
    assert len(whole(text)) == 2


@pytest.mark.parametrize("text", ["a orange", "a andb", "a thenb", "a fors", "notes not"])
def test_word_ends_where_a_name_would(text: str) -> None:
    assert read(f"let x = {text}").diagnostics


@pytest.mark.parametrize(
    "text",
    [
        "let x = a\n  then b\n  | c\nlet y = 1",
        "let x = a |\n  b then\n  c\nlet y = 1",
        "let x = a\n\n# c\n\n  then b\nlet y = 1",
        "let x = f(\na: 1\n,\nb: 2\n)\nlet y = 1",
        "claim x: a > 1\n  where b == 2\n  over every c\n  paired by d\n  at 95%\nlet y = 1",
        'grid x {\n  a: 1 |\n    2\n  skip a == 1\n    and b == 2\n    because "c"\n}\nlet y = 1',
        "let x =\n  3\nlet y = 1",
        "repeat 3 as x vary init,\n  batches\nlet y = 1",
        "  let x = 1\n  let y = 1",
        "search x { a: 1; maximize m\n  subject to n < 1 }\nlet y = 1",
    ],
)
def test_line_goes_on_where_the_language_says_so(text: str) -> None:
    assert len(whole(text)) == 2


def test_entry_named_like_a_continuing_word_starts_an_entry() -> None:
    (grid,) = whole("grid g {\n  a: 1\n  at: 2\n  over.then: 3\n}")
    assert isinstance(grid, syntax.Grid)
    assert len(grid.entries) == 3


def test_forgotten_bracket_spoils_one_declaration() -> None:
    parsed = read("method a = f(1\nmethod b = g(2)\ngrid g {\n  method: b\nlet c = 3")
    assert names(parsed) == ["b", "c"]
    assert parsed.broken == {"a", "g"}
    assert [found.code for found in parsed.diagnostics] == ["E0102", "E0102"]


def test_declaration_word_in_the_first_column_of_a_list_is_a_name() -> None:
    (report,) = whole("report {\ntable(a, by: [\nmethod,\nmodel\n], \nmethod: 1)\n}")
    assert isinstance(report, syntax.Report)


def test_every_syntax_error_is_found_in_one_pass() -> None:
    parsed = read("let a = )\nlet b = 2\nmethod = x\nlet c = [1, 2\nlet d = 4\nlet e = 'x'")
    assert names(parsed) == ["b", "d"]
    assert [d.code for d in parsed.diagnostics] == ["E0103", "E0107", "E0102", "E0105"]


def test_every_entry_of_a_block_that_is_wrong_is_found() -> None:
    parsed = read("grid g {\n  a: \n  b: 1\n  c = 2\n  d: f(1 2); repat 3; e: 1 }\nlet x = 1")
    assert [d.code for d in parsed.diagnostics] == ["E0106", "E0101", "E0101", "E0115"]
    assert parsed.broken == {"g"}
    assert names(parsed) == ["x"]


def test_comments_are_kept_with_their_places() -> None:
    parsed = read("# a\nlet x = 1 # b\n")
    assert [(c.text, c.alone) for c in parsed.comments] == [("# a", True), ("# b", False)]


def test_hash_in_a_string_is_no_comment() -> None:
    assert not read('study a "# b"').comments


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment", "\ufeff", " \t "])
def test_file_without_declarations_is_no_error(text: str) -> None:
    assert not whole(text)


def test_windows_lines_tabs_and_byte_order_mark_change_nothing() -> None:
    plain = "study a\ngrid g {\n  method: b\n  c: 1 | 2\n}\n"
    other = "\ufeff" + plain.replace("\n", "\r\n").replace("  ", "\t")
    assert same_meaning(whole(plain), whole(other))


def test_edition_is_known_on_the_first_line_only() -> None:
    assert read("lab 1\nstudy a").edition is not None
    assert [d.code for d in read("study a\nlab 1").diagnostics] == ["E0112"]


def test_nesting_is_limited_by_an_error_not_by_python() -> None:
    for text in ("(" * 5000 + "1" + ")" * 5000, "1" + "+1" * 5000, "not " * 5000 + "a"):
        assert [d.code for d in read(f"let x = {text}").diagnostics] == ["E0113"]


def test_expressions_and_axes_are_read_alone() -> None:
    value, wrong = parse_expression(Source("--only", 'method == field and "a" in [b]'))
    assert isinstance(value, syntax.Logic)
    assert not wrong
    axis, wrong = parse_axis(Source("--set", "field.width: 16 | 32"))
    assert isinstance(axis, syntax.Axis)
    assert not wrong
    for text in ("", "a b", "1 +", "a: ", "let x = 1", "a\nb"):
        value, wrong = parse_expression(Source("--only", text))
        assert value is None
        assert wrong, text


def test_bytes_that_are_no_text_are_a_finding(tmp_path: Path) -> None:
    for data in (b"study \xff", b"study a\0", b"\xff\xfes\0"):
        found = decode("a.lab", data)
        assert not isinstance(found, Source)
        assert found.code == "E0702"
        assert render_all([found])
    for path in (tmp_path, tmp_path / "none.lab", Path("a\0b")):
        found = read_source(path)
        assert not isinstance(found, Source)
        assert found.code == "E0701"


CHECK = """
import sys
from lab.spec.parser import parse
from lab.spec.source import Source
assert len(parse(Source("a", "study a")).module.declarations) == 1
print(*sorted({"lark", "numpy", "rich", "click", "inspect"} & set(sys.modules)))
"""


def test_tables_are_kept_and_read_without_lark(tmp_path: Path) -> None:
    def loaded(cache: Path) -> str:
        environment = {"XDG_CACHE_HOME": str(cache), "PYTHONPATH": ":".join(sys.path)}
        command = [sys.executable, "-c", CHECK]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True
        ).stdout

    assert "lark" in loaded(tmp_path)
    assert "lark" not in loaded(tmp_path)
    (kept,) = (tmp_path / "lab-studies").iterdir()
    kept.write_text("{")
    assert "lark" in loaded(tmp_path)
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert "lark" in loaded(blocked)
