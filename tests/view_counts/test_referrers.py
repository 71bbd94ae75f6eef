"""Referrers are stored as daily totals of hosts, without spam."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp import create_app
from blogapp.articles.models import Article
from blogapp.db.transactions import write_transaction
from blogapp.settings import SettingsError
from blogapp.view_counts.counting import Seen, count_views
from blogapp.view_counts.models import DailyReferrals
from blogapp.view_counts.referrers import SPAMMERS, host_of
from tests.conftest import SECRET_KEY, browser, dispose

Publish = Callable[..., Article]


@pytest.mark.parametrize(
    ("claimed", "host"),
    [
        ("news.example.org", "news.example.org"),
        ("www.example.org", "example.org"),
        ("EXAMPLE.org.", "example.org"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("", ""),
        ("blog.example.net", ""),
        ("www.blog.example.net", ""),
        ("localhost", ""),
        ("192.0.2.1", ""),
        ("[2001:db8::1]", ""),
        ("https://example.org/a/path?q=name", ""),
        ("example.org/a", ""),
        ("example.org:8080", ""),
        ("-.example.org", ""),
        ("a" * 64 + ".org", ""),
        (".".join(["a" * 60] * 5) + ".org", ""),
        ("<script>.org", ""),
        ("exa\0mple.org", ""),
        ("semalt.com", ""),
        ("fr.semalt.com", ""),
        ("notsemalt.com", "notsemalt.com"),
    ],
)
def test_only_the_host_of_a_valid_referrer_is_used(claimed: str, host: str) -> None:
    assert host_of(claimed, "blog.example.net") == host


def test_every_listed_spammer_is_a_host_name() -> None:
    assert len(SPAMMERS) > 50
    assert [each for each in SPAMMERS if host_of(each, "", frozenset()) != each.removeprefix("www.")] == []


def test_referrer_is_stored_only_if_the_view_is_counted(publish_article: Publish, app: Flask, session: Session) -> None:
    publish_article(slug="birds")
    for agent, claimed in (("A", "news.example.org"), ("A", "other.example.org"), ("B", "news.example.org"), ("C", "")):
        app.test_client().post(
            "/articles/birds/views", data={"referrer": claimed}, headers={"User-Agent": browser(agent)}
        )
    rows = session.scalars(select(DailyReferrals)).all()
    assert [(row.host, row.views) for row in rows] == [("news.example.org", 2)]


def test_number_of_hosts_stored_a_day_is_limited(publish_article: Publish, app: Flask, session: Session) -> None:
    article = publish_article(slug="birds")
    now = datetime(2026, 6, 10, tzinfo=UTC)
    for start in range(0, 40, 8):
        seen = [
            Seen(article.slug, "192.0.2.0/24", f"{number}", now, f"h{number % 30}.example.org")
            for number in range(start, start + 8)
        ]
        with app.app_context(), write_transaction() as writing:
            count_views(writing, seen, None, hosts_a_day=10)
    rows = {row.host: row.views for row in session.scalars(select(DailyReferrals))}
    assert len(rows) == 11
    assert rows[""] == 22  # the others came from h0 to h7, h10 and h11
    assert sum(rows.values()) == 40


def test_owner_can_add_a_list_of_spammers(tmp_path: Path) -> None:
    names = tmp_path / "spam.txt"
    names.write_text("# mine\nNuisance.example  # since May\n\n")
    app = create_app({"SECRET_KEY": SECRET_KEY, "REFERRER_SPAM_FILE": str(names)}, tmp_path)
    assert host_of("www.nuisance.example", "", app.config["REFERRER_SPAMMERS"]) == ""
    assert host_of("semalt.com", "", app.config["REFERRER_SPAMMERS"]) == ""
    dispose(app)
    with pytest.raises(SettingsError, match="REFERRER_SPAM_FILE must name a text file"):
        create_app({"SECRET_KEY": SECRET_KEY, "REFERRER_SPAM_FILE": str(tmp_path / "none.txt")}, tmp_path)
