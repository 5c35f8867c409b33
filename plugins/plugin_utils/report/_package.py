# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the media library has of a plan's releases: components before and after, and evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ...module_utils.errors._release_error import ReleaseError
from ..evidence import _attachments, _signatures, _statement, _trust
from ..library._catalogue import Catalogue
from ..release import _comparison
from ._plans import PlanView


@dataclass(frozen=True)
class Component:
    """A component: its versions *before* and *after*, "" for none, and what happens to it."""

    name: str
    before: str
    after: str
    change: str


@dataclass(frozen=True)
class Line:
    """A line of evidence: its *kind*, and what is said of it."""

    kind: str
    text: str
    is_good: bool = True


@dataclass(frozen=True)
class Package:
    """What is known of the releases of a plan; *problem* where the library cannot be read."""

    components: tuple[Component, ...] = ()
    evidence: tuple[Line, ...] = ()
    problem: str = ""


@dataclass
class Packages:
    """Reads packages of the media library at *place*; each digest is read once."""

    place: str
    trust: str
    now: datetime
    _known: dict[tuple[str, str], Package] = field(default_factory=dict)

    def of_plan(self, view: PlanView) -> Package:
        """Return what is known of all releases of a plan."""
        found = [self.of(digest, before) for digest, before in view.digests()]
        return Package(
            tuple(each for package in found for each in package.components),
            tuple(each for package in found for each in package.evidence),
            "; ".join(dict.fromkeys(p.problem for p in found if p.problem)),
        )

    def of(self, digest: str, before: str) -> Package:
        """Return what is known of the release with this *digest*, after that *before* ("")."""
        if not self.place:
            return Package()
        key = (digest, before)
        if key not in self._known:
            try:
                self._known[key] = self._read(digest, before)
            except (ReleaseError, OSError) as error:
                self._known[key] = Package(problem=" ".join(str(error).split()))
        return self._known[key]

    def _read(self, digest: str, before: str) -> Package:
        from ..library._store import Library

        library = Library(self.place)
        stored = library.get(digest)
        components: Sequence[Mapping[str, Any]] = ()
        if before and before != digest and library.holds(before):
            components = _comparison.compare(library.get(before).manifest, stored.manifest)
        found = [
            Component(c["name"], c["from_version"] or "", c["to_version"] or "", c["change"])
            for c in components
        ] or [Component(c.name, "", c.version or "", "") for c in stored.manifest.components]
        return Package(tuple(found), tuple(self._evidence(library, digest)))

    def _evidence(self, library: Catalogue, digest: str) -> list[Line]:
        label = library.find(f"sha256:{digest}")
        trust = _trust.read(self.trust) if self.trust else None
        attached = _attachments.describe(library, label, trust, self.now)
        lines = [
            Line("Evidence", *_told(each, str(each["predicate_type"] or "unknown type")))
            for each in attached
        ]
        signed = _signatures.describe(library, label, trust)
        lines += [Line("Signature", *_told(s, f"role {s['role'] or 'unknown'}")) for s in signed]
        if trust:
            roles = [role for role in trust.roles if role in _statement.ROLES]
            verdicts = _signatures.judge_all(library, label, trust, roles, self.now)
            lines += [Line(f"Signed as {v.role}", v.line, v.met) for v in verdicts]
        return lines


def _told(found: Mapping[str, Any], what: str) -> tuple[str, bool]:
    """Return a line about something attached, and whether nothing is wrong with it."""
    if "problem" not in found:
        return f"{what}, attached; not verified, as there is no trust file", True
    if found["problem"]:
        return f"{what}: {found['problem']}", False
    return f"{what}, signed by {', '.join(found['signed_by']) or 'nobody known'}", True
