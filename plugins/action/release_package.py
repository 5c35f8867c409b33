# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``release_package``: the controller reads ``release.yml``, seals, and owns the media library."""

from __future__ import annotations

import os
import tempfile

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.module_utils.basic import missing_required_lib
from ansible.plugins.action import ActionBase

from ..module_utils import _arguments, _canonical, _codec, _layer, _manifest, _scan
from ..plugin_utils import _action, _description, _library, _release_file, _sealing

MODULE = "itops.release.release_package"


class ActionModule(ActionBase):
    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        arguments = _action.plain_arguments(
            self,
            _arguments.package(),
            required_if=[("state", "present", ["src"]), ("state", "absent", ["release"])],
        )
        library = _library.Library(arguments["media_library"])
        try:
            if arguments["state"] == "absent":
                return self._remove(library, arguments["release"])
            return self._seal(library, arguments, task_vars)
        except OSError as error:
            reason = str(error) if error.filename else f"{library.path}: {error}"
            return {"failed": True, "msg": reason}
        except _release_file.MissingLibrary as error:
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
        ) as error:
            return {"failed": True, "msg": str(error)}

    def _remove(self, library, reference):
        kind, _colon, rest = reference.partition(":")
        wanted = _manifest.VERSION if kind != "sha256" else _manifest.DIGEST
        if not (_manifest.NAME.match(kind) and wanted.match(rest)):
            raise _library.LibraryError(
                f"release {reference!r} is neither name:version nor sha256:<release digest>"
            )
        there = [
            label.digest
            for label in library.labels()
            if reference in (f"{label.name}:{label.version}", f"sha256:{label.digest}")
        ]
        if self._task.check_mode:
            return {"changed": bool(there)}
        # A damaged release is in no list; only its digest still tells which one it is.
        digests = [rest] if kind == "sha256" else there
        return {"changed": any(library.remove(digest) for digest in digests)}

    def _seal(self, library, arguments, task_vars):
        definition = os.path.join(arguments["src"], arguments["definition"])
        if arguments["remote_src"]:
            host = _BuildHost(self, definition, task_vars)
        else:
            host = _ThisMachine(definition)
        with host:
            release = _release_file.parse(
                host.read(), definition, arguments["version"], arguments["serial"]
            )
            stored, new = _sealing.seal(library, release, host.pack, keep=not self._task.check_mode)
        return {"changed": new, "release": _description.describe(stored)}


class _BuildHostError(ValueError):
    """The build host could not do its part."""


class _ThisMachine:
    """Sources on the controller, in the folder of the file *definition*."""

    def __init__(self, definition):
        self._definition = definition

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        return None

    def read(self):
        """Return the text of ``release.yml``."""
        with open(self._definition, "rb") as stream:
            return _text(stream.read(), self._definition)

    def pack(self, source, path):
        """Write the layer of a ComponentSource to *path*; return its entries and codec."""
        return _sealing.pack_here(os.path.dirname(self._definition))(source, path)


class _BuildHost:
    """Sources in the folder of *definition* on the task's host: packed there, and fetched."""

    def __init__(self, action, definition, task_vars):
        self._action = action
        self._definition = definition
        self._task_vars = task_vars
        self._folder = None

    def __enter__(self):
        self._folder = self._action._make_tmp_path()
        return self

    def __exit__(self, *exception):
        self._action._remove_tmp_path(self._folder, force=True)

    def read(self):
        """Return the text of ``release.yml``."""
        self._call({"read": self._definition, "to": self._folder + "definition"})
        return _text(self._fetch("definition", None), self._definition)

    def pack(self, source, path):
        """Have the layer packed on the host, fetch it to *path*; return its entries and codec."""
        answer = self._call(
            {
                "pack": source._asdict(),
                "root": os.path.join(os.path.dirname(self._definition), source.source),
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
            {**self._action._task.args, "_call": call},
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


def _text(data, path):
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _release_file.ReleaseFileError(
            f"{path}:{line}: not UTF-8; expected YAML in UTF-8"
        ) from None
