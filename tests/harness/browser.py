"""Find a Chromium for the tests, or get one: Playwright's own, else the system's package manager."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HOW = (
    "The browser tests need Chromium, and none could be installed. Install it by hand "
    "(Debian, Ubuntu: apt install chromium) or set CHROMIUM to the path of one."
)
ARGUMENTS = [
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def find() -> str | None:
    """The path of a Chromium: $CHROMIUM, the system's, or the one that Playwright has downloaded."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named
    for name in NAMES:
        if path := shutil.which(name):
            return path
    caches = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright")
    own = sorted(caches.glob("chromium-*/chrome-linux*/chrome")) + sorted(
        caches.glob("chromium-*/chrome-mac*/Chromium.app/Contents/MacOS/Chromium")
    )
    return str(own[-1]) if own else None


def arguments() -> list[str]:
    """The command line of a browser that talks to nobody; root has no sandbox."""
    return [*ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]


def ensure() -> str:
    """The path of a Chromium, installed if need be. Exits with the sentence that tells how, where that fails."""
    for install in (_from_playwright, _from_the_system):
        if path := find():
            return path
        install()
    return find() or sys.exit(HOW)


def _from_playwright() -> None:
    print("No Chromium found; asking Playwright for one.", flush=True)
    _quietly([sys.executable, "-m", "playwright", "install", "chromium"], seconds=300)


def _from_the_system() -> None:
    if not shutil.which("apt-get"):
        return
    print("Playwright could not; asking the system's package manager.", flush=True)
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", "chromium"]):
        _quietly([*root, *command], seconds=900, environment=environment)


def _quietly(command: list[str], seconds: int, environment: dict[str, str] | None = None) -> None:
    try:
        subprocess.run(command, timeout=seconds, env=environment, capture_output=True, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"{command[0]}: {type(error).__name__}", flush=True)


if __name__ == "__main__":
    ensure()
