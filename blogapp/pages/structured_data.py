"""Descriptions of pages for search engines, in the vocabulary of schema.org (JSON-LD)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any

from blogapp.articles.publishing import shorten
from blogapp.articles.reading import PublishedArticle
from blogapp.comments.models import AnyComment
from blogapp.comments.threads import Node
from blogapp.site.settings import Site
from blogapp.text.i18n import iso
from blogapp.text.markup import plain_text

# A page with many comments must not become much larger: only the first few are described, each by its beginning.
COMMENTS_DESCRIBED = 5
COMMENT_LENGTH = 200  # characters
# Beginnings that are remembered, each with its comment of at most a few thousand characters.
KEPT = 100
CONTEXT = "https://schema.org"


def describe_article(
    article: PublishedArticle, address: str, picture: str, author: str | None, about: str, site: Site, comments: int
) -> dict[str, Any]:
    """The description of an article or page. Without a known `author`, it is by the site. `about` is the address of the
    page about both, if there is one."""
    by = {"@type": "Person", "name": author} if author else {"@type": "Organization", "name": site.title}
    if about:
        by["url"] = about
    return {
        "@context": CONTEXT,
        "@type": "WebPage" if article.is_page else "BlogPosting",
        "headline": article.title,
        "url": address,
        "image": picture,
        "inLanguage": article.lang,
        "datePublished": iso(article.published_at),
        "dateModified": iso(last_change(article)),
        "author": by,
        **({} if article.is_page else {"commentCount": comments}),
    }


def describe_comments(threads: Iterable[Node]) -> list[dict[str, Any]]:
    """The descriptions of the first published comments on a page, in reading order."""
    published = (node.comment for thread in threads for node in thread if node.comment.is_published)
    return [_describe_comment(comment) for comment in islice(published, COMMENTS_DESCRIBED)]


def _describe_comment(comment: AnyComment) -> dict[str, Any]:
    return {
        "@type": "Comment",
        "text": _beginning(comment.body_html),
        "datePublished": iso(comment.created_at),
        "author": {"@type": "Person", "name": comment.author_name},
    }


@lru_cache(KEPT)
def _beginning(html: str) -> str:
    return shorten(plain_text(html), COMMENT_LENGTH)


def describe_site(site: Site, address: str, search: str) -> dict[str, Any]:
    """The description of the blog, for its front page. `search` is the address of the search page."""
    target = {"@type": "EntryPoint", "urlTemplate": f"{search}?q={{search_term_string}}"}
    return {
        "@context": CONTEXT,
        "@type": ["WebSite", "Blog"],
        "name": site.title,
        "url": address,
        **({"description": site.description} if site.description else {}),
        "inLanguage": site.locale,
        "potentialAction": {
            "@type": "SearchAction",
            "target": target,
            "query-input": "required name=search_term_string",
        },
    }


def last_change(article: PublishedArticle) -> datetime:
    """When readers last saw a change of the article."""
    return max(article.published_at, article.updated_at or article.published_at)
