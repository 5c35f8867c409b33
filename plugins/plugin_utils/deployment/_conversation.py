# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The conversation of the controller with one host about one deployment root."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from typing import Any, Protocol

from ...module_utils.deployment import _answer, _look, _request, _shared
from ...module_utils.errors._release_error import ReleaseError
from ...module_utils.release import _manifest
from ...module_utils.root import _state
from ...module_utils.tree import _layout
from ..adapter._transfer import TransferError
from ..compatibility import _fitness
from ..environment import _answers
from ..environment._state import HostState
from ..evidence import _signatures, _trust
from ..library import _store
from ..release import _disk_space, _scripts
from . import _options, _packs

UNSEALED_HOOK = "unsealed_hook"
BASELINE = ("in_service", "out_of_service")
MOST_PACKS = 3  # what is missing; again what was found damaged; everything


class Transport(Protocol):
    """How a host is reached. A host that is lost is an answer, HOST_LOST, not an exception."""

    def ask(self, request: _request.Request) -> _answer.Answer:
        """Carry out *request* on the host, in one call."""

    def look(self, look: _look.Look) -> dict[str, Any]:
        """Return what release_deployment_info answers, in one call.

        Raises ReleaseError where it does not answer.
        """

    def send(self, pack: str, upload_dir: str, start: int) -> int:
        """Send the file *pack* from byte *start* on; return how many bytes travelled.

        Raises TransferError, with the code _answer.HOST_LOST where the connection broke.
        """

    def is_over(self, run: str) -> bool:
        """Return whether the *run* has ended for certain."""


@dataclass
class Tally:
    """What a conversation cost, and what it passed over."""

    calls: int = 0
    sent_bytes: int = 0
    resumed_bytes: int = 0
    took_over: str | None = None
    overrides: list[str] = field(default_factory=list)

    def to_plain(self) -> dict[str, Any]:
        """Return what the task returns of this."""
        return {
            "calls": self.calls,
            "sent_bytes": self.sent_bytes,
            "resumed_bytes": self.resumed_bytes,
            "took_over": self.took_over,
            "incompatible": list(self.overrides),
        }


class Conversation:
    """Has a host do what *options* ask for; *host* is its name, for messages.

    *hooks* are files on the controller that must be as they were sealed: with the release, or,
    where that is found on the host, with what is live there; *hooks_option* names them in messages.

    ``tally`` is up to date at any time, also when ``hold`` raised an error.
    """

    def __init__(
        self,
        transport: Transport,
        options: _options.Options,
        host: str,
        pack_directory: str,
        hooks: Sequence[str] = (),
        hooks_option: str = "hooks",
    ) -> None:
        self.tally = Tally()
        self._transport = transport
        self._options = options
        self._host = host
        self._hooks = hooks
        self._hooks_option = hooks_option
        self._library = _store.Library(options.media_library)  # type: ignore[arg-type]  # no path: it holds nothing
        self._cache = _packs.PackCache(options.pack_cache or pack_directory)
        self._takeover = options.host.takeover
        self._baseline: dict[str, Any] = {}  # what was answered about what is in service

    def hold(self) -> _answer.Answer:
        """Ask the host, send it what it needs, and return its last answer.

        Raises ReleaseError for what is refused here, before or between calls; OSError.
        """
        options = self._options
        release = self._find()
        if options.trust and release and options.brings:
            self._demand_signatures(release, options.trust)
        if release and release.name and not options.hooks_of_live:
            self._demand_hooks(release.digest)
        if options.here_only:
            return _answer.Answer(outcome={"changed": False, "is_live": False})
        expected = self._demand_beside(release)
        request = options.asks_for(self._asked(release)).after(
            expected_digest=expected, overrides=tuple(self.tally.overrides)
        )
        answer = self._ask(request)
        if (not release or options.hooks_of_live) and not answer.failed:
            self._demand_hooks(answer.outcome["before"]["digest"])
        act = self._foresee if request.check else self._bring
        answer = act(request, answer).with_outcome(**self._baseline)
        if options.state == "checked" and not answer.failed:
            changes = answer.outcome["changed"]
            return answer.with_outcome(changed=False, is_live=not changes)
        return answer

    def manifest(self, digest: str | None) -> _manifest.Manifest | None:
        """Return the Manifest of *digest*, or None where no library can give it."""
        if digest is None or self._library.path is None:
            return None
        try:
            return self._library.get(digest).manifest
        except _store.LibraryError:
            return None

    def _foresee(self, request: _request.Request, answer: _answer.Answer) -> _answer.Answer:
        """Return the host's prediction, unless what it needs cannot be had or has no room.

        A host that did not know the release is told its name, and asked again.
        """
        need = answer.need
        if not need:
            return answer
        label = self._label(need)
        spare = self._demand_host(label, need)
        manifest = self._library.get(label.digest).manifest
        _layout.expected(manifest, need.links, need.seed)  # refuses what cannot be linked
        base = need.base or self._base(need)
        held = self.manifest(base)
        room = _disk_space.of_tree(manifest, held, need.resend)
        # To know the size of a pack it has to be made: that is done only when it matters.
        most = room + _disk_space.most_of_pack(manifest, held, need.resend)
        if not _disk_space.is_in(asdict(need.free), most + _disk_space.Space(spare, 0)):
            pack = self._cache.get(self._library, label.digest, base, _codec_of(need), need.resend)
            room += _disk_space.of_pack(os.path.getsize(pack))
            _disk_space.check(asdict(need.free), room, request.root, spare)
        _shared.refuse(answer.outcome["deployment"]["root"], need.unshared, manifest)
        if not answer.outcome["after"]["name"]:
            answer = self._ask(request.after(release=self._asked(label), links=need.links))
        return replace(answer, need=None, code=_answer.OK if answer.need else answer.code)

    def _bring(self, request: _request.Request, answer: _answer.Answer) -> _answer.Answer:
        """Send what the host needs, as its *answer* says, and return its last answer.

        Where what is held there is damaged, one small pack brings that again, then the whole
        release comes.
        """
        again = False
        for _attempt in range(MOST_PACKS):
            need = answer.need
            if not need:
                return answer
            if again:
                need = replace(need, resend=(), base=None, held=())
            again = bool(need.resend)
            label = self._label(need)
            base = need.base or self._base(need)
            spare = self._demand_host(label, need)
            _shared.refuse(request.root, need.unshared, self._library.get(label.digest).manifest)
            request = request.after(
                release=self._asked(label),
                upload_dir=need.upload_dir,
                links=need.links,
                resend=need.resend,
                full_pack=base is None,
                overrides=tuple(self.tally.overrides),
            )
            try:
                pack = self._send(need, base, spare)
            except TransferError as error:
                return self._explain(error, request)
            answer = self._ask(request)
            if answer.code == _answer.PACK_REFUSED:
                _packs.forget(pack)
        if answer.need:
            raise TransferError("the host lacks contents although all of them were sent")
        return answer

    def _explain(self, error: TransferError, request: _request.Request) -> _answer.Answer:
        """Return the answer to a failed transfer: another run may have come between."""
        answer = self._ask(request.after(transfer_error=str(error)))
        if answer.code in (_answer.TRANSFER_FAILED, _answer.HOST_LOST):
            raise error
        return answer

    def _find(self) -> _store.Label | None:
        """Return the Label of the release that is meant, or None where only the host can tell.

        A release named by its digest need not be in the library: the host may hold it.
        """
        reference = self._options.release
        if reference is None or reference in _options.FOUND_ON_HOST:
            return None
        try:
            if self._library.path is None:
                raise _store.LibraryError(f"media_library is needed to find {reference}")
            return self._library.find(reference)
        except _store.LibraryError:
            kind, _colon, digest = reference.partition(":")
            if kind == "sha256" and _manifest.DIGEST.match(digest):
                return _store.Label(digest, "", "", 0)
            raise

    def _demand_signatures(self, release: _store.Label, path: str) -> None:
        """Refuse a release unless it is signed as ``trust`` demands, before any call.

        What a host has been given already, and goes back to or on with as previous or current, is
        not asked for again.
        """
        trust = _trust.read(path)
        # One that only a host may have has no signatures here: this refuses it.
        label = release if release.name else self._library.find("sha256:" + release.digest)
        _signatures.demand(self._library, label, trust, datetime.now(timezone.utc))

    def _demand_hooks(self, digest: str | None) -> None:
        """Refuse hooks other than those sealed with the release *digest*, if the library has it."""
        if not self._hooks or digest is None or self._library.path is None:
            return
        if not self._library.entries_of(digest):
            return
        problems = _scripts.unsealed_hooks(self._library.get(digest).manifest, self._hooks)
        if problems:
            text = f"{self._hooks_option}: {'; '.join(problems)}"
            raise ReleaseError(text, code=UNSEALED_HOOK)

    def _demand_beside(self, release: _store.Label | None) -> str | None:
        """Refuse a release that does not work with what is live elsewhere, where that is told.

        Return its digest where only the host knew which release is meant.
        """
        options = self._options
        if options.beside is None or not options.brings or options.release == _options.CURRENT:
            return None

        def look() -> HostState:
            self.tally.calls += 1
            digest = release.digest if release else None
            wanted = _look.Look(options.root, declared=True, expected_digest=digest)
            return _answers.of_host(self._host, self._transport.look(wanted))

        with self._unless_allowed():
            return _fitness.demand_beside(self._library, release, options.beside, look)
        return None

    def _demand_host(self, label: _store.Label, need: _answer.Need) -> int:
        """Refuse a host that a release cannot work on; return how many bytes must stay free there.

        What was there before, and is repaired or gone back to, is not asked for that again.
        """
        spare = 0
        if not need.damaged and self._options.release not in _options.FOUND_ON_HOST:
            with self._unless_allowed():
                spare = _fitness.demand_host(self._library, label, dict(need.host), self._host)
        return 0 if self._options.allow_incompatible else spare

    @contextlib.contextmanager
    def _unless_allowed(self) -> Iterator[None]:
        """Pass over what is incompatible where the task allows that, and remember it."""
        try:
            yield
        except _fitness.Incompatible as error:
            if not self._options.allow_incompatible:
                raise
            known = self.tally.overrides
            known += [line for line in error.lines if line not in known]

    def _label(self, need: _answer.Need) -> _store.Label:
        """Return the Label of what the host needs, with the reason when it cannot be had."""
        try:
            if self._library.path is None:
                raise _store.LibraryError("set media_library, so that it can be sent again")
            return self._library.find("sha256:" + need.digest)
        except _store.LibraryError as error:
            if need.damaged:
                raise _store.LibraryError(f"{need.damaged}; {error}") from None
            raise

    def _base(self, need: _answer.Need) -> str | None:
        """Return the first of the releases held there that the library has too, or None."""
        return next((digest for digest in need.held if self._library.holds(digest)), None)

    def _send(self, need: _answer.Need, base: str | None, spare: int) -> str:
        """Send the pack of what the host needs on top of *base*; return its path here.

        *spare* bytes must be free beside.
        """
        wanted, upload_dir = need.digest, need.upload_dir
        if upload_dir is None:  # a host that needs a pack has made the place for it
            raise AssertionError
        path = self._cache.get(self._library, wanted, base, _codec_of(need), need.resend)
        size = os.path.getsize(path)
        start = _packs.arrived_bytes(path, need.partial)
        # What is free counts what arrived earlier: only of another pack that stays beside this.
        beside = need.partial.bytes if need.partial and not start else 0
        room = self._cache.space(path, self._library, wanted, base, need.resend)
        room += _disk_space.of_pack(size + beside)
        _disk_space.check(asdict(need.free), room, self._options.root, spare)
        sent = self._transport.send(path, upload_dir, start)
        self.tally.sent_bytes += sent
        self.tally.resumed_bytes += size - sent
        return path

    def _ask(self, request: _request.Request) -> _answer.Answer:
        """Ask the host; where a run that is over for certain holds the root, take that over."""
        # What is in service is probed in one call only, the first that is answered.
        baseline = request.baseline and not self._baseline
        request = request.after(takeover=self._takeover, baseline=baseline)
        answer = self._count(self._transport.ask(request))
        if answer.code == _answer.LEASE_HELD and answer.lease:
            holder = answer.lease["run"]
            if self._transport.is_over(holder):
                self._takeover = holder  # asking for a pack does not yet take over
                answer = self._count(self._transport.ask(request.after(takeover=holder)))
        return answer

    def _count(self, answer: _answer.Answer) -> _answer.Answer:
        self.tally.calls += 1
        if "in_service" in answer.outcome:
            self._baseline = {name: answer.outcome[name] for name in BASELINE}
        self.tally.took_over = answer.outcome.get("took_over") or self.tally.took_over
        return answer

    @staticmethod
    def _asked(label: _store.Label | None) -> _state.Release | None:
        return _state.Release(*label) if label else None


def to_result(answer: _answer.Answer, tally: Tally) -> dict[str, Any]:
    """Return what a task returns for the last *answer* of a conversation."""
    plain = {key: value for key, value in answer.to_plain().items() if key != "need"}
    return {**plain, **tally.to_plain(), "failed": answer.failed}


def error_result(error: ReleaseError, tally: Tally) -> dict[str, Any]:
    """Return what a task returns for an *error* that ended a conversation here."""
    return {
        **tally.to_plain(),
        "failed": True,
        "code": error.code,
        "msg": str(error),
        "hint": error.hint,
    }


def _codec_of(need: _answer.Need) -> str:
    """Return how a pack is compressed for a host that can read what *need* says."""
    return "zstd" if "zstd" in need.codecs else "gzip"
