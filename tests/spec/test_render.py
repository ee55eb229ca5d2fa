"""A finding has one shape: text with carets, JSON, and edits."""

import json

from lab.spec.diagnostics import Diagnostic, Edit, Label
from lab.spec.render import as_json, fixed, in_order, render, render_all, summary
from lab.spec.source import Source, Span


def finding(text: str, *marked: str, **more: object) -> Diagnostic:
    source = Source("studies/inwf_ablation.lab", text)
    labels = []
    for one in marked:
        word, _, said = one.partition("=")
        start = text.index(word)
        labels.append(Label(Span(start, start + len(word)), said))
    given = {"severity": "error", "code": "E0312", "message": "`inwf` has no parameter `widht`"}
    return Diagnostic(**(given | {"source": source, "labels": tuple(labels)} | more))


LINE = "method field  = dense then inwf(widht: 64, layers: 2, w0: 30,"


def test_finding_has_the_shape_of_the_language() -> None:
    found = finding(
        "\n" * 8 + LINE,
        "widht=did you mean `width`?",
        reach="99 of 108 runs",
        help=("`inwf` takes width, layers, w0, activation, encoding, …",),
    )
    assert (
        render(found)
        == """\
error[E0312]: `inwf` has no parameter `widht`
  --> studies/inwf_ablation.lab:9:33
   |
 9 | method field  = dense then inwf(widht: 64, layers: 2, w0: 30,
   |                                 ^^^^^ did you mean `width`?
   = reach: 99 of 108 runs
   = help: `inwf` takes width, layers, w0, activation, encoding, …   (lab explain E0312)
"""
    )


def test_labels_stand_on_their_lines_in_order() -> None:
    text = "let a = 1\n" * 9 + "let b = f(a: 1,\n\n\n  c: 2)"
    found = finding(text, "b=first", "c=third", "f(=second")
    assert (
        render(found)
        == """\
error[E0312]: `inwf` has no parameter `widht`
   --> studies/inwf_ablation.lab:10:5
    |
 10 | let b = f(a: 1,
    |         -- second
    |     ^ first
    :
 13 |   c: 2)
    |   - third
    = help: lab explain E0312
"""
    )


def test_tabs_and_wide_characters_keep_carets_aligned() -> None:
    rows = render(finding('\té "日本", widht', "widht")).splitlines()
    assert rows[3] == ' 1 |     é "日本", widht'
    assert rows[4] == "   |               ^^^^^"
    rows = render(finding("e\u0301 widht", "widht")).splitlines()
    assert rows[4] == "   |   ^^^^^"


def test_characters_that_move_the_cursor_are_not_printed() -> None:
    shown = render(finding("widht \x1b[31m \u202e \x00", "widht", message="\x1b]0;x"))
    assert not set(shown) & set("\x1b\u202e\x00")


def test_long_line_is_cut_around_its_label() -> None:
    text = "a" * 500 + " widht " + "b" * 500
    rows = render(finding(text, "widht")).splitlines()
    assert len(rows[3]) < 200
    start = rows[4].index("^")
    assert rows[3][start : start + 5] == "widht"


def test_label_at_the_end_of_the_text_has_one_caret() -> None:
    source = Source("a", "let x =")
    found = Diagnostic("error", "E0106", "m", source, (Label(Span(7, 7)),))
    assert render(found).splitlines()[4] == "   |        ^"


def test_color_is_asked_for() -> None:
    found = finding(LINE, "widht")
    assert "\x1b" not in render(found)
    assert "\x1b[1;31merror" in render(found, color=True)


def test_windows_line_ends_are_not_shown() -> None:
    assert "\r" not in render(finding("a widht\r\nb", "widht"))


def test_findings_come_in_source_order_and_once() -> None:
    later = finding(LINE, "layers", code="E0101")
    first = finding(LINE, "widht")
    assert in_order([later, first, first, later]) == [first, later]
    assert render_all([later, first]).count("error[") == 2
    assert summary([later, first, first]) == "2 errors"
    warning = finding(LINE, "w0", severity="warning")
    assert summary([warning, first]) == "1 error, 1 warning"
    assert summary([]) == render_all([]) == ""


def test_json_has_places_and_remedy() -> None:
    edit = Edit(Span(32, 37), "width")
    found = json.loads(json.dumps(as_json(finding(LINE, "widht", edit=edit, help=("h",)))))
    place = {"offset": 32, "line": 1, "column": 33}
    assert found["labels"][0]["start"] == place
    assert found["edit"]["start"] == place
    assert found["edit"]["replacement"] == "width"
    assert found["help"] == ["h"]
    assert found["reach"] is None


def test_remedies_are_applied_once_where_they_overlap() -> None:
    text = "widht widht"
    source = Source("a", text)

    def edited(start: int, end: int, replacement: str) -> Diagnostic:
        span = Span(start, end)
        label = (Label(span),)
        return Diagnostic("error", "E0312", "m", source, label, edit=Edit(span, replacement))

    remedies = [edited(6, 11, "b"), edited(0, 5, "width"), edited(2, 4, "x")]
    assert fixed(source, remedies) == "width b"
