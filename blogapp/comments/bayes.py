"""A naive Bayes filter that learns from the owner's decisions.

For each word it is stored how many comments with it were marked as spam and how many were approved. The words of a new
comment are combined as in Gary Robinson's "A statistical approach to the spam problem" (2003): a word that was seen
rarely counts little. The filter abstains until it has learned enough of both kinds.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.orm import Session

from blogapp.comments.models import Comment, FullComment, SpamWord
from blogapp.db.transactions import insert_for

WORD = re.compile(r"[^\W\d_]{3,30}")
# Comments of each kind that must have been learned.
ENOUGH = 10
# The words of a comment that count: those that say most.
TELLING = 15
# A word's weight in comments that were never seen with it, and how much that assumption counts.
UNKNOWN, STRENGTH = 0.5, 1.0
SUSPICIOUS = 0.99
MOST_WORDS = 300
SPAM, HONEST = "spam", "honest"
# The row that counts the comments themselves.
TOTAL = ""

COUNTS = select(SpamWord.word, SpamWord.spam, SpamWord.honest).where(
    SpamWord.word.in_(bindparam("words", expanding=True))
)


def words_of(comment: FullComment) -> list[str]:
    """The different words of a comment, its name and the hosts of its links."""
    text = f"{comment.author_name} {comment.body_source}".casefold()
    hosts = [f"//{host}"[:40] for host in comment.link_hosts.split()]
    return sorted({*WORD.findall(text), *hosts})[:MOST_WORDS]


def suspicious_words(connection: Connection, comment: FullComment) -> list[str]:
    """The words that make the comment look like spam, most telling first; empty if it does not, or if too little was
    learned."""
    words = words_of(comment)
    counts = {row.word: row for row in connection.execute(COUNTS, {"words": [TOTAL, *words]})}
    total = counts.pop(TOTAL, None)
    if total is None or min(total.spam, total.honest) < ENOUGH:
        return []
    weights = {
        word: _weight(row.spam / total.spam, row.honest / total.honest, row.spam + row.honest)
        for word, row in counts.items()
    }
    telling = sorted(weights.items(), key=lambda pair: -abs(pair[1] - UNKNOWN))[:TELLING]
    evidence = sum(math.log(weight / (1 - weight)) for _, weight in telling)
    if evidence < math.log(SUSPICIOUS / (1 - SUSPICIOUS)):
        return []
    return [word.removeprefix("//") for word, weight in telling if weight > UNKNOWN]


def _weight(in_spam: float, in_honest: float, seen: int) -> float:
    """The probability that a comment with a word is spam. The arguments are the shares of each kind that have it."""
    share = in_spam / (in_spam + in_honest) if seen else UNKNOWN
    return (STRENGTH * UNKNOWN + seen * share) / (STRENGTH + seen)


def learn(session: Session, comments: Iterable[Comment], kind: str) -> None:
    """Learn comments as SPAM or HONEST, or forget them (""). One that was learned before is counted anew. A write
    transaction must be open."""
    changes: dict[str, Counter[str]] = {SPAM: Counter(), HONEST: Counter()}
    for comment in comments:
        if comment.learned_as == kind or not comment.body_source:
            continue
        words = [TOTAL, *words_of(comment)]
        if comment.learned_as:
            changes[comment.learned_as].subtract(words)
        if kind:
            changes[kind].update(words)
        comment.learned_as = kind
    # In the same order everywhere, so that two transactions cannot deadlock.
    names = sorted({*changes[SPAM], *changes[HONEST]})
    rows = [{"word": word, "spam": changes[SPAM][word], "honest": changes[HONEST][word]} for word in names]
    if not rows:
        return
    added = insert_for(session, SpamWord)
    counted = added.on_conflict_do_update(
        index_elements=["word"],
        set_={"spam": SpamWord.spam + added.excluded.spam, "honest": SpamWord.honest + added.excluded.honest},
    )
    session.connection().execute(counted, rows)
