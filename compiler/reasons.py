"""Why each new stage of a plan is new, in few words.

A new stage is compared with the stored one that is most like it (`neighbors`); stages that differ
from theirs in the same way are one reason, and what merely stands behind a new stage follows from
its reason. Only one stage of each is asked where its values were written (`provenance`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

from lab.compiler.plan import Node
from lab.compiler.provenance import Origin
from lab.compiler.texts import Place
from lab.compiler.tracing import Steps
from lab.spec.records import record

if TYPE_CHECKING:
    from lab.compiler.standing import Change as CodeChange

Kind = Literal["value", "combination", "replicates", "streams", "code", "failed", "never run"]


@record
class Change:
    """A part of the study that no stored stage was made with.

    `before` is what the nearest stored stage has, as text, and `after` what the new ones have.
    `is_instead`: the plan has no stage any more that has what the stored one has.
    """

    name: str
    before: str
    after: tuple[str, ...]
    is_instead: bool
    places: tuple[Place, ...] = ()


@record
class Reason:
    """Why some nodes are new.

    `nodes` are those that it concerns itself, `follow` those that are new only because they stand
    behind them. `places`: where the study says so, the innermost first. `subject`: what the reason
    is of where it is no change: an arm, or a component whose code changed.
    """

    kind: Kind
    nodes: tuple[str, ...]
    follow: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    places: tuple[Place, ...] = ()
    subject: str = ""

    @property
    def text(self) -> str:
        """The reason in a line, without its lines in the text and its counts."""
        match self.kind:
            case "value" | "combination":
                return _valued(self.changes, self.kind)
            case "replicates":
                (one,) = self.changes
                return f"new replicates {one.before} → {one.after[0]}"
            case "streams":
                return "other random streams: " + _valued(self.changes, "value")
            case "code":
                return f"code of {self.subject} changed"
            case "failed":
                return f"{self.subject} failed when last tried"
            case "never run":
                return f"`{self.subject}` was never run" if self.subject else "never run"


class Explains(Protocol):
    """What says where things are written (`lab.compiler.provenance.Provenance`)."""

    def origin(self, node: Node, steps: Steps) -> Origin:
        """What gave a value inside the arguments of a node."""
        ...

    def kind(self, node: Node, steps: Steps) -> str:
        """The name of the type of a value inside the arguments of a node."""
        ...

    def stage(self, node: Node) -> tuple[Place, ...]:
        """Where a node is written."""
        ...

    def replicates(self, node: Node) -> tuple[Place, ...]:
        """Where it is said how many replicates a node has."""
        ...


@record
class Evidence:
    """What is known besides the plan: keys that failed when last tried, and results of other code.

    `stale` maps a node to what of its code changed since there was a result of it.
    """

    failed: Collection[str] = frozenset()
    stale: Mapping[str, Sequence[CodeChange]] = {}


NO_EVIDENCE = Evidence()


def _valued(changes: Sequence[Change], kind: Kind) -> str:
    said = " and ".join(_changed(one) for one in changes)
    return f"{said}, in a combination not run before" if kind == "combination" else said


def _changed(one: Change) -> str:
    after = " | ".join(one.after)
    if one.is_instead:
        return f"`{one.name}` {one.before} → {after}"
    return f"`{one.name}` {after} besides {one.before}"
