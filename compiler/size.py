"""How large a study is before it is expanded: a slip of a zero is refused at once."""

from lab.compiler.demand import Demands
from lab.compiler.points import Scope, axes_of
from lab.compiler.problem import Problem
from lab.compiler.sites import Sites, count, widest
from lab.spec import core
from lab.spec.signature import Catalog
from lab.spec.source import Span

#: Runs of one grid that are worth expanding.
LARGEST = 5_000_000


def runs_in(study: core.Study, catalog: Catalog) -> dict[str, int]:
    """The number of runs of each grid before filters, however many they are."""
    scope = Scope(study, catalog, lambda _: None)
    return {
        grid.name: points_in(scope, grid) * len((grid.repeat or study.repeat).seeds)
        for grid in study.grids
    }


def points_in(scope: Scope, grid: core.Grid) -> int:
    """The number of a grid's points before its filters: exact."""
    return count(_sites(scope, grid))


def refuse_too_large(scope: Scope) -> None:
    """Refuse a study with more runs than anybody means, naming where they come from."""
    study = scope.study
    for grid in study.grids:
        sites = _sites(scope, grid)
        replicates = len((grid.repeat or study.repeat).seeds)
        repeat = grid.repeat or study.repeat
        _refuse(f"grid `{grid.name}`", sites, count(sites), (replicates, repeat.span))
    for name, one in study.definitions.items():
        if one.kind == "method":
            sites = Demands(scope, {}).method(name)
            _refuse(f"the method `{name}`", sites, count(sites), (1, one.span))
    for search in study.searches:
        replicates = len((search.repeat or study.repeat).seeds)
        if search.trials * replicates > LARGEST:
            message = f"search `{search.name}` has {search.trials * replicates:.3g} runs"
            raise Problem("E0511", message, search.span, "make its `trials` fewer")


def _refuse(what: str, sites: Sites, points: int, repeat: tuple[int, Span]) -> None:
    replicates, span = repeat
    if points * replicates <= LARGEST:
        return
    longest = widest(sites)
    message = f"{what} has {points * replicates:.3g} runs"
    if longest is None or longest.width < replicates:
        message += f": `repeat` alone has {replicates:,} replicates"
        raise Problem("E0511", message, span, "make it fewer")
    message += f": `{longest.what}` alone has {longest.width:,} values"
    help_line = "make the axis shorter, or its step larger"
    raise Problem("E0511", message, longest.span, help_line)


def _sites(scope: Scope, grid: core.Grid) -> Sites:
    names = {slot: path.text for axis in grid.axes for path in axis.paths for slot in path.slots}
    return Demands(scope, axes_of(grid), names).point()
