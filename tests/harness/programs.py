"""Programs that tests of the files for hosts run: those of the development dependencies, and those of the system."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

FOLDERS = "/usr/sbin:/usr/local/sbin:/opt/homebrew/bin:/usr/bin:/usr/local/bin"
APT = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}


def packaged(name: str) -> str:
    """A program that a Python package has installed."""
    return str(Path(sys.executable).parent / name)


def installed(name: str) -> str | None:
    """The path of a program of the system, or None."""
    return shutil.which(name, path=FOLDERS)


def ensure(name: str, package: str) -> str:
    """The path of a program, whose Debian package is installed if that is possible. Raises RuntimeError with
    instructions."""
    if not installed(name) and shutil.which("apt-get"):
        root = [] if os.geteuid() == 0 else ["sudo", "-n"]
        for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", package]):
            subprocess.run(
                [*root, *command], env=APT, stdin=subprocess.DEVNULL, capture_output=True, timeout=600, check=False
            )
    if path := installed(name):
        return path
    raise RuntimeError(f"A test needs {name}. Debian, Ubuntu: apt install {package}; macOS: brew install {name}.")
