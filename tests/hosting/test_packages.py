"""`make sbom` lists the packages of the server."""

from __future__ import annotations

import json
import subprocess
import tomllib
from pathlib import Path

from tests.harness.server import ROOT


def test_sbom_has_every_package_that_the_project_needs(tmp_path: Path) -> None:
    file = tmp_path / "sbom.json"
    subprocess.run(["make", "-s", "sbom", f"SBOM={file}"], cwd=ROOT, check=True, timeout=120, capture_output=True)
    sbom = json.loads(file.read_text("utf-8"))
    assert sbom["bomFormat"] == "CycloneDX"
    versions = {each["name"]: each["version"] for each in sbom["components"]}
    locked = {each["name"]: each["version"] for each in tomllib.loads((ROOT / "uv.lock").read_text("utf-8"))["package"]}
    assert {"flask", "sqlalchemy", "granian", "psycopg"} <= versions.keys()
    assert "pytest" not in versions
    assert versions.items() <= locked.items()
