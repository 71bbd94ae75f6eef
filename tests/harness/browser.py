"""Find a Chromium for the tests, or install one: with Playwright, else with the system's package manager.

The headless shell comes first: it is Chromium without windows and menus, whose drawing takes half of a test's time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

SHELL = "chromium-headless-shell"
NAMES = (SHELL, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HOW = (
    "The browser tests need Chromium, and none could be installed. Install it by hand "
    "(Debian: apt install chromium-headless-shell; Ubuntu: apt install chromium) or set CHROMIUM to its path."
)
SYSTEMS_CHROMIUM = Path("/usr/bin/chromium")
QUIET = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
ARGUMENTS = [
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # One process draws all pages: starting one for each page takes a quarter of the time of a test.
    "--disable-gpu",
    "--disable-site-isolation-trials",
    "--renderer-process-limit=1",
]


def find() -> str | None:
    """The path of a Chromium that starts: $CHROMIUM, the system's, or the one that Playwright has downloaded."""
    if named := os.environ.get("CHROMIUM"):
        return named
    return next((path for path in [*_of_the_system(), *_of_playwright()] if _starts(path)), None)


def _of_the_system() -> list[str]:
    return [path for name in NAMES if (path := shutil.which(name))]


def _of_playwright() -> list[str]:
    """Newest first."""
    home = Path.home()
    own = os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
    caches = [Path(own)] if own else [home / ".cache" / "ms-playwright", home / "Library" / "Caches" / "ms-playwright"]
    patterns = (
        ("chromium_headless_shell-*", "*/*headless*shell"),
        ("chromium-*", "chrome-linux*/chrome"),
        ("chromium-*", "chrome-mac*/*.app/Contents/MacOS/*"),
    )
    found = []
    for folder, program in patterns:
        folders = sorted((each for cache in caches for each in cache.glob(folder)), key=str, reverse=True)
        found += [str(path) for each in folders for path in each.glob(program)]
    return found


def _starts(path: str) -> bool:
    """Ubuntu's `chromium-browser` may be a script that only asks to install a snap; a download may lack libraries."""
    return _quietly([path, "--version"], seconds=30) == 0


def arguments() -> list[str]:
    """Command-line arguments: no background connections, few processes, and no sandbox for root, who cannot use it."""
    return [*ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]


def ensure() -> str:
    """The path of a Chromium, which is installed if necessary. If that fails, exits with instructions."""
    if os.geteuid() == 0 and SYSTEMS_CHROMIUM.exists() and not os.environ.get("CHROMIUM"):
        _add_the_shell()
    for install in (_from_playwright, _from_the_system):
        if path := find():
            return path
        install()
    return find() or sys.exit(HOW)


def _add_the_shell() -> None:
    """On a Debian where Chromium was installed before, for example in the image of a build server."""
    install = ["apt-get", "install", "-y", "--no-install-recommends", SHELL]
    for command in (install, ["apt-get", "update"], install):
        if not shutil.which(SHELL):
            _quietly(command, seconds=120, environment=QUIET)


def _from_playwright() -> None:
    print("No Chromium found; installing one with Playwright.", flush=True)
    playwright = [sys.executable, "-m", "playwright"]
    fetched = _quietly([*playwright, "install", "chromium"], seconds=600) == 0
    if fetched and not find() and shutil.which("apt-get"):
        _quietly([*_as_root(), *playwright, "install-deps", "chromium"], seconds=900)


def _from_the_system() -> None:
    if not shutil.which("apt-get"):
        return
    print("Playwright could not install it; trying the system's package manager.", flush=True)
    # A test measures lines of text, so Chromium needs a serif font; Liberation replaces Times New Roman.
    install = ["apt-get", "install", "-y", "--no-install-recommends", "fonts-liberation"]
    for command in (["apt-get", "update"], [*install, SHELL], [*install, "chromium"]):
        if not find():
            _quietly([*_as_root(), *command], seconds=900, environment=QUIET)


def _as_root() -> list[str]:
    return [] if os.geteuid() == 0 else ["sudo", "-n"]


def _quietly(command: list[str], seconds: int, environment: dict[str, str] | None = None) -> int:
    """Run `command` without input and output for at most `seconds`. Returns its exit status."""
    try:
        return subprocess.run(
            command, timeout=seconds, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
        ).returncode
    except (OSError, subprocess.TimeoutExpired):
        return 1


if __name__ == "__main__":
    ensure()
