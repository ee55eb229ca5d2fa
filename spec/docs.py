"""`lab docs NAME`: what a component takes, in words, generated from its signature."""

from collections.abc import Iterator
from textwrap import fill
from typing import cast

from lab.spec.signature import ParameterInfo, Signature, Type
from lab.spec.values import Value

#: Words for types whose name does not say enough.
_CALLED = {
    "int": "whole number",
    "float": "number",
    "bool": "true or false",
    "string": "text",
    "file": "file name",
    "share": "share (%)",
    "duration": "duration (steps, epochs, …)",
    "moment": "moment (steps, epochs, %, end, never)",
    "bits": "number of bits",
    "bytes": "size (kB, MB, …)",
    "seconds": "time (s, min, h)",
    "decibels": "decibels (dB)",
    "pixels": "pixels (px)",
    "schedule": "number or schedule",
    "arm": "method",
    "path": "path",
    "curve": "name of a recorded curve",
}
#: Columns of the line that says how a component is called.
_PAGE_WIDTH = 90
#: Columns of the facts of a parameter, the page's own margin aside.
_FACTS_WIDTH = 118
#: Suffix that a study writes behind a number of a type.
_SUFFIX = {"bytes": " B", "seconds": " s", "decibels": " dB"}


def describe(signature: Signature) -> str:
    """A component as a page of plain text.

    Example:
        >>> print(describe(Signature("flip", "augmentation", (), "Mirrors.", "m", "Flip", "f.py",
        ...                          3, "0")))
        flip()  (augmentation)
        <BLANKLINE>
          Mirrors.
        <BLANKLINE>
          takes no arguments
        <BLANKLINE>
          source: f.py:3
    """
    parts = [
        f"{_call(signature)}  ({signature.kind})",
        f"  {signature.doc}" if signature.doc else "",
        "\n".join(f"  {line}" for line in _parameters(signature)),
        "\n".join(f"  {line}" for line in _notes(signature)),
    ]
    return "\n\n".join(part for part in parts if part)


def _call(signature: Signature) -> str:
    needed = [f"{p.name}: …" for p in signature.parameters if p.required]
    optional = [p.name for p in signature.parameters if not p.required]
    start = f"{signature.name}("
    inside = ", ".join([*needed, *optional])
    # Room is left for the kind behind the last line.
    return fill(f"{start}{inside})", _PAGE_WIDTH, subsequent_indent=" " * len(start))


def _parameters(signature: Signature) -> Iterator[str]:
    if not signature.parameters:
        yield "takes no arguments"
        return
    names = max(len(one.name) for one in signature.parameters)
    for one in signature.parameters:
        yield f"{one.name:<{names}}  {one.doc or type_text(one.type)}"
        yield _wrapped("; ".join(_facts(one)), names + 2)


def _wrapped(text: str, indent: int) -> str:
    """Facts of a parameter, on several lines where they have many words."""
    margin = " " * indent
    return fill(
        text,
        _FACTS_WIDTH,
        initial_indent=margin,
        subsequent_indent=margin,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _facts(one: ParameterInfo) -> Iterator[str]:
    yield type_text(one.type)
    limits = list(limits_of(one))
    if limits:
        yield ", ".join(limits)
    if one.known is not None:
        yield f"a name that `lab models {one.known}` lists"
    if one.required:
        yield "required"
    elif not one.type.mapping:
        yield f"default {shown(one.default, one.type)}"
    if one.positional:
        yield "may be given without its name"
    if one.traced:
        yield "changing it compiles nothing"
    if one.since > 1:
        yield f"since edition {one.since}"
    if one.is_late:
        yield f"came later; before it: {shown(one.legacy, one.type)}"


def type_text(kind: Type) -> str:
    """A type in words.

    Example:
        >>> type_text(Type("word", ("sine", "relu"), optional=True))
        'sine | relu | none'
    """
    name = () if kind.name == "word" else (_CALLED.get(kind.name, kind.name),)
    words = [_word(word, kind) for word in kind.words]
    text = " | ".join([*name, *words, *(["none"] if kind.optional else [])])
    if kind.mapping:
        return f"any other argument by name, each: {text}"
    return f"list of {text}" if kind.many else text


def limits_of(one: ParameterInfo) -> Iterator[str]:
    """The range of a parameter, limit by limit."""
    limits = (
        ("at least", one.low),
        ("above", one.above),
        ("at most", one.high),
        ("below", one.below),
    )
    for word, limit in limits:
        if limit is not None:
            yield f"{word} {shown(limit, one.type)}"


def shown(value: Value, kind: Type | None = None) -> str:
    """A resolved value as a study writes it.

    Example:
        >>> shown({"duration": 2000, "unit": "steps"}), shown(0.8, Type("share"))
        ('2000 steps', '80%')
    """
    name = "" if kind is None else kind.name
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value * 100:.12g}%" if name == "share" else f"{value:.12g}{_SUFFIX.get(name, '')}"
    if isinstance(value, str):
        return _text(value, kind)
    if isinstance(value, list):
        return f"[{', '.join(shown(item, kind) for item in value)}]"
    return _mapping(value)


def _text(value: str, kind: Type | None) -> str:
    if kind is not None and value in kind.words:
        return _word(value, kind)
    return value if kind is not None and kind.name == "curve" else f'"{value}"'


def _word(word: str, kind: Type) -> str:
    """A word of a type; as text, where the language cannot spell all of them."""
    return word if all(one.isidentifier() for one in kind.words) else f'"{word}"'


def _mapping(value: dict[str, Value]) -> str:
    if "duration" in value:
        amount = cast(float, value["duration"])
        share = value["unit"] == "share"
        return f"{amount * 100:.12g}%" if share else f"{amount:.12g} {value['unit']}"
    if "component" in value:
        args = cast(dict[str, Value], value["args"])
        inside = ", ".join(f"{name}: {_bare(one)}" for name, one in args.items())
        return f"{value['component']}({inside})" if inside else str(value["component"])
    return f'"{value.get("file", "")}"'


def _bare(value: Value) -> str:
    """A value whose type is not at hand: text is probably a word."""
    return value if isinstance(value, str) and value.isidentifier() else shown(value)


def _notes(signature: Signature) -> Iterator[str]:
    if signature.stage:
        yield f"as a stage: short for {signature.stage}(through: {signature.name}(…), …)"
    if signature.streams:
        yield f"random streams: {', '.join(signature.streams)}"
    if signature.unit:
        better = f", {signature.better} is better" if signature.better else ""
        yield f"unit: {signature.unit}{better}"
    if signature.content:
        yield f"content: {signature.content}"
    yield f"source: {signature.file}:{signature.line}"
