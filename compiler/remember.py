"""An evaluator that does nothing twice: what one point shares with another is worked out once.

The arguments of a component are told apart when they are first evaluated: those that met no
alternative are the same at every point (`Shape`), the others are evaluated at each, and met in the
same order as `Evaluator` would meet them, so that an odometer sees no difference. A component is
then looked up by the cells of those others. What a shape took from the axes of a block is kept with
it, so that blocks whose axes agree in this share it.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar, cast

from lab.compiler.arithmetic import range_values
from lab.compiler.canonical import text_of
from lab.compiler.cells import Cell, Layers, Noted, Settings, filled, merged
from lab.compiler.chooser import Chooser
from lab.compiler.evaluate import (
    ANYTHING,
    NOWHERE,
    Closure,
    Contents,
    Environment,
    Evaluator,
    Resolved,
    Supply,
    check_range,
    coerced,
)
from lab.compiler.problem import Problem
from lab.compiler.shapes import (
    Key,
    Memory,
    Owner,
    Place,
    Reading,
    Shape,
    around_arguments,
    entry,
    joined,
    places_of,
    places_standing,
)
from lab.spec import core
from lab.spec.signature import Catalog, Signature, Type
from lab.spec.values import Value

T = TypeVar("T")


class Remembering(Evaluator):
    """An evaluator with a memory."""

    def __init__(
        self,
        study: core.Study,
        catalog: Catalog,
        contents: Contents,
        *,
        axes: Mapping[str, Closure],
        chooser: Chooser,
        memory: Memory,
    ) -> None:
        super().__init__(study, catalog, contents, axes=axes, chooser=chooser)
        self.memory = memory
        self.take(axes)

    def take(self, axes: Mapping[str, Closure]) -> None:
        """Go on under these axes."""
        super().take(axes)
        view = self.memory.view(axes)
        self._view = view.shapes
        self._recalled = view.recalled
        self._readings = view.readings

    def recalled(self, key: tuple[object, ...], work: Callable[[], T]) -> T:
        """What `work` gives: remembered by `key` if it asks for nothing."""
        known = self._recalled.get(key, self)
        if known is None or self.looked is not None:
            return work()
        if known is self:
            before, settings, self.settings = self.asked, self.settings, Settings()
            found = work()
            layers = tuple(self.settings.layers)
            self.settings = settings
            if self.asked == before:
                known = (found, (merged(layers),) if layers else ())
                self._recalled[key] = known
            else:
                self._recalled[key] = None
            self.settings.push(layers)
            return found
        found, layers = cast(tuple[T, Layers], known)
        self.settings.push(layers)
        return found

    def bound(
        self, name: str, arguments: Mapping[str, core.Core], environment: Environment
    ) -> Environment:
        """The environment inside a definition called with arguments: one object."""
        key = (id(arguments), id(environment))
        known = self.memory.environments.get(key)
        if known is None:
            made = super().bound(name, arguments, environment)
            known = self.memory.environments[key] = (environment, made)
        return known[1]

    def inside(self, arm: core.Arm, environment: Environment) -> Environment:
        """The environment inside an arm: one object."""
        if not arm.arguments and not arm.overrides and not environment.bindings:
            return environment
        return self.memory.around(arm, environment, super().inside(arm, environment))

    def worked_out(
        self, owner: Owner, signature: Signature, environment: Environment, supply: Supply
    ) -> Cell:
        """The arguments of a stage or measurement, looked up by what is open in them."""
        shape = self._shape(owner, signature, environment)
        cell = self._filled(shape, environment, supply)
        self.settings.push(cell.layers)
        return cell

    def value_cell(self, expression: core.Core, environment: Environment) -> Cell:
        """The value of an expression, with its text."""
        cell = self._cell(expression, environment, ANYTHING)
        self.settings.push(cell.layers)
        return cell

    # Components

    def _shape(self, owner: Owner, signature: Signature, environment: Environment) -> Shape:
        key = (id(owner), "", id(environment))
        shape = self._view.get(key)
        if shape is None:
            is_build = isinstance(owner, core.Build)
            around = None
            if is_build and owner.kind != "stage":
                around = around_arguments(signature)
            shape = self._fitting(key, around, lambda: places_of(owner, signature), environment)
        elif self.looked is not None:
            self.looked |= shape.looked
        return shape

    def _fitting(
        self,
        key: Key,
        around: tuple[str, str] | None,
        places: Callable[[], list[Place]],
        environment: Environment,
    ) -> Shape:
        """A shape that fits the axes: one that is there, or a new one."""
        known = self.memory.shapes.setdefault(key, [])
        shape = next((one for one in known if one.fits(self.axes)), None)
        if shape is None:
            shape = self._new_shape(places(), around, environment)
            known.append(shape)
        elif self.looked is not None:
            self.looked |= shape.looked
        self._view[key] = shape
        return shape

    def _new_shape(
        self, places: list[Place], around: tuple[str, str] | None, environment: Environment
    ) -> Shape:
        shape = Shape()
        shape.around = around
        texts: dict[str, str | int] = {}
        layers: list[Mapping[str, Noted]] = []
        outer = self.looked
        for place in places:
            self.looked, before = set(), self.asked
            cell, name = self._argument(place, environment), place.info.name
            is_open = self.asked != before or (place.supply is not None and cell.value is None)
            shape.values[name] = None if is_open else cell.value
            texts[name] = len(shape.open) if is_open else cell.text
            if is_open:
                shape.open.append(place)
            else:
                shape.looked |= self.looked
                shape.is_notable |= cell.is_notable
                layers += cell.layers
            if outer is not None:
                outer |= self.looked
        self.looked = outer
        shape.own = tuple([place.info.name for place in shape.open])
        shape.texts = joined([texts[name] for name in sorted(texts)])
        shape.layer = (merged(layers),) if layers else ()
        shape.found = {slot: self.axes[slot] for slot in shape.looked if slot in self.axes}
        return shape

    def _filled(self, shape: Shape, environment: Environment, supply: Supply | None) -> Cell:
        """The cell of a component at this point."""
        cells = tuple([self._open(one, environment, supply) for one in shape.open])
        made = shape.made.get(cells)
        if made is None:
            values = shape.values
            if cells:
                values = filled(values, shape.own, [cell.value for cell in cells])
            layers = (*shape.layer, *[layer for cell in cells for layer in cell.layers])
            is_notable = shape.is_notable or any([cell.is_notable for cell in cells])
            made = shape.made[cells] = Cell(values, shape.text(cells), layers, is_notable)
        return made

    def _open(self, place: Place, environment: Environment, supply: Supply | None) -> Cell:
        reading = self._readings.get(place)
        if reading is not None and self.looked is None:
            cell = self._read(reading, place, environment)
        else:
            cell = self._argument(place, environment)
            if place not in self._readings:
                self._readings[place] = self._reading(place, environment)
        if place.supply is not None and supply is not None and cell.value is None:
            given = supply(place.supply)
            if given is not None:
                return self._given(place, cell, given)
        return cell

    def _read(self, reading: Reading, place: Place, environment: Environment) -> Cell:
        """What stands at a place, by the option that is chosen."""
        site = reading.site
        if not (self.forks or self.chooser.met(site)):
            return self._argument(place, environment)
        position = self.chooser.choose(site, reading.count)
        cell = reading.cells[position]
        if cell is None:
            cell = reading.cells[position] = self._argument(place, environment)
        else:
            self.asked += 1
        return cell

    def _reading(self, place: Place, environment: Environment) -> Reading | None:
        """How a place is read where one of several plain values stands there by itself."""
        if place.labels is not None or place.is_inside:
            return None
        outside = environment.overrides.get(place.slot) or self.axes.get(place.slot)
        expression = place.written if outside is None else outside.expression
        if outside is not None and outside.item is not None:
            return None
        if isinstance(expression, core.Choice):
            are_plain = all([isinstance(one, core.Const) for one in expression.options])
            return Reading(expression, len(expression.options)) if are_plain else None
        if isinstance(expression, core.RangeChoice) and _is_plain(expression):
            values = self.memory.ranges.get(id(expression))
            return None if values is None else Reading(expression, len(values))
        return None

    def _given(self, place: Place, instead_of: Cell, given: Cell) -> Cell:
        known = place.cells.get(given)
        if known is None:
            text = entry(place.info, given)
            known = place.cells[given] = Cell(
                given.value, text, instead_of.layers, given.is_notable
            )
        return known

    def _built(self, build: core.Build, environment: Environment) -> Cell:
        signature = self.catalog.signatures[build.kind, build.component]
        shape = self._shape(build, signature, environment)
        return self._component(
            shape, environment, {"component": signature.name, "kind": signature.kind}
        )

    def _component(self, shape: Shape, environment: Environment, head: dict[str, Value]) -> Cell:
        args = self._filled(shape, environment, None)
        if args.uses is None:
            value: Value = {**head, "args": args.value}
            is_notable = args.is_notable or head["kind"] == "schedule"
            args.uses = {"component": Cell(value, args.text, args.layers, is_notable)}
        return cast(Cell, args.uses["component"])

    # Arguments

    def _argument(self, place: Place, environment: Environment) -> Cell:
        """The cell of an argument: its text is an entry of the canonical text."""
        if place.labels is not None:
            return self._labeled(place, environment)
        want = place.info.type
        outside = self.lookup(place.slot, environment)
        standing: Cell | None = None
        if place.is_inside or (outside is None and place.written is None):
            standing = self._default(place, environment)
        if outside is not None:
            inner = self._closed(outside, want)
        elif standing is None:
            inner = self._cell(cast(core.Core, place.written), environment, want)
        else:
            inner = standing
        known = place.cells.get(inner)
        if known is None:
            if not place.is_inside:
                check_range(place.info, inner.value, place.written)
            noted = {place.slot: Noted(inner.value, want.name)}
            below = () if standing is None or standing is inner else standing.layers
            layers = (*below, *inner.layers, noted)
            known = Cell(inner.value, entry(place.info, inner), layers, inner.is_notable)
            place.cells[inner] = known
        return known

    def _labeled(self, place: Place, environment: Environment) -> Cell:
        signature, written = cast(tuple[Signature, Mapping[str, core.Core]], place.labels)

        def work() -> Value:
            return self.mapping(
                signature, place.info, written, slot=place.slot, environment=environment
            )

        inner = self._same((id(place), id(environment)), work)
        known = place.cells.get(inner)
        if known is None:
            known = Cell(inner.value, entry(place.info, inner), inner.layers)
            place.cells[inner] = known
        return known

    def _default(self, place: Place, environment: Environment) -> Cell:
        """A component's default, in which an axis may still set something."""
        value = place.default
        if place.asking is not None:
            message = f"`{place.info.name}` is not given here, and no axis sets it for this use"
            raise Problem("E0301", message, place.asking)
        if not isinstance(value, dict) or "component" not in value:
            if place.constant is None:
                place.constant = Cell(value, text_of(value, self.catalog))
            return place.constant
        key = (id(value), place.slot, id(environment))
        shape = self._view.get(key)
        if shape is None:
            signature = self.catalog.signatures[
                cast(str, value["kind"]), cast(str, value["component"])
            ]
            shape = self._fitting(
                key,
                around_arguments(signature),
                lambda: places_standing(signature, value, place.slot),
                environment,
            )
        elif self.looked is not None:
            self.looked |= shape.looked
        return self._component(shape, environment, value)

    # Values

    def _closed(self, closure: Closure, want: Type) -> Cell:
        expression, environment = self.closed(closure)
        if isinstance(expression, Resolved):
            return self._interned(coerced(expression.value, want), want)
        return self._cell(expression, environment, want)

    def _interned(self, value: Value, want: Type) -> Cell:
        key = (text_of(value, self.catalog), want)
        known = self.memory.texts.get(key)
        if known is None:
            known = self.memory.texts[key] = Cell(value, key[0])
        return known

    def _cell(self, expression: core.Core, environment: Environment, want: Type) -> Cell:
        """The value of an expression in the form its type asks for."""
        while isinstance(expression, core.Choice):
            expression = self.chosen(expression)
        if isinstance(expression, core.Const):
            return self._constant(expression, want)
        if isinstance(expression, core.Build) and not want.many:
            return self._built(expression, environment)
        if isinstance(expression, core.Reference):
            return self._referred(expression, environment, want)
        if isinstance(expression, core.RangeChoice) and _is_plain(expression):
            return self._member(expression, environment, want)
        if isinstance(expression, core.Named) and not want.many:
            return self._declared(expression)
        return self._evaluated(expression, environment, want)

    def _constant(self, expression: core.Core, want: Type) -> Cell:
        key = (id(expression), id(want))
        known = self.memory.known.get(key)
        if known is None:
            value = self.value(expression, NOWHERE, want)
            known = self.memory.known[key] = Cell(value, text_of(value, self.catalog))
        return known

    def _member(self, expression: core.RangeChoice, environment: Environment, want: Type) -> Cell:
        """One of the numbers of a range whose ends are constants."""
        self.asked += 1
        values = self.memory.ranges.get(id(expression))
        if values is None:
            start, stop = self.value(expression.start), self.value(expression.stop)
            by = None if expression.by is None else self.value(expression.by)
            values = range_values(expression, (start, stop), by)
            self.memory.ranges[id(expression)] = values
        position = 0
        if self.forks or self.chooser.met(expression):
            position = self.chooser.choose(expression, len(values))
        key = (id(expression), id(want), position)
        known = self.memory.known.get(key)
        if known is None:
            value = coerced(values[position], want)
            known = self.memory.known[key] = Cell(value, text_of(value, self.catalog))
        return known

    def _referred(self, expression: core.Reference, environment: Environment, want: Type) -> Cell:
        slot = expression.slot
        inner = self._closed(self.meant(slot, environment, expression.span), ANYTHING)
        if inner.uses is None:
            inner.uses = {}
        key = (slot, want)
        known = inner.uses.get(key)
        if known is None:
            value = coerced(inner.value, want)
            text = inner.text if value is inner.value else text_of(value, self.catalog)
            layers = (*inner.layers, {slot: Noted(inner.value, "")})
            known = inner.uses[key] = Cell(value, text, layers)
        return cast(Cell, known)

    def _declared(self, named: core.Named) -> Cell:
        outside = self.lookup(f"{named.kind} {named.name}", NOWHERE)
        if outside is not None:
            return self._closed(outside, ANYTHING)
        return self._cell(self.study.definitions[named.name].value, NOWHERE, ANYTHING)

    def _evaluated(self, expression: core.Core, environment: Environment, want: Type) -> Cell:
        """Anything else: evaluated, and the same cell as before where it is the same."""
        key = (id(expression), id(environment), id(want))
        return self._same(key, lambda: self.value(expression, environment, want))

    def _same(self, key: tuple[object, ...], work: Callable[[], Value]) -> Cell:
        settings, self.settings = self.settings, Settings()
        value = work()
        layer, self.settings = self.settings.whole(), settings
        text = text_of(value, self.catalog)
        key = (*key, text)
        known = self.memory.known.get(key)
        if known is None or merged(known.layers) != layer:
            known = self.memory.known[key] = Cell(value, text, (layer,) if layer else ())
        return known


def _is_plain(expression: core.RangeChoice) -> bool:
    ends = (expression.start, expression.stop, expression.by)
    return not expression.continuous and all(
        one is None or isinstance(one, core.Const) for one in ends
    )
