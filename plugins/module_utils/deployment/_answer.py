# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host answers the controller: what was, what is, and what it still needs."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Dict, Iterable, List, Mapping, Optional, Tuple

from ..formats import _message
from ..root import _state

if TYPE_CHECKING:
    from ..root import _directory
    from ..tree import _drift

OS_RELEASE = "/etc/os-release"
MOST_RESENT = 200  # contents that are asked for by name; of more, the whole release is sent
OK = "ok"
NEED = "need"  # nothing is wrong: the host waits for what ``need`` says
# Codes that the controller acts upon; others are those of errors.
HOST_LOST = "host_lost"
LEASE_HELD = "lease_held"
MODULE_FAILED = "module_failed"
PACK_REFUSED = "pack_refused"
TRANSFER_FAILED = "transfer_failed"


@dataclass(frozen=True)
class Free:
    """What is free for a root: bytes, and inodes, None where their number is not fixed."""

    bytes: int
    inodes: Optional[int]


@dataclass(frozen=True)
class Partial:
    """The beginning of a pack that an earlier run sent: how much there is, and its SHA-256."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Need:
    """What the controller must know to send a release, or to tell that it cannot go there.

    ``digest``, ``links``: the release wanted, and the linked paths it gets.
    ``held``: digests of releases that are here, the one staged last first.
    ``resend``: contents, SHA-256s, that are damaged here, to be sent on top of ``base``.
    ``damaged``: what is damaged here, in a line; None where nothing is.
    ``codecs``: how a pack may be compressed. ``host``: os, architecture, python.
    ``unshared``: linked paths without a file in ``shared/``, each with whether a release may bring
    it; ``seed``: whether this one may. ``upload_dir``, ``partial``: where the pack goes, and what
    is there of it.
    """

    digest: str
    links: Tuple[str, ...]
    held: Tuple[str, ...]
    resend: Tuple[str, ...]
    base: Optional[str]
    damaged: Optional[str]
    codecs: Tuple[str, ...]
    free: Free
    host: Mapping[str, str]
    unshared: Mapping[str, Any] = field(default_factory=dict)
    seed: bool = False
    upload_dir: Optional[str] = None
    partial: Optional[Partial] = None

    def to_plain(self) -> Dict[str, Any]:
        """Return this as plain data."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Need:
        """Return the Need in a mapping that ``to_plain`` gave."""
        values: Dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in plain.items()
        }
        partial = plain["partial"]
        values["free"] = Free(**plain["free"])
        values["partial"] = Partial(**partial) if partial else None
        return cls(**values)


@dataclass(frozen=True)
class Answer:
    """What became of a request.

    ``code`` is OK, NEED or that of a ReleaseError; with any other ``text`` says in a line what is
    wrong, and ``hint`` perhaps what to do. ``outcome`` has what the task returns, as the
    documentation of release_deployment says; ``lease`` whose the root is, where that is in the way.
    """

    code: str = OK
    text: str = ""
    hint: Optional[str] = None
    need: Optional[Need] = None
    lease: Optional[Mapping[str, Any]] = None
    outcome: Mapping[str, Any] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether the request was not, or not wholly, carried out."""
        return self.code not in (OK, NEED)

    def with_outcome(self, **changes: Any) -> Answer:
        """Return this with some entries of the outcome changed."""
        return replace(self, outcome={**self.outcome, **changes})

    def to_plain(self) -> Dict[str, Any]:
        """Return this as a module returns it; a failed one has ``msg``."""
        plain: Dict[str, Any] = {
            **self.outcome,
            "format": _message.FORMAT,
            "code": self.code,
            "need": self.need.to_plain() if self.need else None,
            "lease": dict(self.lease) if self.lease else None,
        }
        if self.failed:
            plain.update(msg=self.text, hint=self.hint)
        return plain

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Answer:
        """Return the Answer in what a module returned; MessageError for a format unknown here."""
        _message.check_format(plain)
        outcome = {
            key: value
            for key, value in plain.items()
            if key not in ("format", "code", "need", "lease", "hint", "msg")
        }
        return cls(
            plain["code"],
            plain.get("msg", ""),
            plain.get("hint"),
            Need.from_plain(plain["need"]) if plain.get("need") else None,
            plain.get("lease"),
            outcome,
        )


def outcome(
    path: str,
    before: Optional[_state.State],
    after: Optional[_state.State],
    changed: bool,
    removed: Iterable[str] = (),
    drift: Iterable[Mapping[str, Any]] = (),
) -> Dict[str, Any]:
    """Return the outcome of a request; *before* and *after* are States, or None for nothing.

    *drift* has what differed from what was sealed, each as {path, change, tree}.
    """
    deployment = _state.summary(path, after or _state.State())
    return {
        "changed": changed,
        "before": _brief(_state.summary(path, before or _state.State())),
        "after": _brief(deployment),
        "by": _state.brought_by(before) if before else None,
        "deployment": deployment,
        "removed": list(removed),
        "drift": list(drift),
        "switched_back": False,
        "is_live": False,
        "seeded": [],
        "probes": [],
        "took_over": None,
        "warnings": [],
    }


def need(
    free: Free,
    release: _state.Release,
    held_here: Iterable[str],
    damaged: Optional[_drift.Damaged] = None,
) -> Need:
    """Return the Need of *release* where *held_here* are the digests of releases that are here.

    *free* is what is free for the root; *damaged* is the Damaged that was met, if contents of
    theirs are not whole.
    """
    from ..formats import _codec

    resend = tuple(damaged.contents) if damaged else ()
    named = 0 < len(resend) <= MOST_RESENT
    return Need(
        digest=release.digest,
        links=tuple(release.links),
        held=() if damaged else tuple(held_here),
        resend=resend if named else (),
        base=release.digest if named else None,
        damaged=str(damaged) if damaged else None,
        codecs=tuple(_codec.readable()),
        free=free,
        host=_host(),
    )


def _host() -> Dict[str, str]:
    """Return what a release may demand of a host."""
    try:
        with open(OS_RELEASE, encoding="utf-8", errors="replace") as stream:
            lines = [line for line in stream if line.startswith(("ID=", "VERSION_ID="))]
    except OSError:
        lines = []
    python = ".".join(map(str, sys.version_info[:3]))
    return {"os": "".join(lines), "architecture": os.uname().machine, "python": python}


def held(root: _directory.Root, state: _state.State) -> List[str]:
    """Return the digests of the releases that are here, those staged last first."""
    newest_first = sorted(root.existing_trees(state), key=lambda name: -state.trees[name].token)
    records = [state.trees[name] for name in newest_first]
    return list(dict.fromkeys(r.digest for r in records if not r.adopted))


def _brief(summary: Mapping[str, Any]) -> Dict[str, Any]:
    """Return what of a summary tells one moment from another."""
    nothing = dict.fromkeys(("name", "version", "serial", "digest", "tree"))
    return {
        "phase": summary["phase"],
        "since": summary["since"],
        "releases": [release["tree"] for release in summary["releases"]],
        "links": {each["tree"]: each["links"] for each in summary["releases"] if each["links"]},
        **(summary["trial"] or summary["live"] or nothing),
    }
