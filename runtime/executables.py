"""Compiled programs that outlive their process, and are found again without being traced.

JAX's own cache of programs is asked with the text of a program, which has to be traced and lowered
first: most of what a process with a full cache spends before its first step. What is kept here has
a name that is known beforehand: the function, what it closes over and its static arguments, the
form of its arguments, JAX's settings, and the place (`lab.runtime.kept_programs`), which stands for
all code, libraries and the processor.

A program is kept where all that decides it is part of that name. Where something is not (a class of
a person's own file, a network that a torch library builds, several devices), the function is
compiled by JAX as if none of this were here; so it is where no cache is set up. What was loaded is
the code that was compiled, and gives the same bits.
"""

import time
from collections.abc import Callable, Generator, Hashable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache, partial
from typing import Any, Generic, NamedTuple, ParamSpec, TypeVar

import jax
import numpy as np
from jax.experimental.compilation_cache import compilation_cache
from jax.extend.backend import get_backend

from lab.runtime import kept_programs, meters
from lab.runtime.described import name_of
from lab.runtime.kept_programs import Entry
from lab.runtime.recent import Recent

P = ParamSpec("P")
R = TypeVar("R")

#: Settings of JAX that decide what a program computes.
_SETTINGS = (
    "jax_default_matmul_precision",
    "jax_default_prng_impl",
    "jax_enable_x64",
    "jax_numpy_dtype_promotion",
    "jax_threefry_partitionable",
)
#: Settings with which nothing is kept: they ask for more than a program.
_WATCHING = ("jax_disable_jit", "jax_debug_nans", "jax_debug_infs")

#: Arguments of so many bytes are moved to the device once, whoever gives them.
_FEW_BYTES = 64

#: All that a program depends on in an array: shape, dtype, whether that is weak, kind of key.
_Form = tuple[tuple[int, ...], Any, bool, str]


class _Call(NamedTuple):
    """Arguments of a function, their arrays apart from their structure."""

    arrays: Sequence[jax.Array]
    structure: Any
    forms: tuple[_Form, ...]
    static: tuple[tuple[str, Any], ...]
    settings: tuple[str, ...]

    @property
    def name(self) -> Hashable:
        """Equal for calls that one program serves."""
        return self.structure, self.forms, self.static, self.settings


@dataclass(frozen=True)
class _Program:
    """An executable with the form of what it gives; `keys` are kinds of random keys, by output."""

    executable: Any
    structure: Any
    keys: tuple[str, ...]

    def __call__(self, arrays: Sequence[jax.Array]) -> Any:
        found = self.executable.execute_sharded(arrays).disassemble_into_single_device_arrays()
        made = (_wrapped(parts[0], key) for parts, key in zip(found, self.keys, strict=True))
        return jax.tree.unflatten(self.structure, made)


class Kept(Generic[P, R]):
    """A pure function of arrays as compiled programs, one for each form of its arguments.

    Args:
        function: a function, or a `partial` of one. `about`: what decides its programs besides its
            arguments, equal for functions that are the same.
        static: names of arguments, given by name, that are no arrays.
        donate: whether a call takes the memory of the first argument over.
        of_steps: whether its programs count (`lab.runtime.meters.count_program`); the function
            counts them where it is traced.
    """

    def __init__(
        self,
        function: Callable[P, R],
        *,
        about: Hashable = None,
        static: Sequence[str] = (),
        donate: bool = False,
        of_steps: bool = False,
    ) -> None:
        self._function = function
        self._about = about
        self._static = tuple(static)
        self._donate = donate
        self._of_steps = of_steps
        self._programs: dict[Hashable, _Program | None] = {}

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """The function of these arguments, by a program."""
        is_kept = kept_programs.folder() is not None and self._has_name
        call = self._call(args, kwargs) if is_kept else None
        if call is None:
            return self._plain(*args, **kwargs)
        if call.name not in self._programs:
            self._programs[call.name] = self._obtained(call)
        program = self._programs[call.name]
        return self._plain(*args, **kwargs) if program is None else program(call.arrays)

    @property
    def programs(self) -> int:
        """How many programs there are in this process, one for each form of arguments."""
        there = [one for one in self._programs.values() if one is not None]
        return len(there) + self._plain._cache_size()  # pyright: ignore[reportFunctionMemberAccess]

    @property
    def _named(self) -> Any:
        function = self._function
        return function.func if isinstance(function, partial) else function, self._about

    @cached_property
    def _has_name(self) -> bool:
        """Whether what decides its programs is all known."""
        return name_of(self._named) is not None

    @cached_property
    def _plain(self) -> Callable[P, R]:
        donated = 0 if self._donate else None
        return jax.jit(self._function, static_argnames=self._static, donate_argnums=donated)

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Call | None:
        """The call apart; None where its arguments are not all arrays that are there."""
        static = tuple((name, kwargs[name]) for name in self._static if name in kwargs)
        rest = {name: value for name, value in kwargs.items() if name not in self._static}
        leaves, structure = jax.tree.flatten((args, rest))
        own = len(jax.tree.leaves(args[0])) if self._donate else 0
        arrays = _on_device(leaves, own)
        if arrays is None or any(getattr(jax.config, one) for one in _WATCHING):
            return None
        if jax.device_count() > 1 and any(len(one.devices()) > 1 for one in arrays):
            return None
        forms = tuple(
            (array.shape, array.dtype, array.weak_type, _key_of(leaf))
            for leaf, array in zip(leaves, arrays, strict=True)
        )
        settings = tuple(str(getattr(jax.config, name)) for name in _SETTINGS)
        return _Call(arrays, structure, forms, static, settings)

    def _obtained(self, call: _Call) -> _Program | None:
        """The program of a call, from the folder or compiled; None where none can be kept."""
        arguments = (str(call.structure), call.forms, call.static, call.settings)
        name = name_of((*self._named, self._donate, *arguments))
        if name is None:
            return None
        entry = kept_programs.find(name)
        executable = None if entry is None else _loaded(entry.code)
        if entry is None or executable is None:
            return self._compiled(call, name)
        if self._of_steps:
            meters.count_program()
        return _Program(executable, entry.structure, entry.keys)

    def _compiled(self, call: _Call, name: str) -> _Program | None:
        made: list[tuple[Any, tuple[str, ...]]] = []

        def flat(*raw: jax.Array) -> list[jax.Array]:
            wrapped = map(_wrapped, raw, (key for *_, key in call.forms))
            args, kwargs = jax.tree.unflatten(call.structure, wrapped)
            found = self._function(*args, **kwargs, **dict(call.static))
            leaves, structure = jax.tree.flatten(found)
            made.append((structure, tuple(map(_key_of, leaves))))
            return [_data(leaf) for leaf in leaves]

        first = jax.tree.unflatten(call.structure, call.arrays)[0][:1]
        donated = tuple(range(len(jax.tree.leaves(first)))) if self._donate else ()
        traced = jax.jit(flat, donate_argnums=donated, keep_unused=True).trace(*call.arrays)
        if traced.jaxpr.effects:
            return None
        lowered = traced.lower()
        code = kept_programs.digest(lowered.as_text())
        executable = _loaded(code)
        if executable is None:
            with _without_the_cache_of_jax():
                executable = lowered.compile().runtime_executable()
            kept_programs.keep_code(code, get_backend().serialize_executable(executable))
        kept_programs.keep(name, Entry(*made[-1], code))
        return _Program(executable, *made[-1])


def kept(*, static: Sequence[str] = ()) -> Callable[[Callable[P, R]], Kept[P, R]]:
    """`jax.jit` for a function of a module whose programs are kept; see `Kept`."""
    return partial(Kept, static=static)


def _loaded(code: str) -> Any:
    """The executable of a text; None where it is not there."""
    begun = time.perf_counter()
    found = kept_programs.find_code(code)
    if found is None:
        return None
    try:
        return get_backend().deserialize_executable(found, jax.devices()[:1])
    except jax.errors.JaxRuntimeError:
        return None  # not for this JAX after all: it is compiled, and replaced
    finally:
        jax.monitoring.record_event_duration_secs(meters.LOADING, time.perf_counter() - begun)


@contextmanager
def _without_the_cache_of_jax() -> Generator[None]:
    """An executable from there cannot be written out again: some of its functions are lost."""
    was = jax.config.jax_enable_compilation_cache
    jax.config.update("jax_enable_compilation_cache", False)
    compilation_cache.reset_cache()
    try:
        yield
    finally:
        jax.config.update("jax_enable_compilation_cache", was)
        compilation_cache.reset_cache()


def _on_device(leaves: Sequence[Any], own: int) -> list[jax.Array] | None:
    """Arguments as an executable takes them, random keys as their numbers.

    A call takes the memory of the first `own` over. None where one is no array, or has no numbers
    yet.
    """
    kinds = [_kind(type(leaf)) for leaf in leaves]
    if "" in kinds:
        return None
    arrays: list[Any] = []
    for place, (leaf, kind) in enumerate(zip(leaves, kinds, strict=True)):
        if kind == "device":
            arrays.append(_data(leaf))
        elif place >= own and leaf.nbytes <= _FEW_BYTES:
            arrays.append(_few(leaf.dtype, leaf.shape, leaf.tobytes()))
        else:
            # Copied, since whoever gave it may write to it, and the call take its memory over.
            arrays.append(jax.device_put(leaf, may_alias=False))
    return arrays


@lru_cache(4096)
def _few(dtype: np.dtype[Any], shape: tuple[int, ...], content: bytes) -> jax.Array:
    """A few numbers, on the device once: a step, a learning rate, the length of an epoch."""
    return jax.device_put(np.frombuffer(content, dtype).reshape(shape), may_alias=False)


@cache
def _kind(cls: type) -> str:
    """Where arrays of a class are; nothing for what is no array with numbers in it."""
    if issubclass(cls, np.ndarray | np.generic):
        return "host"
    return "device" if issubclass(cls, jax.Array) and not issubclass(cls, jax.core.Tracer) else ""


def _key_of(leaf: Any) -> str:
    """The kind of a random key; empty for other arrays."""
    if not _is_key(leaf.dtype):
        return ""
    if leaf.dtype not in _kinds:
        _kinds[leaf.dtype] = str(jax.random.key_impl(leaf))
    return _kinds[leaf.dtype]


_kinds: dict[Any, str] = {}


@cache
def _is_key(dtype: Any) -> bool:
    return jax.dtypes.issubdtype(dtype, jax.dtypes.prng_key)


def _data(leaf: Any) -> jax.Array:
    if not _is_key(leaf.dtype):
        return leaf
    if isinstance(leaf, jax.core.Tracer):
        return jax.random.key_data(leaf)
    return _numbers.of(leaf, lambda: jax.random.key_data(leaf))


#: Of random keys, which many runs are given, and whose numbers are slow to get.
_numbers: Recent[jax.Array] = Recent(256)


def _wrapped(array: Any, key: str) -> Any:
    return jax.random.wrap_key_data(array, impl=key) if key else array
