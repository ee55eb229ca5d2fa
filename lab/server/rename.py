"""Rename: every mention of a definition, a parameter, a block or a seed, or nothing.

The renamed text is checked before it is offered. Where a name would come to mean something else, or
something that was right would be wrong, the rename is refused, and says why.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lab.server.names import Index, Occurrence, Target, index_of
from lab.server.notes import Analysis, analyze
from lab.spec.check.gather import KEYWORDS, Load
from lab.spec.diagnostics import Edit
from lab.spec.source import Source

RENAMED = frozenset({"definition", "parameter", "block", "seed", "study"})
_NAME = re.compile(r"[^\W\d]\w*")


class RefusedError(Exception):
    """A rename that would change what the study says."""


@dataclass(frozen=True)
class User:
    """A text that uses another, and how it reads that."""

    analysis: Analysis
    load: Load


def renamable(analysis: Analysis, index: Index, offset: int) -> Occurrence | None:
    """The name at an offset, if it is one that this text gives."""
    found = index.at(offset)
    if found is None or found.target.kind not in RENAMED:
        return None
    if not any(one.defines for one in index.of(found.target)):
        return None
    return found


def rename(
    analysis: Analysis, index: Index, offset: int, *, to: str, users: Iterable[User] = ()
) -> dict[str, list[Edit]]:
    """The edits that give a thing another name, by the name of the text they are for.

    Args:
        analysis, index: the text and its names. `offset`: where the thing is named.
        to: its new name. `users`: the texts that use this one.

    Raises:
        RefusedError: there is nothing to rename, or the name cannot be given.
    """
    found = _chosen(analysis, index, offset)
    if not _NAME.fullmatch(to) or to in KEYWORDS:
        raise RefusedError(f"`{to}` is not a name")
    _refuse_clash(analysis, found.target, to)
    edits = _checked_edits(User(analysis, analysis.load), index, found.target, to=to, home=None)
    made = {analysis.source.name: edits}
    home = Source(analysis.source.name, applied(analysis.source.text, edits))
    for user in users if found.target.kind in {"definition", "parameter"} else ():
        other = _checked_edits(user, index_of(user.analysis), found.target, to=to, home=home)
        made |= {user.analysis.source.name: other} if other else {}
    return made


def _chosen(analysis: Analysis, index: Index, offset: int) -> Occurrence:
    found = renamable(analysis, index, offset)
    if found is not None:
        return found
    other = index.at(offset)
    if other is not None and other.target.kind == "definition":
        declared = analysis.context.declared[other.target.name]
        raise RefusedError(
            f"`{declared.name}` is defined in {declared.source.name}: rename it there"
        )
    raise RefusedError("this is not a name that this file gives")


def _checked_edits(
    user: User, index: Index, target: Target, *, to: str, home: Source | None
) -> list[Edit]:
    """The edits of one text; `home` is the text that it uses, as it will be."""
    analysis = user.analysis
    if analysis.notes.parsed.diagnostics:
        name = analysis.source.name
        raise RefusedError(f"{name} has syntax errors: what they hide cannot be renamed")

    def load(name: str) -> Source | None:
        found = user.load(name)
        return home if found is not None and home is not None and found.name == home.name else found

    edits = [Edit(one.span, to) for one in index.of(target)]
    source = Source(analysis.source.name, applied(analysis.source.text, edits))
    after = analyze(source, analysis.given, load=load)
    _refuse_change(analysis, index, after, target=target, to=to)
    return edits


def _refuse_clash(analysis: Analysis, target: Target, to: str) -> None:
    declared = analysis.context.declared
    if target.kind == "definition" and to in declared:
        raise RefusedError(f"there is a {declared[to].kind} `{to}` already")
    if target.kind == "parameter":
        owner = declared[target.name.partition("(")[0]]
        if any(one.name.text == to for one in owner.node.parameters):
            raise RefusedError(f"`{owner.name}` has a parameter `{to}` already")


def _refuse_change(
    before: Analysis, index: Index, after: Analysis, *, target: Target, to: str
) -> None:
    was = sorted(one.code for one in before.checked.diagnostics)
    new = sorted(one.code for one in after.checked.diagnostics)
    if was != new:
        said = [one for one in after.checked.diagnostics if one.code not in was]
        reason = f": {said[0].message}" if said else ""
        raise RefusedError(f"`{to}` would not do{reason}")
    names = index_of(after).occurrences
    if len(names) != len(index.occurrences):
        raise RefusedError(f"`{to}` means something else where it would stand")
    for old, now in zip(index.occurrences, names, strict=True):
        if now.target != _renamed(old.target, target, to) or now.defines != old.defines:
            text = before.source.text[old.span.start : old.span.end]
            raise RefusedError(f"`{text}` would come to mean something else")


def _renamed(one: Target, target: Target, to: str) -> Target:
    if one == target:
        return Target(one.kind, _with_name(one, to))
    if target.kind == "definition":
        if one.kind == "parameter" and one.name.startswith(f"{target.name}("):
            return Target("parameter", to + one.name.removeprefix(target.name))
        if one.kind == "stage" and one.name.startswith(f"{target.name}."):
            return Target("stage", to + one.name.removeprefix(target.name))
    return one


def _with_name(target: Target, to: str) -> str:
    if target.kind == "parameter":
        return f"{target.name.partition('(')[0]}({to})"
    if target.kind == "block":
        return f"{target.name.partition(' ')[0]} {to}"
    return to


def applied(text: str, edits: Sequence[Edit]) -> str:
    """A text with edits made, none of which overlap."""
    made, end = "", 0
    for edit in sorted(edits, key=lambda one: (one.span.start, one.span.end)):
        made += text[end : edit.span.start] + edit.replacement
        end = edit.span.end
    return made + text[end:]
