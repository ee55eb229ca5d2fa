"""What a store and some studies know of keys, for commands that explain them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.cli.because import where
from lab.cli.load import Loaded
from lab.compiler.lineage import Code, Descents, codes_in
from lab.compiler.plan import Node
from lab.compiler.points import Scope
from lab.compiler.provenance import Provenance
from lab.compiler.stored import Described, Stored, described
from lab.compiler.texts import Texts
from lab.compiler.tracing import Steps
from lab.runtime.descent import Codes, object_in, record_in
from lab.runtime.index import index
from lab.runtime.layout import FAILURES, failures_in
from lab.spec.catalog import builtin_catalog
from lab.spec.signature import Catalog
from lab.spec.values import Value

#: What a record says of a key besides its component and arguments.
DETAILS = ("role", "inputs", "seed", "vary")


class Known:
    """What a store and some studies know of keys."""

    def __init__(self, studies: Sequence[Loaded], root: Path) -> None:
        self.root = root
        self.stored: Stored = index(root) if root.is_dir() else {}
        self.nodes: dict[str, Node] = {}
        self.homes: dict[str, Loaded] = {}
        self.catalog = builtin_catalog()
        for one in studies:
            for node in one.plan.nodes if one.plan is not None else ():
                self.nodes.setdefault(node.key, node)
                self.homes.setdefault(node.key, one)
            if one.checked is not None:
                both = {**self.catalog.signatures, **one.checked.catalog.signatures}
                self.catalog = Catalog(both)
        plans = [one.plan for one in studies if one.plan is not None]
        self.codes = Codes(root, [file for plan in plans for file in plan.components])
        self._explains: dict[int, Provenance] = {}

    @property
    def keys(self) -> frozenset[str]:
        """All keys there are."""
        return frozenset(self.stored) | self.nodes.keys() | failures_in(self.root)

    def find(self, key: str) -> Described | None:
        """A result, stored or planned."""
        if key in self.stored:
            return self.stored[key]
        return described(self.nodes[key]) if key in self.nodes else self._failed(key)

    def _failed(self, key: str) -> Described | None:
        """What failed, as it was recorded."""
        known = self.failure(key)
        if not {"component", "label", "version", *DETAILS, "arguments"} <= known.keys():
            return None
        details = {name: known[name] for name in (*DETAILS, "arguments")}
        return Described(key, known["component"], known["label"], known["version"], details)

    def failure(self, key: str) -> Mapping[str, Any]:
        """What went wrong when it was last tried; nothing where nothing did."""
        return object_in(self.root / FAILURES / f"{key}.json") or {}

    def record(self, key: str) -> Mapping[str, Any]:
        """What the store says of a key, nothing where that cannot be read."""
        return record_in(self.root, key)

    def code(self, key: str) -> list[Code]:
        """The components that a result is made of, with their versions."""
        known = self.record(key) or self.failure(key)
        made_with: dict[str, Value] = known.get("made_with") or {}
        if made_with:
            return sorted(codes_in(made_with.get("code")))
        if key in self.nodes:
            descents = Descents(self.catalog, self.nodes, {}, lambda _: None)
            return sorted(descents.of(self.nodes[key]).code)
        one = self.find(key)
        return [] if one is None else [Code(f"{one.role} {one.component}", one.version)]

    def now(self, component: str) -> str | None:
        """The version that a component has now."""
        kind, _, name = component.partition(" ")
        found = self.catalog.get(kind, name)
        return None if found is None else found.version

    def place(self, key: str, steps: Steps) -> str:
        """Where a study says what an argument is; empty where no study does."""
        node, home = self.nodes.get(key), self.homes.get(key)
        if node is None or home is None:
            return ""
        origin = self._provenance(home).origin(node, steps)
        return where(origin.places[0], home) if origin.places else ""

    def _provenance(self, home: Loaded) -> Provenance:
        planner, checked, plan = home.planner, home.checked, home.plan
        if planner is None or checked is None or plan is None:
            raise TypeError("a study with nodes was checked and planned")
        if id(home) not in self._explains:
            scope = Scope(planner.study, planner.catalog, planner.contents)
            texts = Texts(planner.study, home.source, checked.origins)
            self._explains[id(home)] = Provenance(scope, texts, plan)
        return self._explains[id(home)]
