"""What stages cost: how many steps, and what a step is.

A pass back is two passes forward. A step of a training runs `batch` examples through the network,
makes the weights once through the method, and moves every trained number; a step of a fit runs
places of tensors through their fields, or makes all weights.
"""

from collections.abc import Callable, Mapping
from typing import cast

from lab.compiler.facts import (
    FLOAT_BYTES,
    WINDOW_BYTES,
    WINDOWS,
    Asking,
    Cost,
    Effort,
    Kind,
    Made,
    Method,
    Network,
    Source,
    count,
    size,
)
from lab.runtime.facts.training import chosen, loss_macs
from lab.runtime.facts.values import integer, named, number, steps_of, words
from lab.spec.records import replaced
from lab.spec.values import Value

#: Forward and back, in passes forward.
_BOTH_WAYS = 3
#: Bytes of a record: what was asked, curves, checksums.
RECORD_BYTES = 6_000
#: Points of a fit's curve, each a call of its program.
_LOOKS = 50


def pretrained(arguments: Mapping[str, Value], asking: Asking) -> Cost:
    """A checkpoint, read."""
    return _kept(_network(arguments, asking))


def apply(arguments: Mapping[str, Value], asking: Asking) -> Cost:
    """Weights once through a method."""
    before = asking.made("before")
    made = Made(before.network, _method(arguments["through"], before.network, asking))
    return _kept(made, macs=_all_weights(made))


def fit(arguments: Mapping[str, Value], asking: Asking) -> Cost:
    """Weights of a method fitted to weights."""
    before = asking.made("before")
    method = _method(arguments["through"], before.network, asking)
    steps, batch = steps_of(arguments["for"]), arguments.get("batch")
    macs, activations = _of_a_fitting_step(method, batch if isinstance(batch, int) else None)
    moved = _moved(arguments["by"], method.trained, asking)
    made = Made(before.network, method)
    return _kept(
        made,
        macs=_BOTH_WAYS * macs * steps + 2 * method.macs,
        elements=(_BOTH_WAYS * activations + moved) * steps,
        steps=steps,
        calls=min(steps, _LOOKS),
        held=FLOAT_BYTES * (moved - method.trained),
        working=FLOAT_BYTES * (activations + count(method.taken.values())),
        kind=method.kind,
    )


def train(arguments: Mapping[str, Value], asking: Asking) -> Cost:
    """A network trained on examples."""
    made = _begun(arguments, asking)
    network, source = made.network, cast(Source, asking.of(arguments["data"]))
    batch = min(integer(arguments, "batch"), source.train)
    per_epoch = source.train // batch
    steps = steps_of(arguments["for"], per_epoch=per_epoch, batch=batch)
    effort = cast(Effort, asking.of(arguments["select"]))
    rows = chosen(effort, batch)
    looked_at = rows * _BOTH_WAYS + effort.forward * batch
    extra = loss_macs(arguments["loss"], asking) * rows
    trained = _trained(arguments, made)
    moved = _moved(arguments["by"], trained, asking)
    averaged = trained if number(arguments, "average") else 0
    watched = _watched(arguments, source, steps=steps, per_epoch=per_epoch)
    at_once = min(batch, integer(arguments, "micro_batch") or batch)
    method = made.method
    macs = looked_at * network.macs + extra + _BOTH_WAYS * (method.macs if method else 0)
    made_weights = method.activations if method else 0
    is_convolutional = network.kind == "convolution"
    cost = _kept(
        made,
        macs=macs * steps + watched * network.macs,
        elements=(looked_at * network.activations + _BOTH_WAYS * made_weights + moved + averaged)
        * steps,
        steps=steps,
        calls=steps if is_convolutional else -(-steps // per_epoch),
        held=FLOAT_BYTES * (moved - trained + averaged),
        working=FLOAT_BYTES * (at_once * network.activations + made_weights),
        kind=network.kind,
    )
    return _holding(cost, source.total_bytes)


def _holding(cost: Cost, examples: int) -> Cost:
    """The cost with so many bytes of examples."""
    windows = min(examples, WINDOWS * WINDOW_BYTES)
    return replaced(
        cost, memory=cost.memory + examples, held=cost.held + windows, examples=examples
    )


def _watched(arguments: Mapping[str, Value], source: Source, *, steps: int, per_epoch: int) -> int:
    """Examples run forward to see how training goes, all looks together."""
    watch = arguments.get("watch")
    if not isinstance(watch, str):
        return 0

    asked = arguments.get("evaluate") or {"duration": 1, "unit": "epochs"}
    between = steps_of(asked, per_epoch=per_epoch, total=steps)
    return source.of(watch) * (steps // max(1, between))


def _trained(arguments: Mapping[str, Value], made: Made) -> int:
    """Numbers that move: those of the method, and of the rest those that `only` names."""
    moving = named(words(arguments, "only") or ("**",), made.network)
    own = 0
    if made.method is not None:
        own, moving = made.method.trained, moving - frozenset(made.method.taken)
    return own + count(made.network.weights[path] for path in moving)


def _begun(arguments: Mapping[str, Value], asking: Asking) -> Made:
    """What training starts from: the model anew, or what the stage before made."""
    before = asking.made("before") if "before" in asking.inputs else _network(arguments, asking)
    through = arguments.get("through")
    if through is None:
        return before
    return Made(before.network, _method(through, before.network, asking))


def _network(arguments: Mapping[str, Value], asking: Asking) -> Made:
    return Made(cast(Network, asking.of(arguments["model"])))


def _method(value: Value, network: Network, asking: Asking) -> Method:
    return cast(Callable[[Network], Method], asking.of(value))(network)


def _of_a_fitting_step(method: Method, batch: int | None) -> tuple[int, int]:
    """Multiplications and activations of one way forward."""
    if not method.place_macs:
        return method.macs, method.activations
    places = {path: batch or size(shape) for path, shape in method.taken.items()}
    macs = sum(method.place_macs[path] * places[path] for path in places)
    return macs, method.place_activations * sum(places.values())


def _moved(optimizer: Value, trained: int, asking: Asking) -> int:
    """Numbers of a step that stand beside the network: trained, gradients, optimizer's."""
    return (2 + cast(int, asking.of(optimizer))) * trained


def _all_weights(made: Made) -> int:
    return made.method.macs if made.method else 0


def _kept(
    made: Made,
    *,
    macs: float = 0.0,
    elements: float = 0.0,
    steps: int = 0,
    calls: int = 0,
    held: float = 0.0,
    working: float = 0.0,
    kind: Kind | None = None,
) -> Cost:
    """The cost of a stage that makes something: its files, and memory for what it works with."""
    shipped = made.packed_bytes
    return Cost(
        macs=macs,
        elements=elements + 2 * made.network.parameters,
        steps=steps,
        calls=calls,
        parameters=made.trained,
        memory=int(held + working) + 2 * made.network.state_bytes + made.kept_bytes,
        held=int(held) + made.kept_bytes,
        disk=made.kept_bytes + shipped + RECORD_BYTES,
        kind=made.network.kind if kind is None else kind,
        made=made,
    )
