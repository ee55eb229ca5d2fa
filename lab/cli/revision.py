"""A study as it was at a revision of its git repository, read without checking anything out."""

import hashlib
import subprocess
from pathlib import Path, PurePosixPath

from lab.cli.load import Given, Loaded, load_text
from lab.cli.options import Options
from lab.runtime.contents import Contents
from lab.runtime.errors import LabError
from lab.spec.source import Source


class Revision:
    """Files of a folder as a revision has them; making one raises LabError where there is none."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.name = name
        self.commit = self._words("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        self.subject = self._words("log", "-1", "--format=%s", self.commit)

    def _git(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(
                ["git", "-C", str(self.folder), *arguments], capture_output=True, check=False
            )
        except FileNotFoundError as error:
            raise LabError("`--since` reads a git history, and there is no `git` here") from error

    def _words(self, *arguments: str) -> str:
        done = self._git(*arguments)
        if done.returncode:
            self._refuse_no_repository()
            raise LabError(
                f"{self.folder} has no revision `{self.name}`: `--since` takes what git calls a "
                "commit, as `HEAD~1`, a tag or a branch"
            )
        return done.stdout.decode(errors="replace").strip()

    def _refuse_no_repository(self) -> None:
        if self._git("rev-parse", "--git-dir").returncode:
            raise LabError(
                f"{self.folder} is in no git repository: `--since` compares with what git keeps"
            )

    def content(self, name: str) -> bytes | None:
        """The bytes of a file beside the study, None where the revision has none."""
        done = self._git("show", f"{self.commit}:./{PurePosixPath(name)}")
        return None if done.returncode else done.stdout

    def text(self, name: str) -> Source | None:
        """The text of a file beside the study."""
        content = self.content(name)
        if content is None:
            return None
        try:
            return Source(str(self.folder / PurePosixPath(name)), content.decode())
        except UnicodeDecodeError:
            return None


def study_at(revision: Revision, file: Path, options: Options) -> Loaded:
    """A study, and the files that it names, as they were; the options apply as they do now.

    A file that the revision does not keep, as large ones often are, counts as the one there is.
    """
    source = revision.text(file.name)
    if source is None:
        raise LabError(
            f"revision `{revision.name}` has no {file.name}, or it is no text: where the study was "
            "made or renamed since, `lab plan` without `--since` prices all of it"
        )
    here = Contents(file.parent)

    def checksum(name: str) -> str | None:
        content = revision.content(name)
        return here(name) if content is None else f"sha256:{hashlib.sha256(content).hexdigest()}"

    given = Given(
        options.profile, options.sets, options.only, contents=checksum, load=revision.text
    )
    loaded = load_text(source, file, given)
    if loaded.plan is None:
        first = next(one for one in loaded.diagnostics if one.severity == "error")
        line = first.source.position(first.labels[0].span.start)[0]
        raise LabError(
            f"{file} is wrong at revision `{revision.name}`, line {line}: {first.message} "
            f"[{first.code}]"
        )
    return loaded
