# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of ``release_deployment``: finds the release, sends what is missing."""

from __future__ import annotations

import contextlib
import functools
import json
import os
from datetime import datetime, timezone

from ansible.errors import AnsibleConnectionFailure
from ansible.module_utils.basic import missing_required_lib
from ansible.plugins.action import ActionBase

from ..module_utils.deployment import _shared
from ..module_utils.formats import _codec
from ..module_utils.options import _deployment
from ..module_utils.release import _manifest
from ..module_utils.root import _claim
from ..module_utils.tree import _layout
from ..plugin_utils.adapter import _arguments, _environment
from ..plugin_utils.compatibility import _fitness
from ..plugin_utils.definition import _schema_file
from ..plugin_utils.deployment import _compression, _host_diff, _packs, _transfer
from ..plugin_utils.evidence import _signatures, _trust
from ..plugin_utils.library import _store
from ..plugin_utils.release import _disk_space
from ..plugin_utils.run import _identity, _lifetime

MODULE = "itops.release.release_deployment"
INSPECTION = "itops.release.release_deployment_info"
ONLY_HERE = ("beside", "allow_incompatible")  # options that hosts need not know
MOST_PACKS = 3  # what is missing; again what was found damaged; everything
FOUND_ON_HOST = ("previous", "current")  # releases that only the host can tell


class ActionModule(ActionBase):
    _supports_check_mode = True
    _supports_async = False
    _supports_diff = True

    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        _lifetime.end_with(_identity.main_pid())
        self._calls = self._sent_bytes = self._resumed_bytes = 0
        self._takeover, self._took_over = {}, None
        self._despite = []
        refused = refusal(self._task.args)
        if refused:
            return {"failed": True, "msg": refused}
        arguments = _arguments.plain_arguments(
            self,
            _arguments.on_host(_deployment.options(), "root"),
            required_if=[("state", "live", ["release"]), ("state", "staged", ["release"])],
        )
        _compression.leave_to_packs(self._connection)
        try:
            with (
                _environment.hidden_environment(self, arguments["root"]) as self._environment,
                _transfer.modules_through_input(self),
            ):
                result = self._deploy(arguments, task_vars)
        except _schema_file.MissingLibrary as error:
            result = {"failed": True, "msg": missing_required_lib(str(error))}
        except _fitness.Incompatible as error:
            result = {"failed": True, "msg": str(error), "incompatible": error.lines}
        except (
            *_fitness.ERRORS,
            OSError,
            _claim.DeploymentError,
            _codec.CodecError,
            _store.LibraryError,
            _manifest.ManifestError,
            _disk_space.DiskSpaceError,
            _signatures.Refused,
            _transfer.TransferError,
            _layout.TreeError,
            _trust.TrustError,
        ) as error:
            result = {"failed": True, "msg": str(error)}
        for line in self._despite:
            self._display.warning(f"allow_incompatible: {line}")
        return {
            "incompatible": self._despite,
            **result,
            "took_over": self._took_over,
            "calls": self._calls,
            "sent_bytes": self._sent_bytes,
            "resumed_bytes": self._resumed_bytes,
        }

    def _deploy(self, arguments, task_vars):
        """Ask the host, send it what it needs, and return what it did."""
        library = _store.Library(arguments["media_library"])
        release = self._find(library, arguments)
        if arguments["trust"] and release and arguments["state"] != "absent":
            self._demand(library, release, arguments)
        only = self._demand_beside(library, release, arguments, task_vars)
        call = {
            "run": _identity.run_id(task_vars),
            "release": release._asdict() if release else None,
            "forward": _only_forward(arguments),
            "login": self._login(),
            "becomes": self._connection.become is not None,
            "links": None,
            "pack": None,
            "again": [],
            "whole": False,
            **({"only": only} if only else {}),
            **self._told_despite(),
        }
        result = self._call(arguments, call, task_vars)
        act = self._foresee if self._task.check_mode else self._bring
        result = act(library, arguments, call, result, task_vars)
        if self._task.diff and not result.get("failed"):
            find = functools.partial(self._manifest, library)
            result["diff"] = _host_diff.diff(find, result)
        return result

    def _foresee(self, library, arguments, call, result, task_vars):
        """Return the host's prediction *result*, unless what it needs cannot be had or has no room.

        A host that did not know the release is told its name, and asked again.
        """
        need = result.pop("need", None)
        if not need or result.get("failed"):
            return result
        label = self._label(library, need, arguments)
        spare = self._demand_host(library, label, need, arguments, task_vars)
        manifest = library.get(label.digest).manifest
        # Refuses what cannot be linked.
        _layout.expected(manifest, need["links"], need["seed"])
        base = need["base"] or self._base(library, need["held"])
        held = self._manifest(library, base)
        room = _disk_space.of_tree(manifest, held, need["again"])
        # To know the size of a pack it has to be made: that is done only when it matters.
        most = room + _disk_space.most_of_pack(manifest, held, need["again"])
        if not _disk_space.is_in(need["free"], most + _disk_space.Space(spare, 0)):
            cache, codec = self._cache(arguments), _codec_of(need)
            pack = cache.get(library, label.digest, base, codec, need["again"])
            room += _disk_space.of_pack(os.path.getsize(pack))
            _disk_space.check(need["free"], room, arguments["root"], spare)
        _shared.refuse(result["deployment"]["root"], need["unshared"], manifest)
        if not result["after"]["name"]:
            call = {**call, "release": label._asdict(), "links": need["links"]}
            result = self._call(arguments, call, task_vars)
            result.pop("need", None)
        return result

    def _bring(self, library, arguments, call, result, task_vars):
        """Send what the host needs, as its *result* says, and return its last answer.

        Where what is held there is damaged, one small pack brings that again, then the whole
        release comes.
        """
        again = False
        for _attempt in range(MOST_PACKS):
            need = result.pop("need", None)
            if not need or result.get("failed"):
                break
            if again:
                need = {**need, "again": [], "base": None, "held": []}
            again = bool(need["again"])
            label = self._label(library, need, arguments)
            base = need["base"] or self._base(library, need["held"])
            call = {
                **call,
                "release": label._asdict(),
                "pack": need["drop"],
                "links": need["links"],
                "again": need["again"],
                "whole": base is None,
            }
            spare = self._demand_host(library, label, need, arguments, task_vars)
            call.update(self._told_despite())
            try:
                pack = self._send(library, arguments, need, base, spare)
            except (AnsibleConnectionFailure, _transfer.TransferError) as error:
                return self._explain(error, arguments, call, task_vars)
            result = self._call(arguments, call, task_vars)
            if result.pop("pack_refused", False):
                _packs.forget(pack)
        if result.pop("need", None):
            raise _transfer.TransferError("the host lacks contents although all of them were sent")
        return result

    def _explain(self, error, arguments, call, task_vars):
        """Raise the *error* of a transfer, unless the host says that another run came between."""
        broken = " ".join(str(error).split())
        result = self._call(arguments, {**call, "broken": broken}, task_vars)
        if result.get("msg") == broken:
            raise error
        return result

    def _find(self, library, arguments):
        """Return the Label of the release that is meant, or None for the previous one, or none.

        A release named by its digest need not be in the library: the host may hold it.
        """
        reference = arguments["release"]
        if reference is None or reference in FOUND_ON_HOST:
            return None
        try:
            if arguments["media_library"] is None:
                raise _store.LibraryError(f"media_library is needed to find {reference}")
            return library.find(reference)
        except _store.LibraryError:
            kind, _colon, digest = reference.partition(":")
            if kind == "sha256" and _manifest.DIGEST.match(digest):
                return _store.Label(digest, "", "", 0)
            raise

    def _demand(self, library, release, arguments):
        """Refuse the release of a Label unless it is signed as ``trust`` demands.

        This comes before the first call to a host. What a host has been given already, and goes
        back to or on with as previous or current, is not asked for again.
        """
        if arguments["mark"]:
            return
        trust = _trust.read(arguments["trust"])
        # One that only a host may have has no signatures here: this refuses it.
        label = release if release.name else library.find("sha256:" + release.digest)
        _signatures.demand(library, label, trust, datetime.now(timezone.utc))

    def _demand_beside(self, library, release, arguments, task_vars):
        """Refuse a release that does not work beside what is live, where that is told.

        Return its digest where only the host knew which release is meant.
        """
        items = arguments["beside"]
        brings = arguments["state"] != "absent" and not arguments["mark"]
        if items is None or not brings or arguments["release"] == "current":
            return None

        def ask():
            self._calls += 1
            expected = {"_expected": release.digest} if release else {}
            options = {"root": arguments["root"], "declared": True, **expected}
            result = self._execute_module(
                INSPECTION, options, task_vars=task_vars, wrap_async=False
            )
            if result.get("failed"):
                raise _claim.DeploymentError(result["msg"])
            return result

        with self._unless_allowed(arguments):
            return _fitness.demand_beside(library, release, items, ask)
        return None

    def _demand_host(self, library, label, need, arguments, task_vars):
        """Refuse a host that a release cannot work on; return how many bytes must stay free there.

        What was there before, and is mended or gone back to, is not asked for that again.
        """
        spare = 0
        if not need["damaged"] and arguments["release"] not in FOUND_ON_HOST:
            with self._unless_allowed(arguments):
                host = task_vars["inventory_hostname"]
                spare = _fitness.demand_host(library, label, need["host"], host)
        return 0 if arguments["allow_incompatible"] else spare

    @contextlib.contextmanager
    def _unless_allowed(self, arguments):
        """Let what is incompatible pass where the task says so, and remember it."""
        try:
            yield
        except _fitness.Incompatible as error:
            if not arguments["allow_incompatible"]:
                raise
            self._despite += [line for line in error.lines if line not in self._despite]

    def _told_despite(self):
        """Return what a host is to write down of what was allowed, as a part of a call."""
        return {"despite": self._despite} if self._despite else {}

    def _label(self, library, need, arguments):
        """Return the Label of what the host needs, with the reason when it cannot be had."""
        try:
            if arguments["media_library"] is None:
                raise _store.LibraryError("give media_library, so that it can be sent again")
            return library.find("sha256:" + need["digest"])
        except _store.LibraryError as error:
            if need["damaged"]:
                raise _store.LibraryError(f"{need['damaged']}; {error}") from None
            raise

    def _base(self, library, held):
        """Return the first of the digests *held* that the library knows, or None."""
        return next((digest for digest in held if library.holds(digest)), None)

    def _send(self, library, arguments, need, base, spare):
        """Send the pack of what the host needs on top of *base*; return its path here.

        So many bytes as *spare* says must be free beside.
        """
        cache = self._cache(arguments)
        wanted, again = need["digest"], need["again"]
        path = cache.get(library, wanted, base, _codec_of(need), again)
        size = os.path.getsize(path)
        start = _transfer.arrived_bytes(path, need["partial"])
        # What is free counts what arrived earlier: only of another pack that stays beside this.
        beside = need["partial"]["bytes"] if need["partial"] and not start else 0
        room = cache.space(path, library, wanted, base, again) + _disk_space.of_pack(size + beside)
        _disk_space.check(need["free"], room, arguments["root"], spare)
        self._display.vv(f"sending {size - start} of {size} bytes to {need['drop']}")
        sent = _transfer.send(self, path, need["drop"], start, AnsibleConnectionFailure)
        self._sent_bytes += sent
        self._resumed_bytes += size - sent
        return path

    @staticmethod
    def _cache(arguments):
        return _packs.PackCache(arguments["pack_cache"] or _packs.default_directory())

    def _call(self, arguments, call, task_vars):
        """Call the module; where a run that is over for certain holds the root, take that over."""
        result = self._execute({**arguments, **self._takeover}, call, task_vars)
        lease = result.get("failed") and result.get("lease")
        if lease and _identity.is_over(lease["run"]):
            self._takeover = {"takeover": lease["run"]}  # asking for a pack does not yet do so
            result = self._execute({**arguments, **self._takeover}, call, task_vars)
        self._took_over = result.pop("took_over", None) or self._took_over
        return result

    def _execute(self, arguments, call, task_vars):
        self._calls += 1
        hidden = {name: arguments[name] for name in _deployment.HIDDEN}
        told = {
            name: value
            for name, value in arguments.items()
            if name not in hidden and name not in ONLY_HERE
        }
        result = self._execute_module(
            MODULE,
            {
                **_arguments.to_module(told),
                "_hidden": json.dumps({**hidden, "environment": self._environment}),
                "_call": call,
            },
            task_vars=task_vars,
            wrap_async=False,
        )
        shown = result.get("invocation", {}).get("module_args", {})
        for name in (*hidden, "_hidden", "_call"):
            shown.pop(name, None)
        return result

    def _login(self):
        """Return the name of the user that the connection logs in as, or None."""
        try:
            return self._connection.get_option("remote_user")
        except KeyError:
            return self._play_context.remote_user

    @staticmethod
    def _manifest(library, digest):
        """Return the Manifest of *digest*, or None where no library can give it."""
        if digest is None or library.path is None:
            return None
        try:
            return library.get(digest).manifest
        except _store.LibraryError:
            return None


def refusal(given):
    """Return why the arguments *given* to a task could mean more than was meant, or None."""
    state, mark = given.get("state"), given.get("mark")
    named = given.get("release") not in (None, "", *FOUND_ON_HOST)
    if state == "absent" and mark:
        return "mark and state: absent exclude each other: nothing was removed"
    if state == "absent" and "release" in given and not named:
        return "with state: absent, name one release, or leave release out to remove everything"
    if (mark or state == "staged") and not named:
        what = "mark" if mark else "state: staged"
        return f"{what} needs the release that it is about, as name:version or sha256:<digest>"
    return None


def _only_forward(arguments):
    """Tell whether the release may not be older than what is live: a digest says that it may."""
    reference = arguments["release"] or "previous"
    explicit = reference in FOUND_ON_HOST or reference.startswith("sha256:")
    return not (explicit or arguments["allow_downgrade"])


def _codec_of(need):
    """Return how a pack is compressed for a host that reads the codecs in *need*."""
    return "zstd" if "zstd" in need["codecs"] else "gzip"
