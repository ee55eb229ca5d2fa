"""`lab docs` describes every component completely, in words that a study can be written with."""

from pathlib import Path

import pytest

import lab.spec
from lab.compiler.build import compile_study
from lab.compiler.plan import Plan
from lab.spec import known
from lab.spec.catalog import builtin_catalog
from lab.spec.check import check
from lab.spec.declare import KINDS
from lab.spec.docs import describe, limits_of, shown, type_text
from lab.spec.render import render_all
from lab.spec.signature import ParameterInfo, Signature
from lab.spec.source import Source

CATALOG = builtin_catalog()
ROOT = Path(lab.spec.__file__).resolve().parent.parent
COMPONENTS = list(CATALOG.signatures.values())
PARAMETERS = [(signature, info) for signature in COMPONENTS for info in signature.parameters]

#: A study that uses a component of a kind; `@` stands for the component as it is written.
USES = {
    "data": "data d = @\nmodel m = mlp()\nmethod a = train()",
    "model": "data d = digits()\nmodel m = @\nmethod a = train()",
    "stage": "data d = digits()\nmodel m = mlp()\nmethod a = train() then @",
    "reparameterization": "data d = digits()\nmodel m = mlp()\nmethod a = train(through: @)",
    "optimizer": "data d = digits()\nmodel m = mlp()\nmethod a = train(by: @)",
    "schedule": "data d = digits()\nmodel m = mlp()\nmethod a = train(by: sgd(lr: @))",
    "encoding": "data d = digits()\nmodel m = mlp()\nmethod a = train() then inwf(encoding: @)",
    "loss": "data d = digits()\nmodel m = mlp()\nmethod b = train()\nmethod a = train(loss: @)",
    "augmentation": "data d = cifar10(augment: @)\nmodel m = resnet20()\nmethod a = train()",
    "selector": "data d = digits()\nmodel m = mlp()\nmethod a = train(select: @)",
    "stopping": "data d = digits(validation: 9)\nmodel m = mlp()\nmethod a = train(stop: @)",
    "measurement": "data d = digits()\nmodel m = mlp()\nmethod a = train()\nreport { table(@) }",
}
#: What a component is written with where something has no default.
NEEDED = {
    "reparameterization": "plain()",
    "float": "0.5",
    "schedule": "0.5",
    "data": "digits()",
    "arm": "b",
    "duration": "3 epochs",
    "metric": "accuracy",
    "file": '"a/file"',
}


def name(signature: Signature) -> str:
    return f"{signature.kind} {signature.name}"


def written(signature: Signature, *, with_defaults: bool) -> str:
    """A component as a study writes it."""
    said: list[str] = []
    for info in signature.parameters:
        if info.required:
            said.append(_argument(info, _needed(info)))
        elif with_defaults and not (info.type.mapping or info.type.name in ("arm", "metric")):
            said.append(_argument(info, shown(info.default, info.type)))
    text = ", ".join(said)
    if signature.kind == "schedule":
        ends = [one.name for one in signature.parameters if one.required][:2]
        text = text.replace(f"{ends[0]}: 0.5, {ends[1]}: 0.5", "0.5 -> 0.5")
    return f"{signature.name}({text})"


def _needed(info: ParameterInfo) -> str:
    if info.known is not None and info.type.name == "string":
        return f'"{next(iter(known.names(info.known).tags))}"'
    return NEEDED[info.type.name]


def _argument(info: ParameterInfo, value: str) -> str:
    return f"{info.name}: {value}"


def plan(use: str) -> Plan:
    """The plan of a study that runs the method `a`."""
    source = Source("s.lab", f"{use}\ngrid g {{ method: a }}\n")
    checked = check(source, CATALOG)
    assert not checked.failed, render_all(checked.diagnostics)
    assert checked.study is not None
    made = compile_study(checked.study, CATALOG, lambda _: None)
    assert isinstance(made, Plan), made
    return made


def test_every_kind_has_a_use_here_or_is_a_figure() -> None:
    present = {signature.kind for signature in COMPONENTS}
    assert present <= set(KINDS)
    assert present - {"figure"} <= set(USES)


@pytest.mark.parametrize("signature", COMPONENTS, ids=name)
def test_a_component_says_in_a_sentence_what_it_is(signature: Signature) -> None:
    assert signature.doc.endswith((".", "…"))
    assert signature.doc[0].isupper() or not signature.doc[0].isalpha()
    assert len(signature.doc) <= 100
    assert signature.doc in describe(signature)


@pytest.mark.parametrize("signature", COMPONENTS, ids=name)
def test_a_page_says_where_the_component_is_written(signature: Signature) -> None:
    lines = (ROOT / signature.file).read_text("utf-8").splitlines()
    assert f"class {signature.qualname}" in lines[signature.line - 1]
    assert f"source: {signature.file}:{signature.line}" in describe(signature)


@pytest.mark.parametrize("signature", COMPONENTS, ids=name)
def test_a_page_fits_a_terminal(signature: Signature) -> None:
    assert max(len(line) for line in describe(signature).splitlines()) <= 120


@pytest.mark.parametrize(
    ("signature", "info"), PARAMETERS, ids=[f"{name(s)} {i.name}" for s, i in PARAMETERS]
)
def test_a_parameter_has_a_line_of_its_own_type_range_and_default(
    signature: Signature, info: ParameterInfo
) -> None:
    lines = [line.strip() for line in describe(signature).splitlines()]
    assert info.doc, "it has no doc line"
    named = (i for i, line in enumerate(lines) if line.startswith(f"{info.name} "))
    at = next(i for i in named if lines[i].endswith(info.doc))
    assert not info.doc.endswith(".")
    assert lines[at].endswith(info.doc)
    said = _facts_of(signature, lines[at + 1 :])
    facts = said.split("; ")
    assert facts[0] == type_text(info.type)
    assert ", ".join(limits_of(info)) in facts or not list(limits_of(info))
    default = "required" if info.required else f"default {shown(info.default, info.type)}"
    assert default in said or info.type.mapping


def _facts_of(signature: Signature, lines: list[str]) -> str:
    """What is said of a parameter: all lines up to the next one."""
    names = tuple(f"{one.name} " for one in signature.parameters)
    ends = (i for i, line in enumerate(lines) if i and (not line or line.startswith(names)))
    return " ".join(lines[: next(ends, len(lines))])


@pytest.mark.parametrize("info", [info for _, info in PARAMETERS], ids=lambda info: info.name)
def test_a_default_is_in_its_range(info: ParameterInfo) -> None:
    value = info.default
    if info.required or not isinstance(value, int | float) or isinstance(value, bool):
        return
    assert info.low is None or value >= info.low
    assert info.high is None or value <= info.high
    assert info.above is None or value > info.above
    assert info.below is None or value < info.below


@pytest.mark.parametrize("signature", [s for s in COMPONENTS if s.kind in USES], ids=name)
def test_a_default_as_shown_can_be_written_and_changes_no_key(signature: Signature) -> None:
    bare, full = (
        plan(USES[signature.kind].replace("@", written(signature, with_defaults=defaults)))
        for defaults in (False, True)
    )
    assert [node.key for node in bare.nodes] == [node.key for node in full.nodes]


@pytest.mark.parametrize(
    "signature", [s for s in COMPONENTS if s.kind == "measurement"], ids=lambda s: s.name
)
def test_a_measurement_says_its_unit(signature: Signature) -> None:
    assert signature.unit
    assert f"unit: {signature.unit}" in describe(signature)


@pytest.mark.parametrize(
    "signature", [s for s in COMPONENTS if s.stage], ids=lambda signature: signature.name
)
def test_a_reparameterization_says_which_stage_it_is_short_for(signature: Signature) -> None:
    assert f"short for {signature.stage}(through: {signature.name}(…), …)" in describe(signature)
