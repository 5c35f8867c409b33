# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Provenance: what was asked for, what was found for it, by whom, and no secret."""

from __future__ import annotations

import json

from ansible_collections.itops.release.plugins.plugin_utils import _provenance

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
    "tools": [{"name": "git", "version": "2.39.5", "sha256": DIGEST}],
    "environment": {"LC_ALL": "C.UTF-8"},
    "components": [
        {"name": "api", "origin": GIT},
        {"name": "web", "origin": GIT},
        {"name": "lib", "origin": {"kind": "wheel", "place": "flask==3.0.0", "sha256": DIGEST}},
        {"name": "vendor", "origin": {"kind": "archive", "place": "v.tgz", "sha256": DIGEST}},
        {"name": "docs", "origin": {"kind": "directory", "place": "docs"}},
    ],
}


def test_sources_and_tools_are_dependencies_each_once():
    found = _provenance.predicate(RECORD)["buildDefinition"]["resolvedDependencies"]

    assert found == [
        {"uri": "file:v.tgz", "digest": {"sha256": DIGEST}},
        {
            "uri": f"git+https://git.example.org/shop.git@{COMMIT}",
            "digest": {"gitCommit": COMMIT},
        },
        {"uri": "pkg:pypi/flask@3.0.0", "digest": {"sha256": DIGEST}},
        {"name": "git", "annotations": {"version": "2.39.5"}, "digest": {"sha256": DIGEST}},
    ]


def test_what_was_asked_for_is_told_apart_from_what_was_found():
    definition = _provenance.predicate(RECORD)["buildDefinition"]

    asked = definition["externalParameters"]
    assert asked["release"] == RECORD["release"]
    assert asked["components"][0] == {
        "name": "api",
        "origin": {"kind": "git", "revision": "v1", "place": "https://git.example.org/shop.git"},
    }
    assert definition["internalParameters"] == {"environment": {"LC_ALL": "C.UTF-8"}}


def test_who_built_is_the_job_where_there_is_one():
    by_hand = _provenance.predicate(RECORD)["runDetails"]
    job = {"system": "GitHub Actions", "url": "https://github.com/example/shop/actions/runs/7"}
    by_ci = _provenance.predicate({**RECORD, "ci": job})["runDetails"]

    assert by_hand["builder"]["id"] == "urn:itops-release:builder:ada@build1"
    assert by_hand["metadata"]["invocationId"] == "ada@build1.1.2-3-4"
    assert by_ci["builder"]["id"] == "urn:itops-release:builder:github-actions"
    assert by_ci["metadata"]["invocationId"] == job["url"]


def test_no_secret_of_an_address_is_in_it():
    assert "s3cr3t" not in json.dumps(_provenance.predicate(RECORD))
