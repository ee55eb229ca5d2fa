"""A method at one point, as stages with their inputs: the nodes of the graph before seeds.

A `Template` is a stage of one point whatever the replicate. Its digest says all that it means but
the seed, so templates made at different points, in different grids or studies, are one when
their digests are equal. A replicate of a template on which nothing random ever acted is the same
node for all seeds.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Literal, cast

from lab.compiler.canonical import NUMERICS, canonical, digest_of_text, text_of, text_of_arguments
from lab.compiler.cells import Cell
from lab.compiler.evaluate import NOWHERE, Environment, Evaluator, Root
from lab.compiler.nested import nested_arms
from lab.compiler.problem import Problem
from lab.spec import core
from lab.spec.records import record
from lab.spec.signature import Signature
from lab.spec.values import Value

KEY_LENGTH = 32


@record(eq=False)
class Template:
    """A stage or measurement of a point; `random`: its result depends on the replicate."""

    role: Literal["stage", "measurement"]
    signature: Signature
    arguments: Mapping[str, Value]
    inputs: Mapping[str, "Template"]
    random: bool
    owner: str
    digest: str
    #: Where the stage or measurement is written: the slot of its arguments, "" where it has none.
    slot: str = ""
    #: Whether a schedule or a file stands in its arguments.
    is_notable: bool = True

    def key(self, seed: int, vary: tuple[str, ...]) -> str:
        """The key of the node that this template is for a replicate."""
        if not self.random:
            return self.digest[:KEY_LENGTH]
        return digest_of_text(f'["{self.digest}",{seed},{_listed(vary)}]')[:KEY_LENGTH]


@cache
def _listed(names: tuple[str, ...]) -> str:
    return canonical(names)


class Pipelines:
    """Methods of one point as templates."""

    def __init__(self, evaluator: Evaluator, vary: tuple[str, ...]) -> None:
        self.evaluator = evaluator
        self.vary = vary
        self._chosen: dict[str, tuple[Cell, int]] = {}

    def method(self, expression: core.Core, environment: Environment = NOWHERE) -> Template:
        """The last stage of an arm, which holds the stages before it as inputs."""
        last = self._extend(expression, environment, before=None, owner="")
        if last is None:
            raise Problem("E0604", "this arm has no stage", expression.span)
        return last

    def _extend(
        self,
        expression: core.Core,
        environment: Environment,
        *,
        before: Template | None,
        owner: str,
    ) -> Template | None:
        match expression:
            case core.Pipeline():
                for part in expression.parts:
                    before = self._extend(part, environment, before=before, owner=owner)
                return before
            case core.Choice():
                option = self.evaluator.chosen(expression)
                return self._extend(option, environment, before=before, owner=owner)
            case core.Arm() if expression.name not in self.evaluator.study.definitions:
                return self._winner(expression)
            case core.Arm():
                return self._arm(expression, environment, before)
            case core.Build(kind="stage"):
                return self._stage(expression, environment, before=before, owner=owner)
            case core.Const(value=None):
                return before
            case _:
                raise Problem("E0401", "this is no stage", expression.span)

    def _arm(
        self, arm: core.Arm, environment: Environment, before: Template | None
    ) -> Template | None:
        def work() -> Template | None:
            inside = self.evaluator.inside(arm, environment)
            body = self.evaluator.study.definitions[arm.name].value
            return self._extend(body, inside, before=before, owner=arm.name)

        if before is not None:
            return work()
        return self.evaluator.recalled((arm, id(environment), self.vary), work)

    def _winner(self, arm: core.Arm) -> Template:
        """The best trial of a search, which stands for its own pipeline."""
        found = self.evaluator.winners.get(arm.name)
        if found is None:
            message = f"`{arm.name}` is no arm here: its search comes later, or refers to itself"
            raise Problem("E0607", message, arm.span)
        return found

    def _stage(
        self, build: core.Build, environment: Environment, *, before: Template | None, owner: str
    ) -> Template:
        signature = self.evaluator.catalog.signatures["stage", build.component]
        is_first = before is None

        def supply(kind: Root) -> Cell | None:
            return self.chosen(kind, build) if kind == "data" or is_first else None

        arguments = self.evaluator.worked_out(build, signature, environment, supply)
        inputs = self.arms(signature, build, environment)
        if before is not None:
            inputs["before"] = before
        return self.shared(arguments, "stage", signature, inputs=inputs, owner=owner, at=build)

    def chosen(self, kind: Root, asking: core.Build | core.Measure) -> Cell:
        """The model or data of the point: one value, however many stages ask."""
        evaluator = self.evaluator
        if kind not in self._chosen:
            before = evaluator.asked
            cell = evaluator.recalled((kind,), lambda: self._choose(kind, asking))
            self._chosen[kind] = (cell, evaluator.asked - before)
            return cell
        cell, asked = self._chosen[kind]
        evaluator.asked += asked
        return cell

    def _choose(self, kind: Root, asking: core.Build | core.Measure) -> Cell:
        axis = self.evaluator.lookup(kind, NOWHERE)
        if axis is not None:
            expression, environment = self.evaluator.closed(axis)
            if not isinstance(expression, core.Core):
                return Cell(expression.value, text_of(expression.value, self.evaluator.catalog))
            return self.evaluator.value_cell(self._declared(expression), environment)
        declared = [d for d in self.evaluator.study.definitions.values() if d.kind == kind]
        if len(declared) != 1:
            found = "none is declared" if not declared else "several are, and no axis chooses"
            raise Problem("E0507", f"this needs a {kind}, and {found}", asking.span)
        named = core.Named(kind, declared[0].name, asking.span)
        return self.evaluator.value_cell(named, NOWHERE)

    def _declared(self, expression: core.Core) -> core.Core:
        while isinstance(expression, core.Choice):
            expression = self.evaluator.chosen(expression)
        return expression

    def arms(
        self, signature: Signature, build: core.Build | core.Measure, environment: Environment
    ) -> dict[str, Template]:
        """The arms that a component takes as arguments, as inputs by the parameter's name.

        Those inside its arguments follow, by the role they have there.
        """
        found = {
            name: self.method(build.arguments[name], environment)
            for name in named(signature, "arm")
            if name in build.arguments
        }
        for role, arm in nested_arms(self.evaluator, signature, build, environment):
            found[role] = self.method(arm.expression, arm.environment)
        return found

    def shared(
        self,
        arguments: Cell,
        role: Literal["stage", "measurement"],
        signature: Signature,
        *,
        inputs: Mapping[str, Template],
        owner: str,
        at: core.Build | core.Measure,
    ) -> Template:
        """The one template of some arguments with some inputs."""
        what = (role, signature, arguments, self.vary)
        return shared(what, inputs=inputs, owner=owner, slot=at.slot)

    def template(
        self,
        role: Literal["stage", "measurement"],
        signature: Signature,
        arguments: Mapping[str, Value],
        *,
        inputs: Mapping[str, Template],
        owner: str,
        slot: str = "",
    ) -> Template:
        """A template and its digest."""
        values = cast(dict[str, Value], arguments)
        cell = Cell(values, text_of_arguments(signature, values, self.evaluator.catalog))
        what = (role, signature, cell, self.vary)
        return _made(what, inputs=inputs, owner=owner, slot=slot)


#: What a template is of: the component with its arguments, and the streams that replicates differ
#: in.
What = tuple[Literal["stage", "measurement"], Signature, Cell, tuple[str, ...]]


def shared(what: What, *, inputs: Mapping[str, Template], owner: str, slot: str) -> Template:
    """The one template of some arguments with some inputs."""
    _, _, arguments, vary = what
    if arguments.uses is None:
        arguments.uses = {}
    key = (owner, vary, *inputs, *inputs.values())
    known = arguments.uses.get(key)
    if known is None:
        known = _made(what, inputs=inputs, owner=owner, slot=slot)
        arguments.uses[key] = known
    return cast(Template, known)


def _made(what: What, *, inputs: Mapping[str, Template], owner: str, slot: str) -> Template:
    role, signature, arguments, vary = what
    streams = signature.streams
    acts = any([one in vary for one in streams]) if vary else bool(streams)
    is_random = acts or any([one.random for one in inputs.values()])
    used = ",".join([f'"{name}":"{inputs[name].digest}"' for name in sorted(inputs)])
    digest = digest_of_text(
        f'{{"arguments":{arguments.text},'
        f'"component":["{role}","{signature.name}","{signature.version}"],'
        f'"inputs":{{{used}}},"numerics":"{NUMERICS}"}}'
    )
    values = cast(Mapping[str, Value], arguments.value)
    notable = arguments.is_notable
    return Template(role, signature, values, inputs, is_random, owner, digest, slot, notable)


def owners(template: Template) -> Iterator[str]:
    """The methods whose definitions a template's stages are written in."""
    yield template.owner
    for one in template.inputs.values():
        yield from owners(one)


#: Names of parameters by signature and type; a signature is kept so that its identity is its own.
_NAMED: dict[tuple[int, str], tuple[Signature, tuple[str, ...]]] = {}


def named(signature: Signature, kind: str) -> tuple[str, ...]:
    """The parameters of a type, looked up: they are asked for at every point."""
    known = _NAMED.get((id(signature), kind))
    if known is None:
        names = tuple(info.name for info in signature.parameters if info.type.name == kind)
        known = _NAMED[id(signature), kind] = (signature, names)
    return known[1]
