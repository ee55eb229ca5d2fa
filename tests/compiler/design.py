"""Plans of the studies of the design, whose components are partly stand-ins."""

import sys
from functools import cache
from pathlib import Path

from lab.compiler.build import compile_study
from lab.compiler.plan import Plan
from lab.spec.check import check
from lab.spec.source import Source

SPEC = Path(__file__).parents[1] / "spec"
sys.path.insert(0, str(SPEC))

from stand_ins import catalog  # noqa: E402 - lives with the tests of the checker

DESIGN = sorted((SPEC / "studies").glob("*.lab"))
SHARED = "let unused_here = 3\n"


@cache
def planned_design(name: str, profile: str | None, *, text: str | None = None) -> Plan:
    """The plan of a study by its name; any error fails the test."""
    written = text or (SPEC / "studies" / f"{name}.lab").read_text("utf-8")
    source = Source(f"{name}.lab", written)
    found = check(source, catalog(), profile=profile, load=lambda file: Source(file, SHARED))
    assert not found.failed, found.diagnostics
    assert found.study is not None
    plan = compile_study(found.study, found.catalog, lambda file: f"content of {file}")
    assert isinstance(plan, Plan), plan
    return plan
