"""Plans and results built by hand: what a study would have planned, and what its runs gave."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lab.compiler.plan import (
    AxisSummary,
    Case,
    ClaimPlan,
    ColumnPlan,
    Comparison,
    FigurePlan,
    Junction,
    Node,
    Plan,
    Run,
    Tree,
)

DATA = {"component": "digits", "kind": "data", "args": {}}


@dataclass
class Made:
    """Collects nodes, values, runs and claims; `plan()` is the plan of them."""

    nodes: dict[str, Node] = field(default_factory=dict)
    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    claims: list[ClaimPlan] = field(default_factory=list)
    figures: list[FigurePlan] = field(default_factory=list)
    axes: list[AxisSummary] = field(default_factory=list)

    def stage(
        self,
        component: str,
        owner: str,
        *,
        seed: int | None = None,
        before: str | None = None,
        **arguments: Any,
    ) -> str:
        """A stage, done; its key."""
        inputs = {} if before is None else {"before": before}
        suffix = "".join(f"-{value}" for value in arguments.values() if not isinstance(value, dict))
        return self._node(
            "stage",
            component,
            owner,
            about=f"{before or ''}{suffix}",
            seed=seed,
            inputs=inputs,
            arguments=arguments,
        )

    def measured(
        self,
        component: str,
        of: str,
        owner: str,
        *,
        seed: int | None = None,
        value: float | None = None,
        correct: Sequence[float] | None = None,
    ) -> Tree:
        """A measurement with its result, as a tree."""
        arguments = {"data": DATA, "on": "test"} if component == "accuracy" else {}
        key = self._node(
            "measurement",
            component,
            owner,
            about=of,
            seed=seed,
            inputs={"of": of},
            arguments=arguments,
        )
        if correct is not None:
            self.values[key] = {"value": float(np.mean(correct)), "correct": list(correct)}
        elif value is not None:
            self.values[key] = {"value": float(value)}
            if component == "bytes":
                others = {"state": 1_079_000, "nominal": value * 0.98, "entropy": value * 0.8}
                self.values[key] |= others
        return {"node": key}

    def _node(self, role, component, owner, *, about, seed, inputs, arguments) -> str:
        text = f"{role} {component} {owner} {about} {seed}"
        key = hashlib.sha256(text.encode()).hexdigest()
        self.nodes[key] = Node(
            key, role, component, arguments, inputs, seed, (), "v1", False, f"{owner}: {component}"
        )
        self.records[key] = {
            "key": key,
            "component": component,
            "arguments": arguments,
            "inputs": inputs,
            "seed": seed,
            "label": f"{owner}: {component}",
            "wall_seconds": 1.25,
            "environment": {
                "device": "Some CPU @ 2.0 GHz",
                "platform": "cpu",
                "threads": 2,
                "python": "3.11.9",
                "lab": "0.1.0",
                "packages": {"jax": "0.10.2"},
            },
            "history": {},
            "notes": {},
            "finished_at": "2026-11-20T10:00:00+00:00",
        }
        return key

    def claim(
        self,
        name: str,
        *cases: Case,
        level: float = 0.95,
        text: str = "claimed",
        title: str | None = None,
    ) -> None:
        """A claim over cases."""
        self.claims.append(ClaimPlan(name, title, text, level, cases))

    def plan(self) -> Plan:
        """Everything so far."""
        return Plan(
            study="made",
            title="A study made by hand?",
            profile=None,
            nodes=tuple(self.nodes.values()),
            runs=tuple(self.runs),
            claims=tuple(self.claims),
            figures=tuple(self.figures),
            axes=tuple(self.axes),
            removed=(),
            wall_seconds=None,
            memory_bytes=None,
        )


def number(value: float, n: int = 1) -> tuple[Tree, ...]:
    """The right side of a comparison with a number."""
    return ({"number": value},) * n


def minus(left: Tree, right: Tree) -> Tree:
    return {"op": "-", "of": [dict(left), dict(right)]}


def over(left: Tree, right: Tree) -> Tree:
    return {"op": "/", "of": [dict(left), dict(right)]}


def case(
    condition: Comparison | Junction,
    *,
    setting: Mapping[str, str] | None = None,
    group: Mapping[str, str] | None = None,
    seeds: Sequence[int] = (0,),
) -> Case:
    return Case(setting or {}, group or {}, tuple(seeds), condition)


def replicates(
    made: Made, owner: str, values: Sequence[float], component: str = "loss"
) -> tuple[Tree, ...]:
    """One random measurement a replicate, with the values given."""
    return tuple(
        made.measured(
            component, made.stage("train", owner, seed=seed), owner, seed=seed, value=value
        )
        for seed, value in enumerate(values)
    )


def columns(*labels_and_units: tuple[str, str | None, str | None]) -> tuple[ColumnPlan, ...]:
    return tuple(ColumnPlan(*one) for one in labels_and_units)
