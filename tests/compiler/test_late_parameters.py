"""A parameter that came later changes no key of a study that says nothing of it."""

import pytest
from planning import HEAD, catalog

from lab.compiler.build import compile_study
from lab.compiler.plan import Plan
from lab.spec.check import check
from lab.spec.records import replaced
from lab.spec.signature import Catalog, ParameterInfo, Type
from lab.spec.source import Source

BODY = """
method field = dense then inwf(width: 16, by: adam(lr: 1e-3), for: 10 steps)
method tuned = dense then inwf(width: 16, by: adam(lr: 1e-3), for: 10 steps)
method eight = dense then quantize(bits: 8)
grid g { method: dense | field | tuned | eight; field.width: 16 | 32; field.by.b1: 0.8 | 0.9 }
report { table(ratio, accuracy, by: method) }
"""
LATE = (
    ("optimizer", "adam"),
    ("stage", "train"),
    ("stage", "fit"),
    ("reparameterization", "quantize"),
    ("reparameterization", "inwf"),
    ("measurement", "accuracy"),
    ("model", "mlp"),
    ("data", "digits"),
)


def later(kind: str, name: str, *, default: float = 0.0, legacy: float = 0.0) -> Catalog:
    """The catalog in which a component has one more parameter."""
    known = catalog().signatures[kind, name]
    info = ParameterInfo(
        "novel", "novel", Type("float"), required=False, default=default, doc="new"
    )
    info = replaced(info, is_late=True, legacy=legacy)
    new = replaced(known, parameters=(*known.parameters, info), late={"novel": legacy})
    return Catalog({**catalog().signatures, (kind, name): new})


def keys(known: Catalog, body: str = BODY) -> list[str]:
    checked = check(Source("test.lab", HEAD + body), known)
    assert checked.study is not None
    assert not [one for one in checked.diagnostics if one.severity == "error"]
    plan = compile_study(checked.study, known, lambda name: f"content of {name}")
    assert isinstance(plan, Plan)
    return [node.key for node in plan.nodes]


@pytest.mark.parametrize(("kind", "name"), LATE)
def test_a_parameter_with_its_legacy_value_keeps_every_key(kind: str, name: str) -> None:
    assert keys(later(kind, name)) == keys(catalog())


@pytest.mark.parametrize(("kind", "name"), LATE)
def test_a_default_that_is_another_value_than_the_legacy_one_is_another_key(
    kind: str, name: str
) -> None:
    assert keys(later(kind, name, default=1.0)) != keys(catalog())


def test_only_what_says_another_value_has_other_keys() -> None:
    known = later("optimizer", "adam")
    said = BODY.replace("= dense then inwf(width: 16, by: adam(lr: 1e-3)", "= dense then X", 1)
    said = said.replace("X", "inwf(width: 16, by: adam(lr: 1e-3, novel: 0.5)")
    old, new = keys(catalog()), keys(known, said)
    assert len(set(old) & set(new)) >= 4
    assert set(old) != set(new)
    assert keys(known, said.replace("novel: 0.5", "novel: 0")) == keys(catalog())
