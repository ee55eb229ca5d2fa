"""Expressions as documents that can be broken: the inner half of the formatter."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from lab.spec import syntax
from lab.spec.comments import Item, Owners, Spanned, clean
from lab.spec.layout import HARD, SOFT, SPACE, Doc, Group, IfBroken, Indent, Note, join
from lab.spec.source import Source, Span
from lab.spec.syntax import Expr
from lab.spec.tokens import Comment

N = TypeVar("N", bound=Spanned)
Chain = syntax.Alternatives | syntax.Then | syntax.Logic


class Expressions:
    """What stands in an expression, with its comments."""

    def __init__(self, source: Source, owners: Owners) -> None:
        self.source = source
        self.owners = owners

    def doc(self, node: Expr) -> Doc:
        """An expression."""
        match node:
            case syntax.Number() | syntax.Text() | syntax.Path():
                return self._atom(node)
            case syntax.Alternatives() | syntax.Then() | syntax.Logic():
                return self._chain(node)
            case syntax.Call() | syntax.ListOf() | syntax.Group():
                return self._brackets(node)
            case syntax.Binary():
                return self._arithmetic(node)
            case syntax.Sign() | syntax.Not():
                op = "not " if isinstance(node, syntax.Not) else node.op
                return [op, self.doc(node.operand)]
            case _:
                return self._joined(node)

    def argument(self, node: syntax.Argument) -> Doc:
        """`name: value`, or a value."""
        if node.name is None:
            return self.doc(node.value)
        return [self._atom(node.name), ": ", self.doc(node.value)]

    def parameters(self, node: syntax.Definition) -> Doc:
        """The parameters of a definition, in their brackets; nothing where it has none."""
        if not node.parameters:
            return ""
        around = Span(node.name.span.end, node.parameters[-1].span.end)
        return self._row(node.parameters, self._parameter, brackets="()", around=around)

    def _parameter(self, node: syntax.Parameter) -> Doc:
        if node.default is None:
            return node.name.text
        return [node.name.text, ": ", self.doc(node.default)]

    def text(self, node: syntax.Text) -> str:
        """A string as it was written."""
        return self.source.text[node.span.start : node.span.end]

    def _atom(self, node: syntax.Number | syntax.Text | syntax.Path) -> str:
        if isinstance(node, syntax.Text):
            return self.text(node)
        if isinstance(node, syntax.Path):
            return str(node)
        unit = f" {node.unit.text}" if node.unit else ""
        return node.text + ("%" if node.percent else unit)

    def _joined(
        self, node: syntax.Lasting | syntax.Range | syntax.Arrow | syntax.Comparison
    ) -> Doc:
        match node:
            case syntax.Lasting():
                return [self.doc(node.value), " for ", self.doc(node.duration)]
            case syntax.Arrow():
                return [self.doc(node.start), " -> ", self.doc(node.stop)]
            case syntax.Comparison():
                return [self.doc(node.left), f" {node.op} ", self.doc(node.right)]
            case syntax.Range():
                step: Doc = [" by ", self.doc(node.by)] if node.by is not None else ""
                log = "log " if node.log else ""
                return [log, self.doc(node.start), " .. ", self.doc(node.stop), step]

    def _arithmetic(self, node: syntax.Binary) -> Doc:
        plain = isinstance(node.left, syntax.Number) and isinstance(node.right, syntax.Number)
        if node.op == "/" and plain:
            return [self.doc(node.left), "/", self.doc(node.right)]
        signs = ("+", "-") if node.op in ("+", "-") else ("*", "/")
        steps: list[Doc] = []
        first: Expr = node
        while isinstance(first, syntax.Binary) and first.op in signs:
            steps.insert(0, [f" {first.op}", SPACE, self.doc(first.right)])
            first = first.left
        return Group([self.doc(first), Indent(steps)])

    def _chain(self, node: Chain) -> Doc:
        word, parts = _word_and_parts(node)
        items, _, _ = self.owners.items(parts, self.doc, node.span)
        self.owners.give_back(items[0].over)
        rest = [[SPACE, *item.lines(), word, item.doc, *item.notes()] for item in items[1:]]
        return Group([items[0].doc, *items[0].notes(), Indent(rest)])

    def _brackets(self, node: syntax.Call | syntax.ListOf | syntax.Group) -> Doc:
        if isinstance(node, syntax.Call):
            around = Span(node.function.span.end, node.span.end)
            inner = self._row(node.arguments, self.argument, brackets="()", around=around)
            return [str(node.function), inner]
        pair = "[]" if isinstance(node, syntax.ListOf) else "()"
        return self._row(node.items, self.doc, brackets=pair, around=node.span)

    def _row(
        self, nodes: Sequence[N], doc: Callable[[N], Doc], *, brackets: str, around: Span
    ) -> Doc:
        """Items in brackets: on one line, or one on each, or with the comments between them."""
        items, beside, rest = self.owners.items(nodes, doc, around)
        if not (items or beside or rest):
            return brackets
        if beside or rest or any(item.noted for item in items):
            return _with_comments(items, brackets, beside=beside, rest=rest)
        end = IfBroken("," if len(items) > 1 or brackets == "[]" else "")
        inner = Group([*join([",", SPACE], [item.doc for item in items]), end])
        return Group([brackets[0], Indent([SOFT, inner]), SOFT, brackets[1]])


def _word_and_parts(node: Chain) -> tuple[str, tuple[Expr, ...]]:
    match node:
        case syntax.Alternatives():
            return "| ", node.options
        case syntax.Then():
            return "then ", node.parts
        case syntax.Logic():
            return f"{node.op} ", node.operands


def _with_comments(
    items: Sequence[Item[N]], brackets: str, *, beside: Sequence[Comment], rest: Sequence[Comment]
) -> Doc:
    """Items in brackets, one on each line, under and beside their comments."""
    comma = "," if len(items) > 1 or brackets == "[]" else ""
    rows: list[Doc] = [[*item.lines(), item.doc, ",", *item.notes()] for item in items[:-1]]
    rows += [[*item.lines(), item.doc, comma, *item.notes()] for item in items[-1:]]
    rows += [clean(comment) for comment in rest]
    notes = [Note("  " + " ".join(clean(comment) for comment in beside))] if beside else []
    inner = Indent([HARD, *join(HARD, rows)]) if rows else ""
    return Group([brackets[0], *notes, inner, HARD, brackets[1]])
