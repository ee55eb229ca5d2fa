"""Which stored results may stand for a plan's nodes."""

import json
from collections.abc import Iterable
from typing import Any

from planning import catalog, planned

from lab.compiler.lineage import Descents, Lineage, lineage_in
from lab.compiler.plan import Node, Plan, Tree
from lab.compiler.standing import Accepted, Change, Standing, stand_in
from lab.compiler.stored import Described, described
from lab.spec.records import replaced
from lab.spec.signature import Catalog

BODY = """
method field = dense then inwf(width: 16, by: adam(lr: 1e-3), for: 10 steps)
method eight = dense then quantize(bits: 8)
repeat 2 as seed
grid g { method: dense | field | eight; field.width: 16 | 32 }
claim c: ratio(field) > 2 at 95%
report { table(ratio, accuracy, by: method) }
"""
TRAIN, ADAM = "stage train", "optimizer adam"


def versioned(**versions: str) -> Catalog:
    """The catalog with other versions of some components: `stage_train="old"`."""
    changed = {
        (kind, name): replaced(catalog().signatures[kind, name], version=version)
        for (kind, _, name), version in ((k.partition("_"), v) for k, v in versions.items())
    }
    return Catalog({**catalog().signatures, **changed})


class Made:
    """A store of everything that a plan asks for, made by the code of a catalog."""

    def __init__(self, known: Catalog, *, at: str = "2026-01-01", only: Iterable[str] = ()) -> None:
        self.plan = as_of(planned(BODY), known)
        nodes = {node.key: node for node in self.plan.nodes}
        descents = Descents(known, nodes, {}, lambda _: None)
        self.facts: dict[str, dict[str, Any]] = {}
        self.stored: dict[str, Described] = {}
        for node in self.plan.nodes:
            if not only or node.component in only:
                key = f"{at}-{node.key}"
                facts = json.loads(json.dumps(descents.of(node).facts))
                self.facts[facts["lineage"]] = facts
                one = described(replaced(node, key=key))
                plain = {name: value for name, value in facts.items() if name != "made_with"}
                one.details = {**dict(one.details), "facts": {**plain, "finished_at": at}}
                self.stored[key] = one

    def lineage(self, stored: Described) -> Lineage | None:
        return lineage_in(self.facts.get(stored.word("lineage"), {}))

    def under(self, known: Catalog, *accepted: Accepted) -> Standing:
        """A plan made by other code, beside this store."""
        plan = as_of(planned(BODY), known)
        return stand_in(plan, self.stored, accepted, catalog=known, lineages=self.lineage)


def as_of(plan: Plan, known: Catalog) -> Plan:
    """A plan with the versions of a catalog, and keys that nothing else has."""
    nodes = tuple(
        replaced(node, version=known.signatures[node.role, node.component].version)
        for node in plan.nodes
    )
    return replaced(plan, nodes=nodes)


def accepted(old: str, new: str, component: str = TRAIN, key: str | None = None) -> Accepted:
    return Accepted(component, old, new, "it is the same", "2026-02-02", key)


def keys_of(trees: Iterable[Tree]) -> set[str]:
    return {part for tree in trees for part in json.dumps(tree).split('"') if len(part) >= 32}


OLD, NEW = versioned(stage_train="old"), versioned(stage_train="new")


def test_without_an_acceptance_a_plan_stays_as_it_is_and_knows_what_is_stale() -> None:
    found = Made(OLD).under(NEW)
    assert found.plan.nodes == as_of(planned(BODY), NEW).nodes
    assert set(found.stale) == {node.key for node in found.plan.nodes}
    assert set(found.stale.values()) == {(Change(TRAIN, "old", "new"),)}
    assert not found.adopted


def test_an_accepted_result_stands_with_everything_made_of_it() -> None:
    made = Made(OLD)
    found = made.under(NEW, accepted("old", "new"))
    assert {node.key for node in found.plan.nodes} == set(made.stored)
    assert not found.stale
    assert [one.nodes for one in found.adopted] == [len(made.stored)]


def test_a_plan_with_other_keys_hangs_together() -> None:
    plan = Made(OLD).under(NEW, accepted("old", "new")).plan
    seen: set[str] = set()
    for node in plan.nodes:
        assert set(node.inputs.values()) <= seen
        seen.add(node.key)
    assert {key for run in plan.runs for key in run.stages} <= seen
    assert keys_of(tree for run in plan.runs for tree in run.metrics.values()) <= seen
    (claim,) = plan.claims
    assert keys_of(tree for case in claim.cases for tree in case.condition.left) <= seen


def test_the_records_own_version_is_shown() -> None:
    plan = Made(OLD).under(NEW, accepted("old", "new")).plan
    assert {node.version for node in plan.nodes if node.component == "train"} == {"old"}


def test_what_is_made_anew_of_an_accepted_result_has_a_key_of_its_own() -> None:
    made = Made(OLD, only=("train",))
    found = made.under(NEW, accepted("old", "new"))
    own = {node.key for node in as_of(planned(BODY), NEW).nodes}
    kept = {node.key for node in found.plan.nodes if node.component == "train"}
    new = {node.key for node in found.plan.nodes} - kept
    assert kept == set(made.stored)
    assert not new & own
    again = made.under(NEW, accepted("old", "new"))
    assert {node.key for node in again.plan.nodes} == kept | new


def test_another_acceptance_does_not_help() -> None:
    made = Made(OLD)
    for other in (
        accepted("older", "new"),
        accepted("old", "newer"),
        accepted("old", "new", ADAM),
        accepted("old", "new", key="of nothing"),
    ):
        assert made.under(NEW, other).stale


def test_acceptances_are_followed_from_version_to_version() -> None:
    steps = (accepted("old", "between"), accepted("between", "new"))
    found = Made(OLD).under(NEW, *steps)
    assert not found.stale
    assert {one.accepted for one in found.adopted} == set(steps)


def test_every_component_that_changed_needs_an_acceptance() -> None:
    both = versioned(stage_train="new", optimizer_adam="new too")
    made, now = Made(OLD), both
    assert made.under(now, accepted("old", "new")).stale
    adam = catalog().signatures["optimizer", "adam"].version
    assert not made.under(now, accepted("old", "new"), accepted(adam, "new too", ADAM)).stale


def test_one_key_may_be_accepted() -> None:
    made = Made(OLD)
    train = next(key for key, one in made.stored.items() if one.component == "train")
    found = made.under(NEW, accepted("old", "new", key=train))
    assert train in {node.key for node in found.plan.nodes}
    assert len(set(made.stored) & {node.key for node in found.plan.nodes}) == 1


def test_the_last_of_several_results_stands() -> None:
    early, late = Made(OLD), Made(OLD, at="2026-01-02")
    late.stored |= early.stored
    late.facts |= early.facts
    found = late.under(NEW, accepted("old", "new"))
    assert all(node.key.startswith("2026-01-02") for node in found.plan.nodes)


def test_a_family_knows_no_code_and_everything_else() -> None:
    def families(plan: Plan, known: Catalog) -> list[str]:
        nodes: dict[str, Node] = {node.key: node for node in plan.nodes}
        descents = Descents(known, nodes, {}, lambda _: None)
        return [descents.of(node).family for node in plan.nodes]

    plan = planned(BODY)
    same = families(plan, catalog())
    assert len(set(same)) == len(plan.nodes)
    assert families(as_of(plan, NEW), versioned(stage_train="x", optimizer_adam="y")) == same
    other = families(planned(BODY.replace("1e-3", "2e-3")), catalog())
    assert set(same) & set(other) < set(same)
