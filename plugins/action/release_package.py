# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``release_package``: the controller reads ``release.yml``, seals, and owns the media library."""

from __future__ import annotations

import os
import tempfile

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.module_utils.basic import missing_required_lib
from ansible.module_utils.common.validation import check_type_path
from ansible.plugins.action import ActionBase

from ..module_utils import _arguments, _canonical, _codec, _layer, _manifest, _scan
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
            _BuildHostError,
            _codec.CodecError,
            _layer.LayerError,
            _library.LibraryError,
            _manifest.ManifestError,
            _release_file.ReleaseFileError,
            _scan.ScanError,
            _sealing.SealingError,
            _signers.SigningError,
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
        if arguments["remote_src"]:
            host = _BuildHost(self, arguments, task_vars)
        else:
            host = _ThisMachine(check_type_path(arguments["src"]), arguments["definition"])
        with host:
            release = _release_file.parse(
                host.read(), host.definition, arguments["version"], arguments["serial"]
            )
            stored, new = _sealing.seal(library, release, host.pack, keep=keep)
        result = {"changed": new, "release": _description.describe(stored)}
        lines = [_description.line(stored.label)] * new
        if signer:
            lines += self._sign(library, arguments, stored, signer, result, keep)
        return result, [], lines

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


class _BuildHostError(ValueError):
    """The build host could not do its part."""


class _ThisMachine:
    """Sources on the controller, in the folder of the file *definition* below *src*."""

    def __init__(self, src, definition):
        self.definition = os.path.join(src, definition)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        return None

    def read(self):
        """Return the text of ``release.yml``."""
        try:
            with open(self.definition, "rb") as stream:
                return _text(stream.read(), self.definition)
        except OSError as error:
            raise _release_file.ReleaseFileError(
                f"{self.definition}: {error.strerror}; src is the folder with the file that says "
                "what is released, and definition its path there"
            ) from None

    def pack(self, source, path):
        """Write the layer of a ComponentSource to *path*; return its entries and codec."""
        return _sealing.pack_here(os.path.dirname(self.definition))(source, path)


class _BuildHost:
    """Sources on the task's host, where ``src`` is looked up: packed there, and fetched."""

    def __init__(self, action, arguments, task_vars):
        self.definition = os.path.join(arguments["src"], arguments["definition"])
        self._below_src = arguments["definition"]
        self._action = action
        self._task_vars = task_vars
        self._folder = None

    def __enter__(self):
        self._folder = self._action._make_tmp_path()
        return self

    def __exit__(self, *exception):
        self._action._remove_tmp_path(self._folder, force=True)

    def read(self):
        """Return the text of ``release.yml``."""
        self._call({"read": self._below_src, "to": self._folder + "definition"})
        return _text(self._fetch("definition", None), self.definition)

    def pack(self, source, path):
        """Have the layer packed on the host, fetch it to *path*; return its entries and codec."""
        answer = self._call(
            {
                "pack": source.packing(),
                "root": os.path.join(os.path.dirname(self._below_src), source.source),
                "layer": self._folder + "layer",
                "entries": self._folder + "entries",
            }
        )
        self._fetch("layer", path)
        try:
            plain = _canonical.loads(self._fetch("entries", None))
            entries = [_manifest.entry_from_plain(item) for item in plain]
        except (TypeError, _canonical.CanonicalError) as error:
            raise _BuildHostError(f"what the build host says it packed is odd: {error}") from None
        # The layer is believed only after it was read through with these entries.
        with open(path, "rb") as stream, _codec.reader(answer["codec"], stream) as read_bytes:
            _layer.read(entries, read_bytes, lambda entry: None)
        return entries, answer["codec"]

    def _call(self, call):
        result = self._action._execute_module(
            MODULE,
            {**_without(self._action._task.args, "sign"), "_call": call},
            task_vars=self._task_vars,
            wrap_async=False,
        )
        if result.get("failed"):
            raise _BuildHostError(result.get("msg", "the build host failed"))
        return result

    def _fetch(self, name, path):
        """Fetch a file from the host's temporary folder to *path*, or return its bytes."""
        if path is None:
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, name)
                self._fetch(name, path)
                with open(path, "rb") as stream:
                    return stream.read()
        try:
            return self._action._connection.fetch_file(self._folder + name, path)
        except AnsibleConnectionFailure:
            raise
        except (AnsibleError, OSError) as error:
            reason = " ".join(str(error).split())
            raise _BuildHostError(f"{name} could not be fetched to {path}: {reason}") from None


def _without(options, name):
    """Return *options* without one that is the controller's own business."""
    return {key: value for key, value in options.items() if key != name}


def _text(data, path):
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _release_file.ReleaseFileError(
            f"{path}:{line}: not UTF-8; expected YAML in UTF-8"
        ) from None
