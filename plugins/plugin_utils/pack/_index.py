# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``index.json`` of an evidence pack: what it is about, and each file with size and digest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...module_utils.errors._release_error import ReleaseError
from ...module_utils.formats import _canonical
from ..ledger._event import Head

FORMAT = 1
TYPE = "itops.release/evidence-pack"
NAME, SIGNATURE = "index.json", "index.json.sig"
PAGES = "pages/"
LARGEST = 4 * 1024 * 1024  # bytes
SIGNED = "signed"


@dataclass(frozen=True)
class Closer:
    """Who made the pack: a *person* of the policy or "", the *actor* of the run, and a *strength*.

    A pack has a signature where the strength is signed, and only then.
    """

    person: str
    actor: str
    strength: str


@dataclass(frozen=True)
class Listed:
    """A file of the pack, by its *path* below the top folder."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Index:
    """What a pack says of itself.

    *plan_digest* is that of the latest *revision*; *ended* is how the plan ended, "" before. *head*
    is that of the ledger. *whole_ledger*: all events are in the pack, not only those about the
    plan. *left_out* has a line for each envelope of a release that is not believed.
    """

    plan: str
    revision: int
    plan_digest: str
    ended: str
    head: Head
    whole_ledger: bool
    made_at: str
    closer: Closer
    files: tuple[Listed, ...]
    left_out: tuple[str, ...] = ()

    @property
    def data(self) -> bytes:
        """The bytes that are signed: canonical JSON and a line's end.

        ``sum`` is the SHA-256 of the same without it, by which a changed byte shows in a pack that
        has no signature.
        """
        plain = self._plain()
        return _canonical.dumps({**plain, "sum": sum_of(plain)}) + b"\n"

    def without_moment(self) -> Index:
        """Return what does not depend on the moment at which the pack is made: without pages."""
        files = [file for file in self.files if not file.path.startswith(PAGES)]
        return replace(self, made_at="", files=tuple(sorted(files, key=_path_of)))

    def _plain(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "type": TYPE,
            **self.__dict__,
            "head": self.head.to_plain(),
            "closer": dict(self.closer.__dict__),
            "files": [dict(file.__dict__) for file in sorted(self.files, key=_path_of)],
            "left_out": list(self.left_out),
        }


def sum_of(plain: Mapping[str, Any]) -> str:
    """Return the SHA-256 of *plain* as canonical JSON."""
    return _canonical.sha256_hex(_canonical.dumps(plain))


def parse(data: bytes) -> Index | None:
    """Return the Index in *data*, None where these are not the bytes of one."""
    try:
        plain = _canonical.loads(data[:LARGEST])
        known = {key: plain[key] for key in Index.__dataclass_fields__}
        index = Index(
            **{
                **known,
                "head": Head.from_plain(plain["head"]),
                "closer": Closer(**plain["closer"]),
                "files": _listed(plain["files"]),
                "left_out": tuple(plain["left_out"]),
            }
        )
        return index if index.data == data else None
    except (ReleaseError, KeyError, TypeError, ValueError, AttributeError):
        return None


def _listed(plain: Sequence[Mapping[str, Any]]) -> tuple[Listed, ...]:
    return tuple(Listed(**item) for item in plain)


def _path_of(file: Listed) -> str:
    return file.path
