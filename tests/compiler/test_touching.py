"""Runs that a mistake touches are counted where they can be, and nowhere else."""

from lab.compiler.build import runs_touching
from lab.spec.catalog import builtin_catalog
from lab.spec.check import check
from lab.spec.source import Source

HEAD = "study s\ndata d = digits()\nmodel n = mlp()\nrepeat 3 as seed\n"
CATALOG = builtin_catalog()


def _touched(text: str, *subjects: str) -> dict[str, int]:
    checked = check(Source("s.lab", HEAD + text), CATALOG)
    assert checked.study is not None
    return runs_touching(checked.study, checked.catalog, frozenset(subjects))


def test_runs_of_a_definition_and_of_a_grid() -> None:
    text = "method a = train(for: 1 steps)\nmethod b = a then quantize(bits: 4 | 8)\n"
    touched = _touched(text + "grid g { method: a | b }", "a", "b", "g")
    assert touched == {"a": 9, "b": 6, "g": 9, "": 9}


def test_a_run_of_two_grids_is_one_run() -> None:
    text = "method a = train(for: 1 steps)\nmethod b = a then quantize(bits: 4)\n"
    touched = _touched(text + "grid g { method: a | b }\ngrid h { method: a }", "a", "g", "h")
    assert touched == {"a": 6, "g": 6, "h": 3, "": 6}


def test_nothing_is_counted_where_every_method_is_broken() -> None:
    assert _touched("method a = train(for:: 1 steps)\ngrid g { method: a }", "a") == {}
    assert _touched("method a = train(for:: 1 steps)\ngrid g { model: n }", "a") == {}


def test_a_grid_too_large_to_expand_is_not_expanded() -> None:
    text = "method a = train(for: 1 steps)\ngrid g { method: a; a.batch: 1 .. 1000000000 }"
    assert _touched(text, "a") == {}
