"""A study's plan beside a store: what is there, what is new and why, and what it costs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lab.cli.growth import as_known, with_foreseen
from lab.cli.load import Loaded, load, results_folder
from lab.cli.options import Options
from lab.cli.standing import as_it_stands
from lab.compiler.plan import Node, Plan
from lab.compiler.searches import ready, waiting
from lab.compiler.standing import Standing
from lab.compiler.stored import Stored
from lab.runtime.errors import LabError
from lab.runtime.index import index, unfinished_in
from lab.runtime.missing import missing
from lab.runtime.store import failures_in, keys_in
from lab.spec.records import record

if TYPE_CHECKING:
    from lab.cli.costs import Prices
    from lab.compiler.reasons import Reason
    from lab.spec.signature import Catalog

#: What a node of a plan is: there; to be gone on with; to be run; to be run after it failed; to be
#: known when a search is over; or gone, while all that is measured of it is there.
State = Literal["have", "resume", "new", "failed", "waits", "not needed"]
STATES: tuple[State, ...] = ("have", "resume", "new", "failed", "waits", "not needed")


@record(slots=False)
class Planned:
    """A plan, and a store's folder. Always holds: `todo` are nodes of `plan`, inputs first."""

    loaded: Loaded
    standing: Standing
    results: Path
    options: Options

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
    def have(self) -> frozenset[str]:
        """Keys of everything that is stored."""
        return keys_in(self.store)

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
    def failed(self) -> frozenset[str]:
        """Keys of what is to be run and failed when it was last tried."""
        return failures_in(self.store) & self.new

    @cached_property
    def states(self) -> Mapping[str, State]:
        """The state of each node of the plan."""
        unfinished, late = unfinished_in(self.store) & self.new, waiting(self.plan)
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
    def totals(self) -> Counter[State]:
        """How many nodes are in each state."""
        return Counter(self.states.values())

    @cached_property
    def reasons(self) -> Sequence["Reason"]:
        """Why what is to be run is: nothing to say of a store that has nothing."""
        if not self.new or not self.have:
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
        more = {node.key for node in foreseen.nodes} - {node.key for node in self.ready.nodes}
        todo = frozenset(node.key for node in self.todo[: self.options.limit])
        return priced(
            foreseen,
            self.store,
            catalog=self.catalog,
            study_folder=self.folder,
            jobs=self.options.jobs,
            stored=self.stored,
            todo=todo if self.options.limit else todo | (more - self.have),
        )


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
    return Planned(loaded, as_it_stands(loaded, plan, store), results, options)
