"""How many workers compile a program: one, unless there is nothing else for the others to do."""

import pytest
from planning import catalog, planned

from lab.compiler.compilers import compilers
from lab.compiler.programs import programs


def counted(widths: str, *, workers: int, missing: str = "") -> dict[str, list[int]]:
    """Workers that compile the programs of each component; `missing` is the only one to be run."""
    plan = planned(
        f"""
method field = train(for: 1 epochs) then inwf(width: 8, by: adam(lr: 1e-3))
grid g {{ method: field; field.width: {widths}; repeat 6 as seed }}
report {{ table(ratio, by: method) }}
"""
    )
    made = [
        (one, len(one.lanes) if missing in ("", one.component) else 0)
        for one in programs(plan, catalog())
        if one.role == "stage" and not one.label.startswith("dense")
    ]
    found: dict[str, list[int]] = {}
    for (one, _), count in zip(made, compilers(made, workers), strict=True):
        found.setdefault(one.component, []).append(count)
    return found


@pytest.mark.parametrize(("workers", "count"), [(1, 1), (2, 2), (6, 6), (8, 6)])
def test_all_workers_that_begin_with_one_program_compile_it(workers: int, count: int) -> None:
    assert counted("8", workers=workers) == {"train": [count], "fit": [count]}


def test_programs_beside_each_other_are_compiled_by_a_worker_each() -> None:
    assert counted("8 | 16", workers=2) == {"train": [2], "fit": [1, 1]}
    assert counted("8 | 16", workers=4) == {"train": [4], "fit": [2, 2]}
    assert counted("8 | 16 | 24", workers=2)["fit"] == [1, 1, 1]


def test_what_is_there_already_comes_before_nothing() -> None:
    assert counted("8 | 16", workers=2, missing="fit") == {"train": [1], "fit": [1, 1]}
