# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What status reports of plans, by policy, calendar and ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ...module_utils.errors._release_error import ReleaseError
from ..gates import _collect, _outlook, _sources
from ..ledger import _trains
from ..ledger._ledger import Ledger
from ..policy import _file as _policy_file


def ahead(
    ledger: Ledger, policy: str | None, calendar: str | None, now: datetime
) -> _outlook.Outlook | None:
    """Return what is ahead by the policy and the calendar at these paths, None without a policy."""
    if not policy:
        return None
    try:
        rules = _policy_file.read(policy)
        known = _sources.read_calendar(calendar or "", rules)
        found = _outlook.outlook(rules, known, _collect.OnRecord.of(ledger), now)
        trains = [train.line() for train in _trains.of_ledger(ledger) if not train.verdict]
        return replace(found, trains=tuple(trains))
    except ReleaseError as error:
        return _outlook.Outlook(problem=" ".join(str(error).split()))
