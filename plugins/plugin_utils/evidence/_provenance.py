# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a release comes from: SLSA provenance v1, made from the record of its build.

Source: https://slsa.dev/spec/v1.0/provenance
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterable, Mapping
from typing import Any

from ...module_utils.building import _record
from ...module_utils.formats import _canonical
from ...module_utils.git import _address

PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:itops-release:build:v1"
# The number in what a program says of its version, such as "go version go1.21.3 linux/amd64"; if
# there is none with dots, one such as that of "javac 17".
VERSION = re.compile(r"\d+(?:\.\d+)+\w*(?:[-+~.]\w+)*", re.ASCII)
PLAIN_VERSION = re.compile(r"(?<![\w.-])\d+(?![\w.-])", re.ASCII)


def predicate(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the predicate for the *record* of a build, ``build.json`` as plain data.

    What was asked for is an external parameter, and what was found for it a resolved dependency:
    commits, archives, packages and tools. Secrets are in neither, as they are in no record.
    """
    try:
        return _predicate(record)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _record.RecordError(
            f"{_record.NAME} does not tell where a release comes from: it lacks "
            f"{_canonical.one_line(error)}"
        ) from None


def _predicate(record: Mapping[str, Any]) -> dict[str, Any]:
    release, definition = record["release"], record["definition"]
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {
                "release": {key: release[key] for key in ("name", "version", "serial")},
                "definition": {"path": definition["path"], "sha256": definition["sha256"]},
                "components": [
                    {"name": component["name"], "origin": _asked(component["origin"])}
                    for component in record["components"]
                ],
            },
            "internalParameters": {"environment": record["environment"]},
            "resolvedDependencies": [
                *_sources(record["components"]),
                *(_tool(tool) for tool in record["tools"]),
            ],
        },
        "runDetails": {
            "builder": {"id": _builder(record), "version": record["builder"].get("versions", {})},
            "metadata": {
                "invocationId": (record["ci"] or {}).get("url") or record["run"],
                "startedOn": record["started"],
                "finishedOn": record["ended"],
            },
        },
    }


def _asked(origin: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was asked for as a component's origin, without the secret of an address.

    Of a digest a record does not tell whether it was declared or found.
    """
    asked = {key: origin[key] for key in ("kind", "revision") if origin.get(key)}
    return {**asked, "place": _address.shown(origin["place"])}


def _sources(components: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return each source once, as a resource descriptor of in-toto."""
    found = {}
    for component in components:
        origin = component["origin"]
        place = _address.shown(origin.get("address") or origin["place"])
        if origin.get("commit"):
            name = "git+" + place + "@" + origin["commit"]
            found[name] = {"uri": name, "digest": {"gitCommit": origin["commit"]}}
        elif origin.get("sha256"):
            name = _uri(origin["kind"], place)
            found[name] = {"uri": name, "digest": {"sha256": origin["sha256"]}}
    return [found[name] for name in sorted(found)]


def _uri(kind: str, place: str) -> str:
    if kind == "wheel":
        return "pkg:pypi/" + place.replace("==", "@")
    if kind == "deb":
        return "pkg:deb/debian/" + place.replace("=", "@")
    return place if "://" in place else "file:" + place


def _tool(tool: Mapping[str, str]) -> dict[str, Any]:
    """Return a tool as a resource descriptor, which needs an address or a digest."""
    name, version = tool["name"], tool["version"]
    said = {"name": name, "annotations": {"version": version}}
    number = VERSION.search(version) or PLAIN_VERSION.search(version)
    said["uri"] = f"pkg:generic/{_quoted(name)}" + (f"@{_quoted(number[0])}" if number else "")
    if tool.get("sha256"):
        said["digest"] = {"sha256": tool["sha256"]}
    return said


def _builder(record: Mapping[str, Any]) -> str:
    """Return who answers for the build: the CI system's job, else the user on the machine."""
    if record["ci"]:
        system = record["ci"]["system"].lower().replace(" ", "-")
        return f"urn:itops-release:builder:{_quoted(system)}"
    builder = record["builder"]
    user, host = _quoted(builder["user"]), _quoted(builder["host"])
    return f"urn:itops-release:builder:{user}@{host}"


def _quoted(text: str) -> str:
    return urllib.parse.quote(text, safe="")
