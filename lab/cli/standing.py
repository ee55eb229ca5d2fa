"""A study's plan with the results of older code that stand for its nodes."""

from pathlib import Path

from lab.cli.load import Loaded
from lab.compiler.plan import Plan
from lab.compiler.standing import Standing


def as_it_stands(
    loaded: Loaded,
    plan: Plan,
    root: Path,
    *,
    tells_stale: bool = True,
    have: frozenset[str] | None = None,
) -> Standing:
    """A plan of a loaded study with the keys of what stands for its nodes in a store.

    Args:
        plan: made from the study. `root`: the store's folder.
        tells_stale: say of what there are results of other code, too.
        have: keys of what is stored, where they are known already.
    """
    from lab.runtime.descent import standing

    if loaded.checked is None:
        return Standing(plan)
    catalog = loaded.checked.catalog
    return standing(plan, root, catalog=catalog, tells_stale=tells_stale, have=have)
