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


def nginx() -> str:
    """The path of nginx, which is installed if that is possible. Raises RuntimeError with instructions."""
    if not installed("nginx") and shutil.which("apt-get"):
        root = [] if os.geteuid() == 0 else ["sudo", "-n"]
        for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", "nginx-light"]):
            subprocess.run([*root, *command], env=APT, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if path := installed("nginx"):
        return path
    raise RuntimeError(
        "The tests of proxies need nginx. Debian, Ubuntu: apt install nginx-light; macOS: brew install nginx."
    )
