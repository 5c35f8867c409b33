# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan of a build: what a build host is asked to build, and what is refused before."""

from __future__ import annotations

import json

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.building import _plan
from ansible_collections.itops.release.plugins.plugin_utils.definition import _release_file

FROM = {"git": "../x", "revision": "main"}


def components(*declared):
    """Return what is to be built of a release.yml with the components *declared*."""
    plain = {"name": "shop", "version": "1", "serial": 1}
    plain["components"] = [{"kind": "files", **each} for each in declared]
    return _plan.components(_release_file.parse(json.dumps(plain), "release.yml"))


def order(*declared):
    return {each["name"]: each["after"] for each in components(*declared)}


def test_components_come_after_those_that_they_require():
    assert order(
        {"name": "app", "from": FROM, "requires": ["lib >=1", "bus", "outside"]},
        {"name": "lib", "from": FROM, "requires": ["lib"]},
        {"name": "core", "from": FROM, "provides": {"bus": "1"}, "requires": ["data"]},
        {"name": "data"},  # which is not built
    ) == {"app": ["core", "lib"], "core": [], "lib": []}


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        (
            [
                {"name": "a", "from": FROM, "requires": ["b"]},
                {"name": "b", "from": FROM, "requires": ["c"]},
                {"name": "c", "from": FROM, "requires": ["a"]},
                {"name": "d", "from": FROM},
            ],
            "components require each other in a circle: a and b and c",
        ),
        ([{"name": "a"}], "no component of the release has from"),
        (
            [
                {"name": "a", "from": FROM, "version": "2", "requires": ["b >=2"]},
                {"name": "b", "version": "1.0"},  # which is not built
            ],
            "a 2 requires b >=2; this release has b 1.0",
        ),
        ([{"name": "build.json", "from": FROM}], "has the name of a build's record"),
        (
            [{"name": "a", "from": {"git": "https://t0ken@example.org/x", "revision": "1"}}],
            "a: the address https://example.org/x has a user or password in it",
        ),
        (
            [{"name": "a", "from": {"git": "ssh://me:pass@example.org/x", "revision": "1"}}],
            "has a user or password in it",
        ),
        (
            [{"name": "a", "from": {"archive": "https://u:p@example.org/x", "sha256": "0" * 64}}],
            "has a user or password in it",
        ),
    ],
)
def test_what_cannot_be_built_is_refused_by_name(declared, words):
    with pytest.raises((_plan.BuildingError, _release_file.ReleaseFileError)) as caught:
        components(*declared)

    assert words in str(caught.value)
    assert "t0ken" not in str(caught.value)


@pytest.mark.parametrize("place", ["ssh://git@example.org/x", "git@example.org:x", "/srv/x@y"])
def test_the_name_of_a_user_for_ssh_is_no_secret(place):
    assert components({"name": "a", "from": {"git": place, "revision": "1"}})


def test_versions_are_those_of_this_collection():
    versions = _plan.versions("2.19.0")

    assert versions["ansible-core"] == "2.19.0"
    assert versions["itops.release"][0].isdigit()
