"""Tables and arrays: what is wrong is told by the number of its row; texts become tokens."""

import json
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from lab.runtime.data.arrays import Arrays
from lab.runtime.data.glue import Glue
from lab.runtime.data.table import Table
from lab.runtime.errors import BadData, LabError, MissingFile
from lab.runtime.text.glue import TASKS
from lab.runtime.text.labels import labels_of
from lab.runtime.text.tokens import planes, tokenizer_in, vocabulary_of, word_pieces

TEXTS = ["the good film", "the bad film", "a good play"]
ROWS = "text,label\n" + "".join(f"{text} {n},{n % 2}\n" for n in range(8) for text in TEXTS)


def write(folder: Path, text: str, name: str = "t.csv") -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("text,text\na,b\n", "has to name each column"),
        ("text,label\na,0\nb\n", "row 2 of .* has 1 fields, and there are 2 columns"),
        ("text,label\na,0\nb,\n", "without a label: 1 problem .row 2"),
        ("text,label\na,0\nb,2\nc,2\n", "labels up to 2 and none that is 1"),
        ("text,label\na,-1\nb,0\n", "labels below 0: 1 problem .row 1: -1"),
        ("review,label\na,0\nb,1\n", "no column 'text', but review, label"),
        ("text,labels\na,0\nb,1\n", "no column 'label'.*did you mean `labels`"),
        ("text,label\n", "has no rows"),
    ],
)
def test_a_table_that_cannot_be_used_says_where(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(BadData, match=says):
        Table(file=write(tmp_path, text), text=("text",)).load()


def test_features_that_are_no_numbers_are_told_by_row_and_column(tmp_path: Path) -> None:
    path = write(tmp_path, "a,b,label\n1,2,0\nx,2,1\n1,nan,0\n1,1,1\n")
    with pytest.raises(BadData, match=r"2 problems .row 2 of a: 'x'; row 3 of b"):
        Table(file=path, test_file=path).load()


def test_numbers_that_are_to_be_found_are_told_where_they_are_none(tmp_path: Path) -> None:
    path = write(tmp_path, "a,label\n1,0.5\n2,much\n3,inf\n")
    with pytest.raises(
        BadData, match=r"no numbers: 4 problems .row 2: 'much'; row 3: 'inf'; test row 2"
    ):
        Table(file=path, test_file=path, labels="numbers").load()


def test_features_are_standardized_by_the_training_rows(tmp_path: Path) -> None:
    train = write(tmp_path, "a,b,label\n1,5,x\n3,5,y\n")
    test = write(tmp_path, "a,b,label\n5,6,y\n", "test.csv")
    found = Table(file=train, test_file=test).load()
    assert found.train.inputs.tolist() == [[-1, 0], [1, 0]]
    assert found.test.inputs.tolist() == [[3, 1]]
    assert found.train.labels.tolist() == [0, 1]


def test_lines_of_json_are_a_table(tmp_path: Path) -> None:
    rows = [json.dumps({"text": f"{n} film", "label": n % 2}) for n in range(10)]
    path = write(tmp_path, "\n".join(rows), "t.jsonl")
    assert Table(file=path, text=("text",), length=6).load().train.inputs.shape == (8, 3, 6)
    broken = write(tmp_path, rows[0] + "\n{", "broken.jsonl")
    with pytest.raises(BadData, match="line 2 of"):
        Table(file=broken, text=("text",)).load()


def test_names_of_classes_are_in_the_order_of_the_alphabet_or_as_given() -> None:
    assert labels_of(["no", "yes", "no"], where="t").values.tolist() == [0, 1, 0]
    given = labels_of(["no", "yes"], where="t", names=("yes", "no"))
    assert given.values.tolist() == [1, 0]
    with pytest.raises(BadData, match=r"none of yes, no: 1 problem .row 1: 'maybe'"):
        labels_of(["maybe"], where="t", names=("yes", "no"))


def test_a_column_of_texts_is_no_label() -> None:
    with pytest.raises(BadData, match="different labels"):
        labels_of([f"text {n}" for n in range(300)], where="t")


# Tokens.


def test_tokens_are_cut_filled_up_and_masked() -> None:
    tokenizer = word_pieces(vocabulary_of(TEXTS * 2, 200))
    made = planes(tokenizer, ["good film", "the good film the bad film"], 6)
    assert made.shape == (2, 3, 6)
    assert made.dtype == np.int32
    words = [tokenizer.id_to_token(number) for number in made[0, 0]]
    assert words == ["[CLS]", "good", "film", "[SEP]", "[PAD]", "[PAD]"]
    assert made[0, 1].tolist() == [1, 1, 1, 1, 0, 0]
    assert tokenizer.id_to_token(int(made[1, 0, -1])) == "[SEP]"


def test_the_second_of_a_pair_has_another_type() -> None:
    tokenizer = word_pieces(vocabulary_of(TEXTS * 2, 200))
    made = planes(tokenizer, [("good film", "bad play")], 8)
    assert made[0, 2].tolist() == [0, 0, 0, 0, 1, 1, 1, 0]


def test_a_vocabulary_spells_what_it_has_no_word_for() -> None:
    tokenizer = word_pieces(vocabulary_of(TEXTS * 2, 200))
    pieces = tokenizer.encode("goodfilm", add_special_tokens=False).tokens
    assert "[UNK]" not in pieces
    assert "".join(one.removeprefix("##") for one in pieces) == "goodfilm"


def test_a_vocabulary_is_as_large_as_it_may_be_and_does_not_depend_on_order() -> None:
    assert len(vocabulary_of(TEXTS * 2, 12)) == 12
    assert vocabulary_of(TEXTS * 2, 100) == vocabulary_of(TEXTS[::-1] * 2, 100)


def test_a_tokenizer_is_read_from_each_of_its_forms(tmp_path: Path) -> None:
    words = vocabulary_of(TEXTS * 2, 200)
    made = word_pieces(words)
    made.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    expected = planes(made, TEXTS, 8)
    for place in (tmp_path, tmp_path / "tokenizer.json", tmp_path / "vocab.txt"):
        assert (planes(tokenizer_in(place), TEXTS, 8) == expected).all()
    path = write(tmp_path, ROWS)
    found = Table(file=path, text=("text",), tokenizer=str(tmp_path), length=8).load()
    assert found.train.inputs.max() < len(words)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("tokenizer.json", "{}", "is no tokenizer"),
        ("tokenizer.json", "no json", "is no tokenizer"),
        ("vocab.txt", "one\ntwo\n", r"has to have \[PAD\]"),
        ("other.md", "", "there is no tokenizer"),
    ],
)
def test_what_is_no_tokenizer_is_told(name: str, text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(LabError, match=says):
        tokenizer_in(tmp_path)


def test_another_filling_than_berts_is_used(tmp_path: Path) -> None:
    from tokenizers import models, pre_tokenizers

    words = {"<s>": 0, "<pad>": 1, "good": 2, "<unk>": 3}
    made = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.save(str(tmp_path / "tokenizer.json"))
    assert planes(tokenizer_in(tmp_path), ["good"], 3)[0, 0].tolist() == [2, 1, 1]


# Arrays.


def save(folder: Path, **arrays: np.ndarray) -> str:
    np.savez(folder / "a.npz", **arrays)
    return str(folder / "a.npz")


def test_arrays_with_their_own_test_examples_are_taken_as_they_are(tmp_path: Path) -> None:
    one = np.arange(12, dtype=np.float64).reshape(4, 3)
    path = save(tmp_path, inputs=one, labels=[0, 1, 0, 1], test_inputs=one[:2], test_labels=[1, 0])
    found = Arrays(file=path).load()
    assert found.train.inputs.dtype == np.float32
    assert found.test.labels.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"x": np.zeros((4, 2))}, "no array 'inputs', but x"),
        ({"inputs": np.zeros((4, 2)), "label": np.zeros(4)}, "did you mean `label`"),
        ({"inputs": np.zeros((4, 2)), "labels": np.zeros(3)}, "a label for each row"),
        ({"inputs": np.full((4, 2), np.nan), "labels": [0, 1, 0, 1]}, "first of them row 1"),
        ({"inputs": np.full((4, 2), "a"), "labels": [0, 1, 0, 1]}, "are no numbers"),
        ({"inputs": np.zeros((4, 2)), "labels": [0, 1, 3, 1]}, "none that is 2"),
    ],
)
def test_arrays_that_cannot_be_used_say_why(
    arrays: dict[str, np.ndarray], says: str, tmp_path: Path
) -> None:
    with pytest.raises(BadData, match=says):
        Arrays(file=save(tmp_path, **arrays)).load()


def test_nothing_pickled_is_read(tmp_path: Path) -> None:
    path = save(tmp_path, inputs=np.array([{}, {}], object), labels=np.zeros(2))
    with pytest.raises(BadData, match="cannot be read"):
        Arrays(file=path).load()
    with pytest.raises(MissingFile, match="is not there"):
        Arrays(file=str(tmp_path / "b.npz")).load()


# GLUE.

#: A row of names and rows of each task's files, as they are published.
HEADS = {
    "qqp": "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate",
    "mrpc": "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String",
    "qnli": "index\tquestion\tsentence\tlabel",
    "rte": "index\tsentence1\tsentence2\tlabel",
    "wnli": "index\tsentence1\tsentence2\tlabel",
    "mnli": "index\tgenre\tsentence1\tsentence2\tlabel1\tgold_label",
    "mnli_mm": "index\tgenre\tsentence1\tsentence2\tlabel1\tgold_label",
    "sst2": "sentence\tlabel",
    "stsb": "index\tsentence1\tsentence2\tscore",
}


@pytest.mark.parametrize("task", TASKS)
def test_every_task_is_read_from_files_of_its_form(
    task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_DATA", str(tmp_path))
    about = TASKS[task]
    names = HEADS[task].split("\t") if task in HEADS else list(about.columns)
    home = tmp_path / "glue" / about.folder
    home.mkdir(parents=True)
    for name, count in ((about.train, 12), (about.test, 6)):
        lines = [HEADS[task]] if task in HEADS else []
        for row in range(count):
            label = about.classes[row % len(about.classes)] if about.classes else f"{row / 4}"
            said = {one: f'a "quoted {row}' for one in about.texts} | {about.label: label}
            lines.append("\t".join(said.get(one, str(row)) for one in names))
        (home / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = Glue(task=task, length=16).load()
    assert found.train.inputs.shape == (12, 3, 16)
    assert found.test.inputs.shape == (6, 3, 16)
    assert found.classes == max(len(about.classes), 1)
    pairs = found.train.inputs[:, 2].max()
    assert pairs == len(about.texts) - 1


def test_a_cut_row_of_a_task_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_DATA", str(tmp_path))
    home = tmp_path / "glue" / "SST-2"
    home.mkdir(parents=True)
    (home / "train.tsv").write_text("sentence\tlabel\ngood\t1\nbad\n")
    (home / "dev.tsv").write_text("sentence\tlabel\ngood\t1\n")
    with pytest.raises(BadData, match=r"row 2 of train\.tsv of GLUE's SST-2 is cut"):
        Glue().load()
    (home / "train.tsv").write_text("text\tlabel\ngood\t1\n")
    with pytest.raises(BadData, match="has no column sentence; it has text, label"):
        Glue().load()
