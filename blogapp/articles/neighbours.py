"""The articles that an article's page links to: the previous one, the next one, and related ones.

Related articles have the most tags in common, then the most words of their titles and excerpts. For each tag and each
word only the NEWEST articles are compared, so that the query stays quick however many articles share it. The words are
in the table `article_words`, which follows the article's row as `article_tags` does.

Whatever changes this (the title, the date, the status, the tags of another article) raises all content versions.
"""

from datetime import datetime
from functools import lru_cache, partial
from typing import Any

from sqlalchemy import (
    Connection,
    ForeignKey,
    Index,
    Row,
    Select,
    String,
    and_,
    bindparam,
    delete,
    event,
    func,
    insert,
    inspect,
    literal_column,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from blogapp.articles.models import PUBLISHED, Article, listed
from blogapp.articles.reading import PublishedArticle, WholeArticle
from blogapp.articles.tags import ArticleTag, tags_of
from blogapp.db.base import Model, Moment, RowId
from blogapp.db.query_cache import cached_result
from blogapp.text.slugs import tag_slug
from blogapp.values import frozen

RELATED = 3
# The articles compared for each tag and each word, and the tags and words compared.
NEWEST = 50
TAGS_AT_MOST, WORDS_AT_MOST = 10, 12
SHORTEST_WORD, LONGEST_WORD = 4, 40
# A tag in common counts more than all words; one word in common is a coincidence.
TAG_WEIGHT, WORD_WEIGHT, LEAST_WEIGHT = 100, 1, 2
# Words without a subject.
STOP_WORDS = {
    "about", "after", "again", "also", "been", "before", "being", "cela", "cette", "comme", "could", "dans",
    "depuis", "does", "donc", "elle", "elles", "encore", "entre", "every", "fait", "from", "have", "here", "into",
    "jamais", "just", "leur", "leurs", "like", "made", "mais", "make", "many", "meme", "moins", "more", "most",
    "much", "nous", "only", "other", "over", "parce", "parfois", "pendant", "peut", "plus", "pour", "pourquoi",
    "quand", "quel", "quelle", "same", "sans", "should", "since", "some", "sont", "sous", "still", "such", "than",
    "that", "their", "them", "then", "there", "these", "they", "this", "those", "toujours", "tous", "tout",
    "toute", "toutes", "tres", "until", "vers", "very", "votre", "vous", "were", "what", "when", "where", "which",
    "while", "will", "with", "without", "would", "your",
}  # fmt: skip


class ArticleWord(Model):
    """A word of the title or the excerpt of a published article, in lower case and without accents."""

    __tablename__ = "article_words"

    article_id: Mapped[int] = mapped_column(ForeignKey(Article.id, ondelete="CASCADE"), primary_key=True)
    word: Mapped[str] = mapped_column(String(LONGEST_WORD), primary_key=True)
    published_at: Mapped[Any] = mapped_column(Moment)

    __table_args__ = (Index(None, "word", "published_at", "article_id"),)


@frozen
class Neighbours:
    """Rows with the slug, the language and the title of articles. `appears_at` is when the next scheduled article
    changes them."""

    previous: Row[Any] | None
    next: Row[Any] | None
    related: list[Row[Any]]
    appears_at: datetime | None


def words_of(article: WholeArticle) -> list[str]:
    """The words by which the article is compared with others: of the title, then of the excerpt."""
    words = f"{tag_slug(article.title)}-{tag_slug(article.excerpt[:200])}".split("-")
    found = dict.fromkeys(w for w in words if SHORTEST_WORD <= len(w) <= LONGEST_WORD and w not in STOP_WORDS)
    return list(found)[:WORDS_AT_MOST]


@event.listens_for(Article, "after_insert")
@event.listens_for(Article, "after_update")
def record_words(mapper: Any, connection: Connection, article: Article) -> None:
    """Store the words of an article that is being stored, if one of their fields has changed."""
    state = inspect(article)
    if not any(
        state.attrs[name].history.has_changes() for name in ("status", "kind", "title", "excerpt", "published_at")
    ):
        return
    connection.execute(delete(ArticleWord).where(ArticleWord.article_id == article.id))
    words = words_of(article) if article.status == PUBLISHED and not article.is_page else []
    if words:
        rows = [{"article_id": article.id, "word": word, "published_at": article.published_at} for word in words]
        connection.execute(insert(ArticleWord), rows)


def _nearest(name: str, condition: Any, *order: Any) -> Select[Any]:
    columns = (Article.id, Article.slug, Article.lang, Article.title, Article.published_at)
    query: Any = select(literal_column(f"'{name}'").label("name"), *columns).where(condition)
    found = query.order_by(*order).limit(1)
    return select(found.subquery())


PLACE = (Article.published_at, Article.id)
HERE: Any = tuple_(bindparam("published_at", type_=Moment), bindparam("id", type_=RowId))
NEAREST = union_all(
    _nearest("previous", and_(listed(bindparam("now")), tuple_(*PLACE) < HERE), *(each.desc() for each in PLACE)),
    _nearest("next", and_(listed(bindparam("now")), tuple_(*PLACE) > HERE), *PLACE),
    _nearest("scheduled", and_(Article.status == PUBLISHED, Article.published_at > bindparam("now")), *PLACE),
)


def neighbours_of(session: Session, article: PublishedArticle, now: datetime) -> Neighbours:
    """The neighbours of a listed article."""
    load = partial(_load_neighbours, session, article, now)
    found = cached_result(session, ("neighbours", article.id), load)
    return load() if found.appears_at is not None and found.appears_at <= now else found


def _load_neighbours(session: Session, article: PublishedArticle, now: datetime) -> Neighbours:
    """The neighbours, in two queries."""
    place = {"published_at": article.published_at, "id": article.id, "now": now}
    connection = session.connection()
    nearest = {row.name: row for row in connection.execute(NEAREST, place)}
    previous, following, scheduled = (nearest.get(name) for name in ("previous", "next", "scheduled"))
    tags, words = list(tags_of(article))[:TAGS_AT_MOST], words_of(article)
    related: list[Row[Any]] = []
    if tags or words:
        values: dict[str, Any] = {f"tag_{number}": tag for number, tag in enumerate(tags)}
        values |= {f"word_{number}": word for number, word in enumerate(words)}
        shown = {"previous": previous.id if previous else 0, "next": following.id if following else 0}
        statement = _related(len(tags), len(words))
        values |= {**shown, "id": article.id, "lang": article.lang, "now": now}
        related = list(connection.execute(statement, values))
    return Neighbours(previous, following, related, scheduled.published_at if scheduled else None)


@lru_cache(200)
def _related(tags: int, words: int) -> Select[str, str, str]:
    """The query for the articles in the same language that have some of a number of tags and words."""
    tagged = [_newest(ArticleTag, ArticleTag.slug == bindparam(f"tag_{each}"), TAG_WEIGHT) for each in range(tags)]
    named = [_newest(ArticleWord, ArticleWord.word == bindparam(f"word_{each}"), WORD_WEIGHT) for each in range(words)]
    common = union_all(*tagged, *named).subquery()
    weight = func.sum(common.c.weight)
    best = (
        select(common.c.article_id, weight.label("weight"))
        .where(common.c.article_id.not_in([bindparam("id"), bindparam("previous"), bindparam("next")]))
        .group_by(common.c.article_id)
        .having(weight >= LEAST_WEIGHT)
        .subquery()
    )
    return (
        select(Article.slug, Article.lang, Article.title)
        .join(best, best.c.article_id == Article.id)
        .where(listed(bindparam("now")), Article.lang == bindparam("lang"))
        .order_by(best.c.weight.desc(), Article.published_at.desc(), Article.id.desc())
        .limit(RELATED)
    )


def _newest(model: Any, condition: Any, weight: int) -> Select[Any]:
    newest = (
        select(model.article_id)
        .where(condition, model.published_at <= bindparam("now"))
        .order_by(model.published_at.desc(), model.article_id.desc())
        .limit(NEWEST)
        .subquery()
    )
    return select(newest.c.article_id, literal_column(str(weight)).label("weight"))
