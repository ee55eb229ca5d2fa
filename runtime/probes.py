"""Probes: programs looked at before they run (`lab.runtime.probe`), kept by program and device."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from threading import Timer
from typing import Any

from lab.compiler.plan import Node, Plan
from lab.compiler.programs import Program
from lab.runtime.device import LARGE_PAGES
from lab.runtime.files import write_atomically
from lab.runtime.probe import FEW, Request
from lab.runtime.probed import FOLDER
from lab.spec.signature import Catalog

#: The longest that a program is looked at, input stages and compilation included.
_LIMIT_SECONDS = 900

#: Told of each stage that is looked at: its label, and what went wrong, if anything did.
Listener = Callable[[str, str | None], None]


class Prober:
    """Looks at programs of one plan in processes of their own, on some cores.

    As in a run, what sees only what a stage ships is measured in another process than stages are
    made in, and pays for all that happens once in a process by itself. What stages start from is
    made once, in a folder that is gone with the prober: use it as a context manager.
    """

    def __init__(
        self, plan: Plan, catalog: Catalog, *, root: Path, folder: Path, core_set: Sequence[int]
    ) -> None:
        self._plan = plan
        self._catalog = catalog
        self._root = root
        self._folder = folder
        self._nodes = {node.key: node for node in plan.nodes}
        self._scratch = tempfile.TemporaryDirectory(prefix="lab-probe-")
        self._made: dict[str, str] = {}
        self._child, self._fresh_child = _Child(core_set), _Child(core_set)

    def __enter__(self) -> "Prober":
        return self

    def __exit__(self, *_: object) -> None:
        self._child.stop()
        self._fresh_child.stop()
        self._scratch.cleanup()

    def look(self, programs: Sequence[Program], listener: Listener) -> None:
        """Look at stages among these programs, and at the measurements of each among them."""
        wanted = {one.key for one in programs}
        measurements: dict[str, list[Program]] = {}
        stages: dict[str, Program] = {one.key: one for one in programs if one.role == "stage"}
        for one in programs:
            if one.role == "measurement" and "of" in one.inputs:
                measured = one.inputs["of"]
                measurements.setdefault(measured.key, []).append(one)
                stages.setdefault(measured.key, measured)
        for key, stage in stages.items():
            listener(stage.label, None)
            problem = self._one(stage if key in wanted else None, measurements.get(key, []))
            if problem is not None:
                listener(stage.label, problem)

    def _one(self, stage: Program | None, measurements: Sequence[Program]) -> str | None:
        """Look at a stage, if it is wanted, and at measurements of it."""
        of = None
        before: list[Mapping[str, Any]] = []
        if stage is not None:
            before += self._before(stage.first)
        for one in measurements:
            made_here = () if stage is None else ("of",)
            before += self._before(one.first, made_here)
        whole = short = None
        if stage is not None:
            whole, short = self._task(stage.first), self._short(stage.first)
            of = (short or whole)["output"]
        fresh = [one for one in measurements if one.first.fresh]
        here = [one for one in measurements if not one.first.fresh]
        measured = [self._task(one.first, of=of) for one in here]
        looked_at = [*([] if stage is None else [stage]), *here]
        problem = self._look(self._child, Request(before, whole, short, measured), looked_at)
        if problem is not None:
            return problem
        if stage is not None and of is not None:
            self._made[stage.first.key] = of
        tasks = [self._task(one.first, of=of) for one in fresh]
        return self._look(self._fresh_child, Request((), None, None, tasks), fresh)

    def _look(self, child: "_Child", request: Request, programs: Sequence[Program]) -> str | None:
        """Have a process do what is asked, and keep what it says of programs."""
        if not (request.before or programs):
            return None
        found = child.ask(request)
        if isinstance(found, str):
            return found
        for program, said in zip(programs, found, strict=False):
            self._keep(program.key, said)
        return None

    def _before(self, node: Node, roles: Sequence[str] = ()) -> list[Mapping[str, Any]]:
        """Short stages that make what a node starts from, where it is neither stored nor made.

        Inputs of these roles are made elsewhere.
        """
        tasks: list[Mapping[str, Any]] = []
        for role, key in node.inputs.items():
            if role not in roles and not self._is_there(key):
                used = self._nodes[key]
                tasks += self._before(used)
                task = self._short(used) or self._task(used)
                tasks.append(task)
                self._made[key] = task["output"]
        return tasks

    def _is_there(self, key: str) -> bool:
        return key in self._made or (self._root / key / "record.json").is_file()

    def _place(self, key: str) -> str:
        return self._made.get(key, str(self._root / key))

    def _short(self, node: Node) -> dict[str, Any] | None:
        """A node as a stage of few steps; None where it has no duration."""
        signature = self._catalog.get(node.role, node.component)
        lasting = [
            one.name
            for one in (signature.parameters if signature else ())
            if one.type.name == "duration" and isinstance(node.arguments.get(one.name), dict)
        ]
        if not lasting:
            return None
        brief = {name: {"duration": FEW, "unit": "steps"} for name in lasting}
        task = self._task(node)
        return {
            **task,
            "arguments": {**node.arguments, **brief},
            "output": str(Path(self._scratch.name) / f"short-{node.key}"),
        }

    def _task(self, node: Node, *, of: str | None = None) -> dict[str, Any]:
        inputs = {role: self._place(key) for role, key in node.inputs.items()}
        if of is not None:
            inputs["of"] = of
        return {
            "key": node.key,
            "role": node.role,
            "component": node.component,
            "arguments": node.arguments,
            "inputs": inputs,
            "seed": node.seed,
            "vary": list(node.vary),
            "occurrence": 0,
            "fresh": node.fresh,
            "folder": str(self._folder.resolve()),
            "output": str(Path(self._scratch.name) / node.key),
            "components": [str(Path(file).resolve()) for file in self._plan.components],
        }

    def _keep(self, key: str, said: Mapping[str, Any]) -> None:
        path = self._root / FOLDER / f"{key}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            known: Any = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            known = {}
        write_atomically(path, json.dumps({**known, said["device"]: said}, indent=1).encode())


class _Child:
    """A process that looks at programs; begun when it is needed, and anew where it died."""

    def __init__(self, core_set: Sequence[int]) -> None:
        self._cores = ",".join(map(str, core_set))
        self._process: subprocess.Popen[str] | None = None

    def ask(self, request: Request) -> list[dict[str, Any]] | str:
        """What the process says of a request, or what went wrong."""
        process = self._running()
        late = Timer(_LIMIT_SECONDS, process.kill)
        late.start()
        try:
            found = _exchange(process, json.dumps(asdict(request)))
        except BrokenPipeError:
            found = None
        finally:
            late.cancel()
        if found is None:
            return f"the process that looked at it ended with exit code {process.wait()}"
        problems = [one["problem"] for one in found if "problem" in one]
        if problems:
            return str(problems[0])
        return found

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()

    def _running(self) -> "subprocess.Popen[str]":
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "lab.runtime.probe", self._cores],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                # A probe is of what is new, which no cache has.
                env={**LARGE_PAGES, **os.environ, "JAX_ENABLE_COMPILATION_CACHE": "false"},
            )
        return self._process


def _exchange(process: "subprocess.Popen[str]", line: str) -> list[dict[str, Any]] | None:
    """Send a line; the answers up to an empty one, None where the process ends before."""
    if process.stdin is None or process.stdout is None:
        raise TypeError("a child has pipes")
    process.stdin.write(line + "\n")
    process.stdin.flush()
    found: list[dict[str, Any]] = []
    for answer in process.stdout:
        if not answer.strip():
            return found
        found.append(json.loads(answer))
    return None
