"""The blog behind the real nginx and the real Caddy, with the files of docs/hosting/."""

from __future__ import annotations

import http.client
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import pytest

from benchmarks.nginx import wait_until_listening
from blogapp import create_app
from blogapp.db.transactions import write_transaction
from blogapp.owners.accounts import save_owner
from blogapp.owners.passwords import hash_password
from tests.conftest import SECRET_KEY, dispose, eventually
from tests.harness.nginx import SNIPPETS, nginx_command
from tests.harness.programs import installed, packaged
from tests.harness.server import ROOT, Server, free_port
from tests.harness.supervised_process import supervise
from tests.owners.conftest import NAME, PASSWORD

Start = Callable[[Path, int, int], "tuple[list[str], dict[str, str]]"]

# On every page of a signed-in owner, and on no other.
OWNERS_BAR = "/owner/sign-out"


def caddy_command(folder: Path, port: int, upstream: int) -> tuple[list[str], dict[str, str]]:
    text = "{\n\tadmin off\n\tauto_https off\n}\n" + (SNIPPETS / "Caddyfile").read_text()
    (folder / "Caddyfile").write_text(text)
    environ = {
        "DOMAIN": f"http://127.0.0.1:{port}",
        "UPSTREAM": f"127.0.0.1:{upstream}",
        "HOME": str(folder),
        "XDG_DATA_HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
    }
    return [packaged("caddy"), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"], environ


def caching_command(folder: Path, port: int, upstream: int) -> tuple[list[str], dict[str, str]]:
    return nginx_command(folder, port, upstream, "nginx-cache.conf")


PROXIES: dict[str, Start] = {"nginx": nginx_command, "nginx with a cache": caching_command, "caddy": caddy_command}


@contextmanager
def proxied(kind: str, folder: Path, **settings: str) -> Iterator[tuple[int, Server]]:
    """The port of a proxy in front of a server with the demo content and an owner."""
    port, data = free_port(), folder / "data"
    app = create_app({"SECRET_KEY": SECRET_KEY}, data)
    app.test_cli_runner().invoke(args=["demo"], catch_exceptions=False)
    with app.app_context(), write_transaction() as session:
        save_owner(session, NAME, hash_password(PASSWORD))
    dispose(app)
    environ = {"TRUSTED_PROXIES": "1", "SITE_URL": f"http://127.0.0.1:{port}", "ACCESS_LOG": "text", **settings}
    server = Server(data, workers=1, code=ROOT, **environ)
    work = folder / "proxy"
    work.mkdir()
    command, more = PROXIES[kind](work, port, server.port)
    process = supervise(command, work / "log", "TERM", env={**os.environ, **more})
    try:
        wait_until_listening(port, work / "log")
        yield port, server
    finally:
        process.end()
        process.wait(timeout=30)
        server.stop()


def ask(
    port: int, method: str, path: str, body: str | bytes | None = None, **fields: str
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in fields.items()})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer, content


@pytest.mark.parametrize("kind", PROXIES)
def test_reading_and_commenting_work_behind_a_proxy(kind: str, tmp_path: Path) -> None:
    site = "http://127.0.0.1"
    with proxied(kind, tmp_path) as (port, server):
        front, page = ask(port, "GET", "/")
        assert front.status == 200
        assert front.getheader("Blogapp-Response")
        found = re.search(rb'href="(/articles/[^"?#/]+)"', page)
        assert found
        article = found[1].decode()
        page = ask(port, "GET", article)[1]
        assert f'<link rel="canonical" href="{site}:{port}{article}">' in page.decode()
        compressed, _ = ask(port, "GET", article, Accept_Encoding="br")
        assert compressed.getheader("Content-Encoding") == "br"
        form = urlencode({"author_name": "Ada", "body": "Through a proxy."})
        fields = {"Content_Type": "application/x-www-form-urlencoded", "Origin": f"{site}:{port}"}
        posted, _ = ask(port, "POST", f"{article}/comments", form, **fields)
        assert posted.status == 303
        eventually(lambda: "Through a proxy." in ask(port, "GET", article)[1].decode(), True)
        foreign = {**fields, "Origin": "https://evil.example"}
        assert ask(port, "POST", f"{article}/comments", form, **foreign)[0].status == 403
        # The proxy lets a body through that blogapp itself limits, so the visitor gets blogapp's own message.
        large, message = ask(port, "POST", f"{article}/comments", b"x" * 3_000_000, **fields)
        assert large.status == 413
        assert large.getheader("Blogapp-Response")
        assert message
        # A forged address is not believed: the proxy adds the real one, and the last one counts.
        ask(port, "GET", "/healthz", X_Forwarded_For="203.0.113.9")
        assert "203.0.113.9" not in server.log()


def test_cache_of_nginx_serves_readers_and_nobody_elses_page(tmp_path: Path) -> None:
    with proxied("nginx with a cache", tmp_path) as (port, _):
        page = ask(port, "GET", "/")[1].decode()
        found = re.search(r'href="(/articles/[^"?#/]+)"', page)
        assert found
        article = found[1]
        origin = {"Content_Type": "application/x-www-form-urlencoded", "Origin": f"http://127.0.0.1:{port}"}
        body = urlencode({"author_name": "Ada", "body": "Ada's own words."})
        posted, _ = ask(port, "POST", f"{article}/comments", body, **origin)
        cookie = (posted.getheader("Set-Cookie") or "").split(";")[0]
        assert cookie.startswith("visitor=")
        # The author has buttons to edit the comment, readers have none, whoever asks first.
        for _ in range(3):
            own, mine = ask(port, "GET", article, Cookie=f"other=1; {cookie}")
            assert "own-actions" in mine.decode()
            assert own.getheader("Cache-Control") == "private, no-store"
            assert own.getheader("X-Cache") == "BYPASS"
            assert "own-actions" not in ask(port, "GET", article)[1].decode()
        # Fragments and pages, and codings, are kept apart.
        assert "<html" not in ask(port, "GET", f"{article}/comments", HX_Request="true")[1].decode()
        assert "<html" in ask(port, "GET", f"{article}/comments")[1].decode()
        assert ask(port, "GET", article, Accept_Encoding="gzip")[0].getheader("Content-Encoding") == "gzip"
        assert ask(port, "GET", article)[0].getheader("Content-Encoding") is None
        ask(port, "GET", article)
        assert ask(port, "GET", article, Cookie="_ga=GA1.2.3")[0].getheader("X-Cache") in {"HIT", "REVALIDATED"}
        # Deleted words are gone as soon as the cache asks again.
        comments = re.findall(r'href="/comments/(\d+)/delete"', mine.decode())
        assert len(comments) == 1
        deleted, _ = ask(port, "POST", f"/comments/{comments[0]}/delete", "", Cookie=cookie, **origin)
        assert deleted.status == 303
        eventually(lambda: "own words" in ask(port, "GET", article)[1].decode(), False)


def test_cache_of_nginx_stores_nothing_of_owners_and_authors_of_waiting_comments(tmp_path: Path) -> None:
    with proxied("nginx with a cache", tmp_path, COMMENT_MODERATION="all") as (port, server):
        found = re.search(r'href="(/articles/[^"?#/]+)"', ask(port, "GET", "/")[1].decode())
        assert found
        article, origin = found[1], f"http://127.0.0.1:{port}"
        form = {"Content_Type": "application/x-www-form-urlencoded", "Origin": origin}

        def post(path: str, cookie: str = "", **fields: str) -> http.client.HTTPResponse:
            return ask(port, "POST", path, urlencode(fields), **form, **({"Cookie": cookie} if cookie else {}))[0]

        def cookie_of(answer: http.client.HTTPResponse) -> str:
            assert answer.status == 303
            return next(each for each in answer.headers.get_all("Set-Cookie", [])).partition(";")[0]

        author = cookie_of(post(f"{article}/comments", author_name="Ada", body="Still waiting."))
        owner = cookie_of(post("/owner/sign-in", name=NAME, password=PASSWORD))
        assert (author.partition("=")[0], owner.partition("=")[0]) == ("visitor", "owner")
        # Whoever asks first, and for pages and fragments alike.
        for _ in range(2):
            for path in ("/", article, f"{article}/comments"):
                for fields in ({}, {"HX_Request": "true"}):
                    for cookie in (author, owner):
                        answer, own = ask(port, "GET", path, Cookie=cookie, **fields)
                        assert answer.getheader("X-Cache") == "BYPASS"
                        assert answer.getheader("Cache-Control") == "private, no-store"
                        assert ("Still waiting." in own.decode()) == (path != "/")
                    answer, page = ask(port, "GET", path, **fields)
                    assert answer.getheader("X-Cache") != "BYPASS"
                    assert "Still waiting." not in page.decode()
                    assert OWNERS_BAR not in page.decode()
        assert OWNERS_BAR in ask(port, "GET", article, Cookie=owner)[1].decode()
        stored = [file.read_bytes() for file in (tmp_path / "proxy" / "cache").rglob("*") if file.is_file()]
        assert any(article.encode() in each for each in stored)
        for words in ("Still waiting.", OWNERS_BAR, owner.partition("=")[2], author.partition("=")[2]):
            assert not [each for each in stored if words.encode() in each]
        # When a comment is removed, the origin has another page at once, and the cache when it asks the origin.
        number = re.findall(r'id="comment-(\d+)"', own.decode())[-1]
        assert post(f"/comments/{number}/approval", owner).status == 303
        eventually(lambda: "Still waiting." in ask(port, "GET", article)[1].decode(), True)
        tag = ask(port, "GET", article)[0].getheader("ETag") or ""
        assert post(f"/comments/{number}/removal", owner).status == 303
        fresh, page = ask(server.port, "GET", article, If_None_Match=tag, X_Forwarded_For="192.0.2.1")
        assert fresh.status == 200
        assert "Still waiting." not in page.decode()
        eventually(lambda: "Still waiting." in ask(port, "GET", article)[1].decode(), False)
        # A page for another host is not kept for this one.
        ask(port, "GET", f"{article}?sort=newest", Host="evil.example")
        assert ask(port, "GET", f"{article}?sort=newest")[0].getheader("X-Cache") == "MISS"


def test_caddy_accepts_its_file(tmp_path: Path) -> None:
    environ = {**os.environ, "DOMAIN": "blog.example.org", "HOME": str(tmp_path)}
    command = [packaged("caddy"), "validate", "--config", str(SNIPPETS / "Caddyfile"), "--adapter", "caddyfile"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    command = [packaged("caddy"), "fmt", "--diff", str(SNIPPETS / "Caddyfile")]
    formatted = subprocess.run(command, env=environ, capture_output=True, timeout=60, check=False)
    assert formatted.returncode == 0, formatted.stdout.decode()


@pytest.mark.skipif(installed("systemd-analyze") is None, reason="systemd is not installed on this machine")
def test_systemd_rates_the_service_as_safe(tmp_path: Path) -> None:
    unit = tmp_path / "blogapp.service"
    unit.write_text((SNIPPETS / "blogapp.service").read_text())
    # The exposure that is still accepted, in tenths: 0 to 10 is "safe" to "unsafe" times ten.
    command = ["systemd-analyze", "security", "--offline=yes", "--threshold=20", "--no-pager", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout[-500:] + done.stderr
