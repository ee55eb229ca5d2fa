"""A small ablation as its plan and results would be: every figure has something to show."""

import numpy as np
from made_plans import Made, case, columns, minus, number, over

from lab.compiler.plan import AxisSummary, Comparison, FigurePlan, Junction, Run, Tree

TEXT = 'study made "A study made by hand?"\n\nmethod dense = pretrained\n'
SEEDS = range(3)
EXAMPLES = 400
WIDTHS = ("16", "32", "64", "128")
LAYERS = ("1", "2", "3")
RATIO = ("ratio", None, "higher")
ACCURACY = ("accuracy", "share", "higher")
DROP = ("drop", "share", "lower")
R2 = ("r2", None, "higher")
INWF = {"component": "inwf", "kind": "reparameterization", "args": {}}
SIZES = {"eight": 0.261, "four": 0.14, "sparse": 0.235}
WRONG = {"eight": 0.002, "four": 0.04, "sparse": 0.01}


def ablation() -> Made:
    """Arms, and a field over width and depth with one corner not run."""
    made = Made()
    generator = np.random.default_rng(13)
    order = generator.permutation(EXAMPLES)
    dense = made.stage("pretrained", "dense")
    for seed in SEEDS:
        _run(
            made,
            "dense",
            seed,
            stages=(dense,),
            metrics=_measures(
                made, dense, dense, seed=None, owner="dense", wrong=0.08, size=1.0, order=order
            ),
        )
        for arm, size in SIZES.items():
            random = seed if arm == "sparse" else None
            key = made.stage("apply", arm, before=dense, through={**INWF, "component": "quantize"})
            stages = (dense, key)
            if arm == "sparse":
                key = made.stage("finetune", arm, before=key, seed=seed, through=None)
                stages = (*stages, key)
            wrong = 0.08 + WRONG[arm] + (0.004 * (seed - 1) if random is not None else 0)
            _run(
                made,
                arm,
                seed,
                stages=stages,
                metrics=_measures(
                    made, key, dense, seed=random, owner=arm, wrong=wrong, size=size, order=order
                ),
            )
        for width in WIDTHS:
            for layers in LAYERS:
                _field(
                    made,
                    dense,
                    seed=seed,
                    width=width,
                    layers=layers,
                    order=order,
                    generator=generator,
                )
    _claims(made)
    made.axes += [
        AxisSummary("arms", "method", ("dense", "field", *SIZES)),
        AxisSummary("shape", "field.width", WIDTHS),
        AxisSummary("shape", "field.layers", LAYERS),
    ]
    made.figures += [
        FigurePlan(
            "table",
            {"": columns(RATIO, ACCURACY, DROP, R2)},
            {"by": ("method",)},
            {},
            "table(ratio, accuracy, drop, r2, by: method)",
        ),
        FigurePlan(
            "table",
            {"": columns(DROP, R2)},
            {"by": ("method", "field.width")},
            {},
            "table(drop, r2, by: [method, field.width])",
        ),
        FigurePlan(
            "heatmap",
            {"": columns(DROP)},
            {"rows": ("field.width",), "columns": ("field.layers",)},
            {},
            "heatmap(drop, rows: field.width, columns: field.layers)",
        ),
        FigurePlan(
            "pareto",
            {"x": columns(RATIO), "y": columns(ACCURACY)},
            {"by": ("method",)},
            {},
            "pareto(x: ratio, y: accuracy, by: method)",
        ),
        FigurePlan(
            "lines",
            {"y": columns(R2)},
            {"x": ("field.width",), "by": ("field.layers",)},
            {},
            "lines(x: field.width, y: r2, by: field.layers)",
        ),
        FigurePlan(
            "scatter",
            {"x": columns(R2), "y": columns(DROP)},
            {"by": ("method",)},
            {},
            "scatter(x: r2, y: drop)",
        ),
        FigurePlan(
            "curves",
            {},
            {"by": ("field.width",)},
            {"names": ["loss", "r2"], "of": "field"},
            'curves("loss", "r2", of: field)',
        ),
    ]
    return made


def _field(made, dense, *, seed, width, layers, order, generator) -> None:
    departs = tuple(
        path
        for path, value, default in (("field.layers", layers, "2"), ("field.width", width, "64"))
        if value != default
    )
    key = made.stage(
        "fit",
        "field",
        before=dense,
        seed=seed,
        through=INWF,
        width=width,
        layers=layers,
        **{"for": {"duration": 2000, "unit": "steps"}},
    )
    settings = {"field.width": width, "field.layers": layers}
    size = 0.02 * (int(width) / 16) ** 1.3 * int(layers) ** 0.8
    wrong = 0.08 + 0.8 / (1 + 0.5 * int(width) / 16 * int(layers)) + generator.normal(0, 0.01)
    if (width, layers) == ("128", "3"):
        metrics = _measures(
            made, key, dense, seed=seed, owner="field", wrong=None, size=None, order=order
        )
        del made.records[key]
    else:
        metrics = _measures(
            made, key, dense, seed=seed, owner="field", wrong=wrong, size=size, order=order
        )
        steps = np.arange(1, 41)
        fall = np.exp(-steps / 12) + 6 / int(width) + generator.normal(0, 0.01, 40)
        made.records[key]["history"] = {"loss": list(fall), "r2": list(1 - fall / 1.4)}
    _run(
        made,
        "field",
        seed,
        stages=(dense, key),
        metrics=metrics,
        settings=settings,
        departs=departs,
    )


def _measures(made, key, dense, *, seed, owner, wrong, size, order) -> dict[str, Tree]:
    correct = None if wrong is None else (order >= wrong * EXAMPLES).astype(int)
    state = made.measured("bytes", dense, "dense", value=1_079_000)
    dense_right = made.measured(
        "accuracy", dense, "dense", correct=(order >= 0.08 * EXAMPLES).astype(int)
    )
    size_of = made.measured(
        "bytes", key, owner, seed=seed, value=None if size is None else 1_079_000 * size
    )
    right = made.measured("accuracy", key, owner, seed=seed, correct=correct)
    metrics = {"ratio": over(state, size_of), "accuracy": right, "drop": minus(dense_right, right)}
    if owner == "field":
        metrics["r2"] = made.measured(
            "r2", key, owner, seed=seed, value=None if wrong is None else 1 - wrong
        )
    return metrics


def _run(made, arm, seed, *, stages, metrics, settings=None, departs=()) -> None:
    settings = {"method": arm, "model": "net", "data": "images", **(settings or {})}
    point = " ".join(f"{path}={value}" for path, value in settings.items())
    made.runs.append(
        Run("shape" if departs else "arms", point, arm, seed, settings, departs, metrics, stages)
    )


def _claims(made: Made) -> None:
    by_setting: dict[tuple[tuple[str, str], ...], list[Run]] = {}
    for run in made.runs:
        if run.arm == "field":
            setting = tuple((p, run.settings[p]) for p in ("field.width", "field.layers"))
            by_setting.setdefault(setting, []).append(run)
    cases = []
    for setting, runs in by_setting.items():
        small = Comparison(">=", tuple(run.metrics["ratio"] for run in runs), number(20, 3))
        good = Comparison("<", tuple(run.metrics["drop"] for run in runs), number(0.01, 3))
        cases.append(case(Junction("and", (small, good)), setting=dict(setting), seeds=SEEDS))
    made.claim(
        "twenty_fold",
        *cases,
        title="20x at under 1 % drop",
        text="ratio(field) >= 20 and drop(field) < 1%\n"
        "  over some field.width, field.layers at 95%",
    )
    sparse = [run.metrics["drop"] for run in made.runs if run.arm == "sparse"]
    made.claim(
        "sparse_good",
        case(Comparison("<", tuple(sparse), number(0.05, 3)), seeds=SEEDS),
        text="drop(sparse) < 5%",
    )
    eight = [run.metrics["drop"] for run in made.runs if run.arm == "eight"]
    made.claim(
        "eight_good",
        case(Comparison("<", tuple(eight), number(0.01, 3)), seeds=SEEDS),
        text="drop(eight) < 1%",
    )
