"""`lab export`: the weights that an arm ends with, and the record of how they were made."""

import json

from lab.cli import exits
from lab.cli.load import load, results_folder, show_diagnostics
from lab.cli.options import Options
from lab.cli.standing import as_it_stands
from lab.compiler.plan import Plan, Run
from lab.compiler.standing import Standing
from lab.runtime.descent import older_texts
from lab.runtime.errors import LabError
from lab.runtime.store import Store, keys_in


def export(options: Options) -> int:
    """Write the first replicate of an arm as safetensors, and its record as JSON beside it."""
    from lab.runtime import artifact as artifacts
    from lab.runtime import registry
    from lab.runtime.bridge.export.weights import write_weights
    from lab.runtime.files import write_atomically

    file = options.files[0]
    if options.output is not None and options.output.suffix == ".json":
        raise LabError(f"{options.output}: the record goes there; name the weights .safetensors")
    loaded = load(file, profile=options.profile, sets=options.sets)
    show_diagnostics(loaded)
    if loaded.plan is None or options.arm is None or options.output is None:
        return exits.STUDY_IS_WRONG
    store = Store(results_folder(file, options.results) / "store")
    stands = as_it_stands(loaded, loaded.plan, store.root, tells_stale=False)
    chosen = _run_of(stands.plan, options.arm)
    if chosen.stages[-1] not in keys_in(store.root):
        raise LabError(f"`{options.arm}` has not been run yet: `lab run {file}` first")
    store.verify(chosen.stages[-1])
    registry.use(loaded.plan.components)
    write_weights(artifacts.load(store.folder(chosen.stages[-1])), options.output)
    text = json.dumps(_provenance(stands, chosen, store), indent=1)
    write_atomically(options.output.with_suffix(".json"), text.encode() + b"\n")
    print(f"{options.output}: {options.output.stat().st_size} bytes")
    return exits.DONE


def _provenance(stands: Standing, run: Run, store: Store) -> dict[str, object]:
    """How the weights were made, stage by stage, and what was measured of them."""
    plan = stands.plan
    last, have = run.stages[-1], store.keys()
    measured = [
        store.record(node.key)
        for node in plan.nodes
        if node.inputs.get("of") == last and node.key in have
    ]
    for record in measured:
        record["values"].pop("correct", None)
    stages = [store.record(key) for key in run.stages]
    older = older_texts(stands)
    accepted = {key: older[key] for key in run.stages if key in older}
    return {
        "arm": run.arm,
        "seed": run.seed,
        "stages": stages,
        "measurements": measured,
        **({"accepted": accepted} if accepted else {}),
    }


def _run_of(plan: Plan, arm: str) -> Run:
    for run in plan.runs:
        if run.arm == arm:
            return run
    arms = ", ".join(sorted({run.arm for run in plan.runs}))
    raise LabError(f"no run of {plan.study} is of an arm `{arm}`; there are {arms}")
