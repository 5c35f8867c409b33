# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate signatures: the release is signed as the trust file demands."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ._answer import Answer

GATE = "signatures"
UNSET = "no trust file is set (deploy_trust)"


def answer(trust_path: str, required: bool, problems: Sequence[str]) -> Answer:
    """Return whether a release may be deployed by its signatures.

    *trust_path* is the trust file, "" where none is set, which is enough unless one is *required*.
    *problems* are the lines on what it demands and the release lacks.
    """
    if required and not trust_path:
        return Answer(GATE, False, UNSET, needs="deploy_trust: the path of a trust file")
    name = os.path.basename(trust_path)
    if problems:
        count = len(problems)
        text = problems[0] if count == 1 else f"{count} problems, the first: {problems[0]}"
        return Answer(GATE, False, text, needs=f"signatures as {name or 'deploy_trust'} demands")
    if not trust_path:
        return Answer(GATE, True, UNSET)
    return Answer(GATE, True, f"signed as {name} demands")
