"""A lexer for Pygments, found under the name `lab`: for documentation, terminals and notebooks."""

from typing import ClassVar

from pygments.lexer import RegexLexer
from pygments.token import (
    Comment,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Whitespace,
    _TokenType,
)

from lab.spec.keywords import patterns

_TOKENS = {
    "comment": Comment.Single,
    "string": String.Double,
    "declaration": Keyword.Declaration,
    "word": Operator.Word,
    "argument": Name.Attribute,
    "unit": Keyword.Type,
    "number": Number,
    "constant": Keyword.Constant,
    "call": Name.Function,
    "name": Name,
    "operator": Operator,
    "punctuation": Punctuation,
}


class LabLexer(RegexLexer):
    """Studies in the `.lab` language.

    Example:
        >>> [text for kind, text in LabLexer().get_tokens("let x = 3 steps") if kind in Keyword]
        ['let', 'steps']
    """

    name = "lab"
    aliases: ClassVar = ["lab"]
    filenames: ClassVar = ["*.lab"]
    mimetypes: ClassVar = ["text/x-lab"]
    url = ""
    version_added = ""
    tokens: ClassVar[dict[str, list[tuple[str, _TokenType]]]] = {
        "root": [
            (r"\s+", Whitespace),
            *((pattern, _TOKENS[kind]) for kind, pattern in patterns()),
        ]
    }
