"""Use a page in Chromium with a pointer, or with the keyboard alone."""

from __future__ import annotations

from typing import Protocol

import pytest
from playwright.sync_api import Locator, Page, expect


class InputDevice(Protocol):
    """How a person presses, fills in and chooses what is on a page."""

    def press(self, target: Locator) -> None: ...

    def fill(self, target: Locator, text: str) -> None: ...

    def choose(self, target: Locator, value: str) -> None: ...


class Pointer:
    def press(self, target: Locator) -> None:
        target.click()

    def fill(self, target: Locator, text: str) -> None:
        target.fill(text)

    def choose(self, target: Locator, value: str) -> None:
        target.select_option(value)


# How often to press Tab (or, if negative, Shift+Tab) from the focused element to the target, if the browser's order is
# that of the document.
STEPS = """(target) => {
  const all = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")]
    .filter((each) => each.tabIndex >= 0 && !each.disabled && each.checkVisibility());
  return all.indexOf(target) - all.indexOf(document.activeElement);
}"""


class Keyboard:
    """Reaches everything with the Tab key."""

    def press(self, target: Locator) -> None:
        self._reach(target).keyboard.press("Enter")

    def fill(self, target: Locator, text: str) -> None:
        keyboard = self._reach(target).keyboard
        keyboard.press("ControlOrMeta+a")
        keyboard.insert_text(text)

    def choose(self, target: Locator, value: str) -> None:
        keyboard = self._reach(target).keyboard
        keyboard.press("Home")
        for _ in range(10):
            if target.input_value() == value:
                return
            keyboard.press("ArrowDown")
        pytest.fail(f"{value} cannot be chosen")

    def _reach(self, target: Locator) -> Page:
        expect(target).to_be_visible()
        steps = target.evaluate(STEPS)
        for _ in range(abs(steps)):
            target.page.keyboard.press("Tab" if steps > 0 else "Shift+Tab")
        for _ in range(200):
            if target.evaluate("element => element === document.activeElement"):
                return target.page
            target.page.keyboard.press("Tab")
        pytest.fail(f"{target} cannot be reached with the keyboard")
