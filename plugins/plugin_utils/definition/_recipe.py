# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a component is made, as ``release.yml`` declares it: its sources and its steps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ._schema_file import Mistake, Schema

KINDS = ("git", "directory", "archive", "wheel", "deb")
ONLY_FOR = {
    "revision": ("git",),
    "submodules": ("git",),
    "strip": ("archive",),
    "sha256": ("archive", "wheel", "deb"),
}
HTTPS = "https://"
# A place that git would take for a program to run, or for an option.
ODD_REPOSITORY = re.compile(r"-|[A-Za-z0-9+.-]+::|ext:", re.ASCII)


class Origin(NamedTuple):
    """Where sources come from: *place* is what *kind* says; other fields belong to one kind."""

    kind: str
    place: str
    revision: str = ""
    submodules: bool = False
    strip: int = 0
    sha256: str = ""


class Step(NamedTuple):
    """A program with its arguments, where it runs below the sources, and its seconds."""

    argv: tuple[str, ...]
    directory: str
    environment: dict[str, str]
    timeout: int


class Recipe(NamedTuple):
    """Steps in their order, what they see of the environment, and what they must leave."""

    steps: tuple[Step, ...]
    environment: dict[str, str]
    passed: tuple[str, ...]
    artifacts: tuple[str, ...]


def origin(plain: Mapping[str, Any]) -> Origin:
    """Return the Origin in the mapping ``from`` of a component, or raise Mistake."""
    kinds = [kind for kind in KINDS if kind in plain]
    if len(kinds) != 1:
        found = " and ".join(kinds) or "none"
        raise Mistake((), f"{found} of them; expected exactly one of {', '.join(KINDS)}")
    (kind,) = kinds
    for key, allowed in ONLY_FOR.items():
        if key in plain and kind not in allowed:
            raise Mistake((key,), f"not with {kind}; expected it with {' or '.join(allowed)}")
    if kind == "git":
        if "revision" not in plain:
            raise Mistake((), "revision is missing; expected the commit, tag or branch to build")
        if ODD_REPOSITORY.match(plain["git"]):
            raise Mistake(("git",), f"{plain['git']!r}; expected a URL or a path")
    if kind == "archive" and "://" in plain["archive"]:
        if not plain["archive"].startswith(HTTPS):
            raise Mistake(("archive",), f"{plain['archive']!r}; expected a path or https://")
        if "sha256" not in plain:
            raise Mistake((), "sha256 is missing; expected the digest of what is fetched")
    known = {key: plain[key] for key in ONLY_FOR if key in plain}
    if "sha256" in known:
        known["sha256"] = known["sha256"].lower()
    return Origin(kind, plain[kind], **known)


def recipe(plain: Mapping[str, Any], schema: Schema) -> Recipe:
    """Return the Recipe in the mapping ``build`` of a component, or raise Mistake."""
    rules = schema["$defs"]["step"]["properties"]
    steps = tuple(
        _step({"run": item} if isinstance(item, list) else item, index, rules)
        for index, item in enumerate(plain["steps"])
    )
    return Recipe(
        steps,
        dict(plain.get("environment", {})),
        tuple(plain.get("pass", ())),
        tuple(plain.get("artifacts", ())),
    )


def _step(plain: Mapping[str, Any], index: int, rules: Schema) -> Step:
    if ("run" in plain) == ("shell" in plain):
        raise Mistake(("steps", index), "expected exactly one of run and shell")
    argv = plain["run"] if "run" in plain else ["/bin/sh", "-euc", plain["shell"]]
    return Step(
        tuple(argv),
        plain.get("directory", rules["directory"]["default"]),
        dict(plain.get("environment", {})),
        plain.get("timeout", rules["timeout"]["default"]),
    )
