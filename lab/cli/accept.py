"""`lab accept`: a person says, with a reason, that results of older code stand."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from lab.cli import exits
from lab.cli.load import load, results_folder, show_diagnostics
from lab.cli.options import Options
from lab.cli.standing import as_it_stands
from lab.compiler.standing import Accepted, Change
from lab.compiler.stored import Described, Stored
from lab.runtime.accepted import accept as note
from lab.runtime.accepted import accepted_in, now, take_back
from lab.runtime.descent import Codes, lineages_in
from lab.runtime.errors import LabError
from lab.runtime.index import index
from lab.runtime.keys import key_of
from lab.spec.catalog import builtin_catalog
from lab.spec.records import record
from lab.spec.signature import Catalog

SUFFIX = ".lab"


@record
class Asked:
    """What a command line names: studies, and components or keys of what they, or a store, have."""

    root: Path
    catalog: Catalog
    stored: Stored
    names: tuple[str, ...]
    wanted: tuple[Change, ...]
    components: tuple[str, ...]


def accept(options: Options) -> int:
    """Note that results stand, or take that back; say what is in force where nothing is named."""
    asked = _asked(options)
    if not (options.names or options.undo or options.because):
        return _show_all(asked, options)
    if not (options.names or options.undo):
        raise LabError("name a component, the key of a result, or a study")
    if options.undo:
        done = _undone(asked)
        take_back(asked.root, done)
    else:
        done = _accepted(asked, options.because)
        note(asked.root, done)
    if options.json:
        shown = [_as_json(one) for one in done]
        print(json.dumps({"undone": options.undo, "accepted": shown}, indent=1))
    else:
        print("\n".join(_lines(done, asked, undone=options.undo)))
    return exits.DONE


def _asked(options: Options) -> Asked:
    files = [Path(one) for one in options.names if one.endswith(SUFFIX)]
    names = tuple(one for one in options.names if not one.endswith(SUFFIX))
    root = _root(files, options.results)
    catalog = builtin_catalog()
    wanted: list[Change] = []
    components: list[str] = []
    for file in files:
        loaded = load(file, profile=options.profile, sets=options.sets)
        if loaded.plan is None or loaded.checked is None:
            show_diagnostics(loaded)
            raise LabError(f"{file} has mistakes: a study is planned before its results can stand")
        catalog = Catalog({**catalog.signatures, **loaded.checked.catalog.signatures})
        found = as_it_stands(loaded, loaded.plan, root).stale.values()
        components += loaded.plan.components
        wanted += [change for changes in found for change in changes]
    changes = tuple(dict.fromkeys(wanted))
    return Asked(root, catalog, index(root), names, changes, tuple(components))


def _root(files: Sequence[Path], named: Path | None) -> Path:
    results = named if named is not None else Path("results")
    if files:
        results = results_folder(files[0], named)
    if not (results / "store").is_dir():
        raise LabError(
            f"there are no results in {results}: name their folder with --results, or a study"
        )
    return results / "store"


# Accepting.


def _accepted(asked: Asked, because: str | None) -> list[Accepted]:
    if not (because or "").strip():
        raise LabError('say why with --because "…": reports that use the results repeat it')
    changes: list[tuple[Change, str | None]] = []
    if not asked.names:
        changes = [(change, None) for change in asked.wanted]
    for name in asked.names:
        changes += _changes_of(name, asked)
    at, reason = now(), " ".join((because or "").split())
    return [
        Accepted(one.component, one.old, one.new, reason, at, key)
        for one, key in dict.fromkeys(changes)
        if one.new is not None
    ]


def _changes_of(name: str, asked: Asked) -> Iterator[tuple[Change, str | None]]:
    """The changes that a name asks to accept: of a component everywhere, or of one result."""
    components = _components(name, asked.catalog)
    if components:
        for one in _older(asked):
            if one.component in components:
                yield one, None
        return
    stored = asked.stored[key_of(name, asked.stored)]
    found = _changes(stored, asked)
    gone = [one.component for one in found if one.new is None]
    if gone:
        raise LabError(f"{stored.key[:12]} was made with `{gone[0]}`, which is no component now")
    yield from ((one, stored.key) for one in found)


def _components(name: str, catalog: Catalog) -> frozenset[str]:
    """The components of a name: `inwf`, or `reparameterization inwf`."""
    known = [f"{kind} {own}" for kind, own in catalog.signatures]
    return frozenset(one for one in known if name in (one, one.partition(" ")[2]))


def _older(asked: Asked) -> Iterable[Change]:
    """Everything in the store that was made with other code than there is, once."""
    by_lineage = {one.word("lineage"): one for one in asked.stored.values()}
    found = (change for one in by_lineage.values() for change in _changes(one, asked))
    return dict.fromkeys(found)


def _changes(stored: Described, asked: Asked) -> list[Change]:
    lineage = lineages_in(asked.root)(stored)
    if lineage is None:
        raise LabError(
            f"{stored.key[:12]} was recorded before records said with what code they were made: "
            "it cannot be accepted, only run again"
        )
    found: list[Change] = []
    for code in sorted(lineage):
        kind, _, name = code.component.partition(" ")
        signature = asked.catalog.get(kind, name)
        version = None if signature is None else signature.version
        if version != code.version:
            found.append(Change(code.component, code.version, version))
    return found


# Taking back.


def _undone(asked: Asked) -> list[Accepted]:
    """The acceptances in force that the names, or the studies, mean; all where nothing is named."""
    inforce = accepted_in(asked.root)
    if not asked.names:
        return inforce
    found: list[Accepted] = []
    for name in asked.names:
        components = _components(name, asked.catalog)
        mine = [one for one in inforce if one.component in components or _is_meant(name, one)]
        if not mine:
            known = ", ".join(f"`{one.component}`" for one in inforce) or "nothing"
            raise LabError(f"`{name}` is not accepted: in force is {known}")
        found += mine
    return list(dict.fromkeys(found))


def _is_meant(name: str, one: Accepted) -> bool:
    """Whether a name is that of a component that need not be known any more, or begins a key."""
    is_component = name in (one.component, one.component.partition(" ")[2])
    return is_component or (one.key is not None and one.key.startswith(name))


# Showing.


def _show_all(asked: Asked, options: Options) -> int:
    inforce = accepted_in(asked.root)
    if options.json:
        print(json.dumps({"undone": False, "accepted": list(map(_as_json, inforce))}, indent=1))
        return exits.DONE
    for one in inforce:
        which = "all results" if one.key is None else one.key[:12]
        change = f"`{one.component}` {one.old[:8]} → {one.new[:8]}"
        print(f"{one.at[:10]}  {which}  {change}: {one.because}")
    if not inforce:
        print("nothing is accepted")
    return exits.DONE


def _lines(done: Sequence[Accepted], asked: Asked, *, undone: bool) -> Iterator[str]:
    if not done:
        yield "nothing to take back" if undone else "nothing is of older code: nothing to accept"
        return
    codes = Codes(asked.root, asked.components)
    for one in done:
        change = Change(one.component, one.old, one.new)
        which = "all results" if one.key is None else one.key[:12]
        verb = "taken back" if undone else "accepted"
        yield f"{verb}: {which}, {codes.text(change)}; {one.old[:8]} → {one.new[:8]}"
    if not undone:
        yield f"because {done[0].because}"
        yield "every report that uses them says so; `lab accept --undo` takes it back"


def _as_json(one: Accepted) -> dict[str, str | None]:
    return {
        "component": one.component,
        "old": one.old,
        "new": one.new,
        "because": one.because,
        "at": one.at,
        "key": one.key,
    }
