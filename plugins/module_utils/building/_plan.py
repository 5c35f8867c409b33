# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a build: the keys of what the controller sends to a build host as JSON."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple, TypedDict


class Release(TypedDict):
    """What is released."""

    name: str
    version: str
    serial: int


class Definition(TypedDict):
    """The ``release.yml`` that the plan was made from."""

    path: str
    sha256: str


class Origin(TypedDict):
    """Where sources come from: *place* is what *kind* says; other keys belong to one kind."""

    kind: str
    place: str
    revision: str
    submodules: bool
    strip: int
    sha256: str


class Step(TypedDict):
    """A program with its arguments, where it runs below the sources, and its seconds."""

    argv: List[str]
    directory: str
    environment: Dict[str, str]
    timeout: int


class Component(TypedDict):
    """One component that is built; *packing* is what sealing it depends on.

    *after* are the components that are built before it, *passed* the variables of the builder that
    its steps see, and *artifacts* globs of what they must leave.
    """

    name: str
    version: str
    kind: str
    source: str
    packing: Dict[str, Any]
    origin: Origin
    steps: List[Step]
    environment: Dict[str, str]
    passed: List[str]
    artifacts: List[str]
    after: List[str]


class Plan(TypedDict):
    """A whole build. With *check* it only looks; *patience* are seconds without being polled.

    *folder* is that of the definition, *scripts* are pairs of a use and its globs, *versions* those
    of what the controller runs, and *ci* is the job there, as in the record.
    """

    run: str
    release: Release
    definition: Definition
    folder: str
    workspace: str
    check: bool
    rebuild: str
    require_reproducible: bool
    patience: float
    versions: Dict[str, str]
    ci: Optional[Dict[str, Any]]
    components: List[Component]
    scripts: List[Tuple[str, List[str]]]
