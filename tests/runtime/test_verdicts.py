import itertools
from dataclasses import replace

import numpy as np
import pytest
from made_plans import Made, case, minus, number, over, replicates

from lab.compiler.plan import Comparison, Junction
from lab.runtime.beliefs import UNKNOWN, Belief, all_of, any_of
from lab.runtime.verdicts import decide


def compared(op, left, right) -> Comparison:
    return Comparison(op, tuple(left), tuple(right))


def verdict_on(values, op="<", against=1.0):
    made = Made()
    left = replicates(made, "field", values)
    made.claim("c", case(compared(op, left, number(against, len(left))), seeds=range(len(left))))
    return decide(made.plan(), made.values)[0]


def sized(made: Made, owner: str, value: float):
    return made.measured("bytes", made.stage("apply", owner), owner, value=value)


def scored(made: Made, owner: str, correct):
    return made.measured("accuracy", made.stage("apply", owner), owner, correct=correct)


def test_clear_replicates_decide_either_way():
    assert verdict_on([0.1, 0.12, 0.11]).outcome == "PASS"
    assert verdict_on([2.1, 2.12, 2.11]).outcome == "FAIL"


def test_noisy_replicates_leave_it_open_and_say_how_many_more_would_decide():
    found = verdict_on([0.2, 1.1, 0.9])
    assert found.outcome == "UNDECIDED"
    assert found.more_replicates > 0
    assert f"{found.more_replicates} more replicate" in found.sentence


def test_two_replicates_decide_nothing():
    found = verdict_on([0.1, 0.2])
    assert found.outcome == "UNDECIDED"
    assert found.more_replicates >= 1


def test_one_random_replicate_asks_for_three():
    found = verdict_on([0.1])
    assert found.outcome == "UNDECIDED"
    assert "at least 3 replicates" in found.sentence


@pytest.mark.parametrize("values", [[np.inf] * 3, [np.inf, -np.inf, 0.5], [np.nan, 0.5, 0.5]])
def test_what_is_not_finite_cannot_be_tested_and_says_so(values):
    found = verdict_on(values)
    assert found.outcome == "UNDECIDED"
    assert "infinite or no number" in found.sentence


def test_equal_random_replicates_decide_exactly():
    found = verdict_on([0.5, 0.5, 0.5])
    assert found.outcome == "PASS"
    assert "same value" in found.sentence


def test_bytes_of_one_checkpoint_decide_exactly():
    made = Made()
    ratio = over(sized(made, "dense", 1_000_000), sized(made, "eight", 270_000))
    made.claim("small", case(compared(">=", [ratio] * 3, number(3.7, 3)), seeds=range(3)))
    made.claim("tiny", case(compared(">=", [ratio] * 3, number(4, 3)), seeds=range(3)))
    small, tiny = decide(made.plan(), made.values)
    assert (small.outcome, tiny.outcome) == ("PASS", "FAIL")
    assert "Deterministic given the checkpoint" in small.sentence
    assert "bytes(dense) / bytes(eight) = 3.704 ≥ 3.7" in small.sentence


def test_accuracies_of_one_checkpoint_are_tested_on_examples():
    made = Made()
    right = np.ones(2000)
    worse, same = right.copy(), right.copy()
    worse[:200], same[:3] = 0, 0
    dense = scored(made, "dense", right)
    for owner, correct in {"four": worse, "eight": same}.items():
        drop = minus(dense, scored(made, owner, correct))
        made.claim(owner, case(compared("<", [drop], number(0.01))))
    four, eight = decide(made.plan(), made.values)
    assert (four.outcome, eight.outcome) == ("FAIL", "PASS")
    assert eight.best.comparisons[0].tested_on == "test examples"


def test_too_few_examples_say_how_many_would_decide():
    made = Made()
    dense, other = np.ones(300), np.ones(300)
    other[:2] = 0
    drop = minus(scored(made, "dense", dense), scored(made, "other", other))
    made.claim("c", case(compared("<", [drop], number(0.01))))
    found = decide(made.plan(), made.values)[0]
    assert (found.outcome, found.more_replicates) == ("UNDECIDED", None)
    assert found.more_examples > 300


def test_a_tie_of_two_checkpoints_is_not_decided_by_three_examples():
    made = Made()
    a, b = np.ones(2000), np.ones(2000)
    a[:3] = 0
    made.claim("c", case(compared(">", [scored(made, "b", b)], [scored(made, "a", a)])))
    assert decide(made.plan(), made.values)[0].outcome == "UNDECIDED"


def test_missing_evidence_is_untested_and_named():
    made = Made()
    there = sized(made, "dense", 100)
    absent = made.measured("bytes", made.stage("fit", "field", seed=2), "field", seed=2)
    made.claim("c", case(compared("<", [absent], [there])))
    found = decide(made.plan(), made.values)[0]
    assert found.outcome == "UNTESTED"
    assert "bytes(field), seed 2" in found.sentence


def test_evidence_of_other_code_is_stale():
    made = Made()
    absent = made.measured("bytes", made.stage("fit", "field", seed=0), "field", seed=0)
    made.claim("c", case(compared("<", [absent], number(3))))
    found = decide(
        made.plan(), made.values, stale={absent["node"]: "the code of `stage fit` changed"}
    )[0]
    assert found.outcome == "STALE"
    assert "(the code of `stage fit` changed)" in found.sentence
    assert "`lab accept`" in found.sentence


def test_a_failed_replicate_is_not_left_out_of_the_mean():
    made = Made()
    left = replicates(made, "field", [0.1, 0.12, 0.11, 0.1])
    del made.values[left[3]["node"]]
    made.claim("c", case(compared("<", left, number(1, 4)), seeds=range(4)))
    assert decide(made.plan(), made.values)[0].outcome == "UNTESTED"


def test_a_claim_without_cases_is_untested():
    made = Made()
    made.claim("c")
    assert decide(made.plan(), made.values)[0].outcome == "UNTESTED"


def test_a_part_that_certainly_fails_decides_whatever_is_missing():
    made = Made()
    absent = made.measured("accuracy", made.stage("fit", "field", seed=2), "field", seed=2)
    ratio = over(sized(made, "dense", 100), sized(made, "field", 50))
    made.claim(
        "c",
        case(
            Junction(
                "and",
                (compared(">=", [ratio], number(20)), compared("<", [absent], number(0.1))),
            )
        ),
    )
    assert decide(made.plan(), made.values)[0].outcome == "FAIL"


def test_some_setting_is_enough_and_is_named():
    made = Made()
    cases = []
    for width, values in {"16": [2.0, 2.1, 2.2], "64": [0.1, 0.11, 0.12]}.items():
        left = replicates(made, f"field{width}", values)
        setting = {"field.width": width}
        comparison = compared("<", left, number(1, 3))
        cases.append(case(comparison, setting=setting, seeds=range(3)))
    made.claim("c", *cases)
    found = decide(made.plan(), made.values)[0]
    assert found.outcome == "PASS"
    assert found.best.setting == {"field.width": "64"}
    assert found.sentence.startswith("Holds, at field.width = 64: ")


def test_every_group_must_hold_and_the_one_that_fails_is_named():
    made = Made()
    cases = []
    for model, values in {"r20": [0.1, 0.11, 0.12], "vit": [2.0, 2.1, 2.2]}.items():
        left = replicates(made, model, values)
        comparison = compared("<", left, number(1, 3))
        cases.append(case(comparison, group={"model": model}, seeds=range(3)))
    made.claim("c", *cases)
    found = decide(made.plan(), made.values)[0]
    assert (found.outcome, found.best.group) == ("FAIL", {"model": "vit"})


def test_the_nearest_setting_of_a_failed_claim_is_shown():
    made = Made()
    cases = [
        case(
            compared(">=", [over(sized(made, "dense", 100), sized(made, w, size))], number(20)),
            setting={"w": w},
        )
        for w, size in {"a": 80, "b": 10, "c": 50}.items()
    ]
    made.claim("c", *cases)
    found = decide(made.plan(), made.values)[0]
    assert (found.outcome, found.best.setting) == ("FAIL", {"w": "b"})
    assert found.sentence.startswith("Fails in all 3 settings; nearest is w = b: ")


def test_settings_that_are_impossible_for_certain_cost_no_correction():
    made = Made()
    cases = []
    for i in range(20):
        ratio = over(sized(made, "dense", 100), sized(made, f"a{i}", 1 if i == 7 else 90))
        drop = replicates(made, f"a{i}", [0.1, 0.3, 0.25])
        both = (compared(">=", [ratio] * 3, number(20, 3)), compared("<", drop, number(1, 3)))
        cases.append(case(Junction("and", both), setting={"i": str(i)}, seeds=range(3)))
    made.claim("c", *cases)
    found = decide(made.plan(), made.values)[0]
    assert found.p_pass == found.cases[7].belief.holds
    assert found.outcome == "PASS"


def test_not_turns_a_claim_around():
    made = Made()
    left = replicates(made, "a", [0.1, 0.11, 0.12])
    made.claim("c", case(Junction("not", (compared("<", left, number(1, 3)),)), seeds=range(3)))
    assert decide(made.plan(), made.values)[0].outcome == "FAIL"


def test_random_means_are_never_shown_to_be_equal():
    assert verdict_on([0.999, 1.0, 1.001], op="==").outcome == "UNDECIDED"
    assert verdict_on([2.0, 2.01, 2.02], op="!=").outcome == "PASS"


def test_claims_of_a_study_share_the_risk():
    made = Made()
    alone = verdict_on([0.2, 0.6, 0.5])
    for i in range(10):
        left = replicates(made, f"a{i}", [0.2, 0.6, 0.5])
        made.claim(f"c{i}", case(compared("<", left, number(1, 3)), seeds=range(3)))
    together = decide(made.plan(), made.values)
    assert alone.outcome == "PASS"
    assert {v.outcome for v in together} == {"UNDECIDED"}
    assert together[0].adjusted == pytest.approx(10 * alone.p_pass)


def test_the_algebra_is_monotone_and_has_its_identities():
    grid = [UNKNOWN, Belief(0.0, 1.0), Belief(1.0, 0.0), Belief(0.01, 0.99), Belief(0.6, 0.4)]
    for a, b in itertools.product(grid, grid):
        both, either = all_of([a, b]), any_of([a, b])
        assert both.holds >= max(a.holds, b.holds)
        assert either.fails >= max(a.fails, b.fails)
        assert both == any_of([a.negated(), b.negated()]).negated()
        assert all_of([a, Belief(0.0, 1.0)]) == a
        assert any_of([a, Belief(1.0, 0.0)]) == a


def false_passes(generator, studies: int, *, replicate_count: int, claims: int) -> float:
    """Share of studies of false claims (on the boundary) in which some claim passes."""
    passed = 0
    for _ in range(studies):
        made = Made()
        for c in range(claims):
            cases = []
            for s in range(3):
                values = generator.normal(1.0, 0.3, replicate_count)
                left = replicates(made, f"a{c}{s}", values)
                comparison = compared("<", left, number(1.0, replicate_count))
                cases.append(case(comparison, setting={"s": str(s)}, seeds=range(replicate_count)))
            made.claim(f"c{c}", *cases)
        passed += any(v.outcome == "PASS" for v in decide(made.plan(), made.values))
    return passed / studies


def test_false_claims_seldom_pass():
    studies = 250
    share = false_passes(np.random.default_rng(11), studies, replicate_count=4, claims=2)
    assert share <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / studies)


@pytest.mark.verify
@pytest.mark.parametrize("replicate_count", [3, 5, 10])
@pytest.mark.parametrize("claims", [1, 4])
def test_false_claims_pass_in_at_most_5_percent_of_studies(replicate_count, claims):
    generator = np.random.default_rng(replicate_count + 100 * claims)
    share = false_passes(generator, 3000, replicate_count=replicate_count, claims=claims)
    assert share <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 3000)


def false_passes_on_examples(generator, rounds: int, examples: int) -> float:
    passed = 0
    for _ in range(rounds):
        made = Made()
        u = generator.random(examples)
        dense, other = u < 0.92, (u < 0.89) | (u > 0.98)
        drop = minus(scored(made, "dense", dense), scored(made, "other", other))
        made.claim("c", case(compared("<", [drop], number(0.01))))
        passed += decide(made.plan(), made.values)[0].outcome == "PASS"
    return passed / rounds


def test_false_claims_seldom_pass_on_examples():
    rounds = 300
    share = false_passes_on_examples(np.random.default_rng(12), rounds, 1000)
    assert share <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / rounds)


@pytest.mark.verify
@pytest.mark.parametrize("examples", [360, 2000, 10_000])
def test_false_claims_pass_on_examples_in_at_most_5_percent(examples):
    share = false_passes_on_examples(np.random.default_rng(examples), 3000, examples)
    assert share <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 3000)


def test_a_published_number_stands_beside_its_verdict():
    made = Made()
    left = replicates(made, "field", [0.1, 0.12, 0.11])
    made.claim("c", case(compared("<", left, number(1.0, 3)), seeds=range(3)))
    made.claims[0] = replace(made.claims[0], source="Smith 2024, table 2")
    assert decide(made.plan(), made.values)[0].label == "c (source: Smith 2024, table 2)"
