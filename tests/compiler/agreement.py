"""A plan and the interpreter's reading of the same text, compared run by run."""

from interpreter import Interpreter, spelled
from small_catalog import small_catalog

from lab.compiler.plan import Node, Plan


def agrees(text: str, profile: str | None, plan: Plan) -> None:
    """Fail where a plan has other runs than a naive reading of its study."""
    expected = {
        (_plain(run.arm), run.seed, run.stages)
        for run in Interpreter(text, small_catalog(), profile).runs()
    }
    nodes = {node.key: node for node in plan.nodes}
    found = {
        (_plain(run.arm), run.seed, spelled([_told(nodes[key]) for key in run.stages]))
        for run in plan.runs
    }
    assert found == expected, (profile, text)


def _told(node: Node) -> list[object]:
    return [node.component, node.arguments, node.seed, list(node.vary)]


def _plain(arm: str) -> str:
    """An arm by its name and the names of what a call refines."""
    name, _, inside = arm.removesuffix(")").partition("(")
    return f"{name}({', '.join(sorted(one.partition(':')[0] for one in inside.split(', ')))})"
