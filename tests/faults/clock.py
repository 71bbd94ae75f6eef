"""The clock of the machine goes an hour back, or a year on, and is then corrected (libfaketime)."""

from __future__ import annotations

import re
from pathlib import Path

from blogapp import create_app
from tests.conftest import SECRET_KEY, browser, dispose
from tests.faults.report import Row, not_tried
from tests.faults.visitors import ACKNOWLEDGED, ARTICLE, ask, make_blog, post_comment, seconds_until
from tests.harness.server import Server

LIBRARY = "faketime/libfaketimeMT.so.1"
PASSWORD = "a good password"
HOUR_BACK, YEAR_ON = "clock an hour back", "clock a year on, then right again"
COMMENTS_PER_MINUTE = 3


def clock(folder: Path, rounds: int) -> list[Row]:
    library = next((path for root in ("/usr/lib", "/usr/local/lib") for path in Path(root).glob(f"*/{LIBRARY}")), None)
    if library is None:
        return not_tried("clock an hour back, a year on", "needs libfaketime: apt install faketime")
    make_blog(folder)
    app = create_app({"SECRET_KEY": SECRET_KEY}, folder)
    app.test_cli_runner().invoke(args=["owner", "create", "--name", "Marie", "--password", PASSWORD])
    dispose(app)
    shift = folder / "shift"
    shift.write_text("+0")
    server = Server(
        folder,
        LD_PRELOAD=str(library),
        FAKETIME_TIMESTAMP_FILE=str(shift),
        FAKETIME_NO_CACHE="1",
        DONT_FAKE_MONOTONIC="1",
        FAKETIME_DONT_FAKE_MONOTONIC="1",
        RATELIMIT_ENABLED="on",
        COMMENT_RATE_PER_MINUTE=str(COMMENTS_PER_MINUTE),
    )
    cookie = _sign_in(server)
    waited = [_until_limited(server, "At first")]
    is_signed_in, bodies = [], ["At first"]
    for offset in ("-3600", "+0", "+31536000", "+0"):
        shift.write_text(offset)
        waited.append(_until_limited(server, body := f"At {offset} ({len(bodies)})"))
        bodies.append(body)
        is_signed_in.append(ask(server.port, "GET", "/owner", Cookie=cookie).status == 200)
    page = ask(server.port, "GET", ARTICLE).text
    server.stop()
    places = [page.find(body) for body in bodies]
    is_ordered = -1 not in places and places == sorted(places)
    back, _, on, right = is_signed_in  # a year on, the session has rightly ended
    return [
        Row(HOUR_BACK, "order stays", f"{len(bodies)} comments, in order: {is_ordered}", is_ordered),
        Row(HOUR_BACK, "limits recover in a minute", f"after {waited[1]:.0f} s", waited[1] <= 65),
        Row(HOUR_BACK, "nobody signed out", f"signed in: {back}", back),
        Row(YEAR_ON, "limits recover in a minute", f"after {max(waited[2:]):.0f} s", max(waited[2:]) <= 65),
        Row(YEAR_ON, "nobody signed out wrongly", f"a year later: {on}; right again: {right}", right),
    ]


def _sign_in(server: Server) -> str:
    answer = ask(server.port, "POST", "/owner/sign-in", {"name": "Marie", "password": PASSWORD})
    found = re.match(r"[^;]+", answer.fields.get("set-cookie", ""))
    return found[0] if found else ""


def _until_limited(server: Server, body: str) -> float:
    """The seconds until a comment is accepted. More are sent until the limit is reached."""
    seconds = seconds_until(lambda: post_comment(server.port, body).status in ACKNOWLEDGED, at_most=80)
    for number in range(COMMENTS_PER_MINUTE):
        ask(
            server.port,
            "POST",
            f"{ARTICLE}/comments",
            {"author_name": "Ada", "body": f"More {body} {number}"},
            User_Agent=browser("Ada"),
        )
    return seconds
