# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Traces of a run: what is known of one deployment root, or one workspace, on one host."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ._facts import NOTHING, Building, Deployment, Inspection, Release, WorkspaceAnswer


@dataclass
class RootTrace:
    """What is known of one deployment root on one host."""

    first: Release | None = None
    last: Release | None = None
    sent: int = 0
    resumed: int = 0  # bytes of a broken transfer that did not have to be sent again
    took_over: Deployment | None = None  # by which this run went on with another's deployment
    despite: tuple[str, ...] = ()  # what was allowed although it does not fit
    drift: int = 0  # files that differed and were mended
    changed: bool = False
    removed: bool = False
    mended: bool = False  # what should be live was not quite, and is again
    put_back: bool = False  # it left its trial for the release before
    went_back: bool = False  # it was asked for the release before
    waiting: str | None = None  # the release that was staged here and not made live
    asked_only: bool = True  # nothing was to be done here
    reason: str | None = None
    aftermath: str | None = None  # what failed after that, as putting the earlier release back may
    lost: bool = False
    hidden: bool = False  # no_log of a task keeps from us what was done
    verdict: Inspection | None = None

    @property
    def found(self) -> Release:
        """What was current at first."""
        return self.first or NOTHING

    @property
    def left(self) -> Release:
        """What is current at last."""
        return self.last or NOTHING

    def has_drifted(self) -> bool:
        """Tell whether drift is what is to be said: an attempt to mend it that failed says more."""
        return self.verdict is not None and not self.verdict.ok and not self.put_back

    def relinked(self) -> Iterator[tuple[bool, list[str]]]:
        """Yield (False, linked paths that went) and (True, those that came), where there are any.

        Nothing is yielded unless those of both sides are known.
        """
        before, after = self.found.links, self.left.links
        if before is None or after is None:
            return
        for is_new, links, others in ((False, before, after), (True, after, before)):
            if found := [link for link in links if link not in others]:
                yield is_new, found

    def outcome(self, lost: bool, failed: bool) -> str:
        """Return what became of the release; *lost* and *failed* tell what Ansible knows."""
        if lost:
            return "unreachable"
        if self.has_drifted():
            return "drifted"
        if failed:
            return "put back" if self.put_back else "failed"
        if self.hidden:
            return "hidden"
        if self.removed:
            return "removed"
        if self.left.phase == "on trial":
            return "on trial"
        if self.found.digest != self.left.digest:
            back = self.went_back or _is_earlier(self.last, self.first)
            return "rolled back" if back else "deployed"
        if self.found.phase == "on trial":
            return "deployed"
        if self.changed:
            if self.put_back:
                return "put back"
            return "deployed" if any(self.relinked()) else "mended" if self.mended else "staged"
        if self.waiting:
            return "staged"
        return "verified" if self.verdict else "asked" if self.asked_only else "unchanged"


@dataclass
class BuildTrace:
    """What is known of one workspace on one host."""

    release: dict[str, str] = field(default_factory=dict)  # its name, version, digest if known
    built: Building | None = None  # by which it was built; None where nothing was to be built
    role: str = ""
    evidence: tuple[str, ...] = ()
    sealed: bool = False  # the release, its signature or what is attached to it is new
    hidden: bool = False
    failed: WorkspaceAnswer | None = None  # the last failure


def _is_earlier(release: Release | None, other: Release | None) -> bool:
    """Tell whether *release* came before *other*; serials count within one application."""
    if not release or not other or release.name != other.name:
        return False
    if release.serial is None or other.serial is None:
        return False
    return release.serial < other.serial
