# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a release may come to a host: by what it requires of hosts and of what is live beside."""

from __future__ import annotations

from ..definition import _host_requirements, _ranges
from ..oci._layout import LibraryError
from . import _beside, _declarations
from ._beside import Incompatible

# What stands for a release that cannot be read, or for a list that says nothing.
ERRORS = (_beside.BesideError, _declarations.DeclarationError, _ranges.RangeError)


def demand_beside(library, label, items, ask):
    """Raise Incompatible unless the release of a Label works beside what *items* tell as live.

    Return the digest of the release where the host told which that is, else None.

    Without a *label*, or with one that has only the digest, the host knows the release: ``ask()``
    returns what ``release_deployment_info`` answers there. That is not asked for without *items*.
    A release of thousands of files that requires nothing is not read without them, either.
    """
    if label and label.name:
        data = library.document(label.digest)
        if items or _declarations.REQUIRES in data:
            release = _declarations.read(library, label.digest, data)
            _beside.demand(library, release, items)
    elif items:
        answer = ask()
        meant = {"digest": label.digest} if label else answer["deployment"]["previous"]
        if meant:  # else the host has more to say on that
            replaced = _current(answer)
            _beside.demand(library, _declared(library, answer, meant), items, replaced)
            return meant["digest"]
    return None


def demand_host(library, label, there, host):
    """Raise Incompatible where *host* is not what the release of a Label requires of hosts.

    *there* is what the host tells of itself. Return how many bytes must stay free on it.
    """
    data = library.document(label.digest)
    if _declarations.REQUIRES_HOSTS not in data:
        return 0
    required = dict(_declarations.read(library, label.digest, data).about)["requires_hosts"]
    problems = _host_requirements.find_problems(required, there, host)
    if problems:
        raise Incompatible([f"{label.name} {label.version} {problem}" for problem in problems])
    return required.get("free_disk", 0)


def _current(answer):
    current = answer["deployment"]["trial"] or answer["deployment"]["live"]
    return current and _told(answer, current["digest"])


def _declared(library, answer, meant):
    digest = meant["digest"]
    told = _told(answer, digest)
    if told:
        return told
    if not digest:
        raise Incompatible([f"cannot know what {meant['version']} requires, for nobody sealed it"])
    try:
        if library.path is None:
            raise LibraryError("no media library is given")
        return _declarations.read(library, digest)
    except LibraryError as error:
        raise Incompatible([f"cannot know what sha256:{digest[:12]} requires: {error}"]) from None


def _told(answer, digest):
    plain = answer["declared"].get(digest)
    return _declarations.from_answer(plain) if plain else None
