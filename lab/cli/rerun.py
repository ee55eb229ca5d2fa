"""`lab rerun KEY FILE`: make a stage once more, and compare it with what is stored."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.cli import exits
from lab.cli.load import load, results_folder, show_diagnostics
from lab.cli.options import Options
from lab.cli.storage import SUFFIX
from lab.compiler.plan import Plan
from lab.runtime.errors import CorruptFile, LabError
from lab.runtime.keys import key_of
from lab.runtime.layout import keys_in
from lab.runtime.store import Store
from lab.spec.records import replaced

#: What two runs of one stage have in common where they are the same.
_COMPARED = ("values", "files", "notes", "history")


def rerun(options: Options) -> int:
    """Make stages again; the stored result stays, unless it is damaged."""
    files = [Path(one) for one in options.names if one.endswith(SUFFIX)]
    written = [one for one in options.names if not one.endswith(SUFFIX)]
    if len(files) != 1 or not written:
        raise LabError("name the stages and the study that has them: `lab rerun KEY FILE.lab`")
    loaded = load(files[0], profile=options.profile, sets=options.sets)
    if loaded.plan is None:
        show_diagnostics(loaded)
        return exits.STUDY_IS_WRONG
    store = Store(results_folder(files[0], options.results) / "store")
    keys = [_key(one, loaded.plan, store) for one in written]
    folder = files[0].resolve().parent
    codes = [_again(loaded.plan, key, store, folder=folder) for key in keys]
    return max(codes)


def _key(written: str, plan: Plan, store: Store) -> str:
    """The key that is meant of those that a plan has."""
    keys = [node.key for node in plan.nodes]
    text = written.lower().rstrip("….")
    stored = sorted(key for key in keys_in(store.root) if key.startswith(text))
    if stored and not any(key.startswith(text) for key in keys):
        raise LabError(
            f"{stored[0][:12]} is stored, but the study asks for no such stage now: other code, or "
            f"another study, made it (`lab why {stored[0][:12]}`)"
        )
    return key_of(written, keys)


def _again(plan: Plan, key: str, store: Store, *, folder: Path) -> int:
    """Make a stage in a store of its own, in which only what it needs stands."""
    from lab.runtime.execution import execute

    alone = _alone(plan, key)
    before = _whole(store, key)
    place = store.open_scratch("rerun")
    try:
        for one in alone.nodes:
            if one.key != key and store.has(one.key):
                (place / one.key).symlink_to(store.folder(one.key).resolve())
        apart = Store(place)
        outcome = execute(alone, apart, folder=folder, listener=lambda _: None)
        if key not in outcome.made:
            return _failed(key, outcome.failed)
        after = apart.record(key)
        if before is None:
            store.replace_damaged(key, apart.folder(key), after)
    finally:
        store.discard(place)
        store.close()
    if before is None:
        print(f"{key[:12]} is made; there was no whole result to compare it with")
        return exits.DONE
    unlike = _unlike(before, after)
    print(f"{key[:12]}: " + ("the same, bit for bit" if not unlike else "; ".join(unlike)))
    return exits.RUNS_FAILED if unlike else exits.DONE


def _failed(key: str, failures: Mapping[str, Mapping[str, Any]]) -> int:
    for failure in failures.values():
        print(f"{key[:12]} failed: {failure['cause']}: {failure['message']}", file=sys.stderr)
    return exits.RUNS_FAILED


def _whole(store: Store, key: str) -> Mapping[str, Any] | None:
    if not store.has(key):
        return None
    try:
        store.verify(key)
        return store.record(key)
    except CorruptFile:
        return None


def _alone(plan: Plan, key: str) -> Plan:
    """The plan of one node and what it needs."""
    wanted = {key}
    for node in reversed(plan.nodes):
        if node.key in wanted:
            wanted.update(node.inputs.values())
    nodes = tuple(node for node in plan.nodes if node.key in wanted)
    return replaced(plan, nodes=nodes, runs=())


def _unlike(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    found: list[str] = []
    for part in _COMPARED:
        names = sorted({*before.get(part, {}), *after.get(part, {})})
        found += [
            f"{name} is not the same"
            for name in names
            if before.get(part, {}).get(name) != after.get(part, {}).get(name)
        ]
    return found
