"""Writes what editors need to know of the language, from the tables of the language itself.

    python editors/generate.py [--check]

With `--check` it writes nothing and exits 1 where a file is out of step.
"""

import json
import sys
from pathlib import Path

from lab.spec.keywords import patterns

FOLDER = Path(__file__).resolve().parent
_SCOPES = {
    "comment": "comment.line.number-sign.lab",
    "string": "string.quoted.double.lab",
    "declaration": "keyword.other.declaration.lab",
    "word": "keyword.operator.word.lab",
    "argument": "variable.parameter.lab",
    "unit": "support.type.unit.lab",
    "number": "constant.numeric.lab",
    "constant": "constant.language.lab",
    "call": "entity.name.function.lab",
    "name": "variable.other.lab",
    "operator": "keyword.operator.lab",
    "punctuation": "punctuation.lab",
}


def textmate() -> str:
    """The grammar that VS Code, Sublime Text and GitHub color by."""
    rules = [{"name": _SCOPES[kind], "match": pattern} for kind, pattern in patterns()]
    grammar = {
        "name": "lab",
        "scopeName": "source.lab",
        "fileTypes": ["lab"],
        "patterns": rules,
    }
    return json.dumps(grammar, indent=2) + "\n"


FILES = {FOLDER / "vscode" / "syntaxes" / "lab.tmLanguage.json": textmate}


def main() -> int:
    """Write every file, or say which are out of step."""
    stale = 0
    for path, make in FILES.items():
        known = path.read_text(encoding="utf-8") if path.exists() else ""
        if known == make():
            continue
        stale += 1
        if "--check" in sys.argv:
            print(f"{path} is out of step: run `python editors/generate.py`")
        else:
            path.write_text(make(), encoding="utf-8")
            print(path)
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
