"""Declarations and blocks as documents that can be broken: the outer half of the formatter."""

from collections.abc import Sequence
from typing import cast

from lab.spec import syntax
from lab.spec.build import Edition
from lab.spec.comments import Item, Owners, clean
from lab.spec.expressions import Expressions
from lab.spec.layout import (
    HARD,
    SPACE,
    STEP,
    Doc,
    Group,
    IfBroken,
    Indent,
    Note,
    flat_width,
    join,
    render,
)
from lab.spec.parser import Parsed
from lab.spec.source import Source, Span
from lab.spec.syntax import Path
from lab.spec.tokens import Comment

Block = syntax.Grid | syntax.Search | syntax.Profile | syntax.Report
BlockEntry = syntax.Filter | syntax.Goal | syntax.Trials
Entry = syntax.Declaration | Edition | syntax.Axis | BlockEntry | syntax.Expr
#: What stands before a value: a kind with a blank, and a name with its sign.
Head = tuple[str, str]

#: Heads of neighbors that differ by more columns are not aligned.
WIDEST_PAD = 12


class Declarations:
    """A whole source, as a document."""

    def __init__(self, source: Source, parsed: Parsed, *, width: int) -> None:
        self.source = source
        self.parsed = parsed
        self.width = width
        self.owners = Owners(source, parsed.comments)
        self.expressions = Expressions(source, self.owners)

    def doc(self) -> Doc:
        """All of it."""
        nodes: list[Entry] = [*self.parsed.module.declarations]
        if self.parsed.edition is not None:
            nodes.insert(0, self.parsed.edition)
        around = Span(0, len(self.source.text) + 1)
        items, _, last = self.owners.items(nodes, self._body, around)
        return join(HARD, self._rows(items, last))

    # --- rows: entries on lines of their own, single blank lines kept between them

    def _rows(self, items: Sequence[Item[Entry]], last: Sequence[Comment]) -> list[Doc]:
        rows: list[Doc] = []
        for item, written in zip(items, self._written(items), strict=True):
            start = item.node.span.start
            apart = self.owners.is_apart(start)
            for comment in item.over:
                hoisted = comment.span.start > start
                blank = apart if hoisted else self.owners.is_apart(comment.span.start)
                apart = apart and not hoisted
                rows.append([HARD if rows and blank else "", clean(comment)])
            rows.append([HARD if rows and apart else "", written, *item.notes()])
        for comment in last:
            blank = rows and self.owners.is_apart(comment.span.start)
            rows.append([HARD if blank else "", clean(comment)])
        return rows

    def _written(self, items: Sequence[Item[Entry]], *, level: int = 1) -> list[Doc]:
        """Entries with their heads, those of like neighbors in columns."""
        written: list[Doc] = []
        run: list[tuple[Head, Doc]] = []
        alike = ""
        width = self.width - level * len(STEP)
        for item in items:
            head = self._head(item.node)
            before, alike = alike, _alike(item.node, head, item.doc, width=width)
            apart = item.over or self.owners.is_apart(item.node.span.start)
            if run and (alike != before or not alike or apart):
                written += _columns(run, width=width)
                run = []
            if head is None:
                written.append(item.doc)
            else:
                run.append((head, item.doc))
        return written + _columns(run, width=width)

    def _head(self, node: Entry) -> Head | None:
        """What stands before the value of an entry: its kind, and its name with what belongs."""
        match node:
            case syntax.Definition():
                name = [node.name.text, self.expressions.parameters(node)]
                return node.kind + " ", render(name, width=10**9) + self._title(node.title) + " ="
            case syntax.Axis():
                paths = ", ".join(map(str, node.paths))
                return "", (f"({paths})" if len(node.paths) > 1 else paths) + ":"
            case syntax.Claim():
                return "claim ", node.name.text + self._title(node.title) + ":"
            case _:
                return None

    def _title(self, title: syntax.Text | None) -> str:
        return "" if title is None else " " + self.expressions.text(title)

    # --- one entry, without its head

    def _body(self, node: Entry) -> Doc:
        match node:
            case syntax.Definition() | syntax.Axis():
                return [" ", self.expressions.doc(node.value)]
            case syntax.Claim():
                return self._claim(node)
            case syntax.Grid() | syntax.Search() | syntax.Profile() | syntax.Report():
                return self._block(node)
            case syntax.Study() | syntax.Use() | Edition():
                return self._line(node)
            case _:
                return self._entry(node)

    def _line(self, node: syntax.Study | syntax.Use | Edition) -> str:
        match node:
            case syntax.Study():
                return f"study {node.name.text}" + self._title(node.title)
            case syntax.Use():
                return f"use {self.expressions.text(node.file)}"
            case Edition():
                return f"lab {node.number}"

    def _entry(self, node: "syntax.Repeat | syntax.Budget | BlockEntry | syntax.Expr") -> Doc:
        doc = self.expressions.doc
        match node:
            case syntax.Filter():
                reason = [SPACE, "because ", doc(node.reason)] if node.reason else ""
                return Group([f"{node.kind} ", doc(node.condition), Indent(reason)])
            case syntax.Goal():
                limit = [SPACE, "subject to ", doc(node.constraint)] if node.constraint else ""
                return Group([f"{node.direction} ", doc(node.metric), Indent(limit)])
            case syntax.Trials():
                return ["trials ", doc(node.count)]
            case syntax.Repeat():
                return self._repeat(node)
            case syntax.Budget():
                amounts = join([",", SPACE], [doc(amount) for amount in node.amounts])
                return Group(["budget ", Indent(amounts)])
            case _:
                return doc(node)

    def _repeat(self, node: syntax.Repeat) -> Doc:
        doc: list[Doc] = ["repeat ", self.expressions.doc(node.count)]
        if node.seed is not None:
            doc.append(f" as {node.seed.text}")
        if node.until is not None:
            doc += [" until ", self.expressions.doc(node.until)]
        if node.vary:
            names = [name.text for name in node.vary]
            doc += [" vary ", Indent(join([",", SPACE], names))]
        return Group(doc)

    def _claim(self, node: syntax.Claim) -> Doc:
        doc = self.expressions.doc
        clauses: list[Doc] = [doc(node.condition)]
        if node.where is not None:
            clauses.append(["where ", doc(node.where)])
        for over in node.over:
            clauses.append(f"over {over.quantifier} {_listed(over.paths)}")
        if node.paired:
            clauses.append("paired by " + ", ".join(name.text for name in node.paired))
        if node.level is not None:
            clauses.append(["at ", doc(node.level)])
        if node.source is not None:
            clauses.append("source: " + self.expressions.text(node.source))
        return Group(Indent([SPACE, Group(join(SPACE, clauses))]))

    def _block(self, node: Block) -> Doc:
        entries = cast("Sequence[Entry]", _entries(node))
        name = "" if isinstance(node, syntax.Report) else f" {node.name.text}"
        title = "" if isinstance(node, syntax.Report) else self._title(node.title)
        header = f"{_word(node)}{name}{title} {{"
        start = self.source.text.index("{", self._header_end(node)) + 1
        items, beside, last = self.owners.items(entries, self._body, Span(start, node.span.end))
        noted = beside or last or any(item.noted for item in items)
        if not (items or noted):
            return f"{header} }}"
        if not noted and "\n" not in self.source.text[start : node.span.end]:
            inner = join([IfBroken("", ";"), SPACE], self._written(items))
            return Group([header, Indent([SPACE, *inner]), SPACE, "}"])
        notes = [Note("  " + " ".join(clean(comment) for comment in beside))] if beside else []
        rows = join(HARD, self._rows(items, last))
        return [header, *notes, Indent([HARD, *rows]) if rows else "", HARD, "}"]

    def _header_end(self, node: Block) -> int:
        if isinstance(node, syntax.Report):
            return node.span.start
        return (node.title or node.name).span.end


def _word(node: Block) -> str:
    return type(node).__name__.lower()


def _entries(node: Block) -> Sequence[object]:
    return node.items if isinstance(node, syntax.Report) else node.entries


def _listed(paths: Sequence[Path]) -> str:
    return ", ".join(map(str, paths))


def _alike(node: Entry, head: Head | None, body: Doc, *, width: int) -> str:
    """What neighbors have to be to stand in columns; nothing where an entry stands alone."""
    if head is None or not _fits(head, body, width=width):
        return ""
    if isinstance(node, syntax.Definition):
        return "data" if node.kind == "model" else node.kind
    return type(node).__name__


def _fits(head: Head, body: Doc, *, width: int) -> bool:
    flat = flat_width(body)
    return flat is not None and len("".join(head)) + flat <= width


def _columns(run: Sequence[tuple[Head, Doc]], *, width: int) -> list[Doc]:
    """Entries one under the other, their kinds and their names padded to equal widths.

    Padding is left out where names differ much, where it would break a line, and where the entries
    come to stand on one line.
    """
    wide = max((len(name) for (_, name), _ in run), default=0)
    first = max((len(kind) for (kind, _), _ in run), default=0)
    near = all(wide - len(name) <= WIDEST_PAD for (_, name), _ in run)
    room = all(_fits((" " * first, " " * wide), body, width=width) for _, body in run)
    if not (near and room):
        wide = 0
    return [
        [kind, _pad(first - len(kind)), _padded(name, wide), body] for (kind, name), body in run
    ]


def _pad(count: int) -> Doc:
    return IfBroken(" " * max(count, 0))


def _padded(name: str, wide: int) -> Doc:
    """A name and its sign; `=` stands behind the padding, `:` before it."""
    if name.endswith(" ="):
        return [name[:-2], _pad(wide - len(name)), " ="]
    return [name, _pad(wide - len(name))]
