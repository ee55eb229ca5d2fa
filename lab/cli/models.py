"""`lab models`: the networks that a study can name, from lists that ship."""

import sys
from fnmatch import fnmatchcase

from lab.cli import exits
from lab.cli.options import Options
from lab.spec.catalog import builtin_catalog
from lab.spec.known import lists, names
from lab.spec.suggest import nearest


def models(options: Options) -> int:
    """Print the names that match any pattern; without one, what there is to look through."""
    if not options.names:
        return _overview()
    worst = exits.DONE
    for pattern in options.names:
        found = [pattern] if pattern in lists() else []
        shown = _all_of(found[0]) if found else _matching(pattern)
        for line in shown:
            print(line)
        if not shown:
            worst = _missed(pattern)
    return worst


def _overview() -> int:
    catalog = builtin_catalog()
    for name in catalog.names("model"):
        signature = catalog.get("model", name)
        if signature is not None:
            count = f" ({len(names(name).tags)} names)" if name in lists() else ""
            print(f"{name + count:28} {signature.doc}")
    print("\n`lab models timm`, `lab models 'deit*'`: names; `lab docs timm`: what it takes")
    return exits.DONE


def _all_of(known: str) -> list[str]:
    return [_line(known, name) for name in names(known).tags]


def _matching(pattern: str) -> list[str]:
    """Names with a glob, or with a part of them where it is none."""
    glob = pattern if any(mark in pattern for mark in "*?[") else f"*{pattern}*"
    native = [one for one in builtin_catalog().names("model") if one not in lists()]
    found = [f"{name}()" for name in native if fnmatchcase(name, glob)]
    for known in lists():
        found += [_line(known, one) for one in names(known).tags if fnmatchcase(one, glob)]
    return found


def _line(known: str, name: str) -> str:
    tags = names(known).tags[name]
    published = f"   pretrained: {', '.join(tags)}" if tags else ""
    return f'{known}("{name}"){published}'


def _missed(pattern: str) -> int:
    known = [name for one in lists() for name in names(one).tags]
    near = nearest(pattern, known)
    hint = f"; did you mean `{near}`?" if near else ""
    print(f"lab: no model is called `{pattern}`{hint}", file=sys.stderr)
    return exits.COMMAND_IS_WRONG
