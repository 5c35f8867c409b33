# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run built and sealed in each workspace: facts in, a trace for each workspace out."""

from __future__ import annotations

from collections.abc import Iterator

from ._facts import Building, Noting, Sealing, WorkspaceAnswer
from ._traces import BuildTrace


class Builds:
    """Remember a line's worth or two for each workspace, whatever the number of events."""

    def __init__(self) -> None:
        self._traces: dict[str, dict[str, BuildTrace]] = {}  # {host: {workspace: trace}}

    def hosts(self) -> list[str]:
        """Return the hosts on which anything was built or sealed, or was to be."""
        return list(self._traces)

    def traces(self, host: str) -> Iterator[tuple[str, BuildTrace]]:
        """Yield each workspace of *host* with its trace."""
        yield from self._traces.get(host, {}).items()

    def note(self, event: WorkspaceAnswer) -> bool:
        """Take in an *event*, unless it is of no build; tell whether it is of one."""
        there = self._traces.get(event.host, {})
        if not event.root or (isinstance(event, Noting) and event.root not in there):
            return False
        trace = self._traces.setdefault(event.host, {}).setdefault(event.root, BuildTrace())
        trace.release = {**trace.release, **event.release}
        trace.hidden |= event.hidden and event.status == "ok"
        trace.failed = None if event.status == "ok" else event
        if isinstance(event, Building):
            trace.built = event if event.built else None
        elif event.status == "ok":
            _note_sealed(trace, event)
        return True

    def has_failed(self, host: str, workspace: str) -> bool:
        """Tell whether what failed on *host* in *workspace* is known already."""
        return self._traces[host][workspace].failed is not None


def _note_sealed(trace: BuildTrace, event: WorkspaceAnswer) -> None:
    if isinstance(event, Sealing):
        trace.role, trace.evidence = event.role, event.evidence
        trace.sealed |= event.changed
    elif isinstance(event, Noting) and event.attached is not None:
        trace.evidence = tuple(dict.fromkeys([*trace.evidence, "note"]))
        trace.sealed |= event.attached
