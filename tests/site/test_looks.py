"""The looks of the site: each has enough contrast, on light and dark screens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from blogapp.owners.forms import look_names
from blogapp.settings import LOOKS
from blogapp.site.looks import COLOURS, WITHOUT_SERIFS, Colours
from tests.owners.conftest import owner as owner
from tests.owners.conftest import password_hash as password_hash
from tests.owners.conftest import sign_in

CSS = "".join(Path(f"static/css/{name}.css").read_text() for name in ("base", "looks", "code"))
# The lowest contrast of two colours (WCAG 2.2, 1.4.3, 1.4.6 and 1.4.11).
PAIRS = [
    ("ink", "paper", 7),
    ("ink", "sheet", 7),
    ("ink", "mark", 7),
    ("quiet", "paper", 4.5),
    ("quiet", "sheet", 4.5),
    ("accent", "paper", 4.5),
    ("accent", "sheet", 4.5),
    ("accent-ink", "accent", 4.5),
    ("wrong", "paper", 4.5),
    ("wrong", "sheet", 4.5),
    ("edge", "paper", 3),
    ("string", "sheet", 4.5),
    ("name", "sheet", 4.5),
]


def colours(look: str, scheme: str) -> dict[str, str]:
    """The custom properties of a look, as a browser with this scheme computes them."""
    found: dict[str, str] = {}
    for is_dark in (False, True)[: 1 + (scheme == "dark")]:
        for selector in (":root", f':root[data-look="{look}"]'):
            indent = "  " if is_dark else ""
            for block in re.findall(
                rf"^{indent}{re.escape(selector)} {{(.*?)^{indent}}}", CSS, re.DOTALL | re.MULTILINE
            ):
                found |= dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))
    return found


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # it is about a stylesheet
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("look", LOOKS)
def test_colours_have_enough_contrast(look: str, scheme: str) -> None:
    palette = colours(look, scheme)
    for first, second, lowest in PAIRS:
        darker, lighter = sorted((luminance(palette[first]), luminance(palette[second])))
        assert (lighter + 0.05) / (darker + 0.05) >= lowest, (first, second)


def test_looks_differ() -> None:
    assert len({colours(look, "light")["paper"] + colours(look, "light")["accent"] for look in LOOKS}) == len(LOOKS)
    assert colours("slate", "dark")["paper"] != colours("slate", "light")["paper"]


@pytest.mark.parametrize("look", LOOKS)
def test_drawn_pictures_have_the_colours_of_the_look(look: str) -> None:
    palette = colours(look, "light")
    assert COLOURS[look]._asdict() == {name: palette[name.replace("_", "-")] for name in Colours._fields}
    serif = re.findall(rf'data-look="{look}"\] {{[^}}]*--serif: ([^;]+)', CSS)
    assert (look in WITHOUT_SERIFS) == bool(serif and "sans-serif" in serif[0])


def test_owner_chooses_a_look(client: FlaskClient) -> None:
    assert "data-look" not in client.get("/").text
    sign_in(client)
    form = {"site_title": "Birds", "description": "", "lang": "en", "time_zone": "UTC", "look": "garden"}
    assert client.post("/owner/settings", data=form).status_code == 303
    client.delete_cookie("owner")
    assert '<html lang="en" dir="ltr" data-look="garden">' in client.get("/").text


def test_unknown_look_is_refused(client: FlaskClient) -> None:
    sign_in(client)
    form = {"site_title": "Birds", "description": "", "lang": "en", "time_zone": "UTC", "look": '"><script>'}
    answer = client.post("/owner/settings", data=form)
    assert answer.status_code == 422
    assert "Please choose a look from the list." in answer.text


@pytest.mark.settings(SITE_LOOK="print")
def test_look_of_the_environment_wins(client: FlaskClient) -> None:
    assert 'data-look="print"' in client.get("/").text
    sign_in(client)
    page = client.get("/owner/settings").text
    assert 'name="look"' not in page
    assert "<code>SITE_LOOK</code>" in page


def test_every_look_has_a_name(client: FlaskClient) -> None:
    with client.application.test_request_context():
        assert look_names().keys() == set(LOOKS)
