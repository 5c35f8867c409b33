# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host answers the controller: what was, what is, and what it still needs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Dict, Mapping, Optional, Tuple

from . import _message

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
    ``unshared``: linked paths without a file in ``shared/``, with why; ``seed``: whether the release
    may bring them. ``upload_dir``, ``partial``: where the pack goes, and what is there of it.
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
        values = {
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
