"""`lab completions SHELL`: a script for a shell, made from the table of commands."""

from dataclasses import dataclass

from lab.cli import exits
from lab.cli.options import Options

_BASH = """\
_lab() {{
  local word="${{COMP_WORDS[COMP_CWORD]}}" command="${{COMP_WORDS[1]}}" words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="{commands}"
  else
    case "$command" in
{cases}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word") $(compgen -f -X '!*.lab' -- "$word"))
}}
complete -o filenames -o bashdefault -F _lab lab
"""
_ZSH = """\
#compdef lab
_lab() {{
  local -a commands=(
{commands}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  case "$words[2]" in
{cases}
  esac
}}
compdef _lab lab
"""


def completions(options: Options) -> int:
    """Print the script of a shell."""
    made = {"bash": bash, "zsh": zsh, "fish": fish}
    print(made[options.names[0]](), end="")
    return exits.DONE


@dataclass(frozen=True)
class _Row:
    """A command: its options as flag, help and what follows it; the words or files it takes."""

    name: str
    summary: str
    flags: tuple[tuple[str, str, str], ...]
    words: tuple[str, ...]
    takes_files: bool


def _table() -> list[_Row]:
    from lab.cli.arguments import ARGUMENTS
    from lab.cli.main import COMMANDS

    rows: list[_Row] = []
    for command in COMMANDS:
        taken = [ARGUMENTS[name] for name in command.arguments]
        flags = tuple(
            (names[0], str(said.get("help", "")), str(said.get("metavar", "")))
            for names, said in taken
            if names[0].startswith("--")
        )
        words = tuple(word for _, said in taken for word in said.get("choices", ()))
        rows.append(_Row(command.name, command.summary, flags, words, "files" in command.arguments))
    return rows


def bash() -> str:
    """The script of bash."""
    rows = _table()
    words = {row.name: " ".join([*(one[0] for one in row.flags), *row.words]) for row in rows}
    cases = [f'      {name}) words="{said}" ;;' for name, said in words.items()]
    return _BASH.format(commands=" ".join(words), cases="\n".join(cases))


def zsh() -> str:
    """The script of zsh."""
    rows = _table()
    commands = [f"    {_quoted(f'{row.name}:{row.summary}')}" for row in rows]
    return _ZSH.format(commands="\n".join(commands), cases="\n".join(map(_zsh_case, rows)))


def _zsh_case(row: _Row) -> str:
    said = [
        _quoted(f"{flag}[{help_line}]" + (f":{value}:_files" if value else ""))
        for flag, help_line, value in row.flags
    ]
    said += [_quoted(f"2:word:({' '.join(row.words)})")] if row.words else []
    said += ["\"*:study:_files -g '*.lab'\""] if row.takes_files else []
    return f"    {row.name}) " + (f"_arguments {' '.join(said)} ;;" if said else ";;")


def fish() -> str:
    """The script of fish."""
    lines = ["complete -c lab -f"]
    for row in _table():
        summary = _quoted(row.summary, fish=True)
        lines.append(f"complete -c lab -n __fish_use_subcommand -a {row.name} -d {summary}")
        inside = f"complete -c lab -n '__fish_seen_subcommand_from {row.name}'"
        for flag, help_line, value in row.flags:
            takes = " -r" if value else ""
            said = _quoted(help_line, fish=True)
            lines.append(f"{inside} -l {flag.removeprefix('--')}{takes} -d {said}")
        if row.words:
            lines.append(f"{inside} -a '{' '.join(row.words)}'")
        if row.takes_files:
            lines.append(f"{inside} -a '(__fish_complete_suffix .lab)'")
    return "\n".join(lines) + "\n"


def _quoted(text: str, *, fish: bool = False) -> str:
    """Text in single quotes, which no shell looks into."""
    return "'" + text.replace("'", "\\'" if fish else "'\\''") + "'"
