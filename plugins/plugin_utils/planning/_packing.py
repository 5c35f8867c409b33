# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the evidence pack of a plan, in the name of who closes it."""

from __future__ import annotations

import os
from typing import Any

from ..evidence import _trust
from ..evidence._keys import KnownKeys
from ..ledger._event import Head, utc
from ..ledger._ledger import Ledger
from ..library._store import Library
from ..pack import _contents, _pack
from ..pack._contents import Shelf, Source
from ..pack._index import SIGNED, Closer, Index
from ..pack._tar import PackError
from ..policy import _sshsig
from ..report import _files, _package, _pages, _site
from ._acting import Signer
from ._task import PlanTask

Result = dict[str, Any]


def pack(task: PlanTask) -> Result:
    """Write the evidence pack to ``dest``, unless the one there says all that it would say."""
    task.refuse_extra_variables()
    name, whole = task.planned.plan.name, bool(task.arguments["whole_ledger"])
    dest = _dest(task, name)
    task.library_named()
    with task.ledger() as ledger:
        head = ledger.head()
        if head is None:
            raise PackError(f"there is no plan {name} on record: it was never proposed")
        with _pack.Workshop(dest) as folder:
            shelf = Shelf(folder)
            source = Source(ledger, Library(task.sources.media_library), _known(task))
            pages = _rendered(task, ledger, head, name)
            (path,) = (path for path in pages if path.startswith(_files.REVIEWS))
            prefilled = pages.pop(path)
            review = _review(task) or prefilled
            collected = _contents.collect(source, name, shelf, pages, review, whole)
            index = _pack.index_of(collected, shelf, _closer(task), utc(task.now), whole)
            changed = not _pack.is_up_to_date(dest, index, shelf, _holds(task))
            if changed and not task.check:
                index = _write(task, dest, index, shelf)
    signed = f"signed by {index.closer.person}" if _is_signed(index) else "not signed"
    task.show(f"evidence    {dest}: {len(index.files)} files, {signed}")
    return {
        "changed": changed,
        "dest": dest,
        "plan": name,
        "files": len(index.files),
        "head": index.head.to_plain(),
        "signed_by": index.closer.person if _is_signed(index) else "",
        "left_out": list(index.left_out),
    }


def _dest(task: PlanTask, name: str) -> str:
    dest = str(task.arguments["dest"])
    is_folder = dest.endswith("/") or os.path.isdir(dest)
    return os.path.join(dest, f"{name}.tar") if is_folder else dest


def _known(task: PlanTask) -> KnownKeys | None:
    """Return the keys by which envelopes of releases are believed, whenever these signed."""
    if not task.sources.trust:
        return None
    return {key.fingerprint: key for key in _trust.read(task.sources.trust).public_keys}


def _review(task: PlanTask) -> bytes | None:
    if not task.arguments["review"]:
        return None
    with open(task.arguments["review"], "rb") as stream:
        return stream.read()


def _rendered(task: PlanTask, ledger: Ledger, head: Head, name: str) -> dict[str, bytes]:
    calendar = (task.planned.calendar, task.planned.calendar_problem)
    names = task.policy.names()
    site = _site.read(_site.Inputs(ledger, task.policy, calendar, names, task.now), head)
    packages = _package.Packages(task.sources.media_library, task.sources.trust, task.now)
    return _pages.of_plan(site, name, packages.of_plan)


def _closer(task: PlanTask) -> Closer:
    who = task.acting.proven
    return Closer(who.person.id if who.person else "", task.actor.name, who.strength)


def _holds(task: PlanTask) -> _pack.Holds:
    """Return what tells whether a key of the closer, valid now, signed an index."""

    def holds(data: bytes, signature: str) -> bool:
        who = task.acting.proven.person
        keys = [key.line for key in who.keys if not key.why_not(task.now)] if who else []
        try:
            _sshsig.verify(data, signature, keys, who.id if who else "", _sshsig.EVIDENCE)
        except _sshsig.SignatureError:
            return False
        return True

    return holds


def _is_signed(index: Index) -> bool:
    return index.closer.strength == SIGNED


def _write(task: PlanTask, dest: str, index: Index, shelf: Shelf) -> Index:
    """Write the pack, signed where that is possible; return its index."""
    signer = task.acting.signer if _is_signed(index) else None
    if signer is None:
        task.action._display.warning(
            "the evidence pack is not signed: give the key of a person of policy.yml (release_key)"
        )
        _pack.write(dest, index, shelf, None)
    else:
        _pack.write(dest, index, shelf, lambda data: _signed(data, signer))
    return index


def _signed(data: bytes, signer: Signer) -> str:
    return _sshsig.sign(data, signer.key, _sshsig.EVIDENCE)
