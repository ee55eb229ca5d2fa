"""Two sets of results, point by point: what changed of what both have."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

#: How points of two studies find each other: their settings.
Settings = frozenset[tuple[str, str]]


def compared(left: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, Any]:
    """The differences between two `results.json`, each with a `name`, where settings are the same.

    A difference is right minus left. Replicates that both have are paired by seed, which gives it
    an interval from three on.
    """
    here, there = _points(left), _points(right)
    labels = _shared([one["label"] for one in left["columns"]], right)
    both = [settings for settings in here if settings in there]
    return {
        "left": left["name"],
        "right": right["name"],
        "columns": labels,
        "points": [_point(here[one], there[one], labels) for one in both],
        "only_left": [here[one]["settings"] for one in here if one not in there],
        "only_right": [there[one]["settings"] for one in there if one not in here],
    }


def _shared(labels: Sequence[str], right: Mapping[str, Any]) -> list[str]:
    there = {one["label"] for one in right["columns"]}
    return [label for label in labels if label in there]


def _points(side: Mapping[str, Any]) -> dict[Settings, Mapping[str, Any]]:
    return {frozenset(one["settings"].items()): one for one in side["points"]}


def _point(left: Mapping[str, Any], right: Mapping[str, Any], labels: list[str]) -> dict[str, Any]:
    same = left["keys"] == right["keys"]
    metrics = {label: _metric(left, right, label) for label in labels}
    return {"settings": left["settings"], "same_runs": same, "metrics": metrics}


def _metric(left: Mapping[str, Any], right: Mapping[str, Any], label: str) -> dict[str, Any]:
    sides = left["metrics"].get(label, {}), right["metrics"].get(label, {})
    means = [side.get("mean") for side in sides]
    found: dict[str, Any] = {"left": means[0], "right": means[1], "difference": None}
    if None in means:
        return found
    paired = _paired(left, right, label)
    if paired:
        from lab.runtime.statistics import interval

        about = interval(paired)
        found["difference"] = sum(paired) / len(paired)
        found["replicates"] = len(paired)
        found["interval"] = None if about is None else [about.low, about.high]
    else:
        found["difference"] = means[1] - means[0]
    return found


def _paired(left: Mapping[str, Any], right: Mapping[str, Any], label: str) -> list[float]:
    """Differences by seed, where every planned replicate of both was measured."""
    sides = [dict(_by_seed(side, label)) for side in (left, right)]
    return [sides[1][seed] - value for seed, value in sides[0].items() if seed in sides[1]]


def _by_seed(side: Mapping[str, Any], label: str) -> Iterator[tuple[int, float]]:
    values, seeds = side["metrics"][label].get("values", []), side["seeds"]
    if len(values) == len(seeds):
        yield from zip(seeds, values, strict=True)


def rows(found: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The comparison as a table."""
    paths = list(dict.fromkeys(path for one in found["points"] for path in one["settings"]))
    head = (*paths, "metric", found["left"], found["right"], "difference", "95% interval")
    made: list[tuple[str, ...]] = [head]
    for one in found["points"]:
        settings = tuple(one["settings"].get(path, "") for path in paths)
        for label, metric in one["metrics"].items():
            numbers = (metric["left"], metric["right"], metric["difference"])
            shown = tuple("–" if number is None else f"{number:.6g}" for number in numbers)
            about = metric.get("interval")
            between = "" if about is None else f"{about[0]:.4g} … {about[1]:.4g}"
            made.append((*settings, label, *shown, between))
    return made
