"""What a plan costs: sums, bases, and what to cut."""

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planning import catalog, planned

from lab.compiler.cost import Rates, Unknown, costs_of
from lab.compiler.facts import Asking, Cost
from lab.compiler.plan import Plan
from lab.compiler.prices import Device, Known, Prices, Seen, prices
from lab.compiler.programs import programs
from lab.compiler.savings import savings
from lab.compiler.stored import Described
from lab.runtime.arithmetic import asking, find

RATES = Rates(
    name="a test",
    macs={"convolution": 1e9, "matrix": 1e9, "field": 1e9},
    elements=1e12,
    call=0.0,
    step=0.0,
    node=0.0,
    compiling={"convolution": 0.0, "matrix": 0.0, "field": 0.0},
)
DEVICE = Device("a device", workers=1, threads=1, rates=RATES, memory_bytes=1e9)
STUDY = """
method field = dense then inwf(width: 8, min_size: 500, for: 100 steps, batch: 100)
grid widths {{
  method: field
  field.width: {widths}
  repeat {repeat} as seed
}}
report {{ table(ratio, by: method) }}
"""


def study(widths: str = "8 | 16", repeat: int = 1, more: str = "") -> Plan:
    return planned(STUDY.format(widths=widths, repeat=repeat) + more)


def seen(stored: Mapping[str, Described], probes: Mapping[str, Seen] | None = None) -> Known:
    return Known(stored, probes or {}, asking(catalog()))


def priced(
    plan: Plan,
    *,
    known: Known | None = None,
    have: frozenset[str] = frozenset(),
    asked: Asking | None = None,
    device: Device = DEVICE,
) -> Prices:
    made = programs(plan, catalog())
    costs = costs_of(made, asked or asking(catalog()))
    todo = frozenset(node.key for node in plan.nodes) - have
    pairs = tuple(zip(made, costs, strict=True))
    return prices(plan, pairs, todo=todo, known=known or seen({}), device=device)


def macs(plan: Plan) -> float:
    return sum(
        one.cost.macs * len(one.todo) for one in priced(plan).programs if isinstance(one.cost, Cost)
    )


def stored(
    key: str, *, seconds: float, device: str = "a device", compiling: float = 1.0
) -> Described:
    facts = {"wall_seconds": seconds, "compile_seconds": compiling, "device": device}
    details = {"role": "stage", "arguments": {}, "inputs": {}, "seed": 0, "vary": []}
    return Described(key, "fit", "field: inwf", "1", json.dumps({**details, "facts": facts}))


def test_training_is_three_passes_of_every_example_of_every_step() -> None:
    (train, *_) = priced(study()).programs
    assert isinstance(train.cost, Cost)
    network = 64 * 128 + 128 * 128 + 128 * 10
    assert train.cost.steps == 1297 // 128
    assert train.cost.macs == 3 * 128 * 10 * network
    assert train.cost.flops == 2 * train.cost.macs


def test_a_fit_is_three_passes_of_every_place_of_every_step() -> None:
    fits = [one for one in priced(study("16")).programs if one.program.component == "fit"]
    (cost,) = [one.cost for one in fits]
    assert isinstance(cost, Cost)
    field = 16 * 16 + 16 * 16 + 16
    tensors, weights = 3, 64 * 128 + 128 * 128 + 128 * 10
    assert cost.macs == 3 * 100 * tensors * 100 * field + 2 * weights * field
    assert cost.parameters == tensors * (16 * 17 + 16 * 17 + 17) + 128 + 128 + 10


WIDTHS = st.lists(st.sampled_from([4, 8, 12, 16]), min_size=1, max_size=3, unique=True)


@settings(max_examples=12, deadline=None)
@given(WIDTHS, WIDTHS, st.integers(1, 3))
def test_a_union_of_grids_costs_at_most_their_sum(
    one: list[int], two: list[int], repeat: int
) -> None:
    first, second = (" | ".join(map(str, widths)) for widths in (one, two))
    more = f"""
grid others {{
  method: field
  field.width: {second}
  repeat {repeat} as seed
}}
"""
    both = macs(study(first, repeat, more))
    apart = macs(study(first, repeat)), macs(study(second, repeat))
    assert max(apart) <= both <= sum(apart)


def test_what_is_stored_costs_nothing() -> None:
    plan = study()
    assert priced(plan, have=frozenset(node.key for node in plan.nodes)).wall == 0


def test_two_workers_are_no_faster_than_the_longest_chain() -> None:
    plan = study("8")
    one, many = priced(plan), priced(plan, device=replace(DEVICE, workers=64))
    assert 0 < many.wall <= one.wall
    chain = [node for node in plan.nodes if node.role == "stage"]
    seconds = {key: p.seen.lane for p in one.programs if p.seen for key in p.todo}
    assert many.wall >= sum(seconds[node.key] for node in chain)


def test_what_was_measured_here_comes_before_arithmetic() -> None:
    plan = study("8 | 16", repeat=3)
    wide = next(
        one for one in programs(plan, catalog()) if one.component == "fit" and len(one.lanes) == 3
    )
    key = wide.lanes[0]
    known = seen({key: stored(key, seconds=41.0, compiling=4.0)})
    found = {p.program.key: p for p in priced(plan, known=known, have=frozenset({key})).programs}
    price = found[wide.key]
    assert (price.basis, price.todo) == ("measured", wide.lanes[1:])
    assert price.seen == Seen(37.0, 4.0, None)
    other = [p for p in found.values() if p.program.component == "fit" and p is not price]
    assert [p.basis for p in other] == ["scaled"]
    assert isinstance(price.cost, Cost)
    assert isinstance(other[0].cost, Cost)
    assert other[0].seen is not None
    ratio = RATES.seconds(other[0].cost) / RATES.seconds(price.cost)
    assert other[0].seen.lane == pytest.approx(37.0 * ratio)


def test_what_a_process_does_once_is_told_from_what_a_lane_takes() -> None:
    plan = study("8", repeat=4)
    lanes = next(one for one in programs(plan, catalog()) if one.component == "fit").lanes
    told = {lanes[0]: (9.0, 3.0), lanes[1]: (2.0, 0.0), lanes[2]: (2.2, 0.0)}
    kept = {key: stored(key, seconds=wall, compiling=once) for key, (wall, once) in told.items()}
    found = priced(plan, known=seen(kept), have=frozenset(told))
    (price,) = [p for p in found.programs if p.program.component == "fit"]
    assert price.seen is not None
    assert price.seen.lane == pytest.approx(2.1)
    assert price.seen.compiling == pytest.approx(9.0 - 2.1), "imports and tracing too"


def test_what_other_studies_took_scales_arithmetic() -> None:
    """A stored fit of other static arguments, in no plan of ours."""
    theirs, ours = study("24"), study("8")
    kept = {
        node.key: Described(
            node.key,
            node.component,
            node.label,
            node.version,
            {
                **{"role": node.role, "arguments": node.arguments, "inputs": node.inputs},
                **{"seed": node.seed, "vary": node.vary},
                "facts": {"wall_seconds": 9.0, "compile_seconds": 1.0, "device": "a device"},
            },
        )
        for node in theirs.nodes
        if node.role == "stage"
    }
    found = [p for p in priced(ours, known=seen(kept)).programs if p.program.component == "fit"]
    (cost,) = [p.cost for p in priced(theirs).programs if p.program.component == "fit"]
    assert [p.basis for p in found] == ["scaled"]
    assert found[0].seen is not None
    assert isinstance(cost, Cost)
    assert isinstance(found[0].cost, Cost)
    ratio = RATES.seconds(found[0].cost) / RATES.seconds(cost)
    assert found[0].seen.lane == pytest.approx(8.0 * ratio)


def test_what_another_device_took_says_nothing() -> None:
    plan = study("8", repeat=2)
    key = next(one for one in programs(plan, catalog()) if one.component == "fit").lanes[0]
    known = seen({key: stored(key, seconds=41.0, device="another")})
    bases = {p.basis for p in priced(plan, known=known, have=frozenset({key})).missing}
    assert bases == {"arithmetic"}


def test_a_probe_comes_before_what_others_took() -> None:
    plan = study("8 | 16")
    fits = [one for one in programs(plan, catalog()) if one.component == "fit"]
    known = seen({}, {fits[0].key: Seen(7.0, 2.0, 5e8)})
    found = {p.program.key: p for p in priced(plan, known=known).programs}
    assert found[fits[0].key].basis == "probed"
    assert found[fits[0].key].seconds == 9.0
    assert found[fits[1].key].basis == "scaled"


def test_a_component_without_facts_is_unknown_and_so_is_what_follows() -> None:
    plan = study()
    asked = Asking(catalog(), lambda one: None if one.name == "inwf" else find(one))
    found = priced(plan, asked=asked)
    unknown = {p.program.component: p.cost for p in found.unknown}
    assert unknown["fit"] == Unknown("inwf")
    assert unknown["bytes"] == Unknown("inwf")
    assert found.wall > 0, "what is known is a lower bound"


def test_as_many_lanes_fit_as_memory_has_room_for() -> None:
    found = [p for p in priced(study()).programs if p.program.component == "fit"]
    for price in found:
        assert isinstance(price.cost, Cost)
        assert price.lanes_at_once == DEVICE.memory_bytes // price.cost.memory


def over(budget: str) -> Prices:
    more = f"""
grid others {{
  method: field
  field.layers: 1 | 3
}}
budget {budget}
"""
    return priced(study("8 | 64", repeat=2, more=more))


def test_a_budget_of_time_and_one_of_memory() -> None:
    assert not over("9 h, 9 GB").over
    assert over("9 h, 10 kB").over_memory
    assert over("1 ms, 9 GB").over_time


def test_the_first_thing_to_cut_is_what_costs_most() -> None:
    found = over("1 ms, 9 GB")
    first, *rest = savings(found)
    assert first.what in {"`widths` over `field.width` = 64", "grid `widths`"}
    assert any(one.what == "`widths` over `field.width` = 64" for one in (first, *rest))
    assert all(one.seconds <= first.seconds <= found.wall for one in rest)
    assert any("replicates" in one.what for one in rest)


def test_a_cut_saves_only_what_nothing_else_needs() -> None:
    """Training is shared by all: no cut of a width saves it."""
    found = over("1 ms, 9 GB")
    total = sum(p.seconds for p in found.missing)
    train = sum(p.seconds for p in found.missing if p.program.component == "train")
    widths = [one for one in savings(found) if one.what.startswith("`widths`")]
    assert sum(one.seconds for one in widths) <= found.wall * (total - train) / total + 1e-9
