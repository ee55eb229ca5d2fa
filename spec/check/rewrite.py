"""Setting slots in checked expressions: what a profile and `--set` do."""

from collections.abc import Callable, Mapping
from typing import cast

from lab.spec import core
from lab.spec.records import replaced
from lab.spec.signature import Catalog
from lab.spec.source import Span
from lab.spec.units import Duration, DurationUnit
from lab.spec.values import Value

Changes = Mapping[str, core.Core]


class Rewriter:
    """Expressions with other values at some slots; what holds none of them stays the same node."""

    def __init__(self, catalog: Catalog, changes: Changes) -> None:
        self._catalog = catalog
        self._changes = changes
        self._done: dict[int, core.Core] = {}

    def __call__(self, node: core.Core) -> core.Core:
        """The expression with the changes in it. Shared nodes stay shared."""
        found = self._done.get(id(node))
        if found is None:
            found = self._done[id(node)] = self._rewritten(node)
        return found

    def _rewritten(self, node: core.Core) -> core.Core:  # noqa: PLR0911 - one return for each form
        match node:
            case core.Build():
                return self._build(node)
            case core.Measure():
                arguments = {name: self(value) for name, value in node.arguments.items()}
                return _kept(node, arguments=arguments, arm=self(node.arm))
            case core.Arm():
                return self._arm(node)
            case core.ScheduleCall():
                return _kept(node, arguments=self._all(node.arguments))
            case core.MetricCall():
                arm = None if node.arm is None else self(node.arm)
                return _kept(node, arguments=self._all(node.arguments), arm=arm)
            case core.Pieces():
                pieces = tuple(
                    (self(value), None if lasting is None else self(lasting))
                    for value, lasting in node.pieces
                )
                return _kept(node, pieces=pieces)
            case _:
                return self._parts(node)

    def _parts(self, node: core.Core) -> core.Core:
        match node:
            case core.ListValue():
                return _kept(node, items=tuple(self(one) for one in node.items))
            case core.Choice():
                return _kept(node, options=tuple(self(one) for one in node.options))
            case core.Pipeline():
                return _kept(node, parts=tuple(self(one) for one in node.parts))
            case core.Logical():
                return _kept(node, operands=tuple(self(one) for one in node.operands))
            case core.Arithmetic() | core.Compare():
                return _kept(node, left=self(node.left), right=self(node.right))
            case _:
                return node

    def _all(self, arguments: Mapping[str, core.Core]) -> dict[str, core.Core]:
        return {name: self(value) for name, value in arguments.items()}

    def _arm(self, node: core.Arm) -> core.Core:
        def changed(values: Mapping[str, core.Core]) -> dict[str, core.Core]:
            return {
                key: self._changes.get(node.places.get(key, ""), None) or self(value)
                for key, value in values.items()
            }

        return _kept(node, arguments=changed(node.arguments), overrides=changed(node.overrides))

    def _build(self, node: core.Build) -> core.Core:
        arguments = {
            name: self._changes.get(f"{node.slot}.{name}") or self(value)
            for name, value in node.arguments.items()
        }
        signature = self._catalog.get(node.kind, node.component)
        for info in signature.parameters if signature else ():
            slot = f"{node.slot}.{info.name}"
            if info.name in arguments:
                continue
            if slot in self._changes:
                arguments[info.name] = self._changes[slot]
            elif any(one.startswith(f"{slot}.") for one in self._changes):
                default = written(info.default, slot, node.span)
                if isinstance(default, core.Build):
                    arguments[info.name] = self(default)
        return _kept(node, arguments=arguments)


def _kept(node: core.Core, **fields: object) -> core.Core:
    """A node with other fields; the same node where they are what it has."""
    if all(_same(getattr(node, name), value) for name, value in fields.items()):
        return node
    change = cast(Callable[..., core.Core], replaced)
    return change(node, **fields)


def _same(old: object, new: object) -> bool:
    if isinstance(old, tuple) and isinstance(new, tuple):
        before, after = cast(tuple[object, ...], old), cast(tuple[object, ...], new)
        return len(before) == len(after) and all(map(_same, before, after))
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        was, now = cast(Mapping[str, object], old), cast(Mapping[str, object], new)
        return was.keys() == now.keys() and all(_same(was[key], now[key]) for key in was)
    return old is new


def written(value: Value, slot: str, span: Span) -> core.Core:
    """A resolved value as if a person had written it at a slot."""
    if isinstance(value, list):
        return core.ListValue(tuple(written(item, slot, span) for item in value), span)
    if not isinstance(value, dict):
        return core.Const(value, span)
    if "component" in value:
        args = cast(Mapping[str, Value], value["args"])
        arguments = {name: written(one, f"{slot}.{name}", span) for name, one in args.items()}
        return core.Build(str(value["kind"]), str(value["component"]), arguments, slot, span)
    if "duration" in value:
        amount, unit = cast(float, value["duration"]), cast(DurationUnit, value["unit"])
        return core.Const(Duration(amount, unit), span)
    return core.FileValue(str(value.get("file", "")), span)
