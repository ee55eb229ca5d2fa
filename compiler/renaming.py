"""A plan whose nodes have other keys."""

from collections.abc import Mapping
from typing import cast

from lab.compiler.plan import Case, Comparison, Junction, Node, Plan, Run, Tree
from lab.spec.records import replaced
from lab.spec.values import Value


def renamed(plan: Plan, names: Mapping[str, str]) -> Plan:
    """A plan in which some keys are replaced, wherever they stand; nodes with one key are one."""
    nodes = {node.key: node for node in (_node(node, names) for node in plan.nodes)}
    claims = tuple(
        replaced(claim, cases=tuple(_case(case, names) for case in claim.cases))
        for claim in plan.claims
    )
    runs = tuple(_run(run, names) for run in plan.runs)
    return replaced(plan, nodes=tuple(nodes.values()), runs=runs, claims=claims)


def _node(node: Node, names: Mapping[str, str]) -> Node:
    inputs = {role: names.get(key, key) for role, key in node.inputs.items()}
    if node.key not in names and inputs == node.inputs:
        return node
    return replaced(node, key=names.get(node.key, node.key), inputs=inputs)


def _run(run: Run, names: Mapping[str, str]) -> Run:
    stages = tuple(names.get(key, key) for key in run.stages)
    metrics = {label: tree_with(tree, names) for label, tree in run.metrics.items()}
    return replaced(run, stages=stages, metrics=metrics)


def tree_with(tree: Tree, names: Mapping[str, str]) -> Tree:
    """An expression over measurements, some of which have other keys.

    Example:
        >>> tree_with({"op": "-", "of": [{"node": "a"}, {"number": 1}]}, {"a": "b"})
        {'op': '-', 'of': [{'node': 'b'}, {'number': 1}]}
    """
    if "node" in tree:
        key = cast(str, tree["node"])
        return {**tree, "node": names.get(key, key)}
    if "of" in tree:
        sides = cast(list[Tree], tree["of"])
        return {**tree, "of": [cast(Value, tree_with(side, names)) for side in sides]}
    return tree


def _case(case: Case, names: Mapping[str, str]) -> Case:
    return replaced(case, condition=_condition(case.condition, names))


def _condition(condition: Comparison | Junction, names: Mapping[str, str]) -> Comparison | Junction:
    if isinstance(condition, Junction):
        operands = tuple(_condition(one, names) for one in condition.operands)
        return replaced(condition, operands=operands)
    left = tuple(tree_with(tree, names) for tree in condition.left)
    right = tuple(tree_with(tree, names) for tree in condition.right)
    return replaced(condition, left=left, right=right)
