"""Records: what `dataclass(frozen=True, slots=True)` makes, at a tenth of its price.

A command imports more than a hundred classes and is over in a tenth of a second, most of which the
standard decorator would spend on compiling methods that nobody calls. Here records share the
methods that can be shared; the constructor is compiled when the first instance is made, and what
`dataclasses.fields`, `replace` and `asdict` look at is worked out when they ask.
"""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, TypeVar, cast, dataclass_transform, overload

T = TypeVar("T")


class _Default:
    """A field's default: a value, or what makes one for each instance."""

    __slots__ = ("make", "value")

    def __init__(self, value: object = None, make: Callable[[], object] | None = None) -> None:
        self.value = value
        self.make = make


def made_by(*, default_factory: Callable[[], T]) -> T:
    """A field whose default is made anew for each instance."""
    return cast(T, _Default(make=default_factory))


@overload
def record(cls: type[T], /) -> type[T]: ...


@overload
def record(
    *, eq: bool = True, frozen: bool = True, slots: bool = True, kw_only: bool = False
) -> Callable[[type[T]], type[T]]: ...


@dataclass_transform(frozen_default=True, field_specifiers=(made_by,))
def record(
    cls: type[Any] | None = None,
    /,
    *,
    eq: bool = True,
    frozen: bool = True,
    slots: bool = True,
    kw_only: bool = False,
) -> Any:
    """Make a class of annotated fields a record.

    Args:
        eq: equal where all fields are; otherwise every instance is its own.
        frozen: fields cannot be set again. `slots`: without a `__dict__`, which a `cached_property`
            would need. `kw_only`: fields are given by name.

    Example:
        >>> @record
        ... class Point:
        ...     x: int
        ...     y: int = 0
        >>> Point(1), Point(1) == Point(1, 0)
        (Point(x=1, y=0), True)
    """

    def decorate(one: type[Any]) -> type[Any]:
        return _recorded(one, eq=eq, frozen=frozen, slots=slots, kw_only=kw_only)

    return decorate if cls is None else decorate(cls)


def names_of(kind: type) -> tuple[str, ...]:
    """The fields of a record, in order; none of any other class.

    Example:
        >>> names_of(int)
        ()
    """
    return cast(tuple[str, ...], getattr(kind, "record_names", ()))


def replaced(one: T, **changes: Any) -> T:
    """A record with other values for some of its fields."""
    return type(one)(**_contents(one) | changes)


def _contents(one: object) -> dict[str, Any]:
    return {name: getattr(one, name) for name in names_of(type(one))}


def _recorded(cls: type[Any], *, eq: bool, frozen: bool, slots: bool, kw_only: bool) -> type[Any]:
    space: Mapping[str, Any] = cls.__dict__  # `inspect` would cost more than all of this
    own: Mapping[str, object] = space.get("__annotations__", {})
    defaults: dict[str, _Default | None] = dict(getattr(cls, "record_defaults", {}))
    defaults |= {name: _default(cls, name) for name in own}
    shared: dict[str, object] = {
        "record_defaults": defaults,
        "record_names": tuple(defaults),
        "record_values": staticmethod(_values(tuple(defaults))),
        "__match_args__": () if kw_only else tuple(defaults),
        "__dataclass_fields__": _FieldsOnDemand(kw_only=kw_only),
        "__repr__": _repr,
        "__reduce__": _reduce,
    }
    if frozen:
        shared |= {"__setattr__": _refuse, "__delattr__": _refuse}
    if eq:
        shared |= {"__eq__": _eq, "__hash__": _hash if frozen else None}
    if slots:
        kept = {name: value for name, value in space.items() if name not in own}
        kept.pop("__dict__", None)
        kept.pop("__weakref__", None)
        made: Any = type(cls.__name__, cls.__bases__, {**shared, **kept, "__slots__": tuple(own)})
    else:
        made = cls
        for name in shared.keys() - space.keys():
            setattr(cls, name, shared[name])
    made.__init__ = _first_init(made, frozen=frozen, slots=slots, kw_only=kw_only)
    return made


def _default(cls: type[Any], name: str) -> _Default | None:
    if name not in cls.__dict__:
        return None
    value: object = cls.__dict__[name]
    return value if isinstance(value, _Default) else _Default(value)


def _values(names: tuple[str, ...]) -> Callable[[Any], object]:
    return attrgetter(*names) if names else lambda _: ()


# What all records share


def _eq(self: Any, other: object) -> bool:
    if type(other) is not type(self):
        return NotImplemented
    return self is other or self.record_values(self) == self.record_values(other)


def _hash(self: Any) -> int:
    return hash(self.record_values(self))


def _repr(self: Any) -> str:
    fields = ", ".join(f"{name}={value!r}" for name, value in _contents(self).items())
    return f"{type(self).__qualname__}({fields})"


def _reduce(self: Any) -> tuple[object, ...]:
    return _again, (cast(type[object], type(self)), _contents(self))


def _again(kind: type[T], values: dict[str, Any]) -> T:
    """An unpickled record."""
    return kind(**values)


def _refuse(self: object, name: str, *_: object) -> None:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"`{name}` of a {type(self).__name__} is what it is")


# The constructor


def _first_init(cls: type[Any], *, frozen: bool, slots: bool, kw_only: bool) -> Callable[..., None]:
    """A constructor that compiles the real one, and leaves it in its place."""

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        made = _init(cls, frozen=frozen, slots=slots, kw_only=kw_only)
        cls.__init__ = made
        made(self, *args, **kwargs)

    return init


def _init(cls: type[Any], *, frozen: bool, slots: bool, kw_only: bool) -> Callable[..., None]:
    defaults = cast(dict[str, _Default | None], cls.record_defaults)
    names: dict[str, object] = {"_absent": _ABSENT}
    arguments = ["self", *(["*"] if kw_only and defaults else [])]
    lines = ["values = self.__dict__"] if frozen and not slots else []
    for name, default in defaults.items():
        value = name
        if default is not None and default.make is not None:
            names[f"_make_{name}"] = default.make
            arguments.append(f"{name}=_absent")
            value = f"_make_{name}() if {name} is _absent else {name}"
        elif default is not None:
            names[f"_default_{name}"] = default.value
            arguments.append(f"{name}=_default_{name}")
        else:
            arguments.append(name)
        lines.append(_assignment(cls, name, value, names, frozen=frozen, slots=slots))
    body = "".join(f"\n    {line}" for line in lines or ["pass"])
    exec(f"def __init__({', '.join(arguments)}):{body}", names)
    return cast(Callable[..., None], names["__init__"])


def _assignment(
    cls: type[Any],
    name: str,
    value: str,
    names: dict[str, object],
    *,
    frozen: bool,
    slots: bool,
) -> str:
    """The line that sets a field; what it calls is added to the names."""
    if not frozen:
        return f"self.{name} = {value}"
    if not slots:
        return f"values['{name}'] = {value}"
    names[f"_set_{name}"] = getattr(cls, name).__set__
    return f"_set_{name}(self, {value})"


_ABSENT = object()


class _FieldsOnDemand:
    """`__dataclass_fields__`, worked out when it is looked at."""

    def __init__(self, *, kw_only: bool) -> None:
        self.kw_only = kw_only

    def __get__(self, instance: object, owner: type[Any]) -> Mapping[str, Any]:
        from dataclasses import field, make_dataclass

        defaults = cast(dict[str, _Default | None], owner.record_defaults)
        made: list[tuple[str, Any, Any]] = []
        for name, default in defaults.items():
            if default is None:
                made.append((name, Any, field()))
            elif default.make is not None:
                made.append((name, Any, field(default_factory=default.make)))
            else:
                made.append((name, Any, field(default=default.value)))
        standard = make_dataclass(owner.__name__, made, kw_only=self.kw_only)
        owner.__dataclass_fields__ = getattr(standard, "__dataclass_fields__")  # noqa: B009 - no type
        return owner.__dataclass_fields__
