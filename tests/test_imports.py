"""The packages form layers: imports run only downwards, and no two packages import each other."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

LAYERS = (
    {"demo", "pages"},  # composition: may join features
    {"articles", "comments", "feeds", "media", "owners", "privacy", "search", "site", "view_counts", "visitors"},
    {"web"},
    {"db", "text"},
    {"clock", "settings"},
    {"hosts", "setting_values"},
    {"hardware", "values"},
)
PACKAGE = Path(__file__).parent.parent / "blogapp"


def layer_of(name: str) -> int:
    return next(number for number, names in enumerate(LAYERS) if name in names)


def imported_modules(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "blogapp":
            yield from (f"blogapp.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def package_imports() -> dict[tuple[str, str], Path]:
    """Return each pair of different packages of which the first imports the second, with a file that does."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        importer = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if importer not in {"__init__", "migrations"}:
            for module in imported_modules(path):
                parts = module.split(".")
                if parts[0] == "blogapp" and len(parts) > 1 and parts[1] != importer:
                    found[importer, parts[1]] = path
    return found


def test_imports_run_only_downwards() -> None:
    imports = package_imports()
    assert ("comments", "articles") in imports
    upward = {pair: path.name for pair, path in imports.items() if layer_of(pair[0]) > layer_of(pair[1])}
    assert not upward


def test_packages_have_no_import_cycle() -> None:
    imports = package_imports()
    remaining = {name for pair in imports for name in pair}
    while leaves := {name for name in remaining if not any((name, other) in imports for other in remaining)}:
        remaining -= leaves
    assert not remaining
