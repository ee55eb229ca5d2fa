"""What a check tells as it goes, to whoever wants more than its findings.

An editor asks what a word means here, what may stand there and where else it is named. The checker
knows all of it while it reads; a subclass of `Watch` keeps what it needs, so that no second checker
has to find it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lab.spec import syntax
from lab.spec.source import Span

if TYPE_CHECKING:
    from lab.spec.check.arguments import Formal
    from lab.spec.check.context import Context, Declared, Member, Place, Scope, Want
    from lab.spec.parser import Parsed


class Watch:
    """Hears of a check; this one forgets it all."""

    def begins(self, context: Context, parsed: Parsed) -> None:
        """The text was read and its names are known; nothing has been checked."""

    def reads(self, expression: syntax.Expr, want: Want, place: Place) -> None:
        """An expression is read as a type."""

    def binds(self, callee: str, parameters: Sequence[Formal], span: Span, place: Place) -> None:
        """The arguments of the call at a span are matched with parameters."""

    def finds(self, declared: Declared, name: syntax.Name, member: Member, scope: Scope) -> None:
        """A name on a path that starts at a definition is something inside it."""

    def misses(self, span: Span, candidates: Sequence[str], scope: Scope) -> None:
        """What is written at a span means nothing; the candidates would."""
