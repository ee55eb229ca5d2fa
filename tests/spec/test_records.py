"""A record behaves as the standard library's frozen dataclass does."""

import copy
import dataclasses
import pickle
from functools import cached_property

import pytest

from lab.spec.records import made_by, names_of, record, replaced


@record
class Pair:
    """Two fields, one with a default."""

    first: int
    rest: tuple[int, ...] = ()

    def total(self) -> int:
        return self.first + sum(self.rest)


@record(eq=False)
class Node:
    inside: "Node | None" = None
    places: dict[str, str] = made_by(default_factory=dict[str, str])


@record(slots=False)
class Cached:
    number: int

    @cached_property
    def double(self) -> int:
        return 2 * self.number


@record(frozen=False)
class Open:
    seen: list[int] = made_by(default_factory=list[int])


@record(kw_only=True)
class Named:
    a: int = 1
    b: int


@dataclasses.dataclass(frozen=True, slots=True)
class Standard:
    first: int
    rest: tuple[int, ...] = ()


def test_records_with_equal_fields_are_equal_and_hash_alike() -> None:
    assert Pair(1, (2,)) == Pair(first=1, rest=(2,))
    assert Pair(1) != Pair(2)
    assert Pair(1) != Standard(1)
    assert len({Pair(1), Pair(1), Pair(2)}) == 2


def test_a_record_that_compares_by_identity_equals_itself_only() -> None:
    node = Node()
    assert node == copy.copy([node])[0]
    assert node != Node()
    assert len({node, Node()}) == 2


def test_an_open_record_has_no_hash() -> None:
    with pytest.raises(TypeError):
        hash(Open())


def test_a_record_shows_its_fields() -> None:
    assert repr(Pair(1, (2,))) == repr(Standard(1, (2,))).replace("Standard", "Pair")


def test_a_default_that_is_made_is_made_for_each() -> None:
    one, other = Open(), Open()
    one.seen.append(1)
    assert other.seen == []
    assert Node(None, {"a": "b"}).places == {"a": "b"}


def test_fields_of_a_frozen_record_stay() -> None:
    for one, name in ((Pair(1), "first"), (Cached(1), "number"), (Pair(1), "other")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(one, name, 2)
        with pytest.raises(dataclasses.FrozenInstanceError):
            delattr(one, name)


def test_what_is_worked_out_once_is_kept() -> None:
    cached = Cached(2)
    assert cached.double == 4
    assert cached.__dict__ == {"number": 2, "double": 4}
    assert cached == Cached(2)


@pytest.mark.parametrize("arguments", [(), (1, (), 3)])
def test_wrong_arguments_are_refused(arguments: tuple[object, ...]) -> None:
    with pytest.raises(TypeError):
        Pair(*arguments)


def test_fields_by_name_only() -> None:
    assert Named(b=2) == Named(a=1, b=2)
    with pytest.raises(TypeError):
        Named(1, 2)


def test_a_pattern_takes_a_record_apart() -> None:
    match Pair(1, (2,)):
        case Pair(first, rest):
            assert (first, rest) == (1, (2,))


def test_a_record_survives_pickling_and_copying() -> None:
    for one in (Pair(1, (2,)), Cached(2), Named(b=3)):
        assert pickle.loads(pickle.dumps(one)) == one
        assert copy.deepcopy(one) == one
    assert copy.copy(Open([1])).seen == [1]


def test_some_fields_are_replaced() -> None:
    assert replaced(Pair(1, (2,)), first=3) == Pair(3, (2,))
    assert replaced(Cached(1), number=2).double == 4
    with pytest.raises(TypeError):
        replaced(Pair(1), second=2)


def test_the_standard_library_sees_a_dataclass() -> None:
    one = Pair(1, (2,))
    assert dataclasses.is_dataclass(Pair)
    assert [field.name for field in dataclasses.fields(Pair)] == ["first", "rest"]
    assert dataclasses.replace(one, first=3) == Pair(3, (2,))
    assert dataclasses.asdict(Node(Node())) == {
        "inside": {"inside": None, "places": {}},
        "places": {},
    }
    assert dataclasses.fields(Named)[1].kw_only


def test_a_record_can_build_on_another() -> None:
    @record
    class Triple(Pair):
        third: int = 0

    assert names_of(Triple) == ("first", "rest", "third")
    assert Triple(1, (2,), 3).total() == 3
    assert Triple(1) == Triple(1, (), 0) != Pair(1)


def test_a_slotted_record_has_no_room_for_more() -> None:
    assert not hasattr(Pair(1), "__dict__")
    assert Pair.__doc__ == "Two fields, one with a default."
