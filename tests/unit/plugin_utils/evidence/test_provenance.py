# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Provenance: what was asked for, what was found for it, by whom, and no secret."""

from __future__ import annotations

import json

import jsonschema
import pytest

from ansible_collections.itops.release.plugins.module_utils.building import _record
from ansible_collections.itops.release.plugins.plugin_utils.evidence import _provenance

COMMIT, DIGEST = "4f" * 20, "ab" * 32
GIT = {
    "kind": "git",
    "place": "https://user:s3cr3t@git.example.org/shop.git",
    "revision": "v1",
    "commit": COMMIT,
}
RECORD = {
    "format": 1,
    "run": "ada@build1.1.2-3-4",
    "release": {"name": "shop", "version": "1.0.0", "serial": 1},
    "definition": {"path": "release.yml", "sha256": DIGEST},
    "started": "2026-01-02T00:00:00Z",
    "ended": "2026-01-02T00:01:00Z",
    "builder": {"host": "build1", "user": "ada", "versions": {"ansible-core": "2.19.0"}},
    "ci": None,
    "tools": [
        {"name": "git", "version": "2.39.5", "sha256": DIGEST},
        {"name": "my tool", "version": ""},
    ],
    "environment": {"LC_ALL": "C.UTF-8"},
    "components": [
        {"name": "api", "origin": GIT},
        {"name": "web", "origin": GIT},
        {"name": "lib", "origin": {"kind": "wheel", "place": "flask==3.0.0", "sha256": DIGEST}},
        {"name": "vendor", "origin": {"kind": "archive", "place": "v.tgz", "sha256": DIGEST}},
        {"name": "docs", "origin": {"kind": "directory", "place": "docs"}},
    ],
}

# What slsa.dev/spec/v1.0/provenance and in-toto's resource descriptors demand, as a schema.
URI = {"type": "string", "pattern": r"^[a-z][a-z0-9+.-]*:[!-~]+$"}
TIME = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"}
TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
DESCRIPTOR = {
    "type": "object",
    "properties": {
        "uri": URI,
        "digest": {**TEXTS, "minProperties": 1},
        "name": {"type": "string", "minLength": 1},
        "annotations": {"type": "object"},
    },
    "additionalProperties": False,
    "anyOf": [{"required": ["uri"]}, {"required": ["digest"]}],
}


def shape(required, **properties):
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


SCHEMA = shape(
    ["buildDefinition", "runDetails"],
    buildDefinition=shape(
        ["buildType", "externalParameters"],
        buildType=URI,
        externalParameters={"type": "object"},
        internalParameters={"type": "object"},
        resolvedDependencies={"type": "array", "items": DESCRIPTOR},
    ),
    runDetails=shape(
        ["builder"],
        builder=shape(["id"], id=URI, version=TEXTS),
        metadata=shape([], invocationId={"type": "string"}, startedOn=TIME, finishedOn=TIME),
    ),
)


def test_sources_and_tools_are_dependencies_each_once():
    found = _provenance.predicate(RECORD)["buildDefinition"]["resolvedDependencies"]

    assert found == [
        {"uri": "file:v.tgz", "digest": {"sha256": DIGEST}},
        {
            "uri": f"git+https://git.example.org/shop.git@{COMMIT}",
            "digest": {"gitCommit": COMMIT},
        },
        {"uri": "pkg:pypi/flask@3.0.0", "digest": {"sha256": DIGEST}},
        {
            "name": "git",
            "uri": "pkg:generic/git@2.39.5",
            "annotations": {"version": "2.39.5"},
            "digest": {"sha256": DIGEST},
        },
        {"name": "my tool", "uri": "pkg:generic/my%20tool", "annotations": {"version": ""}},
    ]


@pytest.mark.parametrize(
    ("line", "number"),
    [
        ("Python 3.11.7", "3.11.7"),
        ("go version go1.21.3 linux/amd64", "1.21.3"),
        ('openjdk version "17.0.2" 2022-01-18', "17.0.2"),
        ("javac 17", "17"),
        ("v18.19.0-rc.1", "18.19.0-rc.1"),
        ("This is perl 5, version 36, subversion 0 (v5.36.0) built for x86_64-linux", "5.36.0"),
        ("cargo of 2026-01-02, no number", ""),
    ],
)
def test_of_what_a_tool_says_the_version_is_in_its_address(line, number):
    tool = {"name": "tool", "version": line}

    found = _provenance.predicate({**RECORD, "tools": [tool]})["buildDefinition"]

    assert found["resolvedDependencies"][-1] == {
        "name": "tool",
        "uri": "pkg:generic/tool" + (number and f"@{number}"),
        "annotations": {"version": line},
    }


def test_what_was_asked_for_is_told_apart_from_what_was_found():
    definition = _provenance.predicate(RECORD)["buildDefinition"]

    asked = definition["externalParameters"]
    assert asked["release"] == RECORD["release"]
    assert asked["components"][0] == {
        "name": "api",
        "origin": {"kind": "git", "revision": "v1", "place": "https://git.example.org/shop.git"},
    }
    assert asked["components"][2]["origin"] == {"kind": "wheel", "place": "flask==3.0.0"}
    assert definition["internalParameters"] == {"environment": {"LC_ALL": "C.UTF-8"}}


def test_who_built_is_the_job_where_there_is_one():
    by_hand = _provenance.predicate(RECORD)["runDetails"]
    job = {"system": "GitHub Actions", "url": "https://github.com/example/shop/actions/runs/7"}
    by_ci = _provenance.predicate({**RECORD, "ci": job})["runDetails"]

    assert by_hand["builder"]["id"] == "urn:itops-release:builder:ada@build1"
    assert by_hand["metadata"]["invocationId"] == "ada@build1.1.2-3-4"
    assert by_ci["builder"]["id"] == "urn:itops-release:builder:github-actions"
    assert by_ci["metadata"]["invocationId"] == job["url"]


def test_a_repository_at_a_path_is_told_by_its_address():
    origin = {**GIT, "place": ".", "address": "https://ci:s3cr3t@git.example.org/shop.git"}

    said = _provenance.predicate({**RECORD, "components": [{"name": "api", "origin": origin}]})

    definition = said["buildDefinition"]
    uri = f"git+https://git.example.org/shop.git@{COMMIT}"
    assert definition["resolvedDependencies"][0]["uri"] == uri
    assert definition["externalParameters"]["components"][0]["origin"]["place"] == "."


def test_no_secret_of_an_address_is_in_it():
    archive = {
        "kind": "archive",
        "place": "https://ci:s3cr3t@files.example.org/a.tgz?signature=s3cr3t#s3cr3t",
        "sha256": DIGEST,
    }
    record = {**RECORD, "components": [*RECORD["components"], {"name": "z", "origin": archive}]}

    said = json.dumps(_provenance.predicate(record))

    assert "s3cr3t" not in said
    assert "https://files.example.org/a.tgz" in said


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"ci": {"system": "Ünusual CI", "url": None}},
        {"builder": {"host": "h st", "user": "ada@corp\x1b", "versions": {}}},
        {"components": [], "tools": [], "environment": {}},
    ],
)
def test_a_predicate_is_as_slsa_wants_it(changes):
    said = _provenance.predicate({**RECORD, **changes})

    errors = list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(said))
    assert errors == []


@pytest.mark.parametrize("key", ["release", "builder", "components", "tools", "started"])
def test_a_record_that_lacks_something_is_refused_in_a_line(key):
    rest = {name: value for name, value in RECORD.items() if name != key}

    with pytest.raises(_record.RecordError, match=rf"^build\.json does not .*'{key}'$"):
        _provenance.predicate(rest)


@pytest.mark.parametrize("key", ["release", "builder", "components", "tools"])
def test_a_record_that_is_odd_is_refused_in_a_line(key):
    with pytest.raises(_record.RecordError, match=r"^build\.json does not tell where"):
        _provenance.predicate({**RECORD, key: 7})
