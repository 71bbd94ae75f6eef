"""Lighthouse's scores of each kind of page for readers.

Lighthouse is a Node.js package: npm installs it in `.bench/`, and nothing in this project depends on it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.content import add_article, create_blog, release
from benchmarks.results import Row
from tests.harness import browser
from tests.harness.server import ROOT, Server

VERSION = "12.2.3"  # the newest that runs on Node.js 20
FOLDER = ROOT / ".bench" / f"lighthouse-{VERSION}"
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")


PAGES = {
    "front page": "/",
    "article with 50 comments": "/articles/n50",
    "tag": "/tags/birds",
    "archive": "/archive",
    "search": "/search",
    "about": "/about",
}
ABOUT = """---
title: About this notebook
slug: about
lang: en
date: 2026-01-02
page: true
menu: true
---
Notes on birds, gardens and mended things, by somebody who walks a lot.
"""


def measure(folder: Path, runs: int) -> tuple[list[Row], list[str]]:
    """The scores, and a note on each audit that costs points. Raises RuntimeError if npm is missing."""
    program = install()
    app = create_blog(folder, f"sqlite:///{folder / 'blog.sqlite3'}")
    add_article(app, "n50", 50)
    about = folder / "about.md"
    about.write_text(ABOUT)
    app.test_cli_runner().invoke(args=["articles", "import", str(about)], catch_exceptions=False)
    release(app)
    server = Server(folder, workers=2)
    rows: list[Row] = []
    failures: list[str] = []
    try:
        for name, path in PAGES.items():
            reports = [run(program, server.url + path) for _ in range(runs)]
            for category in CATEGORIES:
                scores = [100 * report["categories"][category]["score"] for report in reports]
                rows.append(Row(f"{name}: {category}", "points", scores, 100))
            failures += [f"Points lost on {name}: {failure}." for failure in failed_audits(reports[-1])]
    finally:
        server.stop()
    return rows, failures


def install() -> Path:
    """The path of Lighthouse's program, which is installed if necessary."""
    program = FOLDER / "node_modules" / "lighthouse" / "cli" / "index.js"
    if shutil.which("npm") is None or shutil.which("node") is None:
        raise RuntimeError("npm is not installed. Debian, Ubuntu: apt install npm; macOS: brew install node.")
    if not program.exists():
        print("Installing Lighthouse with npm.", flush=True)
        FOLDER.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--silent", "--no-save", "--prefix", str(FOLDER), f"lighthouse@{VERSION}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"Lighthouse could not be installed with npm: {done.stderr.strip()}")
    return program


def run(program: Path, url: str) -> dict[str, Any]:
    """Lighthouse's report of one page, with the mobile preset."""
    chrome = " ".join(["--headless=new", *browser.arguments()])
    command = [
        *("node", str(program), url, "--quiet", "--output=json", "--output-path=stdout"),
        *(f"--only-categories={','.join(CATEGORIES)}", f"--chrome-flags={chrome}"),
    ]
    environ = {**os.environ, "CHROME_PATH": browser.ensure()}
    done = subprocess.run(command, capture_output=True, text=True, env=environ, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"Lighthouse failed: {done.stderr.strip()[-500:]}")
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def failed_audits(report: dict[str, Any]) -> list[str]:
    """The audits that cost points, with Lighthouse's explanation."""
    return [
        f"{audit['title']} ({audit.get('displayValue') or audit['id']})"
        for category in CATEGORIES
        if report["categories"][category]["score"] < 1
        for reference in report["categories"][category]["auditRefs"]
        if reference["weight"] > 0
        for audit in [report["audits"][reference["id"]]]
        if audit["score"] is not None and audit["score"] < 0.995
    ]
