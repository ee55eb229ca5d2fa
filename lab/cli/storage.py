"""`lab store`: what is kept, whether it is whole, what may go, and moving it between machines."""

import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from lab.cli import exits
from lab.cli.growth import as_known
from lab.cli.load import load, results_folder, show_diagnostics
from lab.cli.options import Options
from lab.cli.plan_tables import table
from lab.cli.standing import as_it_stands
from lab.cli.units import bytes_text
from lab.runtime import archive, housekeeping
from lab.runtime.errors import LabError
from lab.runtime.journal import journal_of
from lab.runtime.leases import leases_in
from lab.runtime.store import Store
from lab.spec.suggest import nearest

SUFFIX = ".lab"


def store(options: Options) -> int:
    """Do one of the actions on a store."""
    action, *rest = options.names
    found = ACTIONS.get(action)
    if found is None:
        close = nearest(action, ACTIONS)
        hint = f": did you mean `{close}`?" if close else ""
        raise LabError(f"`lab store {action}` is none of {', '.join(ACTIONS)}{hint}")
    return found(options, [Path(one) for one in rest])


def _opened(options: Options, studies: Sequence[Path] = ()) -> Store:
    """The store that is there; none is made."""
    if options.results is None and studies:
        root = results_folder(studies[0], None) / "store"
    else:
        root = (options.results or Path("results")) / "store"
    if not root.is_dir():
        raise LabError(f"there is no store {root}: name the folder of results with --results")
    return Store(root)


def _ls(options: Options, paths: Sequence[Path]) -> int:
    _nothing_else(paths, "ls")
    from lab.runtime.index import index

    kept = _opened(options)
    described = index(kept.root)
    sizes = {key: housekeeping.size_of(kept.folder(key)) for key in sorted(kept.keys())}
    if options.json:
        rows = [
            {
                "key": key,
                "component": described[key].component if key in described else None,
                "label": described[key].label if key in described else None,
                "bytes": size,
            }
            for key, size in sizes.items()
        ]
        print(json.dumps({"schema": 1, "store": str(kept.root), "stages": rows}, indent=1))
        return exits.DONE
    groups: Counter[str] = Counter()
    amounts: Counter[str] = Counter()
    for key, size in sizes.items():
        name = described[key].component if key in described else "cannot be read"
        groups[name] += 1
        amounts[name] += size
    rows = [("component", "stages", "size")]
    rows += [(name, str(count), bytes_text(amounts[name])) for name, count in groups.most_common()]
    print(*table(rows), sep="\n")
    print(f"{len(sizes)} stages and measurements, {bytes_text(sum(sizes.values()))} in {kept.root}")
    return exits.DONE


def _verify(options: Options, paths: Sequence[Path]) -> int:
    _nothing_else(paths, "verify")
    kept = _opened(options)
    total = len(kept.keys())
    seen = 0

    def looked(_: str) -> None:
        nonlocal seen
        seen += 1
        if sys.stderr.isatty():
            print(f"\r{seen} of {total}", end="", file=sys.stderr, flush=True)

    damaged = housekeeping.damaged(kept, looked)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    if options.json:
        print(json.dumps({"schema": 1, "stages": total, "damaged": damaged}, indent=1))
    else:
        print(*damaged.values(), f"{total} stages, {len(damaged)} damaged", sep="\n")
    return exits.RUNS_FAILED if damaged else exits.DONE


def _gc(options: Options, studies: Sequence[Path]) -> int:
    kept = _opened(options, studies)
    busy = leases_in(kept.root)
    if busy:
        raise LabError(f"{next(iter(busy.values()))} is at work on {kept.root}: wait until it ends")
    needed = _needed(studies, options, kept.root) if studies else None
    found = housekeeping.garbage(kept, needed)
    freed = sum(one.size for one in found)
    if options.json:
        rows = [{"path": str(one.path), "why": one.why, "bytes": one.size} for one in found]
        print(json.dumps({"schema": 1, "removed": options.yes, "garbage": rows}, indent=1))
    else:
        reasons = Counter(one.why for one in found)
        rows = [("what", "why")] + [(str(count), why) for why, count in reasons.items()]
        if found:
            print(*table(rows), sep="\n")
    if not found:
        print("nothing may go", file=sys.stderr)
        return exits.DONE
    if options.yes:
        housekeeping.remove(kept, found)
    said = "removed" if options.yes else "would be removed; nothing is yet: add --yes"
    print(f"{len(found)} things, {bytes_text(freed)}: {said}", file=sys.stderr)
    return exits.DONE


def _needed(studies: Sequence[Path], options: Options, root: Path) -> frozenset[str]:
    """Keys that studies need, in the default profile and in each of their own.

    Results of older code that stand in the place of theirs are needed too, and so are the trials of
    their searches.
    """
    needed: set[str] = set()
    for file in studies:
        first = load(file, profile=options.profile, sets=options.sets)
        study = None if first.checked is None else first.checked.study
        profiles = () if study is None else study.profiles
        for loaded in (first, *(load(file, profile=name) for name in profiles)):
            if loaded.plan is None:
                show_diagnostics(loaded)
                raise LabError(f"{file} has mistakes, so what it needs cannot be known")
            plan = as_known(loaded, root, at_most=True) or loaded.plan
            stands = as_it_stands(loaded, plan, root, tells_stale=False).plan
            needed.update(node.key for one in (plan, stands) for node in one.nodes)
            journals = [journal_of(one, root) for one in plan.searches]
            trials = {key for one in journals for entry in one.entries for key in entry.keys}
            needed |= housekeeping.with_kin(root, frozenset(trials)) if trials else trials
    return frozenset(needed)


def _export(options: Options, studies: Sequence[Path]) -> int:
    kept = _opened(options, studies)
    if options.output is None:
        raise LabError("name the archive to write: `lab store export -o results.tar`")
    keys = kept.keys()
    chosen = sorted(keys & _needed(studies, options, kept.root) if studies else keys)
    archive.pack(kept, chosen, options.output)
    size = bytes_text(options.output.stat().st_size)
    print(f"{len(chosen)} stages and measurements, {size} in {options.output}")
    return exits.DONE


def _import(options: Options, paths: Sequence[Path]) -> int:
    if not paths:
        raise LabError("name the archive to read: `lab store import results.tar`")
    kept = Store((options.results or Path("results")) / "store")
    for path in paths:
        new, known = archive.unpack(kept, path)
        print(f"{path}: {len(new)} stages and measurements are new, {len(known)} were here")
    return exits.DONE


def _nothing_else(paths: Sequence[Path], action: str) -> None:
    if paths:
        raise LabError(f"`lab store {action}` takes no file: name the results with --results")


ACTIONS: dict[str, Callable[[Options, Sequence[Path]], int]] = {
    "ls": _ls,
    "verify": _verify,
    "gc": _gc,
    "export": _export,
    "import": _import,
}
