"""Names and tokens that hosts ask for: from the environment, else from a file `.env`.

`.env` has lines `NAME=value`; `.env.example` has the names. A value is sent to its host, and is
never printed, kept or made part of a message.
"""

import os
from pathlib import Path

#: What each is for.
NAMES = {
    "HF_TOKEN": "sets of the Hugging Face hub that are not for everybody",
    "KAGGLE_USERNAME": "sets of Kaggle",
    "KAGGLE_KEY": "sets of Kaggle",
}


def credential(name: str, folder: Path | None = None) -> str | None:
    """The value of a name, None where there is none.

    Args:
        folder: where `.env` is; the working folder where left out.
    """
    return os.environ.get(name) or _in_file(folder or Path.cwd()).get(name) or None


def _in_file(folder: Path) -> dict[str, str]:
    try:
        lines = (folder / ".env").read_text("utf-8").splitlines()
    except OSError:
        return {}
    found: dict[str, str] = {}
    for line in lines:
        name, mark, value = line.strip().removeprefix("export ").partition("=")
        if mark and not name.startswith("#"):
            found[name.strip()] = value.strip().strip("\"'")
    return found
