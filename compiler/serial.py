"""Plans as JSON, both ways."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from lab.compiler.lazily import Lazy
from lab.compiler.plan import (
    Adaptive,
    AxisSummary,
    Case,
    ClaimPlan,
    ColumnPlan,
    Comparison,
    FigurePlan,
    Junction,
    Node,
    Plan,
    Removed,
    Run,
    SearchPlan,
)
from lab.spec.records import names_of

#: Version of the plan's JSON; a reader refuses another.
SCHEMA = 1


def to_json(plan: Plan) -> dict[str, Any]:
    """A plan as JSON data, which shares its values with the plan."""
    return {"schema": SCHEMA, **_plain(plan)}


def _plain(value: Any) -> Any:
    """Records as objects by the names of their fields. What is in a mapping is plain already."""
    names = names_of(cast(type[Any], type(value)))
    if names:
        return {name: _field(getattr(value, name)) for name in names}
    return value


def _field(value: Any) -> Any:
    if isinstance(value, tuple | Lazy):
        return tuple([_plain(one) for one in cast(Sequence[Any], value)])
    return _columns(cast(Mapping[str, Any], value)) if isinstance(value, Mapping) else _plain(value)


def _columns(value: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping of plain values, or of a figure's columns by argument."""
    return {name: _field(one) if isinstance(one, tuple) else one for name, one in value.items()}


def from_json(data: Mapping[str, Any]) -> Plan:
    """The plan that `to_json` wrote. Raises ValueError for another schema."""
    if data.get("schema") != SCHEMA:
        raise ValueError(f"a plan of schema {data.get('schema')!r}, and this reads {SCHEMA}")
    return Plan(
        study=data["study"],
        title=data["title"],
        profile=data["profile"],
        nodes=tuple(Node(**_with(one, vary=tuple(one["vary"]))) for one in data["nodes"]),
        runs=tuple(_run(one) for one in data["runs"]),
        claims=tuple(_claim(one) for one in data["claims"]),
        figures=tuple(_figure(one) for one in data["figures"]),
        axes=tuple(AxisSummary(**_with(one, values=tuple(one["values"]))) for one in data["axes"]),
        removed=tuple(Removed(**one) for one in data["removed"]),
        wall_seconds=data["wall_seconds"],
        memory_bytes=data["memory_bytes"],
        components=tuple(data["components"]),
        searches=tuple(SearchPlan(**one) for one in data.get("searches", ())),
        adaptive=tuple(Adaptive(**one) for one in data.get("adaptive", ())),
    )


def _with(data: Mapping[str, Any], **replaced: Any) -> dict[str, Any]:
    return {**data, **replaced}


def _run(data: Mapping[str, Any]) -> Run:
    return Run(**_with(data, departs=tuple(data["departs"]), stages=tuple(data["stages"])))


def _claim(data: Mapping[str, Any]) -> ClaimPlan:
    return ClaimPlan(**_with(data, cases=tuple(_case(case) for case in data["cases"])))


def _case(data: Mapping[str, Any]) -> Case:
    seeds, condition = tuple(data["seeds"]), _condition(data["condition"])
    return Case(data["setting"], data["group"], seeds, condition)


def _condition(data: Mapping[str, Any]) -> Comparison | Junction:
    if "operands" in data:
        return Junction(data["op"], tuple(_condition(one) for one in data["operands"]))
    return Comparison(data["op"], tuple(data["left"]), tuple(data["right"]))


def _figure(data: Mapping[str, Any]) -> FigurePlan:
    columns = {
        name: tuple(ColumnPlan(**column) for column in columns)
        for name, columns in data["columns"].items()
    }
    paths = {name: tuple(paths) for name, paths in data["paths"].items()}
    return FigurePlan(data["figure"], columns, paths, data["options"], data["text"])
