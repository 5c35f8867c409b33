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

from ..module_utils.building import _as_built, _record
from ..module_utils.formats import _codec
from ..module_utils.options import _package
from ..module_utils.release import _layer, _manifest, _scan
from ..module_utils.sources import _script_digests
from ..plugin_utils.adapter import _action
from ..plugin_utils.building import _built, _sealing, _source_hosts
from ..plugin_utils.definition import _release_file, _schema_file
from ..plugin_utils.evidence import _attachments, _attesting, _sbom_file, _signers
from ..plugin_utils.library import _housekeeping, _store
from ..plugin_utils.release import _description
from ..plugin_utils.run import _identity, _lifetime

MODULE = "itops.release.release_package"


class ActionModule(ActionBase):
    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        _lifetime.end_with(_identity.main_pid())
        arguments = _action.plain_arguments(
            self,
            _action.on_host(_package.options(), "src", "workspace"),
            required_if=[
                ("state", "present", ["src", "mark"], True),
                ("state", "signed", ["release", "sign"]),
                ("state", "absent", ["release"]),
                ("state", "pruned", ["keep"]),
            ],
            required_by={"mark": ["release"]},
            mutually_exclusive=[("src", "mark")],
        )
        refused = _housekeeping.refuse(arguments) or _attesting.refuse(arguments)
        if refused:
            return {"failed": True, "msg": refused}
        library = _store.Library(arguments["media_library"])
        try:
            return self._act(library, arguments, task_vars)
        except OSError as error:
            reason = str(error) if error.filename else f"{library.path}: {error}"
            return {"failed": True, "msg": reason}
        except _schema_file.MissingLibrary as error:
            return {"failed": True, "msg": missing_required_lib(str(error))}
        except (
            _as_built.AsBuiltError,
            _sbom_file.SbomError,
            _record.RecordError,
            _codec.CodecError,
            _attachments.EvidenceError,
            _layer.LayerError,
            _store.LibraryError,
            _manifest.ManifestError,
            _release_file.ReleaseFileError,
            _scan.ScanError,
            _script_digests.ScriptError,
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
        vouching = _attesting.prepare(arguments, os.environ)
        with self._sources(arguments, task_vars) as host:
            data = host.read()
            text = _release_file.decode(data, host.definition)
            release = _release_file.parse(
                text, host.definition, arguments["version"], arguments["serial"]
            )
            release = _built.prepare(release, host, data)
            stored, new = _sealing.seal(library, release, host.pack, keep=keep)
        result = {"changed": new, "release": _description.describe(stored)}
        lines = [_description.line(stored.label)] * new
        sealed = _attesting.Sealed(stored, host.built, is_there=keep or not new)
        return result, [], lines + _attesting.vouch(library, vouching, sealed, result, keep)

    @contextlib.contextmanager
    def _sources(self, arguments, task_vars):
        """Give what reads and packs the sources where they are."""
        if not arguments["remote_src"]:
            src = check_type_path(arguments["src"])
            workspace = arguments["workspace"] and check_type_path(arguments["workspace"])
            yield _source_hosts.ThisMachine(src, arguments["definition"], workspace)
            return
        folder = self._make_tmp_path()
        try:
            call = functools.partial(self._call, task_vars)
            yield _source_hosts.BuildHost(
                arguments["src"],
                arguments["definition"],
                arguments["workspace"],
                folder,
                call,
                self._fetch,
            )
        finally:
            self._remove_tmp_path(folder, force=True)

    def _call(self, task_vars, asked):
        options = {**self._task.args, "_call": asked}
        for name in ("sign", "evidence", "sbom"):  # the controller's own business
            options.pop(name, None)
        result = self._execute_module(MODULE, options, task_vars=task_vars, wrap_async=False)
        if result.get("failed"):
            raise _source_hosts.BuildHostError(_action.why_failed(result))
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

    @staticmethod
    def _countersign(library, arguments, keep):
        vouching = _attesting.prepare(arguments, os.environ)
        stored = library.get(library.find(arguments["release"]).digest)
        result = {"changed": False, "release": _description.describe(stored)}
        sealed = _attesting.Sealed(stored, None, is_there=True)
        return result, [], _attesting.vouch(library, vouching, sealed, result, keep)
