"""`lab verify lanes FILE.lab`: make results that lanes made together again, each alone."""

import json
import os
from dataclasses import asdict
from pathlib import Path

from lab.cli import exits
from lab.cli.load import load, results_folder, show_diagnostics
from lab.cli.options import Options
from lab.compiler.plan import Node, Plan
from lab.runtime.deviation import Deviation, deviation, keep, of_record
from lab.runtime.errors import LabError
from lab.runtime.store import Store
from lab.spec.records import replaced

#: Largest deviation, relative to the largest weight, that is the order of additions.
TOLERANCE = 1e-5
_SAMPLE = 3
#: Stages that take steps; others have no lanes.
_STEPPED = frozenset({"train", "finetune", "fit"})


def verify(options: Options) -> int:
    """Compare some lanes with what they are alone; keep with each result how far it is."""
    what, *files = options.names
    if what != "lanes" or len(files) != 1:
        raise LabError("say what to verify: `lab verify lanes FILE.lab`")
    file = Path(files[0])
    loaded = load(file, profile=options.profile, sets=options.sets)
    if loaded.plan is None:
        show_diagnostics(loaded)
        return exits.STUDY_IS_WRONG
    store = Store(results_folder(file, options.results) / "store")
    nodes = _sample(loaded.plan, store, options.sample or _SAMPLE)
    if not nodes:
        raise LabError("nothing that has lanes is stored: `lab run` the study first")
    found = _compared(loaded.plan, nodes, store, folder=file.resolve().parent)
    if options.json:
        print(json.dumps({"schema": 1, "lanes": [asdict(one) for one in found]}, indent=1))
    else:
        labels = {node.key: node.label for node in nodes}
        for one in found:
            print(f"{one.key[:12]}  {labels[one.key]}: {one.text()}")
    worst = max((one.deviation for one in found), default=0.0)
    return exits.DONE if len(found) == len(nodes) and worst <= TOLERANCE else exits.RUNS_FAILED


def _sample(plan: Plan, store: Store, count: int) -> list[Node]:
    """Some of the stored stages, evenly spread: those that were done together, if any were."""
    stored = store.keys()
    stages = [
        one
        for one in plan.nodes
        if one.role == "stage" and one.component in _STEPPED and one.key in stored
    ]
    together = [one for one in stages if store.record(one.key).get("lanes", 1) > 1]
    chosen = together or stages
    count = min(count, len(chosen))
    return [chosen[i * len(chosen) // count] for i in range(count)]


def _compared(plan: Plan, nodes: list[Node], store: Store, *, folder: Path) -> list[Deviation]:
    """Make stages in a store of their own, in which all that they need stands."""
    from lab.runtime.execution import execute
    from lab.runtime.together import MODE

    wanted = {node.key for node in nodes}
    needed = {key for node in nodes for key in node.inputs.values()} - wanted
    alone = replaced(
        plan, nodes=tuple(one for one in plan.nodes if one.key in wanted | needed), runs=()
    )
    place = store.open_scratch("verify")
    before = os.environ.get(MODE)
    os.environ[MODE] = "sequence"
    try:
        for key in needed:
            (place / key).symlink_to(store.folder(key).resolve())
        apart = Store(place)
        outcome = execute(alone, apart, folder=folder, listener=lambda _: None)
        found: list[Deviation] = []
        for node in nodes:
            if node.key in outcome.made:
                far = deviation(store.folder(node.key), apart.folder(node.key))
                found.append(of_record(node.key, store.record(node.key), far))
                keep(store.root, found[-1])
        return found
    finally:
        os.environ.pop(MODE)
        if before is not None:
            os.environ[MODE] = before
        store.discard(place)
        store.close()
