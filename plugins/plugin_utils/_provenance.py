# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a release comes from: SLSA provenance v1, made from the record of its build.

Source: https://slsa.dev/spec/v1.0/provenance
"""

from __future__ import annotations

from ..module_utils import _git

PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:itops-release:build:v1"


def predicate(record):
    """Return the predicate for the *record* of a build, ``build.json`` as plain data.

    What was asked for is an external parameter, and what was found for it a resolved dependency:
    commits, archives, packages and tools. Secrets are in neither, as they are in no record.
    """
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


def _asked(origin):
    """Return what was asked for as a component's origin, without the secret of an address."""
    asked = {key: origin[key] for key in ("kind", "revision", "sha256") if origin.get(key)}
    return {**asked, "place": _git.shown(origin["place"])}


def _sources(components):
    """Return each source once, as a resource descriptor of in-toto."""
    found = {}
    for component in components:
        origin = component["origin"]
        place = _git.shown(origin["place"])
        if origin.get("commit"):
            name = "git+" + place + "@" + origin["commit"]
            found[name] = {"uri": name, "digest": {"gitCommit": origin["commit"]}}
        elif origin.get("sha256"):
            name = _uri(origin["kind"], place)
            found[name] = {"uri": name, "digest": {"sha256": origin["sha256"]}}
    return [found[name] for name in sorted(found)]


def _uri(kind, place):
    if kind == "wheel":
        return "pkg:pypi/" + place.replace("==", "@")
    if kind == "deb":
        return "pkg:deb/debian/" + place.replace("=", "@")
    return place if "://" in place else "file:" + place


def _tool(tool):
    said = {"name": tool["name"], "annotations": {"version": tool["version"]}}
    if tool.get("sha256"):
        said["digest"] = {"sha256": tool["sha256"]}
    return said


def _builder(record):
    """Return who answers for the build: the CI system's job, else the user on the machine."""
    if record["ci"]:
        return "urn:itops-release:builder:" + record["ci"]["system"].lower().replace(" ", "-")
    builder = record["builder"]
    return f"urn:itops-release:builder:{builder['user']}@{builder['host']}"
