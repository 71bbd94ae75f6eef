"""Take the screenshots of the README: the demo blog as a reader sees it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from blogapp import create_app
from tests.harness import browser
from tests.harness.server import Server

FOLDER = Path(__file__).parent.parent.parent / "docs" / "screenshots"
PICTURES = (
    ("front", "/", 1280, 1000, "light"),
    ("article", "/articles/le-marche-du-jeudi", 1280, 1000, "light"),
    ("conversation", "/articles/le-marche-du-jeudi#comments", 1280, 1000, "light"),
    ("phone", "/articles/learning-birds-by-ear#comments", 375, 760, "dark"),
)


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        app = create_app({"SECRET_KEY": "a secret key for screenshots only"}, Path(folder))
        app.test_cli_runner().invoke(args=["demo"])
        server = Server(Path(folder))
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=browser.ensure(), args=browser.arguments())
            for name, path, width, height, scheme in PICTURES:
                context = chromium.new_context(
                    viewport={"width": width, "height": height}, color_scheme="dark" if scheme == "dark" else "light"
                )
                page = context.new_page()
                page.goto(server.url + path)
                page.wait_for_load_state("networkidle")
                page.screenshot(path=FOLDER / f"{name}.png")
                context.close()
            chromium.close()
        server.stop()


if __name__ == "__main__":
    main()
