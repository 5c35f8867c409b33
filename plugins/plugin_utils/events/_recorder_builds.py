# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run built and sealed in each workspace: events in, what is to be said of it out."""

from __future__ import annotations

from dataclasses import dataclass, field

DIGEST_LENGTH = 12
HIDDEN = "no_log keeps from this report what was done"


@dataclass
class _Trace:
    """What is known of one workspace on one host."""

    release: dict = field(default_factory=dict)  # its name, version and digest, as far as known
    built: dict | None = None  # the event that told of it; None where nothing was to be built
    role: str = ""
    evidence: tuple = ()
    sealed: bool = False  # the release, its signature or what is attached to it is new
    hidden: bool = False
    failed: dict | None = None  # by what it failed that came last


class Builds:
    """Remember a line's worth or two for each workspace, whatever the number of events."""

    def __init__(self):
        self._traces = {}  # {host: {workspace: _Trace}}

    def hosts(self):
        """Return the hosts on which anything was built or sealed, or was to be."""
        return list(self._traces)

    def note(self, event):
        """Take in the *event* of an answer, unless it is of no build; tell whether it is of one."""
        host, workspace = event["host"], event["root"]
        there = self._traces.get(host, {})
        if not workspace or (event["event"] == "noting" and workspace not in there):
            return False
        trace = self._traces.setdefault(host, {}).setdefault(workspace, _Trace())
        trace.release = {**trace.release, **event["release"]}
        trace.hidden |= event["hidden"] and event["status"] == "ok"
        trace.failed = None if event["status"] == "ok" else event
        if event["event"] == "building":
            trace.built = event if event["built"] else None
        elif event["status"] == "ok":
            self._note_sealed(trace, event)
        return True

    @staticmethod
    def _note_sealed(trace, event):
        if event["event"] == "sealing":
            trace.role, trace.evidence = event["role"], tuple(event["evidence"])
            trace.sealed |= event["changed"]
        elif event["attached"] is not None:
            trace.evidence = tuple(dict.fromkeys([*trace.evidence, "note"]))
            trace.sealed |= event["attached"]

    def has_failed(self, host, workspace):
        """Tell whether what failed on *host* in *workspace* is known already."""
        return self._traces[host][workspace].failed is not None

    def lines(self, host, ending=None):
        """Yield (workspace, outcome, release, detail) of *host*.

        *ending* is a workspace, and the outcome and detail that its last line has.
        """
        for workspace, trace in self._traces.get(host, {}).items():
            said = list(_lines(trace))
            if ending and ending[0] == workspace:
                said.append(ending[1:])
            release = " ".join(filter(None, map(trace.release.get, ("name", "version"))))
            for outcome, detail in said or [("unchanged", "")]:
                yield workspace, outcome, release, detail


def _lines(trace):
    """Yield what is to be said of a workspace, nothing where nothing was to be done."""
    if trace.hidden:
        yield "hidden", HIDDEN
    if trace.built:
        more = [f"and {trace.built['more']} more"] if trace.built["more"] else []
        yield "built", ", ".join([*trace.built["components"], *more])
    if trace.sealed:
        yield "sealed", _sealed(trace)
    if trace.failed:
        yield trace.failed["status"], trace.failed["reason"]


def _sealed(trace):
    said = f"sha256:{trace.release.get('digest', '')[:DIGEST_LENGTH]}"
    if trace.role:
        said += f" signed as {trace.role}"
    if trace.evidence:
        *others, last = trace.evidence
        said += f", with {', '.join(others)}{' and ' if others else ''}{last}"
    return said
