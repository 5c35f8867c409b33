# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bills of materials: what files tell of themselves, as the official schema wants it."""

from __future__ import annotations

import json

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.itops.release.plugins.module_utils.release import _layer
from ansible_collections.itops.release.plugins.plugin_utils.evidence import _packages, _sbom
from ansible_collections.itops.release.tests.fakes.estate import component, manifest
from ansible_collections.itops.release.tests.fakes.layers import entries_of, stream_of

METADATA = "Metadata-Version: 2.4\nName: Flask\nVersion: 3.0.0\nLicense-Expression: BSD-3-Clause\n"
STATUS = "Package: nginx\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:1.22+b1\n"
VUE = '{"name": "@vue/core", "version": "3.0.0", "license": "MIT"}'
FILES = {
    "flask-3.0.0.dist-info/METADATA": METADATA,
    "node_modules/@vue/core/package.json": VUE,
    "var/lib/dpkg/status": STATUS,
    "etc/os-release": 'NAME="Ubuntu"\nID=ubuntu\n',
}


def bill(**files):
    made = manifest(component(*entries_of(files)))
    return _sbom.make(made, lambda component, sink: stream_of(files)(sink))


def is_valid(data):
    """Tell whether the official schema of the newest version has nothing against a bill."""
    return JsonStrictValidator(max(SchemaVersion)).validate_str(data.decode()) is None


def test_a_bill_is_valid_and_says_what_is_where():
    data = bill(**FILES)

    assert is_valid(data)
    (part,) = json.loads(data)["components"]
    assert (part["name"], part["version"], part["type"]) == ("app", "1", "application")
    assert [(one["purl"], one["licenses"]) for one in part["components"] if "licenses" in one] == [
        ("pkg:npm/%40vue/core@3.0.0", [{"license": {"id": "MIT"}}]),
        ("pkg:pypi/flask@3.0.0", [{"license": {"id": "BSD-3-Clause"}}]),
    ]
    assert "pkg:deb/ubuntu/nginx@1:1.22%2Bb1?arch=amd64" in {
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


def test_a_bill_of_a_stored_release_is_made_from_its_layers(estate):
    label = estate.seal("1.0", {"a.dist-info/METADATA": METADATA, "app": "x"})

    (part,) = json.loads(_sbom.of_stored(estate.library, estate.library.get(label.digest)))[
        "components"
    ]

    assert [one["purl"] for one in part["components"]] == ["pkg:pypi/flask@3.0.0"]


def test_a_layer_that_is_altered_makes_no_bill(estate):
    label = estate.seal("1.0", {"a.dist-info/METADATA": METADATA})
    stored = estate.library.get(label.digest)
    (other,) = estate.library.get(
        estate.seal("2.0", {"a.dist-info/METADATA": METADATA.replace("3.0.0", "3.0.1")}).digest
    ).layers.values()
    exchanged = stored._replace(layers=dict.fromkeys(stored.layers, other))

    with pytest.raises(_layer.LayerError, match="does not match the manifest"):
        _sbom.of_stored(estate.library, exchanged)


def test_many_licences_are_names_and_ids_not_an_expression():
    licences = "Classifier: License :: MIT OR ISC\nClassifier: License :: MIT\n"
    data = bill(**{"a.dist-info/METADATA": "Name: a\nVersion: 1\n" + licences})

    (part,) = json.loads(data)["components"]
    assert is_valid(data)
    assert part["components"][0]["licenses"] == [
        {"license": {"id": "MIT"}},
        {"license": {"name": "MIT OR ISC"}},
    ]


def made_from(*materials):
    made = component(*entries_of({"app": "x"}))._replace(about=(("materials", list(materials)),))
    data = _sbom.make(manifest(made), lambda component, sink: None)
    assert is_valid(data)
    (part,) = json.loads(data)["components"]
    return part


def test_a_debian_package_that_was_unpacked_is_known_by_what_it_was_made_from():
    part = made_from({"kind": "deb", "place": "nginx=1:1.22+b1", "sha256": "0" * 64})

    assert (part["name"], "purl" in part) == ("app", False)
    assert part["components"] == [
        {
            "type": "library",
            "name": "nginx",
            "version": "1:1.22+b1",
            "purl": "pkg:deb/debian/nginx@1:1.22%2Bb1",
            "bom-ref": "pkg:deb/debian/nginx@1:1.22%2Bb1#app",
            "properties": [{"name": "itops:release:path", "value": "app"}],
        }
    ]


def test_the_repository_of_a_component_is_told_without_secrets():
    place = "https://ci:s3cr3t@git.example.org/shop.git?token=s3cr3t"
    part = made_from({"kind": "git", "place": place, "commit": "4f" * 20})

    assert part["externalReferences"] == [
        {"comment": "4f" * 20, "type": "vcs", "url": "https://git.example.org/shop.git"}
    ]
    assert "externalReferences" not in made_from({"kind": "git", "place": "../shop"})


def test_odd_materials_tell_nothing():
    for odd in (7, {"kind": "git"}, {"kind": "deb", "place": 7}, {"place": "x://"}):
        assert not {"components", "externalReferences"} & set(made_from(odd))


def test_a_release_depends_on_its_components_and_they_on_their_packages():
    plain = json.loads(bill(**FILES))

    wanted = {item["ref"]: item.get("dependsOn", []) for item in plain["dependencies"]}
    (part,) = plain["components"]
    refs = [one["bom-ref"] for one in part["components"]]
    assert wanted == {
        "release:shop": ["component:app"],
        "component:app": sorted(refs),
        **{ref: [] for ref in refs},
    }


def test_a_bill_that_was_cut_says_so(monkeypatch):
    monkeypatch.setattr(_packages, "MOST_PACKAGES", 0)
    data = bill(**FILES)

    (part,) = json.loads(data)["components"]
    assert is_valid(data)
    assert part["properties"][0]["name"] == "itops:release:incomplete"


ODD = st.one_of(
    st.text(),
    st.sampled_from(
        ["///", "@", "@a", "MIT AND (", "LicenseRef-x", "mit", "(((", "%", "?#", "NONE"]
    ),
)


@settings(max_examples=40)
@given(ODD, ODD, st.lists(ODD, max_size=3))
def test_however_odd_names_are_the_bill_is_valid_and_always_the_same(name, version, licences):
    package = {"name": name, "version": version, "licenses": licences}
    files = {
        "node_modules/a/package.json": json.dumps(package),
        "node_modules/b/package.json": json.dumps(package),
        "a.dist-info/METADATA": f"Name: {name}\nVersion: {version}\nLicense: {licences}\n",
        "var/lib/dpkg/status": f"Package: {name}\nVersion: {version}\nArchitecture: {name}\n" * 2,
    }

    data = bill(**files)

    assert is_valid(data)
    assert data == bill(**files)
