# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What status reports of plans, by policy, calendar and ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ...module_utils.errors._release_error import ReleaseError
from ..gates import _collect, _outlook, _sources
from ..ledger._ledger import Ledger
from ..policy import _file as _policy_file


@dataclass(frozen=True)
class Looked:
    """The *outlook*, None without a policy, and the names of the policy's *environments*."""

    outlook: _outlook.Outlook | None = None
    environments: tuple[str, ...] = ()


def ahead(ledger: Ledger, policy: str | None, calendar: str | None, now: datetime) -> Looked:
    """Return what is ahead by the policy and the calendar at these paths."""
    if not policy:
        return Looked()
    try:
        rules = _policy_file.read(policy)
        known = _sources.read_calendar(calendar or "", rules)
        record = _collect.OnRecord.of(ledger)
        return Looked(_outlook.outlook(rules, known, record, now), rules.names())
    except ReleaseError as error:
        return Looked(_outlook.Outlook(problem=" ".join(str(error).split())))
