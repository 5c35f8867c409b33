# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gate: no other run changes the application in the environment."""

from __future__ import annotations

from ._answer import Answer
from ._facts import Facts

NAME = "lease"


def answer(facts: Facts) -> Answer:
    """Return the answer."""
    taken = ""
    for row in facts.open_runs:
        if row["run"] == facts.takes_over:
            taken = row["run"]
            continue
        if row["run"] == facts.own_run or row["application"] != facts.application:
            continue
        names = {name.strip() for name in str(row["environment"] or "").split(",")}
        if names != {""} and facts.demands.environment not in names:
            continue
        text = f"{row['act']} by {row['actor']} since {row['began'][:16]}Z has no end on record"
        needs = "its end, or deploy_takeover where it was stopped"
        return Answer(NAME, False, f"{text} ({row['run']})", needs=needs)
    return Answer(NAME, True, f"takes over {taken}" if taken else "no other run")
