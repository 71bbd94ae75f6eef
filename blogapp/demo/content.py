"""The demo blog: the articles in `articles/`, their comments and views."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from blogapp.articles.files import read_files
from blogapp.articles.models import Article
from blogapp.articles.publishing import publish
from blogapp.articles.sources import place_files
from blogapp.comments.posting import Draft, Sender, post_comment, prepare
from blogapp.comments.spam import Rules
from blogapp.demo.comments import COMMENTS, DemoComment
from blogapp.demo.models import DemoArticleRecord, DemoCommentRecord
from blogapp.demo.removal import digest_of
from blogapp.text.markup import render_comment
from blogapp.view_counts.counting import add_up, start_count
from blogapp.view_counts.models import DailyReferrals, DailyViews, ViewCount

LONGEST_HISTORY = 60  # days
HOSTS = ("letters.example.org", "birds.example.org", "reading.example.net")
ARTICLES = Path(__file__).parent / "articles"


def fill(session: Session, now: datetime) -> int:
    """Publish the demo articles with their comments and views; returns the number of articles. A write transaction must
    be open."""
    read = read_files(sorted(ARTICLES.glob("*.md")), "en", now)
    placed, misplaced = place_files(session, read.files)
    for error in [*read.broken, *misplaced]:
        raise error
    for each in placed:
        article = publish(session, each.manuscript, now).article
        session.add(DemoArticleRecord(article_id=article.id, digest=digest_of(article)))
        start_count(session, article.id, each.file.metadata.views)
        _add_views(session, article, now)
        _add_comments(session, article, COMMENTS.get(article.slug, ()), now)
    return len(placed)


def _add_views(session: Session, article: Article, now: datetime) -> None:
    """Add views for each day since the article was published, most of them on the first days. The numbers are
    deterministic."""
    interest = 20 + hashlib.sha256(article.slug.encode()).digest()[0] % 60
    days = min((now.date() - article.published_at.date()).days, LONGEST_HISTORY)
    rows: list[dict[str, Any]] = []
    referrals: list[dict[str, Any]] = []
    for ago in range(days, -1, -1):
        day = now.date() - timedelta(days=ago)
        age = (day - article.published_at.date()).days
        views = interest * 3 // (age + 1) + (interest // 12) * (1 + day.toordinal() % 3)
        rows.append({"day": day, "article_id": article.id, "views": views})
        if views > 10:
            host = HOSTS[day.toordinal() % len(HOSTS)]
            referrals.append({"day": day, "host": host, "article_id": article.id, "views": views // 5})
    add_up(session.connection(), DailyViews, rows)
    add_up(session.connection(), DailyReferrals, referrals)
    count = session.get_one(ViewCount, article.id)
    count.counted = sum(row["views"] for row in rows)


def _add_comments(session: Session, article: Article, comments: tuple[DemoComment, ...], now: datetime) -> None:
    """Post the comments in their order, none later than `now`."""
    ids: dict[int, int] = {}
    for number, each in enumerate(comments, start=1):
        when = min(article.published_at + timedelta(hours=each.hours), now)
        draft = Draft(each.name, each.link, each.text, ids.get(each.reply_to), trapped=False)
        sender = Sender(None, hashlib.sha256(each.name.encode()).digest())
        prepared = prepare(session, article, draft, render_comment(each.text, article.lang), when)
        comment = post_comment(session, article, prepared, sender, Rules("open", 0), when).comment
        ids[number] = comment.id
        session.add(DemoCommentRecord(comment_id=comment.id))
