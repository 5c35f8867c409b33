# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was there before: a release that another tool made live, kept as the way back.

Capistrano (https://capistranorb.com/documentation/getting-started/structure/), ansistrano and
``community.general.deploy_helper`` lay a root out alike: ``current`` is a link, absolute or not,
to a directory right below ``releases``, and ``shared`` holds what outlives a release.
"""

from __future__ import annotations

import os

from ..files import _paths
from . import _directory, _records, _state


def find(path: str) -> str | None:
    """Return the name in ``releases`` that ``current`` leads to at *path*, or None for no current.

    Raises RootError for a ``current`` that is anything else: nothing of that could be returned to.
    """
    current = os.path.join(_paths.local(path), "current")
    if not os.path.lexists(current):
        return None
    if not os.path.islink(current):
        raise _directory.RootError(
            "%s is not a link, so it cannot be adopted: nothing was touched" % current
        )
    target = os.readlink(current)
    name = _directory.tree_of_link(path, target)
    releases = os.path.join(_paths.local(path), "releases")
    if name is None or not os.path.isdir(os.path.join(releases, name)):
        raise _directory.RootError(
            "%s leads to %r, not to a directory in %s, so it cannot be adopted: "
            "nothing was touched" % (current, target, releases)
        )
    return name


def record(state: _state.State, tree: str, now: str) -> None:
    """Note *tree*, which nobody has verified, as the release that is live and good."""
    identity = _state.ADOPTED + tree
    state.trees[tree] = _records.TreeRecord(
        name="adopted",
        version=tree,
        serial=0,
        digest=identity,
        links=(),
        token=state.token,
        at=now,
        adopted=True,
    )
    state.live = tree
    state.good = [identity]
    state.since = now
