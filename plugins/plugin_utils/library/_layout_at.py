# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which layout a media library has: a directory's, or that of a repository in an OCI registry."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..oci import _layout
from ..run import _identity

if TYPE_CHECKING:
    from ..registry._place import Place


def open_layout(path: str, environ: Mapping[str, str] | None = None) -> _layout.Layout:
    """Return the layout of the media library *path*: ``oci://host[:port]/name``, or a directory.

    *environ* says how a registry is reached: by default the environment of this process.
    """
    if not (path or "").startswith(_layout.REGISTRY):
        return _layout.Layout(path)
    # Each worker would import them for each task, and most have their library in a directory.
    from ..registry import _answers, _client, _place, _repository, _session

    environ = os.environ if environ is None else environ
    place, reach = _place.parse(path), _place.reach(environ)
    session = _session.Session(place, reach, environ)
    client = _client.Client(session, reach.patience_s)
    folder = cache_of(place, environ)
    return _repository.Registry(
        place, folder, client, _answers.Answers(folder, _identity.run_id({}))
    )


def cache_of(place: Place, environ: Mapping[str, str]) -> str:
    """Return the folder of the cache for a Place."""
    base = environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    told = re.sub(r"[^a-z0-9.-]", "_", f"{place.host}_{place.name}")[:100]
    own = hashlib.sha256(str(place).encode()).hexdigest()[:8]
    return os.path.join(base, "itops-release", "registries", f"{told}-{own}")
