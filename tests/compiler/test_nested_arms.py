"""Arms inside arguments are inputs of the stage, numbered in the order of writing."""

from lab.compiler.build import compile_study
from lab.compiler.plan import Node, Plan
from lab.runtime.roles import with_roles
from lab.spec.catalog import builtin_catalog
from lab.spec.check import check
from lab.spec.render import render_all
from lab.spec.source import Source

CATALOG = builtin_catalog()
HEAD = """study s
data d = digits()
model m = mlp()
method wide = train(for: 2 epochs)
method deep = train(for: 3 epochs)
"""


def plan(text: str) -> Plan:
    checked = check(Source("s.lab", HEAD + text), CATALOG)
    assert not checked.failed, render_all(checked.diagnostics)
    assert checked.study is not None
    made = compile_study(checked.study, CATALOG, lambda _: None)
    assert isinstance(made, Plan), made
    return made


def pupils(made: Plan) -> list[Node]:
    return [node for node in made.nodes if node.label.startswith("pupil")]


def pupil(loss: str, grid: str = "method: pupil") -> list[Node]:
    text = f"method pupil = train(loss: {loss}, for: 1 epochs)\ngrid g {{ {grid} }}\n"
    return [node for node in pupils(plan(text)) if node.role == "stage"]


def epochs(made: Plan, key: str) -> float:
    (node,) = [one for one in made.nodes if one.key == key]
    length = node.arguments["for"]
    assert isinstance(length, dict)
    return float(str(length["duration"]))


def test_a_teacher_is_an_input() -> None:
    text = "method pupil = train(loss: distill(from: wide), for: 1 epochs)\n"
    made = plan(text + "grid g { method: pupil }")
    (node,) = [one for one in pupils(made) if one.role == "stage"]
    assert set(node.inputs) == {"loss.from"}
    assert epochs(made, node.inputs["loss.from"]) == 2


def test_teachers_of_a_sum_are_numbered_as_they_are_written() -> None:
    loss = "task + 0.5 * distill(from: deep) + (0 for 10% then 1) * distill(from: wide)"
    text = f"method pupil = train(loss: {loss}, for: 1 epochs)\ngrid g {{ method: pupil }}"
    made = plan(text)
    (node,) = [one for one in pupils(made) if one.role == "stage"]
    assert set(node.inputs) == {"loss.from", "loss.from.2"}
    assert epochs(made, node.inputs["loss.from"]) == 3
    assert epochs(made, node.inputs["loss.from.2"]) == 2
    signature = CATALOG.signatures["stage", "train"]
    total = with_roles(signature, node.arguments, node.inputs)["loss"]
    assert _roles(total) == ["loss.from", "loss.from.2"]


def _roles(value: object) -> list[str]:
    if isinstance(value, list):
        return [role for one in value for role in _roles(one)]
    if not isinstance(value, dict):
        return []
    if set(value) == {"input"}:
        return [str(value["input"])]
    return [role for one in value.values() for role in _roles(one)]


def test_another_teacher_is_another_stage() -> None:
    (one,), (two,) = pupil("distill(from: wide)"), pupil("distill(from: deep)")
    assert one.key != two.key
    assert one.arguments == two.arguments


def test_the_way_a_teacher_is_written_is_no_part_of_a_key() -> None:
    (one,) = pupil("distill(from: wide)")
    (two,) = pupil("distill(from: wide(for: 2 epochs))")
    assert one.key == two.key


def test_alternatives_of_a_teacher_are_an_axis() -> None:
    found = pupil("distill(from: wide(for: 4 epochs | 5 epochs))")
    assert len({node.key for node in found}) == 2


def test_a_grid_may_set_what_is_inside_a_teacher_or_the_loss() -> None:
    found = pupil("distill(from: wide)", "method: pupil; wide.for: 4 epochs | 5 epochs | 6 epochs")
    assert len({node.key for node in found}) == 3
    found = pupil(
        "task", "method: pupil; pupil.loss: task | distill(from: wide) | distill(from: deep)"
    )
    assert sorted(tuple(node.inputs) for node in found) == [(), ("loss.from",), ("loss.from",)]


def test_a_shared_loss_brings_its_teacher() -> None:
    text = """let mixed = 0.5 * task + 0.5 * distill(from: wide)
method pupil = train(loss: mixed, for: 1 epochs)
grid g { method: pupil }"""
    (node,) = [one for one in pupils(plan(text)) if one.role == "stage"]
    assert set(node.inputs) == {"loss.from"}
