# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of ``release_deployment``: finds the release, sends what is missing."""

from __future__ import annotations

import os

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase

from ..module_utils import _arguments, _codec, _manifest, _tree
from ..plugin_utils import _action, _comparison, _library, _packs

MODULE = "itops.release.release_deployment"


class ActionModule(ActionBase):
    _supports_check_mode = True
    _supports_async = False
    _supports_diff = True

    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        self._calls = self._sent_bytes = 0
        refused = self._refuse(self._task.args)
        if refused:
            return {"failed": True, "msg": refused}
        arguments = _action.plain_arguments(
            self,
            _action.on_host(_arguments.deployment(), "root"),
            required_if=[("state", "live", ["release"]), ("state", "staged", ["release"])],
        )
        try:
            result = self._deploy(arguments, task_vars)
        except (
            OSError,
            _codec.CodecError,
            _library.LibraryError,
            _manifest.ManifestError,
            _tree.TreeError,
        ) as error:
            result = {"failed": True, "msg": str(error)}
        return {**result, "calls": self._calls, "sent_bytes": self._sent_bytes}

    @staticmethod
    def _refuse(given):
        """Return why the task's arguments could mean more than was meant, or None."""
        removing = given.get("state") == "absent"
        if removing and given.get("release", "none") in (None, "", "previous"):
            return "with state: absent, name one release, or leave release out to remove everything"
        if removing and given.get("mark"):
            return "mark and state: absent exclude each other: nothing was removed"
        if given.get("mark") and given.get("release") in (None, "", "previous"):
            return "mark needs the release that it is about, as name:version or sha256:<digest>"
        return None

    def _deploy(self, arguments, task_vars):
        """Ask the host, send it what it needs, and return what it did."""
        library = _library.Library(arguments["media_library"])
        release = self._find(library, arguments)
        call = {
            "run": _action.run_name(task_vars),
            "release": release._asdict() if release else None,
            "login": self._login(),
            "becomes": self._connection.become is not None,
            "links": None,
            "pack": None,
            "again": [],
            "whole": False,
        }
        result = self._call(arguments, call, task_vars)
        # A second pack brings what of the first one's base turned out to be damaged, or everything.
        for _attempt in range(2):
            need = result.pop("need", None)
            if not need or result.get("failed"):
                break
            label = self._label(library, need, arguments)
            if self._task.check_mode:
                manifest = library.get(label.digest).manifest
                # Refuses what cannot be linked.
                _tree.expected(manifest, need["links"], arguments["seed"])
                if not result["after"]["name"]:  # the host did not know it: tell, and ask again
                    call = {**call, "release": label._asdict(), "links": need["links"]}
                    result = self._call(arguments, call, task_vars)
                    result.pop("need", None)
                break
            base = need["base"] or self._base(library, need["held"])
            pack = self._send(library, arguments, need, base)
            call = {
                **call,
                "release": label._asdict(),
                "pack": pack,
                "links": need["links"],
                "again": need["again"],
                "whole": base is None,
            }
            result = self._call(arguments, call, task_vars)
            if result.pop("pack_refused", False):
                _packs.forget(self._pack)
        if self._task.diff and not result.get("failed"):
            result["diff"] = self._diff(library, result)
        return result

    def _find(self, library, arguments):
        """Return the Label of the release that is meant, or None for the previous one, or none.

        A release named by its digest need not be in the library: the host may hold it.
        """
        reference = arguments["release"]
        if reference is None or reference in ("previous", "current"):
            return None
        try:
            if arguments["media_library"] is None:
                raise _library.LibraryError(f"media_library is needed to find {reference}")
            return library.find(reference)
        except _library.LibraryError:
            kind, _colon, digest = reference.partition(":")
            if kind == "sha256" and _manifest.DIGEST.match(digest):
                return _library.Label(digest, "", "", 0)
            raise

    def _label(self, library, need, arguments):
        """Return the Label of what the host needs, with the reason when it cannot be had."""
        try:
            if arguments["media_library"] is None:
                raise _library.LibraryError("give media_library, so that it can be sent again")
            return library.find("sha256:" + need["digest"])
        except _library.LibraryError as error:
            if need["damaged"]:
                raise _library.LibraryError(f"{need['damaged']}; {error}") from None
            raise

    def _base(self, library, held):
        """Return the first of the digests *held* that the library knows, or None."""
        known = {label.digest for label in library.labels()}
        return next((digest for digest in held if digest in known), None)

    def _send(self, library, arguments, need, base):
        """Send the pack of what the host needs on top of *base*; return its path there."""
        cache = _packs.PackCache(arguments["pack_cache"] or _action.cache_directory())
        codec = "zstd" if "zstd" in need["codecs"] else "gzip"
        self._pack = path = cache.get(library, need["digest"], base, codec, need["again"])
        self._sent_bytes += os.path.getsize(path)
        self._display.vv(f"sending {os.path.getsize(path)} bytes to {need['drop']}")
        try:
            self._put(path, need["drop"] + "/pack")
            return need["drop"]
        except AnsibleConnectionFailure:
            raise
        except (AnsibleError, OSError) as error:
            # What arrived of it must not keep a disk full.
            self._low_level_execute_command(self._connection._shell.remove(need["drop"]))
            reason = " ".join(str(error).split())
            raise _library.LibraryError(f"the pack could not be sent: {reason}") from error

    def _put(self, path, there):
        try:
            self._connection.put_file(path, there)
        except FileNotFoundError:
            # Podman's connection sees a container's own files, but not the volumes in it.
            near = self._make_tmp_path() + "pack"
            self._connection.put_file(path, near)
            move = (
                f"mv {self._connection._shell.quote(near)} {self._connection._shell.quote(there)}"
            )
            moved = self._low_level_execute_command(move, sudoable=False)
            if moved["rc"]:
                raise OSError(moved["stderr"]) from None

    def _call(self, arguments, call, task_vars):
        self._calls += 1
        result = self._execute_module(
            MODULE,
            {**_action.to_module(arguments), "_call": call},
            task_vars=task_vars,
            wrap_async=False,
        )
        result.get("invocation", {}).get("module_args", {}).pop("_call", None)
        return result

    def _login(self):
        """Return the name of the user that the connection logs in as, or None."""
        try:
            return self._connection.get_option("remote_user")
        except KeyError:
            return self._play_context.remote_user

    def _diff(self, library, result):
        """Return the diff of what was here and what is, with the files where they are known."""
        sides = (result["before"], result["after"])
        texts = ("", "")
        if sides[0]["digest"] != sides[1]["digest"]:
            trees = [self._tree(library, side["digest"]) for side in sides]
            if None not in trees:
                texts = _comparison.difference(*trees)
        root = result["deployment"]["root"]
        before, after = (
            _describe(side) + text if result["changed"] else ""
            for side, text in zip(sides, texts, strict=True)
        )
        return {"before_header": root, "after_header": root, "before": before, "after": after}

    def _tree(self, library, digest):
        """Return the release tree of *digest* as ``{path: Entry}``; None when it is not known."""
        if digest is None:
            return {}
        try:
            return _manifest.tree(library.get(digest).manifest)
        except (_library.LibraryError, TypeError):
            return None


def _describe(side):
    """Return one side of a diff: what is current, and which releases are held."""
    current = f"{side['name']} {side['version']}" if side["tree"] else "nothing"
    lines = [f"current: {current} ({side['phase']})", *map("release: {}".format, side["releases"])]
    return "".join(f"{line}\n" for line in lines)
