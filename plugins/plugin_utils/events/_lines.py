# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of results and tasks as single lines, fit for a record and a report."""

from __future__ import annotations

import re

# A refusal that names two runs and what to do about them has to fit.
REASON_LENGTH = 400
REASON_TAIL = 140  # what a message ends with, such as where that left the host, is kept


def title_of(task: str) -> str:
    """Return the name of *task* without that of its role."""
    return one_line(task.rpartition(" : ")[2])


def one_line(text: object) -> str:
    """Return the first line of *text* that says something, printable and of bounded length."""
    text = re.sub(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)", "", str(text))
    lines = (
        "".join(character if character.isprintable() else " " for character in line).strip()
        for line in text.splitlines()
    )
    line = next(filter(None, lines), "")
    # ansible-core puts these before a message; the report's own words say as much.
    line = re.sub(r"^(?:(?:Task|Action|Module) failed: )+|^.*(?=ssh: connect to host )", "", line)
    if len(line) <= REASON_LENGTH:
        return line
    return line[: REASON_LENGTH - REASON_TAIL - 1] + "…" + line[-REASON_TAIL:]
