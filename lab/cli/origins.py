"""The model that an arm or a key stands for, and everything known of it, for an export."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from lab.cli.growth import as_known
from lab.cli.load import load, results_folder, show_diagnostics
from lab.cli.options import Options
from lab.cli.standing import as_it_stands
from lab.compiler.plan import Plan, Run
from lab.compiler.standing import Standing
from lab.runtime.descent import older_texts
from lab.runtime.errors import LabError
from lab.runtime.index import index
from lab.runtime.keys import key_of
from lab.runtime.layout import keys_in
from lab.runtime.store import Store
from lab.spec.records import record
from lab.spec.values import components_in

if TYPE_CHECKING:
    from lab.runtime.bridge.export.subject import Number, Subject
    from lab.runtime.results import Results

SUFFIX = ".lab"


@record
class Origin:
    """A stored stage that made a model. `note` says which of several points it is."""

    store: Store
    key: str
    name: str
    study: str
    record: Mapping[str, Any]
    numbers: Sequence["Number"]
    folder: Path
    note: str = ""

    def subject(self) -> "Subject":
        """The model, loaded."""
        from lab.runtime import artifact as artifacts
        from lab.runtime.bridge.export import subject as made

        self.store.verify(self.key)
        given = made.Origin(
            name=self.name,
            key=self.key,
            study=self.study,
            record=self.record,
            numbers=self.numbers,
            model=_model(self.record, self.folder),
        )
        return made.Subject(artifacts.load(self.store.folder(self.key)), given)


def origin_of(written: str, options: Options) -> Origin | None:
    """What a study's arm or a key stands for; None where the study is wrong, which was shown."""
    if written.endswith(SUFFIX):
        return _of_study(Path(written), options)
    return _of_key(written, options)


def _of_study(file: Path, options: Options) -> Origin | None:
    from lab.runtime import registry

    loaded = load(file, profile=options.profile, sets=options.sets)
    show_diagnostics(loaded)
    if loaded.plan is None:
        return None
    if options.arm is None:
        raise LabError(f"say which arm: --arm {' | '.join(_arms(loaded.plan))}")
    store = Store(results_folder(file, options.results) / "store")
    plan = as_known(loaded, store.root) or loaded.plan
    stands = as_it_stands(loaded, plan, store.root, tells_stale=False)
    runs = _runs_of(stands.plan, options.arm)
    chosen = runs[0]
    if chosen.stages[-1] not in keys_in(store.root):
        raise LabError(f"`{options.arm}` has not been run yet: `lab run {file}` first")
    registry.use(loaded.plan.components)
    return Origin(
        store=store,
        key=chosen.stages[-1],
        name=options.arm,
        study=stands.plan.study,
        record=_record(store, chosen, older_texts(stands)),
        numbers=_numbers_of_study(stands, store, chosen),
        folder=file.parent,
        note=_note(runs),
    )


def _of_key(written: str, options: Options) -> Origin:
    root = (options.results or Path("results")) / "store"
    if not root.is_dir():
        raise LabError(f"there is no store {root}: name the folder of results with --results")
    store, known = Store(root), index(root)
    key = key_of(written, known)
    if known[key].role != "stage":
        raise LabError(f"{key[:12]} is a measurement: {known[key].label}; name what was measured")
    stages: list[dict[str, Any]] = []
    here: str | None = key
    while here is not None:
        stages.insert(0, store.record(here))
        here = stages[0]["inputs"].get("before")
    _demand_known(stages)
    measured = [
        store.record(one.key)
        for one in known.values()
        if one.role == "measurement" and one.inputs.get("of") == key
    ]
    return Origin(
        store=store,
        key=key,
        name=key[:12],
        study="",
        record={"stages": stages, "measurements": [_without_answers(one) for one in measured]},
        numbers=list(_numbers_of_records(measured)),
        folder=Path(),
    )


def _demand_known(stages: Sequence[Mapping[str, Any]]) -> None:
    """Components of a person's own stand in files that a study names, and a key does not."""
    from lab.runtime import registry

    known = registry.catalog().signatures
    for stage in stages:
        for kind, name in components_in(stage["arguments"]):
            if (kind, name) not in known:
                raise LabError(
                    f"the {kind} `{name}` is of a file of one's own, which a key does not name: "
                    "export from the study, as in `lab export studies/mine.lab --arm …`"
                )


def _arms(plan: Plan) -> list[str]:
    return sorted({run.arm for run in plan.runs})


def _runs_of(plan: Plan, arm: str) -> list[Run]:
    """Runs of an arm, the first replicate of its first point first."""
    runs = [run for run in plan.runs if run.arm == arm]
    if not runs:
        raise LabError(
            f"no run of {plan.study} is of an arm `{arm}`; there are {', '.join(_arms(plan))}"
        )
    return runs


def _note(runs: Sequence[Run]) -> str:
    """Which point of an arm is meant, where it has several."""
    points = {run.point: run for run in runs}
    if len(points) == 1:
        return ""
    chosen = ", ".join(f"{path}: {value}" for path, value in runs[0].settings.items())
    return (
        f"`{runs[0].arm}` has {len(points)} points; this is the first ({chosen}): fix the others "
        "with --set, or name a key (`lab results` has them)"
    )


def _record(store: Store, run: Run, older: Mapping[str, str]) -> dict[str, Any]:
    """How a run's model was made, stage by stage, and what was measured of it."""
    known, last = index(store.root), run.stages[-1]
    measured = [
        store.record(one.key)
        for one in known.values()
        if one.role == "measurement" and one.inputs.get("of") == last
    ]
    accepted = {key: older[key] for key in run.stages if key in older}
    return {
        "arm": run.arm,
        "seed": run.seed,
        "settings": dict(run.settings),
        "stages": [store.record(key) for key in run.stages],
        "measurements": [_without_answers(one) for one in measured],
        **({"accepted": accepted} if accepted else {}),
    }


def _without_answers(record: dict[str, Any]) -> dict[str, Any]:
    """A measurement without the answer to every example."""
    return {**record, "values": {n: v for n, v in record["values"].items() if n != "correct"}}


def _numbers_of_study(stands: Standing, store: Store, run: Run) -> list["Number"]:
    """Every column of the study at the run's point, over its replicates."""
    from lab.cli.gathered import gathered
    from lab.runtime import numbers
    from lab.runtime.bridge.export.subject import Number
    from lab.runtime.results import Results

    found = gathered(stands, store.root)
    results = Results(found.plan, found.values, found.records, found.failures)
    point = next(one for one in results.points if one.identity == run.point)
    made: list[Number] = []
    for column in results.columns:
        estimate = results.cell(point, column.label).estimate
        if estimate is not None:
            scale = numbers.scale_of(column.unit, estimate.mean)
            text = f"{numbers.text(estimate, scale)}{scale.after}"
            basis = _basis(results, run, column.label, replicates=len(estimate.values))
            interval = f", {estimate.interval.level:.0%} interval" if estimate.interval else ""
            made.append(Number(column.label, text, basis + interval))
    return made


def _basis(results: "Results", run: Run, label: str, *, replicates: int) -> str:
    """How often a number was measured, and on what."""
    from lab.runtime import trees

    count = f"{replicates} replicates" if replicates > 1 else "one replicate"
    nodes = (results.lookup.nodes[key] for key in trees.node_keys(run.metrics[label]))
    places = dict.fromkeys(_place(node.arguments) for node in nodes)
    on = ", ".join(place for place in places if place)
    return f"{count} on {on}" if on else count


def _place(arguments: Mapping[str, Any]) -> str:
    """The examples that a measurement was made on."""
    data = arguments.get("data")
    if not isinstance(data, Mapping):
        return ""
    named = cast(Mapping[str, Any], data)
    return f"the {arguments.get('on', 'test')} split of {named.get('component', 'its data')}"


def _numbers_of_records(measured: Sequence[Mapping[str, Any]]) -> Iterator["Number"]:
    """What was measured of one model."""
    from lab.runtime import numbers
    from lab.runtime.bridge.export.subject import Number

    for one in measured:
        value = one["values"].get("value")
        if isinstance(value, int | float):
            place = _place(one["arguments"])
            basis = f"one replicate on {place}" if place else "one replicate"
            yield Number(one["component"], numbers.plain(float(value)), basis)


def _model(record: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Arguments of the network as the study gave them, files found from where it stands."""
    for stage in record["stages"]:
        model = stage["arguments"].get("model")
        if isinstance(model, Mapping):
            given = cast(Mapping[str, Any], model)["args"]
            return {name: _located(value, folder) for name, value in given.items()}
    return {}


def _located(value: Any, folder: Path) -> Any:
    if isinstance(value, Mapping) and "file" in value:
        return str(folder / cast(Mapping[str, Any], value)["file"])
    return cast(Any, value)
