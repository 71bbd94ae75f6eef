"""`/metrics` for Prometheus."""

from __future__ import annotations

import http.client
import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from blogapp import create_app
from tests.conftest import SECRET_KEY, dispose
from tests.harness.server import Server

TOKEN = "a token for tests, and for nothing else"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def test_without_a_token_there_are_no_metrics(client: FlaskClient) -> None:
    assert client.get("/metrics").status_code == 404


@pytest.mark.settings(METRICS_TOKEN=TOKEN)
@pytest.mark.parametrize("field", ["", "Bearer wrong", f"Basic {TOKEN}", TOKEN, "Bearer é"])
def test_metrics_need_the_token(client: FlaskClient, field: str) -> None:
    response = client.get("/metrics", headers={"Authorization": field})
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert b"blogapp_" not in response.data


@pytest.mark.settings(METRICS_TOKEN=TOKEN)
def test_metrics_have_numbers_of_the_database(client: FlaskClient) -> None:
    response = client.get("/metrics", headers=BEARER)
    assert response.content_type.startswith("text/plain; version=0.0.4")
    assert response.headers["Cache-Control"] == "no-store"
    assert 'blogapp_comments{state="published"} 0.0' in response.text
    assert 'blogapp_views{kind="counted"} 0.0' in response.text


def test_server_counts_the_requests_of_all_workers(tmp_path: Path) -> None:
    app = create_app({"SECRET_KEY": SECRET_KEY}, tmp_path)
    app.test_cli_runner().invoke(args=["demo"], catch_exceptions=False)
    dispose(app)
    server = Server(tmp_path, workers=2, METRICS_TOKEN=TOKEN)
    for _ in range(20):
        for path in ("/", "/healthz", f"/nothing-{_}"):
            ask(server, path)
    text = ask(server, "/metrics", **BEARER)
    server.stop()
    front = {"page cache", "/"}
    counted = re.findall(r'blogapp_requests_total\{method="GET",route="([^"]+)",status="(\d+)"\} ([\d.]+)', text)
    assert sum(float(n) for route, status, n in counted if route in front and status == "200") == 20
    assert ("/healthz", "200", "20.0") in counted
    assert sum(float(n) for _, status, n in counted if status == "404") == 20
    hits = float(re.findall(r"blogapp_page_cache_hits_total ([\d.]+)", text)[0])
    rendered = sum(float(n) for route, _, n in counted if route == "/")
    assert 1 <= rendered <= 4  # by each worker, and again after ten seconds
    assert hits + rendered == 20
    assert "blogapp_request_queries_bucket" in text
    assert "nothing-7" not in text


def ask(server: Server, path: str, **fields: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("GET", path, headers=fields)
    text = connection.getresponse().read().decode()
    connection.close()
    return text
