# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``release_package``: the controller reads ``release.yml``, seals, and owns the media library."""

from __future__ import annotations

import contextlib
import functools
import os

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.module_utils.basic import missing_required_lib
from ansible.module_utils.common.validation import check_type_path
from ansible.plugins.action import ActionBase

from ..module_utils import _arguments, _codec, _layer, _manifest, _scan
from ..plugin_utils import (
    _action,
    _description,
    _housekeeping,
    _library,
    _lifetime,
    _release_file,
    _run,
    _schema_file,
    _sealing,
    _signatures,
    _signers,
    _source_hosts,
)

MODULE = "itops.release.release_package"


class ActionModule(ActionBase):
    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        _lifetime.end_with(_run.main_pid())
        arguments = _action.plain_arguments(
            self,
            _action.on_host(_arguments.package(), "src"),
            required_if=[
                ("state", "present", ["src", "mark"], True),
                ("state", "signed", ["release", "sign"]),
                ("state", "absent", ["release"]),
                ("state", "pruned", ["keep"]),
            ],
            required_by={"mark": ["release"]},
            mutually_exclusive=[("src", "mark")],
        )
        refused = _housekeeping.refuse(arguments)
        if refused:
            return {"failed": True, "msg": refused}
        library = _library.Library(arguments["media_library"])
        try:
            return self._act(library, arguments, task_vars)
        except OSError as error:
            reason = str(error) if error.filename else f"{library.path}: {error}"
            return {"failed": True, "msg": reason}
        except _schema_file.MissingLibrary as error:
            return {"failed": True, "msg": missing_required_lib(str(error))}
        except (
            _codec.CodecError,
            _layer.LayerError,
            _library.LibraryError,
            _manifest.ManifestError,
            _release_file.ReleaseFileError,
            _scan.ScanError,
            _sealing.SealingError,
            _signers.SigningError,
            _source_hosts.BuildHostError,
        ) as error:
            return {"failed": True, "msg": str(error)}

    def _act(self, library, arguments, task_vars):
        """Do what is asked and return the result, with a diff where one is wanted."""
        keep = not self._task.check_mode
        if arguments["state"] == "pruned":
            result, before, after = _housekeeping.prune(library, arguments, keep)
        elif arguments["state"] == "absent":
            result, before, after = _housekeeping.remove(library, arguments, keep)
        elif arguments["state"] == "signed":
            result, before, after = self._countersign(library, arguments, keep)
        elif arguments["mark"]:
            result, before, after = _housekeeping.mark(library, arguments, keep)
        else:
            result, before, after = self._seal(library, arguments, task_vars, keep)
        if self._task.diff:
            headers = dict.fromkeys(("before_header", "after_header"), library.path)
            result["diff"] = {**headers, "before": "".join(before), "after": "".join(after)}
        return result

    def _seal(self, library, arguments, task_vars, keep):
        # A key that cannot be used is told before anything is sealed.
        signer = _signers.choose(arguments["sign"], os.environ) if arguments["sign"] else None
        with self._sources(arguments, task_vars) as host:
            text = _release_file.decode(host.read(), host.definition)
            release = _release_file.parse(
                text, host.definition, arguments["version"], arguments["serial"]
            )
            stored, new = _sealing.seal(library, release, host.pack, keep=keep)
        result = {"changed": new, "release": _description.describe(stored)}
        lines = [_description.line(stored.label)] * new
        if signer:
            lines += self._sign(library, arguments, stored, signer, result, keep)
        return result, [], lines

    @contextlib.contextmanager
    def _sources(self, arguments, task_vars):
        """Give what reads and packs the sources where they are."""
        if not arguments["remote_src"]:
            src = check_type_path(arguments["src"])
            yield _source_hosts.ThisMachine(src, arguments["definition"])
            return
        folder = self._make_tmp_path()
        try:
            call = functools.partial(self._call, task_vars)
            src, definition = arguments["src"], arguments["definition"]
            yield _source_hosts.BuildHost(src, definition, folder, call, self._fetch)
        finally:
            self._remove_tmp_path(folder, force=True)

    def _call(self, task_vars, asked):
        options = {**self._task.args, "_call": asked}
        options.pop("sign", None)  # the controller's own business
        result = self._execute_module(MODULE, options, task_vars=task_vars, wrap_async=False)
        if result.get("failed"):
            raise _source_hosts.BuildHostError(result.get("msg", "the build host failed"))
        return result

    def _fetch(self, there, path):
        try:
            self._connection.fetch_file(there, path)
        except AnsibleConnectionFailure:
            raise
        except (AnsibleError, OSError) as error:
            reason, name = " ".join(str(error).split()), os.path.basename(there)
            raise _source_hosts.BuildHostError(
                f"{name} could not be fetched to {path}: {reason}"
            ) from None

    def _countersign(self, library, arguments, keep):
        signer = _signers.choose(arguments["sign"], os.environ)
        stored = library.get(library.find(arguments["release"]).digest)
        result = {"changed": False, "release": _description.describe(stored)}
        return result, [], self._sign(library, arguments, stored, signer, result, keep)

    @staticmethod
    def _sign(library, arguments, stored, signer, result, keep):
        """Sign a Stored release, tell so in *result*, and return the lines of a diff."""
        role, key = arguments["sign"]["role"], signer.public_key.fingerprint
        only_foreseen = result["changed"] and not keep  # it is not in the library
        new = only_foreseen or _signatures.sign(library, stored.label.digest, role, signer, keep)
        result["changed"] = result["changed"] or new
        result["signature"] = {"role": role, "key": key}
        label = stored.label
        return [f"{label.name}:{label.version} signed as {role} by {key}\n"] * new
