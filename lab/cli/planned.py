"""A study's plan beside a store: what is there, what is new and why, and what it costs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from lab.cli.growth import as_known, with_foreseen
from lab.cli.lines import STATES, Line, State, Work, lines_of_nodes, lines_of_strands
from lab.cli.load import Loaded, load, results_folder
from lab.cli.options import Options
from lab.cli.standing import as_it_stands
from lab.compiler.plan import Node, Plan
from lab.compiler.searches import ready, waiting
from lab.compiler.standing import Standing
from lab.compiler.stored import Stored
from lab.compiler.strands import EVERYTHING, Everything, woven
from lab.runtime.errors import LabError
from lab.runtime.index import index, unfinished_in
from lab.runtime.layout import failures_in, keys_in
from lab.runtime.missing import missing, missing_of
from lab.spec.records import record

if TYPE_CHECKING:
    from lab.cli.costs import Prices
    from lab.compiler.reasons import Reason
    from lab.spec.signature import Catalog

__all__ = ["STATES", "Planned", "State", "beside_store", "planned"]


@record(slots=False)
class Planned:
    """A plan, and a store's folder. Always holds: `todo` are nodes of `plan`, inputs first."""

    loaded: Loaded
    standing: Standing
    results: Path
    options: Options
    #: Keys of everything that is stored.
    have: frozenset[str]

    @property
    def plan(self) -> Plan:
        """The plan, with the keys of older results that stand."""
        return self.standing.plan

    @property
    def store(self) -> Path:
        """The store's folder, which need not exist."""
        return self.results / "store"

    @property
    def folder(self) -> Path:
        """The folder that the names of files in the study are relative to."""
        return self.loaded.file.parent

    @cached_property
    def stored(self) -> Stored:
        """Everything that is stored, described."""
        return index(self.store, self.have)

    @cached_property
    def ready(self) -> Plan:
        """What of the plan waits for no search."""
        return ready(self.plan)

    @cached_property
    def todo(self) -> tuple[Node, ...]:
        """What is to be run."""
        return missing(self.ready, self.have)

    @cached_property
    def new(self) -> frozenset[str]:
        """Keys of what is to be run."""
        return frozenset(node.key for node in self.todo)

    @cached_property
    def have_failed(self) -> frozenset[str]:
        """Keys of everything that failed when it was last tried."""
        return failures_in(self.store)

    @cached_property
    def unfinished(self) -> frozenset[str]:
        """Keys of everything that can be gone on with."""
        return unfinished_in(self.store)

    @cached_property
    def failed(self) -> frozenset[str]:
        """Keys of what is to be run and failed when it was last tried."""
        return self.have_failed and self.have_failed & self.new

    @cached_property
    def states(self) -> Mapping[str, State]:
        """The state of each node of the plan."""
        unfinished, late = self.unfinished and self.unfinished & self.new, waiting(self.plan)
        found: dict[str, State] = {}
        for node in self.plan.nodes:
            if node.key in self.have:
                found[node.key] = "have"
            elif node.key in self.failed:
                found[node.key] = "failed"
            elif node.key in unfinished:
                found[node.key] = "resume"
            elif node.key in late:
                found[node.key] = "waits"
            else:
                found[node.key] = "new" if node.key in self.new else "not needed"
        return found

    @cached_property
    def work(self) -> Work | None:
        """What is to be run of each strand; None where that is known of each node alone."""
        known = woven(self.plan)
        if known is None or self.plan.searches:
            return None
        if self.have_failed or self.unfinished:
            return None
        return missing_of(known, self.have)

    @cached_property
    def has_new(self) -> bool:
        """Whether something is to be run."""
        if self.work is None:
            return bool(self.new)
        return any(needed for needed, _ in self.work.values())

    @cached_property
    def lines(self) -> Mapping[str, Line]:
        """The stages by what they are, in the order of the plan."""
        if self.work is None:
            return lines_of_nodes(self.plan, self.states)
        return lines_of_strands(self.work)

    @cached_property
    def totals(self) -> Counter[State]:
        """How many nodes are in each state."""
        found: Counter[State] = Counter()
        for line in self.lines.values():
            found.update(line.states)
        return found

    @cached_property
    def reasons(self) -> Sequence["Reason"]:
        """Why what is to be run is: nothing to say of a store that has nothing."""
        if not self.have or not self.has_new:
            return ()
        from lab.cli.because import reasons_of
        from lab.compiler.reasons import Evidence

        evidence = Evidence(self.failed, self.standing.stale)
        return reasons_of(self.loaded, self.plan, self.new, self.stored, evidence=evidence)

    @property
    def catalog(self) -> "Catalog":
        """The catalog that the plan was made with."""
        if self.loaded.checked is None:
            raise TypeError("a plan is made of a study that was checked")
        return self.loaded.checked.catalog

    @cached_property
    def prices(self) -> "Prices":
        """What is to be run, priced."""
        from lab.cli.costs import priced

        foreseen = with_foreseen(self.loaded, self.ready, self.store)
        return priced(
            foreseen,
            self.store,
            catalog=self.catalog,
            study_folder=self.folder,
            jobs=self.options.jobs,
            stored=self.stored,
            todo=self._to_price(foreseen),
        )

    def _to_price(self, foreseen: Plan) -> frozenset[str] | Everything:
        """Keys of what is to be run, with what is foreseen."""
        if self.options.limit:
            return frozenset(node.key for node in self.todo[: self.options.limit])
        if self.plan.searches:
            more = {node.key for node in foreseen.nodes} - {node.key for node in self.ready.nodes}
            return self.new | (more - self.have)
        is_all = self.work is not None and self.totals["new"] == self.totals.total()
        return EVERYTHING if is_all else self.new


def planned(file: Path, options: Options) -> tuple[Loaded, Planned | None]:
    """A study, or a saved plan, as the options say; no plan where the study is wrong."""
    if file.suffix == ".json":
        from lab.cli.saved import read

        saved = read(file, options)
        return saved.loaded, saved
    loaded = load(file, profile=options.profile, sets=options.sets, only=options.only)
    return loaded, beside_store(loaded, results_folder(file, options.results), options)


def beside_store(loaded: Loaded, results: Path, options: Options) -> Planned | None:
    """A loaded study beside a folder of results, as far as its searches are decided there."""
    store = results / "store"
    if results.is_file() or store.is_file():
        raise LabError(f"cannot write to the store {store}: Not a directory, but a file")
    plan = as_known(loaded, store)
    if plan is None:
        return None
    have = keys_in(store)
    return Planned(loaded, as_it_stands(loaded, plan, store, have=have), results, options, have)
