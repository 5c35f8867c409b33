# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sealing, signing and housekeeping as ``release_package`` is asked for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from ...module_utils.errors._release_error import ReleaseError
from ..definition import _release_file
from ..evidence import _attesting
from ..library import _housekeeping, _store
from ..release import _description
from . import _built, _sealing, _source_hosts

Options = dict[str, Any]


class RequestError(ReleaseError):
    """The options of a task could mean more than was meant; the text is one line."""

    code = "invalid_arguments"


@dataclass(frozen=True)
class Done:
    """What was done to the media library at *path*: a result, and lines before and after it."""

    path: str
    result: dict[str, Any]
    before: list[str]
    after: list[str]

    def with_diff(self) -> dict[str, Any]:
        """Return the result with a diff in Ansible's form."""
        headers = dict.fromkeys(("before_header", "after_header"), self.path)
        diff = {**headers, "before": "".join(self.before), "after": "".join(self.after)}
        return {**self.result, "diff": diff}


def act(
    options: Options,
    sources: Callable[[], AbstractContextManager[_source_hosts.Sources]],
    environment: Mapping[str, str],
    keep: bool,
) -> Done:
    """Do what the *options* of ``release_package`` ask for, and return what was Done.

    ``sources()`` gives the sources of a release that is to be sealed; keys are read from
    *environment*. Without *keep* nothing is written, and the same is returned.
    """
    refused = _housekeeping.refuse(options) or _attesting.refuse(options)
    if refused:
        raise RequestError(refused)
    library = _store.Library(options["media_library"])
    if options["state"] == "pruned":
        result, before, after = _housekeeping.prune(library, options, keep)
    elif options["state"] == "absent":
        result, before, after = _housekeeping.remove(library, options, keep)
    elif options["state"] == "signed":
        result, before, after = _countersign(library, options, environment, keep)
    elif options["mark"]:
        result, before, after = _housekeeping.mark(library, options, keep)
    else:
        result, before, after = _seal(library, options, sources, environment, keep)
    return Done(library.path, result, before, after)


def _seal(
    library: _store.Library,
    options: Options,
    sources: Callable[[], AbstractContextManager[_source_hosts.Sources]],
    environment: Mapping[str, str],
    keep: bool,
) -> tuple[dict[str, Any], list[str], list[str]]:
    # A key that cannot be used is reported before anything is sealed.
    vouching = _attesting.prepare(options, environment)
    with sources() as host:
        data = host.read()
        text = _release_file.decode(data, host.definition)
        release = _release_file.parse(text, host.definition, options["version"], options["serial"])
        release = _built.prepare(release, host, data)
        stored, new = _sealing.seal(library, release, host.pack, keep=keep)
    result = {"changed": new, "release": _description.describe(stored)}
    lines = [_description.line(stored.label)] * new
    sealed = _attesting.Sealed(stored, host.built, is_there=keep or not new)
    return result, [], lines + _attesting.vouch(library, vouching, sealed, result, keep)


def _countersign(
    library: _store.Library, options: Options, environment: Mapping[str, str], keep: bool
) -> tuple[dict[str, Any], list[str], list[str]]:
    vouching = _attesting.prepare(options, environment)
    stored = library.get(library.find(options["release"]).digest)
    result = {"changed": False, "release": _description.describe(stored)}
    sealed = _attesting.Sealed(stored, None, is_there=True)
    return result, [], _attesting.vouch(library, vouching, sealed, result, keep)
