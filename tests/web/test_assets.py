"""Stylesheets and scripts: the source files and the bundles that are served."""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path

import brotli
import pytest
from flask.testing import FlaskClient

from blogapp.web import assets
from blogapp.web.assets import BUNDLES, STATIC, VENDORED

HTMX = STATIC / "vendor" / "htmx-4.0.1.js"


def test_htmx_is_unmodified() -> None:
    assert hashlib.sha256(HTMX.read_bytes()).hexdigest() in (STATIC / "vendor" / "README.md").read_text()
    assert hashlib.sha256(HTMX.read_bytes()).hexdigest().startswith("a0abb04f")


def test_every_stylesheet_and_script_is_in_a_bundle() -> None:
    there = {str(path.relative_to(STATIC)) for ending in ("css", "js") for path in STATIC.rglob(f"*.{ending}")}
    assert there == {name for parts in BUNDLES.values() for name in parts}


def test_bundles_are_compressed_and_immutable(client: FlaskClient) -> None:
    page = client.get("/").text
    addresses = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert len(addresses) == 2
    for address in addresses:
        plain = client.get(address)
        brotli = client.get(address, headers={"Accept-Encoding": "br"})
        assert plain.status_code == 200
        assert "immutable" in plain.headers["Cache-Control"]
        assert brotli.headers["Content-Encoding"] == "br"
        assert len(brotli.data) < len(plain.data)
        assert brotli.headers["X-Content-Type-Options"] == "nosniff"
        plain.close()
        brotli.close()
    script = client.get(next(address for address in addresses if address.endswith(".js")))
    assert HTMX.read_bytes() in script.data
    script.close()


def test_bundles_leave_out_comments_and_nothing_else() -> None:
    for name in {name for parts in BUNDLES.values() for name in parts if name not in VENDORED}:
        text = (STATIC / name).read_text()
        # Lines of a text that spans several would be changed.
        assert not any(line.count("`") % 2 for line in text.splitlines() if "`" in line.replace('"`"', "")), name
        served = assets.source(name).decode()
        if name.endswith(".css"):
            assert "/*" not in served
            text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
        else:
            text = "".join(line for line in text.splitlines(True) if not line.strip().startswith("//"))
        assert re.sub(r"\s", "", served) == re.sub(r"\s", "", text), name


def test_compressed_bundle_is_kept_for_the_next_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(assets, "KEPT", tmp_path / "kept")
    best = assets.brotli_of("site.css", b"a {}")
    assert brotli.decompress(best) == b"a {}"
    kept = list((tmp_path / "kept").iterdir())
    assert [file.read_bytes() for file in kept] == [best]
    kept[0].write_bytes(b"read")
    assert assets.brotli_of("site.css", b"a {}") == b"read"
    # Only the newest content is kept.
    assets.brotli_of("site.css", b"b {}")
    assert len(list((tmp_path / "kept").iterdir())) == 1


def test_bundle_is_compressed_without_a_place_to_keep_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(assets, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert brotli.decompress(assets.brotli_of("site.css", b"a {}")) == b"a {}"
    assert not (tmp_path / "kept").exists()
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    (tmp_path / "kept").write_text("a file")
    assert brotli.decompress(assets.brotli_of("site.css", b"a {}")) == b"a {}"


def test_icon_is_served_and_a_missing_file_is_not_found(client: FlaskClient) -> None:
    icon = client.get("/static/icon.svg")
    assert icon.mimetype == "image/svg+xml"
    icon.close()
    assert client.get("/static/none.css").status_code == 404
    assert client.get("/static/../blogapp/config.py").status_code == 404


def test_stylesheets_and_scripts_load_nothing_that_the_policy_forbids() -> None:
    for path in [*Path(STATIC / "css").glob("*.css"), *Path(STATIC / "js").glob("*.js")]:
        text = path.read_text()
        assert "@import" not in text
        assert "url(" not in text
        assert "eval(" not in text
