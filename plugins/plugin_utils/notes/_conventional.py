# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a commit's message says: by Conventional Commits 1.0.0 where it keeps to it, else as it is.

Source: https://www.conventionalcommits.org/en/v1.0.0/
"""

from __future__ import annotations

import re
from typing import NamedTuple

HEADER = re.compile(
    r"(?P<type>[A-Za-z][A-Za-z-]{0,30})(?:\((?P<scope>[^()\n]{1,60})\))?"
    r"(?P<bang>!)?: +(?P<text>\S.*)"
)
BREAKING = re.compile(r"^BREAKING[ -]CHANGE: +(?P<text>\S.*)", re.MULTILINE)
# A number as of GitHub, GitLab and Gitea; a key as of Jira and YouTrack. Not within words or paths.
ISSUE = re.compile(r"(?<![\w/#&.-])(?:#[1-9]\d{0,8}|[A-Z][A-Z0-9]{1,9}-[1-9]\d{0,8})(?![\w-])")
NO_ISSUES = re.compile(r"(?:UTF|SHA|ISO|RFC|CVE|PEP|AES|RSA|TLS|HTTP|X)-\d+\Z")
REVERTED = re.compile(r"^This reverts commit (?P<id>[0-9a-f]{7,64})", re.MULTILINE)


class Meaning(NamedTuple):
    """What a message says: *type* is "" where it is no Conventional Commit.

    *breaking* is why it is a breaking change, or "". *issues* are as they stand there, each once.
    *reverts* is the commit that it takes back, or "".
    """

    type: str
    scope: str
    text: str
    breaking: str
    issues: tuple[str, ...]
    reverts: str


def read(message: str) -> Meaning:
    """Return the Meaning of a commit's *message*."""
    first = message.partition("\n")[0].strip()
    header = HEADER.fullmatch(first)
    text = header["text"] if header else first
    breaking = BREAKING.search(message)
    if breaking:
        why = breaking["text"].strip()
    else:
        why = text if header and header["bang"] else ""
    issues = [found for found in ISSUE.findall(message) if not NO_ISSUES.match(found)]
    reverted = REVERTED.search(message)
    return Meaning(
        header["type"].lower() if header else "",
        (header["scope"] or "").strip() if header else "",
        text,
        why,
        tuple(dict.fromkeys(issues)),
        reverted["id"] if reverted else "",
    )
