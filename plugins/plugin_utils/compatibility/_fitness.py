# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a release may come to a host: by what it requires of hosts and of what is live beside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...module_utils.release._manifest import Manifest
from ..definition import _host_requirements
from ..environment._state import (
    DeployedRelease,
    EnvironmentState,
    HostState,
    describe_unknown,
)
from ..library._catalogue import Catalogue, Label
from ..oci._layout import LibraryError
from . import _beside, _declarations
from ._beside import Incompatible


def demand_beside(
    library: Catalogue,
    label: Label | None,
    state: EnvironmentState,
    ask: Callable[[], HostState],
) -> str | None:
    """Raise Incompatible unless the release of a Label works beside what is live by *state*.

    Return the digest of the release where the host told which that is, else None.

    Without a *label*, or with one that has only the digest, the host knows the release: ``ask()``
    returns its state. That is not asked for where *state* has no hosts. A release of thousands of
    files that requires nothing is not read then, either.
    """
    if label and label.name:
        data = library.document(label.digest)
        if state.hosts or _declarations.REQUIRES in data:
            release = _declarations.read(library, label.digest, data)
            _beside.demand(library, release, state)
    elif state.hosts:
        there = ask()
        meant = DeployedRelease("", "", 0, label.digest) if label else there.previous
        if there.unknown and not meant:
            raise Incompatible([describe_unknown({there.host: there.unknown})])
        if meant:  # else the host has more to say on that
            replaced = _beside.current(there)
            _beside.demand(library, _declared(library, there, meant), state, replaced)
            return meant.digest
    return None


def demand_host(library: Catalogue, label: Label, there: Mapping[str, Any], host: str) -> int:
    """Raise Incompatible where *host* is not what the release of a Label requires of hosts.

    *there* is what the host tells of itself. Return how many bytes must stay free on it.
    """
    data = library.document(label.digest)
    if _declarations.REQUIRES_HOSTS not in data:
        return 0
    about: dict[str, Any] = dict(_declarations.read(library, label.digest, data).about)
    required = about["requires_hosts"]
    problems = _host_requirements.find_problems(required, there, host)
    if problems:
        raise Incompatible([f"{label.name} {label.version} {problem}" for problem in problems])
    return required.get("free_disk", 0)


def _declared(library: Catalogue, there: HostState, meant: DeployedRelease) -> Manifest:
    told = _beside.declared_there(there, meant)
    if told:
        return told
    digest = meant.digest
    if digest is None:
        raise Incompatible([f"cannot know what {meant.version} requires: it was adopted"])
    try:
        if library.path is None:
            raise LibraryError("no media library is given")
        return _declarations.read(library, digest)
    except LibraryError as error:
        raise Incompatible([f"cannot know what sha256:{digest[:12]} requires: {error}"]) from None
