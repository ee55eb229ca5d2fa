"""What is known of a stored stage: the parts of its key, and a few facts about how it was made.

The planner opens no file: an index of these, by key, is handed to it (`lab.runtime.index`). An
index of thousands is read at once and each of them only when somebody asks, so the details stay
text until then.
"""

import json
from collections.abc import Mapping
from typing import Any, cast

from lab.compiler.plan import Node
from lab.spec.records import record
from lab.spec.values import Value


@record(frozen=False)
class Described:
    """A stored stage. `details` is the JSON text of what the properties give, or that itself.

    `text` is that of its arguments (`arguments_text`), by which they can be compared unread.
    """

    key: str
    component: str
    label: str
    version: str
    details: str | Mapping[str, Any]
    text: str = ""

    def _read(self) -> Mapping[str, Any]:
        if isinstance(self.details, str):
            self.details = cast(Mapping[str, Any], json.loads(self.details))
        return self.details

    @property
    def role(self) -> str:
        """`stage` or `measurement`."""
        return str(self._read()["role"])

    @property
    def arguments(self) -> Mapping[str, Value]:
        """Every argument, defaults filled in."""
        details = self._read()
        if "arguments" not in details:
            self.details = details = {**details, "arguments": json.loads(self.text)}
        return details["arguments"]

    @property
    def inputs(self) -> Mapping[str, str]:
        """Keys of the stages it was made from, by role."""
        return self._read()["inputs"]

    @property
    def seed(self) -> int | None:
        """The replicate's seed, None where nothing random happened up to it."""
        return self._read()["seed"]

    @property
    def vary(self) -> tuple[str, ...]:
        """The random streams that differ between replicates; none named is all."""
        return tuple(self._read()["vary"])

    @property
    def facts(self) -> Mapping[str, Any]:
        """How it was made: `wall_seconds`, `finished_at`, `device`, …; what is not known lacks."""
        return self._read().get("facts", {})

    def word(self, name: str) -> str:
        """A fact that is one word without marks, empty where it lacks; found without reading."""
        if not isinstance(self.details, str):
            return str(self.facts.get(name, ""))
        _, _, rest = self.details.rpartition(f'"{name}":"')
        return rest.partition('"')[0] if rest else ""


#: Stored stages by key.
Stored = Mapping[str, Described]


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


def arguments_text(arguments: Mapping[str, Value]) -> str:
    """Arguments in a line, the same for the same ones."""
    return _ENCODER.encode(arguments)


def described(node: Node) -> Described:
    """A node as it will be described once it is stored."""
    details = {
        "role": node.role,
        "arguments": node.arguments,
        "inputs": node.inputs,
        "seed": node.seed,
        "vary": node.vary,
    }
    text = arguments_text(node.arguments)
    return Described(node.key, node.component, node.label, node.version, details, text)
