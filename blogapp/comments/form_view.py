"""A comment form as a template shows it: where it goes, what it is called, what is in it and what is wrong."""

from __future__ import annotations

from dataclasses import dataclass

from blogapp.articles.models import Article
from blogapp.comments.forms import CommentForm
from blogapp.comments.models import Comment

FORM_ID = "comment-form"


@dataclass(frozen=True)
class FormView:
    """`id` is the form's id in the page (several reply forms may be open side by side); `refusal` is the sentence
    for what no single field is to blame for; `parent` the comment that is answered."""

    article: Article
    form: CommentForm
    id: str = FORM_ID
    parent: Comment | None = None
    refusal: str = ""

    @classmethod
    def empty(cls, article: Article, parent: Comment | None = None, in_page: bool = False) -> FormView:
        """A fresh form: on the article, or a reply to `parent`, `in_page` under the comment that it answers."""
        form = CommentForm(parent_id=str(parent.id) if parent else "")
        return cls(article, form, form_id(parent, in_page), parent)

    def field_id(self, name: str) -> str:
        return f"{self.id}-{name.replace('_', '-')}"


def form_id(parent: Comment | None, in_page: bool) -> str:
    return f"reply-form-{parent.id}" if parent and in_page else FORM_ID
