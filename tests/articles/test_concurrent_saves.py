"""Many saves at the same time: no text is overwritten unseen, and none fails."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.articles.models import Article, ArticleRevision
from tests.articles.conftest import Form, signed_in

TABS, SAVES = 8, 10


@pytest.mark.usefixtures("owner")
def test_eight_tabs_save_ten_times_at_once(app: Flask, session: Session) -> None:
    """Each tab that gets a conflict opens the article again, adds its text to what is there, and saves."""
    first = Form(signed_in(app))
    first.send("save", title="Birds", body="start")
    address = first.address
    writers = [signed_in(app) for _ in range(TABS)]

    def write(tab: int) -> list[int]:
        form, statuses = Form(writers[tab], address), []
        for number in range(SAVES):
            answer = form.send("save", title="Birds", body=f"tab {tab}, save {number}")
            statuses.append(answer.status_code)
            if answer.status_code == 409:
                form = Form(writers[tab], address)
        return statuses

    with ThreadPoolExecutor(TABS) as pool:
        statuses = [status for each in pool.map(write, range(TABS)) for status in each]
    assert len(statuses) == TABS * SAVES
    assert set(statuses) <= {303, 409}
    saved = statuses.count(303)
    article = session.scalars(select(Article)).one()
    revisions = session.scalars(select(ArticleRevision).order_by(ArticleRevision.id)).all()
    assert article.edit_version == saved + 1
    assert len(revisions) == saved + 1
    assert len({each.body_source for each in revisions}) == saved + 1
    assert article.body_source == revisions[-1].body_source
