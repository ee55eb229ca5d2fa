"""What is left of a plan: order, programs, inputs and failures."""

from lab.compiler.plan import Node
from lab.runtime.agenda import Agenda


def node(key: str, *inputs: str) -> Node:
    return Node(
        key=key,
        role="stage",
        component="train",
        arguments={},
        inputs={f"in{i}": one for i, one in enumerate(inputs)},
        seed=None,
        vary=(),
        version="1",
        fresh=False,
        label=key,
    )


def keys(nodes: list[Node]) -> list[str]:
    return [one.key for one in nodes]


def test_nodes_of_one_program_go_out_together_in_the_order_of_the_plan() -> None:
    agenda = Agenda([node("a"), node("b"), node("c"), node("d")], {"a": "P", "b": "Q", "c": "P"})
    assert agenda.next_program() == ("P", 2)
    assert keys(agenda.hand_out("P", 10)) == ["a", "c"]
    assert agenda.next_program() == ("Q", 1)


def test_no_more_lanes_go_out_than_were_asked_for() -> None:
    agenda = Agenda([node(key) for key in "abc"], dict.fromkeys("abc", "P"))
    assert keys(agenda.hand_out("P", 2)) == ["a", "b"]
    assert keys(agenda.hand_out("P", 2)) == ["c"]
    assert agenda.next_program() is None
    assert not agenda.has_ready


def test_a_node_is_ready_when_everything_it_uses_is_done() -> None:
    agenda = Agenda([node("a"), node("b"), node("c", "a", "b")], {})
    agenda.hand_out("a", 1)
    agenda.hand_out("b", 1)
    agenda.done("a")
    assert not agenda.has_ready
    agenda.done("b")
    assert agenda.next_program() == ("c", 1)


def test_inputs_that_are_stored_are_not_waited_for() -> None:
    assert Agenda([node("c", "stored")], {}).next_program() == ("c", 1)


def test_a_node_put_back_stands_where_it_stood() -> None:
    agenda = Agenda([node("a"), node("b")], {})
    first = agenda.hand_out("a", 1)[0]
    agenda.put_back(first)
    assert agenda.next_program() == ("a", 1)
    assert keys(agenda.hand_out("a", 1)) == ["a"]
    assert agenda.next_program() == ("b", 1)


def test_everything_that_needs_what_failed_is_over_and_named_once() -> None:
    chain = [node("a"), node("b", "a"), node("c", "a", "b"), node("d")]
    agenda = Agenda(chain, {})
    agenda.hand_out("a", 1)
    assert sorted(keys(agenda.failed("a"))) == ["b", "c"]
    assert len(agenda) == 1
    assert agenda.next_program() == ("d", 1)


def test_an_agenda_is_empty_when_all_is_over() -> None:
    agenda = Agenda([node("a"), node("b", "a")], {})
    agenda.hand_out("a", 1)
    agenda.done("a")
    agenda.hand_out("b", 1)
    agenda.done("b")
    assert len(agenda) == 0
