"""Annotations and defaults of a component's fields, from text to types and values."""

import ast
from collections.abc import Callable
from typing import Any

from lab.spec.declare import KINDS
from lab.spec.signature import Type

#: Annotation -> name of the type.
VOCABULARY = {
    "int": "int",
    "float": "float",
    "bool": "bool",
    "str": "string",
    "File": "file",
    "Share": "share",
    "Duration": "duration",
    "Moment": "moment",
    "Bits": "bits",
    "Bytes": "bytes",
    "Seconds": "seconds",
    "Decibels": "decibels",
    "Pixels": "pixels",
    "Schedule": "schedule",
    "Arm": "arm",
    "Metric": "metric",
    "PathName": "path",
    "Condition": "condition",
    "Curve": "curve",
    **{kind.capitalize(): kind for kind in KINDS},
}


class UnreadableError(Exception):
    """Text in a component file that the catalog cannot read. `node` is the place."""

    def __init__(self, message: str, node: ast.AST) -> None:
        super().__init__(message)
        self.node = node


def type_of(annotation: ast.expr) -> Type:
    """The type that an annotation stands for.

    Example:
        >>> type_of(ast.parse("tuple[Share, ...] | None", mode="eval").body)
        Type(name='share', words=(), optional=True, many=True, mapping=False)
    """
    members = list(_union(annotation))
    optional = any(_is_none(one) for one in members)
    words = tuple(word for one in members for word in _literal(one))
    rest = [one for one in members if not _is_none(one) and not _literal(one)]
    if len(rest) > 1 or not (rest or words):
        raise UnreadableError("a parameter has one type, beside words and None", annotation)
    inner = _plain(rest[0]) if rest else Type("word")
    return Type(
        inner.name,
        (*words, *inner.words),
        optional=optional or inner.optional,
        many=inner.many,
        mapping=inner.mapping,
    )


def _union(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return [*_union(node.left), *_union(node.right)]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            return _union(ast.parse(node.value, mode="eval").body)
        except SyntaxError as error:
            raise UnreadableError("this annotation is no type", node) from error
    return [node]


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _literal(node: ast.expr) -> tuple[str, ...]:
    if not isinstance(node, ast.Subscript) or called(node.value) != "Literal":
        return ()
    items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    words = [item.value for item in items if isinstance(item, ast.Constant)]
    if len(words) != len(items) or not all(isinstance(word, str) for word in words):
        raise UnreadableError("the alternatives of Literal are strings here", node)
    return tuple(str(word) for word in words)


def _plain(node: ast.expr) -> Type:
    if isinstance(node, ast.Subscript):
        return _generic(node)
    name = called(node)
    if name not in VOCABULARY:
        raise UnreadableError(f"`{ast.unparse(node)}` is no type of a parameter", node)
    return Type(VOCABULARY[name])


def _generic(node: ast.Subscript) -> Type:
    items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if called(node.value) == "tuple" and len(items) == 2 and _is_ellipsis(items[1]):
        inner = type_of(items[0])
        return Type(inner.name, inner.words, many=True)
    if called(node.value) == "dict" and len(items) == 2 and called(items[0]) == "str":
        inner = type_of(items[1])
        return Type(inner.name, inner.words, mapping=True)
    raise UnreadableError(f"`{ast.unparse(node)}` is no type of a parameter", node)


def _is_ellipsis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...


def called(node: ast.expr) -> str:
    """The last name of `a` or `a.b`; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    return ""


def default_value(  # noqa: PLR0911 - one return for each form a default has
    node: ast.expr, call: Callable[[ast.Call], Any], constants: dict[str, ast.expr]
) -> Any:
    """The value that a default's text stands for; `call` makes the value of a component."""
    match node:
        case ast.Constant(value=None | bool() | int() | float() | str()):
            return node.value
        case ast.UnaryOp(op=ast.USub()):
            return -_number(default_value(node.operand, call, constants), node)
        case ast.BinOp():
            return _calculated(node, call, constants)
        case ast.Tuple() | ast.List():
            return [default_value(item, call, constants) for item in node.elts]
        case ast.Dict(keys=[]):
            return {}
        case ast.Call() if called(node.func) == "Duration":
            return _duration(node, call, constants)
        case ast.Call():
            return call(node)
        case ast.Name() if node.id in constants:
            return default_value(constants[node.id], call, constants)
        case _:
            raise UnreadableError(f"`{ast.unparse(node)}` is no default that can be read", node)


def _number(value: Any, node: ast.expr) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnreadableError("only numbers can be calculated with in a default", node)
    return value


def _calculated(
    node: ast.BinOp, call: Callable[[ast.Call], Any], constants: dict[str, ast.expr]
) -> Any:
    left = _number(default_value(node.left, call, constants), node)
    right = _number(default_value(node.right, call, constants), node)
    match node.op:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right
        case ast.Div() if right != 0:
            return left / right
        case ast.Pow() if abs(right) < 100:
            return left**right
        case _:
            raise UnreadableError(f"`{ast.unparse(node)}` cannot be calculated", node)


def _duration(
    node: ast.Call, call: Callable[[ast.Call], Any], constants: dict[str, ast.expr]
) -> Any:
    given = dict(zip(("amount", "unit"), node.args, strict=False))
    given |= {word.arg: word.value for word in node.keywords if word.arg}
    if set(given) != {"amount", "unit"}:
        raise UnreadableError('a duration is written Duration(2000, "steps")', node)
    amount = _number(default_value(given["amount"], call, constants), node)
    unit = default_value(given["unit"], call, constants)
    return {"duration": int(amount) if float(amount).is_integer() else amount, "unit": unit}
