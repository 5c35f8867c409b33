# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bills of materials: what files tell of themselves, as the official schema wants it."""

from __future__ import annotations

import json

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.itops.release.plugins.plugin_utils import _bill, _packages
from ansible_collections.itops.release.tests.unit.plugins.estate import (
    component,
    file,
    link,
    manifest,
    sha256,
)

METADATA = "Metadata-Version: 2.4\nName: Flask\nVersion: 3.0.0\nLicense-Expression: BSD-3-Clause\n"
STATUS = """\
Package: nginx
Status: install ok installed
Architecture: amd64
Version: 1:1.22.1-9+deb12u1
Description: small
 Package: not me

Package: gone
Status: deinstall ok config-files
Version: 1
"""


def tree(**files):
    """Return the component with the *files* ``{path: text}``, and how to read them."""
    return {path: file(path, text) for path, text in files.items()}, reader(files)


def reader(files):
    by_digest = {sha256(text): text.encode("utf-8") for text in files.values()}
    return lambda entry: by_digest[entry.sha256]


def find(files):
    entries, read = tree(**files)
    return [tuple(package)[:5] for package in _packages.find(entries, read)]


@pytest.mark.parametrize(
    ("path", "text", "package"),
    [
        (
            "lib/flask-3.0.0.dist-info/METADATA",
            METADATA,
            ("pypi", "Flask", "3.0.0", "BSD-3-Clause", ""),
        ),
        (
            "a.dist-info/METADATA",
            "Name: a\nVersion: 1\nLicense: MIT\n\nName: not me\n",
            ("pypi", "a", "1", "MIT", ""),
        ),
        (
            "a.dist-info/METADATA",
            "Name: a\nVersion: 1\nLicense: "
            + "long " * 90
            + "\nClassifier: License :: OSI Approved :: MIT License\n",
            ("pypi", "a", "1", "MIT License", ""),
        ),
        ("x/a.egg-info/PKG-INFO", "Name: a\nVersion: 1\n", ("pypi", "a", "1", "", "")),
        (
            "ui/node_modules/left-pad/package.json",
            '{"name": "left-pad", "version": "1.3.0", "license": "WTFPL"}',
            ("npm", "left-pad", "1.3.0", "WTFPL", ""),
        ),
        (
            "node_modules/@vue/core/package.json",
            '{"name": "@vue/core", "version": "3.0.0", "license": {"type": "MIT", "url": "x"}}',
            ("npm", "@vue/core", "3.0.0", "MIT", ""),
        ),
        (
            "node_modules/a/node_modules/b/package.json",
            '{"name": "b", "version": "1"}',
            ("npm", "b", "1", "", ""),
        ),
        ("var/lib/dpkg/status", STATUS, ("deb", "nginx", "1:1.22.1-9+deb12u1", "", "amd64")),
        (
            "var/lib/dpkg/status.d/base",
            "Package: base-files\nVersion: 12\n",
            ("deb", "base-files", "12", "", ""),
        ),
    ],
)
def test_a_package_is_recognised_by_what_its_installer_left(path, text, package):
    assert find({path: text}) == [package]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("METADATA", METADATA),
        ("docs/var/lib/dpkg/status", STATUS),
        ("node_modules/a/lib/package.json", '{"name": "b", "version": "1"}'),
        ("node_modules/.cache/package.json", '{"name": "b", "version": "1"}'),
        ("package.json", '{"name": "b", "version": "1"}'),
        ("node_modules/a/package.json", '{"name": "b"}'),
        ("node_modules/a/package.json", '["name"]'),
        ("node_modules/a/package.json", "[" * 100_000),
        ("a.dist-info/METADATA", "Version: 1\n"),
        ("a.dist-info/METADATA", ""),
    ],
)
def test_what_is_no_package_is_none(path, text):
    assert find({path: text}) == []


def test_links_are_not_followed():
    entries = {"a.dist-info/METADATA": link("a.dist-info/METADATA", "elsewhere")}

    assert _packages.find(entries, None) == []


@given(
    st.sampled_from(["a.dist-info/METADATA", "node_modules/a/package.json", "var/lib/dpkg/status"]),
    st.binary(),
)
def test_no_file_is_an_error(path, data):
    entries = {path: file(path, "x")}

    for package in _packages.find(entries, lambda entry: data):
        assert all("\n" not in text and "\x1b" not in text for text in package[:5])


def bill(**files):
    entries = [file(path, text) for path, text in sorted(files.items())]
    return _bill.make(manifest(component(*entries)), reader(files))


VUE = '{"name": "@vue/core", "version": "3.0.0", "license": "MIT"}'
FILES = {
    "flask-3.0.0.dist-info/METADATA": METADATA,
    "node_modules/@vue/core/package.json": VUE,
    "var/lib/dpkg/status": STATUS,
    "etc/os-release": 'NAME="Ubuntu"\nID=ubuntu\n',
}


def test_a_bill_is_valid_and_says_what_is_where():
    data = bill(**FILES)

    newest = max(SchemaVersion)
    assert JsonStrictValidator(newest).validate_str(data.decode()) is None
    (part,) = json.loads(data)["components"]
    assert (part["name"], part["version"], part["type"]) == ("app", "1", "application")
    assert [(one["purl"], one["licenses"]) for one in part["components"] if "licenses" in one] == [
        ("pkg:npm/%40vue/core@3.0.0", [{"license": {"id": "MIT"}}]),
        ("pkg:pypi/flask@3.0.0", [{"license": {"id": "BSD-3-Clause"}}]),
    ]
    assert "pkg:deb/ubuntu/nginx@1:1.22.1-9%2Bdeb12u1?arch=amd64" in {
        one["purl"] for one in part["components"]
    }
    assert part["hashes"][0]["alg"] == "SHA-256"


def test_everybody_makes_the_same_bill():
    assert bill(**FILES) == bill(**dict(reversed(FILES.items())))
    assert bill(**FILES) != bill(**{**FILES, "more": "x"})


def test_a_component_of_which_nothing_is_known_is_known_by_its_digest():
    one, other = (json.loads(bill(app=text))["components"][0]["hashes"] for text in "ab")

    assert len(one[0]["content"]) == 64
    assert one != other


def test_the_same_package_in_two_places_is_there_twice():
    text = '{"name": "b", "version": "1"}'
    data = bill(
        **{"node_modules/b/package.json": text, "node_modules/a/node_modules/b/package.json": text}
    )

    (part,) = json.loads(data)["components"]
    assert [one["purl"] for one in part["components"]] == ["pkg:npm/b@1"] * 2
