"""The code behind results, as the store keeps it.

A record has, beside the parts of its key, the family and lineage of `lab.compiler.lineage`. For
each version that something was made with, `code/VERSION.json` holds a short digest of every
definition that the component reached: enough to say later which of them have changed.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from lab.compiler.lineage import Descents, Lineage, Lineages, lineage_in
from lab.compiler.plan import Node, Plan
from lab.compiler.standing import Change, Standing, stand_in
from lab.compiler.stored import Described
from lab.compiler.strands import keys_of
from lab.runtime.accepted import accepted_in
from lab.runtime.files import write_atomically
from lab.runtime.index import index
from lab.runtime.layout import RECORD, keys_in
from lab.spec.catalog import builtin_catalog, catalog_of, code_parts
from lab.spec.signature import Catalog
from lab.spec.values import Value

#: The folder beside the stages.
CODE = "code"


class Kept:
    """What records say of the descent of their stages; keeps the code that it speaks of."""

    def __init__(self, root: Path, components: Sequence[str], nodes: Mapping[str, Node]) -> None:
        self._root = root
        self._files = [Path(file) for file in components]
        catalog = catalog_with(self._files)
        self._descents = Descents(catalog, nodes, index(root), lineages_in(root))
        self._written: set[str] = set()

    def facts(self, node: Node) -> dict[str, Value]:
        """Of a node whose inputs are among the nodes, or are stored."""
        descent = self._descents.of(node)
        self._keep(descent.code)
        return descent.facts

    def _keep(self, codes: Lineage) -> None:
        for version in {code.version for code in codes} - self._written:
            self._written.add(version)
            path = self._root / CODE / f"{version}.json"
            if version in self._parts and not path.exists():
                path.parent.mkdir(exist_ok=True)
                write_atomically(path, json.dumps(self._parts[version], indent=0).encode())

    @cached_property
    def _parts(self) -> Mapping[str, Mapping[str, str]]:
        return code_parts(self._files)


def catalog_with(files: Sequence[Path]) -> Catalog:
    """The components that ship, and those of some files."""
    own = builtin_catalog()
    return catalog_of(files, builtin=own) if files else own


def standing(
    plan: Plan,
    root: Path,
    *,
    catalog: Catalog,
    tells_stale: bool = False,
    have: frozenset[str] | None = None,
) -> Standing:
    """A plan with the keys of what stands for its nodes in a store.

    Args:
        plan: with the keys that the code of `catalog` gives. `root`: the store's folder.
        tells_stale: say of what there are results of other code, too.
        have: keys of what is stored, where they are known already.
    """
    keys = keys_in(root) if have is None else have
    if not keys or all(keys.issuperset(some) for some in keys_of(plan)):
        return Standing(plan)
    accepted = accepted_in(root)
    if not accepted and not tells_stale:
        return Standing(plan)
    stored, lineages = index(root, keys), lineages_in(root)
    return stand_in(plan, stored, accepted, catalog=catalog, lineages=lineages)


def lineages_in(root: Path) -> Lineages:
    """The lineages of what a store holds; of those that are alike one record is read."""
    known: dict[str, Lineage | None] = {}

    def lineage(stored: Described) -> Lineage | None:
        name = stored.word("lineage")
        if not name:
            return None
        if name not in known:
            known[name] = lineage_in(record_in(root, stored.key))
        return known[name]

    return lineage


def record_in(root: Path, key: str) -> Mapping[str, Any]:
    """What the store says of a key, nothing where that cannot be read."""
    return object_in(root / key / RECORD) or {}


class Codes:
    """The code behind versions: what a store kept, and what there is now."""

    def __init__(self, root: Path, components: Sequence[str] = ()) -> None:
        self._root = root
        self._files = [Path(file) for file in components]

    def text(self, change: Change) -> str:
        """A change of code in words: "the code of `stage train` changed: `_step` in …"."""
        if change.new is None:
            return f"`{change.component}` is gone"
        where = _definitions_text(self.changed(change.old, change.new))
        return f"the code of `{change.component}` changed{where and ': '}{where}"

    def changed(self, old: str, new: str) -> list[str]:
        """The definitions that differ between two versions, as far as both are known.

        Those that only one of the two reaches count where there are no others.
        """
        before, after = self._parts(old), self._parts(new)
        if before is None or after is None:
            return []
        both = sorted(name for name in before.keys() & after if before[name] != after[name])
        return both or sorted(before.keys() ^ after.keys())

    def _parts(self, version: str) -> Mapping[str, str] | None:
        return self._now.get(version) or object_in(self._root / CODE / f"{version}.json")

    @cached_property
    def _now(self) -> Mapping[str, Mapping[str, str]]:
        return code_parts(self._files)


def object_in(path: Path) -> Any:
    """The JSON in a file, None where there is none that can be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def definition_text(name: str) -> str:
    """A definition as a person looks for it: `_step` in runtime/training.py.

    Example:
        >>> definition_text("lab.runtime.training._step")
        '`_step` in runtime/training.py'
        >>> definition_text("mine.Mine")
        '`Mine` in mine.py'
    """
    module, _, own = name.rpartition(".")
    return f"`{own}` in {module.removeprefix('lab.').replace('.', '/')}.py"


def _definitions_text(names: Iterable[str], *, shown: int = 3) -> str:
    """Some definitions in words, empty where there are none."""
    listed = list(names)
    more = f" and {len(listed) - shown} more" if len(listed) > shown else ""
    return ", ".join(map(definition_text, listed[:shown])) + more


def stale_texts(found: Standing, root: Path) -> dict[str, str]:
    """Of what there are results of other code: what changed, in words, by key."""
    codes = Codes(root, found.plan.components)
    said: dict[tuple[Change, ...], str] = {}
    for changes in found.stale.values():
        if changes not in said:
            said[changes] = ", ".join(codes.text(one) for one in changes)
    return {key: said[changes] for key, changes in found.stale.items()}


def older_texts(found: Standing) -> dict[str, str]:
    """What was accepted of each node that a result of older code stands for, and why."""
    return {
        key: "; ".join(f"`{one.component}` {one.old[:8]}: {one.because}" for one in accepted)
        for key, accepted in found.by.items()
    }


def accepted_texts(found: Standing) -> list[str]:
    """What results of older code a plan makes use of, and why, a sentence each."""
    return [
        f"`{one.accepted.component}`: {one.nodes} results of its older code "
        f"{one.accepted.old[:8]} stand for {one.accepted.new[:8]}; accepted "
        f"{one.accepted.at[:10]}, because {one.accepted.because}"
        for one in found.adopted
    ]
