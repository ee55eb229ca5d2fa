"""Where the parts of a checked study came from, besides the study's own text."""

from collections.abc import Mapping
from typing import Literal

from lab.spec import core
from lab.spec.check.edits import Edits
from lab.spec.records import made_by, record
from lab.spec.source import Source


@record
class EditedBy:
    """What a profile or one `--set` put in place of what was there, and the text it stands in."""

    kind: Literal["profile", "set"]
    source: Source
    edits: Edits


@record
class Origins:
    """`definitions`: the text that each definition stands in; `edits` in the order of their use."""

    definitions: Mapping[str, Source] = made_by(default_factory=dict[str, Source])
    edits: tuple[EditedBy, ...] = ()
    #: What `--only` keeps.
    only: tuple[core.Filter, ...] = ()


def names_a_path(condition: core.Core) -> bool:
    """Whether a condition asks for what a point has at some path."""
    match condition:
        case core.PathValue():
            return True
        case core.Logical():
            return all(map(names_a_path, condition.operands))
        case core.Compare() | core.Arithmetic():
            return names_a_path(condition.left) or names_a_path(condition.right)
        case _:
            return False
