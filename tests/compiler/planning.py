"""Plans of study texts, for tests: checked against the components that ship."""

from functools import cache

from lab.compiler.build import Refusal, compile_study
from lab.compiler.plan import Plan
from lab.spec.catalog import builtin_catalog
from lab.spec.check import check
from lab.spec.signature import Catalog
from lab.spec.source import Source

HEAD = """
study s
data  d = digits()
model m = mlp()
method dense = train(for: 1 epochs)
metric ratio = bytes(dense) / bytes(method)
"""


@cache
def catalog() -> Catalog:
    return builtin_catalog()


def planned(body: str, *, head: str = HEAD, profile: str | None = None) -> Plan:
    """The plan of a study; any finding of an error fails the test."""
    made = compiled(body, head=head, profile=profile)
    assert isinstance(made, Plan), made
    return made


def compiled(body: str, *, head: str = HEAD, profile: str | None = None) -> Plan | Refusal:
    source = Source("test.lab", head + body)
    checked = check(source, catalog(), profile=profile)
    errors = [one for one in checked.diagnostics if one.severity == "error"]
    assert not errors, errors
    assert checked.study is not None
    return compile_study(checked.study, catalog(), lambda name: f"content of {name}")


def settings(plan: Plan, *paths: str) -> set[tuple[str | None, ...]]:
    """What the runs of a plan have at some paths."""
    return {tuple(run.settings.get(path) for path in paths) for run in plan.runs}


def stage_keys(plan: Plan) -> set[str]:
    """Keys of the stages, measurements left out."""
    return {node.key for node in plan.nodes if node.role == "stage"}
