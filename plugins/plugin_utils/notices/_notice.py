# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A notice: what happened to a plan or what waits, as plain text for one channel."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ...module_utils.formats import _canonical
from ..ledger import _kind_notice_sent
from ..ledger._event import Draft
from ..ledger._words import shortened

PROPOSED, WANTED, STARTING = "proposed", "approval wanted", "starting"
DONE, BACKED_OUT, HELD, POSTPONED = "done", "backed out", "held", "postponed"
LONGEST_CONTENT = 300  # characters of a line
LONGEST_TITLE = 150
LONGEST_TEXT = 4000
LEDGER_DIGITS = 12
# What chats and mail programs read as more than text.
MARKUP = (
    (re.compile("<"), "‹"),
    (re.compile(">"), "›"),
    (re.compile("`"), "'"),
    (re.compile(r"\]\("), "] ("),
    (re.compile(r"@(?=(?:everyone|here|channel|all)\b)", re.IGNORECASE), "(at)"),
)


@dataclass(frozen=True)
class Notice:
    """A notice to an *audience* through a *channel*, about the ledger's event *sequence*.

    *id* is the same whenever it is sent, so that a receiver can drop a second one. *about* is one
    of the words above. *title* is a line, *text* some, of which the last has the id.
    """

    id: str
    plan: str
    sequence: int
    about: str
    audience: str
    channel: str
    title: str
    text: str

    def sent(self) -> Draft:
        """Return the event that the channel took the notice."""
        body = {
            "notice": self.id,
            "event": self.sequence,
            "about": self.about,
            "channel": self.channel,
            "audience": self.audience,
        }
        return Draft(_kind_notice_sent.NAME, self.plan, body, f"notice/{self.id}")


def id_of(ledger: str, sequence: int, about: str, channel: str) -> str:
    """Return the id of a notice: ``3f2a90c1d4e5-31-approval-wanted-mail``."""
    return f"{ledger[:LEDGER_DIGITS]}-{sequence}-{about.replace(' ', '-')}-{channel}"


def plain(text: object, most: int = LONGEST_CONTENT) -> str:
    """Return *text* of people as one printable line, which no channel reads as markup."""
    line = _canonical.printable(" ".join(str(text).split()))
    for what, instead in MARKUP:
        line = what.sub(instead, line)
    return shortened(line, most)


def text_of(lines: Sequence[tuple[str, str]], last: str) -> str:
    """Return *lines*, each a label and what ``plain`` gave, as text that ends with line *last*.

    Lines without content are left out. What is too long is cut before the last line.
    """
    said = "\n".join(f"{label}: {content}" for label, content in lines if content)
    return f"{shortened(said, LONGEST_TEXT)}\n\n{last}"
