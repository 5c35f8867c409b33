# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an evidence pack contains, collected from the ledger and the media library."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ...module_utils.formats import _canonical
from ..evidence import _attachments, _dsse, _statement
from ..evidence import _file as _evidence_file
from ..evidence._keys import KnownKeys
from ..ledger import _export, _kind_plan_proposed, _kind_policy_changed, _kind_statement_recorded
from ..ledger._event import NO_EVENT, Event, Head, hash_of
from ..ledger._ledger import Ledger
from ..library._catalogue import Catalogue
from ..release._stored import Label
from ._index import PAGES, Listed
from ._selection import Selection
from ._tar import File, PackError

EVENTS, CHAIN, PLAN, REVIEW = "ledger/events.jsonl", "ledger/chain.txt", "plan.json", "review.md"
PAGE = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9._-]*/)*[A-Za-z0-9_][A-Za-z0-9._-]*\Z")
AT_ONCE = 1000  # events read at a time
LIMITS = {
    _dsse.ENVELOPE_TYPE: _dsse.LARGEST_ENVELOPE,
    _attachments.ARTIFACT_TYPE: _attachments.LARGEST_ENVELOPE,
}
KINDS = {
    _statement.PREDICATE_TYPE: "signature",
    **{kind: name.replace("_", "-") for name, kind in _evidence_file.SHORT.items()},
}


@dataclass
class Shelf:
    """A *folder* in which the files of a pack wait until all of them are known."""

    folder: str
    listed: list[Listed] = field(default_factory=list)

    def put(self, path: str, data: Iterable[bytes]) -> None:
        """Keep *data* as the file *path* of the pack."""
        digest, size = hashlib.sha256(), 0
        with open(self._place(len(self.listed)), "wb") as stream:
            for piece in data:
                stream.write(piece)
                digest.update(piece)
                size += len(piece)
        self.listed.append(Listed(path, size, digest.hexdigest()))

    def files(self, top: str) -> list[File]:
        """Return what is kept, as files of a tar below the folder *top*."""
        return [
            File(f"{top}/{each.path}", self._place(number), each.size)
            for number, each in enumerate(self.listed)
        ]

    def _place(self, number: int) -> str:
        return os.path.join(self.folder, str(number))


@dataclass(frozen=True)
class Source:
    """Where evidence comes from: *known* are keys that may sign releases, None without trust."""

    ledger: Ledger
    library: Catalogue
    known: KnownKeys | None = None


@dataclass(frozen=True)
class Collected:
    """What was collected of a plan, beside its files; see ``_index.Index``."""

    plan: str
    revision: int
    plan_digest: str
    ended: str
    head: Head
    left_out: tuple[str, ...]


def collect(
    source: Source,
    plan: str,
    shelf: Shelf,
    pages: Mapping[str, bytes],
    review: bytes | None = None,
    whole_ledger: bool = False,
) -> Collected:
    """Put all that is evidence of a *plan* on the *shelf*.

    *pages* are rendered, by path. With *whole_ledger* all events are there, not only those about
    the plan. Raises PackError where the plan is not on record, or its release not in the library.
    """
    head = source.ledger.head()
    if head is None:
        raise PackError(f"ledger (release_ledger): there is no ledger at {source.ledger.place}")
    selection = Selection(plan)
    shelf.put(CHAIN, _chain(source.ledger, head, selection))
    resolved = selection.resolved
    if resolved is None:
        raise PackError(f"there is no plan {plan} on record: it was never proposed")
    wanted = selection.sequences()
    every = _events(source.ledger, head)
    told = every if whole_ledger else _some(source.ledger, wanted)
    shelf.put(EVENTS, (line.encode("utf-8") for line in _export.json_lines(told)))
    for event in _some(source.ledger, wanted):
        _put_documents(shelf, event, plan)
    data = _canonical.dumps(resolved.to_plain())
    shelf.put(PLAN, [data])
    left_out = list(_put_releases(source, shelf, selection))
    for path, page in pages.items():
        if not PAGE.match(path):
            raise PackError(f"{path!r:.80} is not the path of a page")
        shelf.put(PAGES + path, [page])
    if review is not None:
        shelf.put(REVIEW, [review])
    return Collected(
        plan,
        selection.revision,
        _canonical.sha256_hex(data),
        selection.ended,
        head,
        tuple(left_out),
    )


def _events(ledger: Ledger, head: Head) -> Iterator[Event]:
    """Yield all events up to *head*, a part at a time: a ledger may be larger than the memory."""
    last = 0
    while last < head.sequence:
        part = list(ledger.events(after=last, most=min(AT_ONCE, head.sequence - last)))
        if not part:
            raise _damaged(last + 1)
        yield from part
        last = part[-1].sequence


def _some(ledger: Ledger, sequences: Iterable[int]) -> Iterator[Event]:
    for number in sequences:
        yield from ledger.events(after=number - 1, most=1)


def _chain(ledger: Ledger, head: Head, selection: Selection) -> Iterator[bytes]:
    """Yield the hash of each event, a line each; *selection* sees them all.

    Raises PackError where the chain is broken: such a ledger is evidence of nothing.
    """
    previous, number = NO_EVENT, 0
    for number, event in enumerate(_events(ledger, head), 1):
        is_next = (event.sequence, event.previous) == (number, previous)
        if not is_next or hash_of(event) != event.hash:
            raise _damaged(number)
        previous = event.hash
        selection.see(event)
        yield f"{event.hash}\n".encode("ascii")
    if previous != head.hash:
        raise _damaged(number)


def _damaged(number: int) -> PackError:
    return PackError(
        f"ledger (release_ledger): the chain is broken at event {number}: run the playbook ledger "
        "with release_question=audit"
    )


def _put_documents(shelf: Shelf, event: Event, plan: str) -> None:
    """Put what is in *event* as a file of its own: a revision, a statement, a policy."""
    body, number = event.body, event.sequence
    if event.kind == _kind_policy_changed.NAME:
        _put_signed(shelf, f"policies/{number}.yml", body["content"], body.get("signature"))
    elif event.subject != plan:
        return
    elif event.kind == _kind_plan_proposed.NAME:
        shelf.put(f"revisions/{body['revision']}.json", [_canonical.dumps(body["resolved"])])
    elif event.kind == _kind_statement_recorded.NAME:
        _put_signed(shelf, f"statements/{number}.json", body["statement"], body.get("signature"))


def _put_signed(shelf: Shelf, path: str, text: str, signature: str | None) -> None:
    shelf.put(path, [text.encode("utf-8")])
    if signature:
        shelf.put(f"{path}.sig", [signature.encode("utf-8")])


def _put_releases(source: Source, shelf: Shelf, selection: Selection) -> Iterator[str]:
    """Put manifest and envelopes of each release; yield a line for each envelope left out.

    The releases of earlier revisions are there where the library still has them.
    """
    for digest in sorted(selection.digests):
        if digest not in selection.latest and not source.library.holds(digest):
            continue
        folder = f"releases/{digest}"
        shelf.put(f"{folder}/manifest.json", [source.library.document(digest)])
        label = source.library.find(f"sha256:{digest}")
        yield from _put_envelopes(source, shelf, folder, label)


def _put_envelopes(source: Source, shelf: Shelf, folder: str, label: Label) -> Iterator[str]:
    found = {
        attached.digest: attached
        for kind, limit in LIMITS.items()
        for attached in source.library.attached(label.digest, kind, limit)
    }
    for digest in sorted(found):
        examined = _attachments.examine(found[digest], label, source.known)
        if examined.predicate is None:
            yield f"{label.name}:{label.version} {digest}: {examined.problem or 'it is empty'}"
            continue
        kind = KINDS.get(examined.predicate_type or "", "other")
        name = f"{kind}-{digest.rpartition(':')[2][:16]}.json"
        shelf.put(f"{folder}/{name}", [found[digest].data])
