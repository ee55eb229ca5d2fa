"""Syntax trees as short text, each node with what it spans."""

from dataclasses import fields, is_dataclass

from lab.spec.source import Span


def dump(node: object, text: str, depth: int = 0) -> str:
    """A node a line, its children indented; `«…»` is the text of its span."""
    if not is_dataclass(node):
        return ""
    span = node.span  # type: ignore[attr-defined] - every node has one
    said = " ".join(text[span.start : span.end].split())
    plain, inner = "", ""
    for field in fields(node):
        value = getattr(node, field.name)
        if isinstance(value, Span):
            continue
        for item in value if isinstance(value, tuple) else (value,):
            if is_dataclass(item):
                inner += dump(item, text, depth + 1)
            elif item is not None and item is not False:
                plain += f" {field.name}={item!r}"
    head = f"{'  ' * depth}{type(node).__name__}{plain} «{said}»\n"
    return head + inner
