# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate compatibility: the release works with the other applications in the environment."""

from __future__ import annotations

from collections.abc import Sequence

from ._answer import Answer

GATE = "compatibility"


def answer(problems: Sequence[str]) -> Answer:
    """Return whether a release fits what is live; *problems* are the lines on why it does not."""
    if not problems:
        return Answer(GATE, True, "compatible with all that is live there")
    count = len(problems)
    text = problems[0] if count == 1 else f"{count} problems, the first: {problems[0]}"
    return Answer(GATE, False, text, needs="a release that is compatible with what is live there")
