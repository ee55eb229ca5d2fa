"""Which input of a stage is which arm inside its arguments.

A loss keeps its teacher as the role of an input. A plan leaves arms out of the arguments and
numbers the inputs in the order of writing (`lab.compiler.nested`): `loss.from`, `loss.from.2`. The
same walk over the resolved arguments puts the roles in. Arms of components inside arguments are
required.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from lab.runtime import registry
from lab.spec.signature import Signature
from lab.spec.values import Value


def with_roles(
    signature: Signature, arguments: Mapping[str, Value], roles: Iterable[str]
) -> dict[str, Value]:
    """The arguments of a stage or measurement, with the roles of arms that stand inside them.

    `roles` are those of its inputs.
    """
    if not any("." in role for role in roles):
        return dict(arguments)
    return {
        info.name: _Walk(info.name).over(arguments[info.name])
        for info in signature.parameters
        if info.name in arguments
    }


class _Walk:
    """Through one argument of a stage, in the order in which it was written."""

    def __init__(self, argument: str) -> None:
        self.argument = argument
        self._seen: Counter[str] = Counter()

    def over(self, value: Value) -> Value:
        if isinstance(value, list):
            return [self.over(item) for item in value]
        if not isinstance(value, dict):
            return value
        if "component" not in value:
            return {name: self.over(item) for name, item in value.items()}
        return {**value, "args": self._arguments(value)}

    def _arguments(self, value: Mapping[str, Value]) -> dict[str, Value]:
        signature = registry.catalog().signatures[str(value["kind"]), str(value["component"])]
        given = value["args"]
        made: dict[str, Value] = {}
        for info in signature.parameters:
            if info.type.name == "arm" and signature.kind != "measurement":
                made[info.name] = {"input": self._role(info.name)}
            elif isinstance(given, dict) and info.name in given:
                made[info.name] = self.over(given[info.name])
        return made

    def _role(self, parameter: str) -> str:
        role = f"{self.argument}.{parameter}"
        self._seen[role] += 1
        count = self._seen[role]
        return role if count == 1 else f"{role}.{count}"
