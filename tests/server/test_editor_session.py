"""A session with a real editor over standard input and output."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from editor import Editor
from texts import STUDY

SMALL = "small.lab"


@pytest.fixture
def editor(tmp_path: Path) -> Iterator[Editor]:
    made = Editor(tmp_path)
    yield made
    if made.process.poll() is None:
        assert made.leave() == 0


def _actions(editor: Editor, name: str, place: dict[str, Any], *kinds: str) -> list[dict[str, Any]]:
    context = {"diagnostics": [], **({"only": list(kinds)} if kinds else {})}
    about = {"textDocument": {"uri": editor.uri(name)}, "range": place, "context": context}
    return editor.ask("textDocument/codeAction", about)


def _all(editor: Editor, method: str, name: str, **more: Any) -> Any:
    about = {"textDocument": {"uri": editor.uri(name)}, **more}
    return editor.ask(f"textDocument/{method}", about)


WHOLE = {"start": {"line": 0, "character": 0}, "end": {"line": 999, "character": 0}}


def test_session_is_what_an_editor_expects(editor: Editor) -> None:
    assert editor.write(SMALL, STUDY) == []
    hover = editor.ask_at("hover", SMALL, "wi‸dth: size")
    assert "numbers in a hidden layer" in hover["contents"]["value"]
    assert editor.shown(SMALL, hover["range"]) == "width"
    site = editor.ask_at("definition", SMALL, "dense | fie‸ld")
    assert editor.shown(SMALL, site["range"]) == "field"
    (wrong,) = editor.write(SMALL, STUDY.replace("layers: 1, for", "layres: 1, for"))
    assert (wrong["code"], wrong["severity"]) == ("E0312", 1)
    assert editor.shown(SMALL, wrong["range"]) == "layres"
    (reached,) = editor.found(SMALL)
    assert "runs" in reached["message"]
    assert "runs" not in wrong["message"]
    (action, _) = _actions(editor, SMALL, wrong["range"])
    assert action["title"] == "Replace `layres` with `layers`"
    mended = editor.edited(SMALL, action["edit"]["changes"][editor.uri(SMALL)])
    assert mended == STUDY
    assert editor.write(SMALL, mended) == []
    assert (
        editor.reply("textDocument/rename", editor.place(SMALL, "method fie‸ld", newName="dense"))[
            "error"
        ]["message"]
        == "there is a method `dense` already"
    )
    assert editor.leave() == 0
    assert editor.transcript == [
        "-> initialize",
        "<- answered",
        "-> initialized",
        "-> textDocument/didOpen",
        "<- findings []",
        "-> textDocument/hover",
        "<- answered",
        "-> textDocument/definition",
        "<- answered",
        "-> textDocument/didChange",
        "<- findings ['E0312']",
        "<- findings ['E0312']",
        "-> textDocument/codeAction",
        "<- answered",
        "-> textDocument/didChange",
        "<- findings []",
        "-> textDocument/rename",
        "<- refused",
        "-> shutdown",
        "<- answered",
        "-> exit",
    ]


def test_fixing_everything_gives_a_clean_check(editor: Editor) -> None:
    slips = (("width: size", "widht: size"), ("drop(eight)", "dorp(eight)"), ("digits", "digist"))
    text = STUDY
    for right, wrong in slips:
        text = text.replace(right, wrong)
    found = editor.write(SMALL, text)
    assert len(found) == len(slips)
    (action,) = _actions(editor, SMALL, WHOLE, "source.fixAll")
    mended = editor.edited(SMALL, action["edit"]["changes"][editor.uri(SMALL)])
    assert mended == STUDY
    assert editor.write(SMALL, mended) == []


def test_positions_count_as_the_editor_does(editor: Editor) -> None:
    broken = STUDY.replace("= bytes(dense) / bytes(method)", "= bytse(dense) / bytes(method)")
    (found, *_) = editor.write(SMALL, broken)
    assert editor.shown(SMALL, found["range"]) == "bytse"
    line = broken.split("\n")[found["range"]["start"]["line"]]
    assert "😀" in line
    assert found["range"]["start"]["character"] == line.index("bytse") + 1


def test_agreed_units_may_be_bytes(tmp_path: Path) -> None:
    editor = Editor(tmp_path, encodings=["utf-8"])
    assert editor.abilities["positionEncoding"] == "utf-8"
    (found, *_) = editor.write(SMALL, STUDY.replace("= bytes(dense)", "= bytse(dense)"))
    line = editor.texts[SMALL].split("\n")[found["range"]["start"]["line"]]
    assert found["range"]["start"]["character"] == len(line[: line.index("bytse")].encode())
    assert editor.leave() == 0


def test_rename_changes_every_mention_and_nothing_else(editor: Editor) -> None:
    editor.write(SMALL, STUDY)
    answer = editor.ask_at("rename", SMALL, "method fie‸ld", newName="net_of_weights")
    edits = answer["changes"][editor.uri(SMALL)]
    renamed = editor.edited(SMALL, edits)
    # `field` is said five times; `mlp`, `weight` and the like are left alone.
    assert len(edits) == 5
    assert renamed == STUDY.replace("field", "net_of_weights")
    assert editor.write(SMALL, renamed) == []


def test_a_definition_in_python_is_found(editor: Editor) -> None:
    editor.write(SMALL, STUDY)
    site = editor.ask_at("definition", SMALL, "quan‸tize")
    assert site["uri"].endswith("/runtime/reparameterizations/quantize.py")
    file = Path(site["uri"].removeprefix("file://"))
    line = file.read_text(encoding="utf-8").split("\n")[site["range"]["start"]["line"]]
    assert line.startswith("class Quantize")


def test_references_may_leave_out_the_declaration(editor: Editor) -> None:
    editor.write(SMALL, STUDY)
    for declared, number in ((True, 3), (False, 2)):
        context = {"includeDeclaration": declared}
        found = editor.ask_at("references", SMALL, "let eff‸ort", context=context)
        assert [editor.shown(SMALL, one["range"]) for one in found] == ["effort"] * number


def test_formatting_is_that_of_lab_fmt(editor: Editor) -> None:
    from lab.spec.format import format
    from lab.spec.source import Source

    editor.write(SMALL, STUDY)
    edits = _all(editor, "formatting", SMALL, options={"tabSize": 2, "insertSpaces": True})
    canonical = format(Source(SMALL, STUDY))
    assert editor.edited(SMALL, edits) == canonical
    editor.write(SMALL, canonical)
    assert not _all(editor, "formatting", SMALL, options={"tabSize": 2, "insertSpaces": True})


def test_run_counts_stand_behind_blocks_axes_and_claims(editor: Editor) -> None:
    editor.write(SMALL, STUDY)
    hints = _all(editor, "inlayHint", SMALL, range=WHOLE)
    shown = {}
    for hint in hints:
        offset = editor.offset(STUDY, hint["position"])
        shown[STUDY[STUDY.rfind("\n", 0, offset) + 1 : offset].strip()] = hint["label"]
    # Nine runs of three arms, eighteen of a field's sizes; the field as defined is in both.
    assert shown == {
        "study small": "24 runs",
        "grid arms": "9 runs",
        "method: dense | field | eight": "3 values",
        "grid sizes": "18 runs",
        "method: field": "1 value",
        "field.size: 8 | 16": "2 values",
        "field.layers: 1 .. 3": "3 values",
        "claim eight_is_small": "1 setting × 3 replicates",
    }


def test_outline_has_every_declaration_and_axis(editor: Editor) -> None:
    editor.write(SMALL, STUDY)
    symbols = _all(editor, "documentSymbol", SMALL)
    names = [one["name"] for one in symbols]
    assert names[:4] == ["small", "images", "net", "effort"]
    (sizes,) = [one for one in symbols if one["name"] == "sizes"]
    assert [one["name"] for one in sizes["children"]] == ["method", "field.size", "field.layers"]


def test_broken_syntax_keeps_findings_and_completion(editor: Editor) -> None:
    found = editor.write(SMALL, STUDY.replace("grid arms {", "grid arms"))
    assert found
    assert all(one["code"].startswith("E01") for one in found)
    half = STUDY + "\nmethod last = dense then inwf(width: 3, activation: "
    assert editor.write(SMALL, half)
    answer = editor.ask_at("completion", SMALL, "activation: ‸")
    assert {"sine", "relu"} <= {one["label"] for one in answer["items"]}


def test_a_used_file_counts_as_it_is_in_the_editor(editor: Editor) -> None:
    shared = "let effort = 40 steps\n"
    using = STUDY.replace("let effort = 40 steps", 'use "shared.lab"')
    (missing, *_) = editor.write(SMALL, using)
    assert missing["code"] == "E0701"
    editor.write("shared.lab", shared)
    assert editor.write(SMALL, using + "\n") == []
    site = editor.ask_at("definition", SMALL, "for: eff‸ort)")
    assert site["uri"] == editor.uri("shared.lab")
    editor.write("shared.lab", "let trouble = 40 steps\n")
    (unknown, *_) = editor.found(SMALL)
    assert (unknown["code"], editor.shown(SMALL, unknown["range"])) == ("E0201", "effort")


def test_rename_reaches_the_studies_that_use_a_file(editor: Editor, tmp_path: Path) -> None:
    using = STUDY.replace("let effort = 40 steps", 'use "shared.lab"')
    (tmp_path / SMALL).write_text(using, encoding="utf-8")
    editor.write("shared.lab", "let effort = 40 steps\n")
    changes = editor.ask_at("rename", "shared.lab", "let eff‸ort", newName="length")["changes"]
    editor.texts[SMALL] = using
    assert editor.edited(SMALL, changes[editor.uri(SMALL)]) == using.replace("effort", "length")
    assert len(changes[editor.uri("shared.lab")]) == 1
    editor.write(SMALL, using)
    for text, to in (("let eff‸ort", "dense"), ("let eff‸ort", "images")):
        refused = editor.reply("textDocument/rename", editor.place("shared.lab", text, newName=to))
        assert to in refused["error"]["message"]
    refused = editor.reply("textDocument/rename", editor.place(SMALL, "for: eff‸ort)", newName="x"))
    assert "rename it there" in refused["error"]["message"]


OWN = """\
from lab.spec.declare import component, parameter

raise SystemExit("nobody runs this")

@component("shrink", kind="reparameterization", stage="fit")
class Shrink:
    \'\'\'Weights times a constant.\'\'\'

    factor: float = parameter(0.5, "what every weight is multiplied with", above=0)
"""


def test_components_of_ones_own_are_known_and_never_run(editor: Editor, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(OWN, encoding="utf-8")
    text = STUDY.replace("let effort", 'use "mine.py"\nlet effort')
    text = text.replace("quantize(bits: 8)", "shrink(factor: 0.25)")
    assert editor.write(SMALL, text) == []
    hover = editor.ask_at("hover", SMALL, "fac‸tor: 0.25")["contents"]["value"]
    assert "number, above 0" in hover
    for needle, line in (("shr‸ink", "class Shrink:"), ("fac‸tor: 0.25", "    factor: float")):
        site = editor.ask_at("definition", SMALL, needle)
        assert site["uri"] == editor.uri("mine.py")
        assert OWN.split("\n")[site["range"]["start"]["line"]].startswith(line)
    offered = editor.ask_at("completion", SMALL, "dense then shr‸ink")["items"]
    assert "shrink" in {one["label"] for one in offered}


def test_closing_a_text_clears_its_findings(editor: Editor) -> None:
    editor.write(SMALL, STUDY.replace("digits", "digist"))
    editor.tell("textDocument/didClose", {"textDocument": {"uri": editor.uri(SMALL)}})
    assert _all(editor, "documentSymbol", SMALL) == []
    assert editor.findings[-1]["diagnostics"] == []
