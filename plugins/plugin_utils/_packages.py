# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages of others in a tree, recognised by the files that their installers leave there.

Python: ``METADATA`` (packaging.python.org/specifications/recording-installed-packages). npm: the
``package.json`` of each folder in ``node_modules`` (docs.npmjs.com/cli/configuring-npm). Debian:
``var/lib/dpkg/status`` (deb-control(5)), and ``status.d`` as images without dpkg have it.
"""

from __future__ import annotations

import email.parser
import email.policy
import json
import re
from typing import NamedTuple

from ..module_utils import _commits

LARGEST_BYTES = 16 * 1024 * 1024
LONGEST = 200  # characters of what a file says of itself
PYTHON = re.compile(r"(?:.*/)?[^/]+\.(?:dist-info/METADATA|egg-info/PKG-INFO)")
NPM = re.compile(r"(?:.*/)?node_modules/(?:@[^/@]+/)?[^/@.][^/]*/package\.json")
DEBIAN = re.compile(r"var/lib/dpkg/(?:status|status\.d/[^/]+)")
OS_RELEASE = ("etc/os-release", "usr/lib/os-release")
INSTALLED = "install ok installed"


class Package(NamedTuple):
    """A package of another project; *system* is where it comes from: ``pypi``, ``npm`` or ``deb``.

    *licence* is what it says of its own, "" where it says nothing; *path* is the file that tells.
    """

    system: str
    name: str
    version: str
    licence: str
    architecture: str
    path: str


def find(entries, read):
    """Return the Packages in a tree of ``{path: Entry}``, sorted, each once for each place.

    ``read(entry)`` returns the bytes of a file. A file that is not as it should be tells nothing.
    """
    found = []
    for path, entry in entries.items():
        if entry.type != "file" or entry.size > LARGEST_BYTES:
            continue
        for pattern, recognise in ((PYTHON, _python), (NPM, _npm), (DEBIAN, _debian)):
            if pattern.fullmatch(path):
                found += [package for package in recognise(path, read(entry)) if package.name]
    return sorted(found)


def distribution(entries, read):
    """Return the ID of the system in a tree, such as ``debian`` or ``ubuntu``."""
    for path in OS_RELEASE:
        entry = entries.get(path)
        if entry and entry.type == "file" and entry.size <= LARGEST_BYTES:
            match = re.search(rb'^ID="?([a-z0-9._-]{1,40})"?$', read(entry), re.MULTILINE)
            if match:
                return match[1].decode("ascii")
    return "debian"


def _python(path, data):
    said = _headers(data)
    licence = said.get("License-Expression") or _short(said.get("License")) or _classified(said)
    return [_package("pypi", said.get("Name"), said.get("Version"), licence, "", path)]


def _classified(said):
    """Return the licence that Trove classifiers tell, by its name."""
    for classifier in said.get_all("Classifier", []):
        parts = [part.strip() for part in str(classifier).split("::")]
        if parts[0] == "License" and len(parts) > 1 and parts[-1] != "OSI Approved":
            return parts[-1]
    return ""


def _npm(path, data):
    try:
        plain = json.loads(data)
        licence = plain.get("license") or ""
        if isinstance(licence, dict):
            licence = licence.get("type") or ""
        return [_package("npm", plain["name"], plain["version"], licence, "", path)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []


def _debian(path, data):
    found = []
    for stanza in re.split(rb"\n\s*\n", data):
        said = _headers(stanza)
        if said.get("Status", INSTALLED) == INSTALLED and said.get("Package"):
            name, version = said["Package"], said.get("Version")
            found.append(_package("deb", name, version, "", said.get("Architecture"), path))
    return found


def _headers(data):
    text = data.decode("utf-8", "replace")
    return email.parser.Parser(policy=email.policy.compat32).parsestr(text, headersonly=True)


def _package(system, name, version, licence, architecture, path):
    said = (name, version, licence, architecture)
    return Package(system, *(_short(value) for value in said), path)


def _short(value):
    """Return what a file says in a line, or "" where that is no short text."""
    text = _commits.shown(value).strip() if isinstance(value, str) else ""
    return text if len(text) <= LONGEST and "\n" not in text else ""
