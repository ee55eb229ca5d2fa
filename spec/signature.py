"""What the catalog knows of a component: plain data, read without running it."""

from collections.abc import Mapping
from typing import Any

from lab.spec.records import record


@record
class Type:
    """What a parameter accepts.

    `name` is one of: `int`, `float`, `bool`, `string`, `file`, `word`, `share`, `duration`,
    `moment`, `bits`, `bytes`, `seconds`, `decibels`, `pixels`, `schedule`, `arm`, `metric`, `path`,
    `condition`, `curve`, or a kind of component (`optimizer`, …).

    Always holds: `words` fit besides what `name` says, and are all that fits where it is `word`.
    `optional`: the word `none` fits too. `many`: a list of such values; a single value stands for a
    list of one. `mapping`: the parameter takes every named argument that no other one has.
    """

    name: str
    words: tuple[str, ...] = ()
    optional: bool = False
    many: bool = False
    mapping: bool = False


@record
class ParameterInfo:
    """One parameter: `name` as a study writes it, `field` as Python does.

    `default` is a resolved value in the form of `lab.spec.values`; meaningless when `required`.
    `legacy`, of a parameter that came later (`is_late`), is the one that says what its absence
    meant. `known` is the list of names that a text is from.
    """

    name: str
    field: str
    type: Type
    required: bool
    default: Any
    doc: str
    low: float | None = None
    high: float | None = None
    above: float | None = None
    below: float | None = None
    traced: bool = False
    positional: bool = False
    since: int = 1
    line: int = 0
    is_late: bool = False
    legacy: Any = None
    known: str | None = None


@record
class Signature:
    """One component. `version` is the hash of its normalized code and of what it calls in `lab`.

    `late` holds, for parameters that came later, the values that say what their absence meant: an
    argument with such a value is no part of a key. `curves` are what it records, `notes` what a
    stage notes of what it ships (None: nobody knows); a measurement `reads` such a note, and a
    stage `needs` arguments of its arguments.
    """

    name: str
    kind: str
    parameters: tuple[ParameterInfo, ...]
    doc: str
    module: str
    qualname: str
    file: str
    line: int
    version: str
    stage: str | None = None
    streams: tuple[str, ...] = ()
    content: str | None = None
    examples: int | None = None
    unit: str | None = None
    better: str | None = None
    fresh: bool = False
    facts: str | None = None
    late: Mapping[str, Any] | None = None
    curves: tuple[str, ...] | None = None
    notes: tuple[str, ...] | None = None
    reads: str | None = None
    needs: tuple[str, ...] = ()

    def counted(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """The arguments that a key is made of."""
        late = self.late
        if late is None:
            return arguments
        return {
            name: value
            for name, value in arguments.items()
            if name not in late or value != late[name]
        }

    def parameter(self, name: str) -> ParameterInfo | None:
        """The parameter a study calls `name`, if there is one."""
        return next((p for p in self.parameters if p.name == name), None)


@record
class Catalog:
    """Every component, by kind and name."""

    signatures: Mapping[tuple[str, str], Signature]

    def get(self, kind: str, name: str) -> Signature | None:
        """The component of a kind with a name, if there is one."""
        return self.signatures.get((kind, name))

    def names(self, kind: str) -> tuple[str, ...]:
        """Names of the components of a kind, sorted."""
        return tuple(sorted(name for k, name in self.signatures if k == kind))
