# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ranges of versions as releases declare them, such as ``api >=3.1,<4``.

By PEP 440 as `packaging` reads it, or by SemVer 2.0.0 as `semantic_version` does (its SimpleSpec).
"""

from __future__ import annotations

import re
import types
from typing import TYPE_CHECKING, NamedTuple

from ...module_utils.errors._release_error import ReleaseError
from . import _schema_file

if TYPE_CHECKING:
    import packaging.specifiers
    import packaging.version
    import semantic_version

SCHEMES = ("pep440", "semver")
RANGE = re.compile(r"([a-z0-9][a-z0-9._-]{0,63})\s*(|[\^~<>=!*\s].*)", re.DOTALL)
AROUND_SIGNS = re.compile(r"(?<=[\^~<>=!,])\s+|\s+(?=,)")
NAMES = {"pep440": "PEP 440", "semver": "SemVer"}
EXPECTED = {
    "pep440": 'a name and a range by PEP 440, such as "api >=3.1,<4"',
    "semver": 'a name and a range by SemVer, such as "api >=3.1.0,<4.0.0" or "api ^3.1"',
}


class RangeError(ReleaseError):
    """A text is no range, or a version is none of its scheme; the text says what was expected."""

    code = "invalid_range"


class Range(NamedTuple):
    """Versions of what has the *name*: those in *spec*, or all where that is empty."""

    name: str
    spec: str
    scheme: str

    def __str__(self) -> str:
        return f"{self.name} {self.spec}".rstrip()

    @property
    def scheme_name(self) -> str:
        """How people call the scheme."""
        return NAMES[self.scheme]

    def has(self, version: str) -> bool:
        """Tell whether the text *version* is in this range; versions before a release count."""
        if not self.spec:
            return True
        if self.scheme == "semver":
            return _semver_spec(self.spec).match(_semver(version))
        return _pep440_spec(self.spec).contains(_pep440(version), prereleases=True)


def parse(text: str, scheme: str) -> Range:
    """Return the Range in *text*; raises RangeError."""
    match = RANGE.fullmatch(text.strip())
    if not match:
        raise RangeError(f"{text!r}; expected {EXPECTED[scheme]}")
    found = Range(match[1], match[2].strip(), scheme)
    try:
        if found.spec:
            (_semver_spec if scheme == "semver" else _pep440_spec)(found.spec)
    except ValueError:
        raise RangeError(f"{text!r}; expected {EXPECTED[scheme]}") from None
    return found


def check_version(text: str, scheme: str) -> None:
    """Raise RangeError unless *text* is a version of *scheme*."""
    (_semver if scheme == "semver" else _pep440)(text)


def _pep440(text: str) -> packaging.version.Version:
    version = _packaging().version
    try:
        return version.Version(text)
    except version.InvalidVersion:
        raise RangeError(f"{text!r} is no version by PEP 440, such as 3.1.4") from None


def _pep440_spec(text: str) -> packaging.specifiers.SpecifierSet:
    return _packaging().specifiers.SpecifierSet(text)


def _packaging() -> types.ModuleType:
    try:
        import packaging.specifiers
        import packaging.version
    except ImportError:
        raise _schema_file.MissingLibrary("packaging") from None
    return packaging


def _semver(text: str) -> semantic_version.Version:
    try:
        return _semantic_version().Version(text)
    except ValueError:
        raise RangeError(f"{text!r} is no version by SemVer, such as 3.1.4") from None


def _semver_spec(text: str) -> semantic_version.SimpleSpec:
    return _semantic_version().SimpleSpec(AROUND_SIGNS.sub("", text))


def _semantic_version() -> types.ModuleType:
    try:
        import semantic_version
    except ImportError:
        raise _schema_file.MissingLibrary("semantic-version") from None
    return semantic_version
