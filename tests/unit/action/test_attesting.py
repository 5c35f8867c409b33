# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``release_package`` with evidence: it is attached, signed, foreseen, and not made twice."""

from __future__ import annotations

import json
import sys

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.evidence import (
    _attachments,
    _attesting,
    _signatures,
)
from ansible_collections.itops.release.plugins.plugin_utils.library import _store
from ansible_collections.itops.release.tests.fakes import builds
from ansible_collections.itops.release.tests.fakes.estate import write_tree
from ansible_collections.itops.release.tests.fakes.signing import (
    key,
    public_key,
    trust,
    write_private_key,
)
from ansible_collections.itops.release.tests.unit.action import test_release_package

BILL, PROVENANCE = "https://cyclonedx.org/bom", "https://slsa.dev/provenance/v1"
METADATA = "Name: Flask\nVersion: 3.0.0\n"
FOREIGN = {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": []}
KNOWN = {public_key(1).fingerprint: public_key(1)}


@pytest.fixture
def options(tmp_path):
    """Return what seals a release that was built from a repository, and signs it."""
    builds.commit(tmp_path / "repository", {"flask-3.dist-info/METADATA": METADATA, "app": "1"})
    component = {"name": "web", "kind": "files", "path": "web", "source": "."}
    origin = {"git": "../repository", "revision": "main"}
    release = {"name": "shop", "version": "1", "serial": 1}
    release["components"] = [{**component, "from": origin}]
    write_tree(tmp_path / "src", {"release.yml": json.dumps(release)})
    builds.build(tmp_path / "src", tmp_path / "workspace")
    private_key = str(write_private_key(tmp_path / "key", 1))
    return {
        "src": str(tmp_path / "src"),
        "workspace": str(tmp_path / "workspace"),
        "sign": {"role": "build", "private_key": private_key},
    }


def read(tmp_path):
    library = _store.Library(str(tmp_path / "library"))
    return _attachments.read(library, library.find("shop:1"), KNOWN)


def said(answer):
    return [(item["predicate_type"], item["attached"]) for item in answer["evidence"]]


def test_a_bill_and_provenance_are_attached_once_and_foreseen(tmp_path, options, call):
    options = {**options, "evidence": ["provenance", "sbom"]}

    foreseen = call(**options, check_mode=True, diff=True)
    assert not (tmp_path / "library").exists()
    done = call(**options, diff=True)

    assert said(done) == said(foreseen) == [(BILL, True), (PROVENANCE, True)]
    assert done["diff"] == foreseen["diff"]
    fingerprint = public_key(1).fingerprint
    assert f"shop:1 attested {BILL} by {fingerprint}\n" in done["diff"]["after"]
    bill, provenance = read(tmp_path)
    (part,) = bill.predicate["components"]
    assert [one["purl"] for one in part["components"]] == ["pkg:pypi/flask@3.0.0"]
    (source,) = provenance.predicate["buildDefinition"]["resolvedDependencies"]
    assert source["uri"].startswith("git+../repository@")
    for check_mode in (True, False):
        again = call(**options, check_mode=check_mode, diff=True)
        assert not again["changed"]
        assert said(again) == [(BILL, False), (PROVENANCE, False)]
        assert again["diff"]["after"] == ""


def test_a_build_host_needs_nothing_of_it(tmp_path, options):
    answer = test_release_package.by_ansible(
        {
            **options,
            "remote_src": True,
            "media_library": str(tmp_path / "library"),
            "evidence": ["sbom", "provenance"],
        }
    )

    assert answer["changed"]
    assert [item.predicate_type for item in read(tmp_path)] == [BILL, PROVENANCE]


def test_a_release_in_the_library_gets_a_bill_and_one_made_elsewhere(tmp_path, options, call):
    call(**options)
    (tmp_path / "bom.json").write_text(json.dumps(FOREIGN))
    more = {"state": "signed", "release": "shop:1", "sign": options["sign"]}
    more.update(evidence=["sbom"], sbom=str(tmp_path / "bom.json"))

    foreseen = call(**more, check_mode=True)
    done = call(**more)

    assert said(done) == said(foreseen) == [(BILL, True), (BILL, True)]
    assert done["changed"]
    assert foreseen["changed"]
    assert read(tmp_path)[1].predicate == FOREIGN
    assert not call(**more)["changed"]


def test_without_the_options_nothing_is_attached(tmp_path, options, call):
    assert call(**options)["evidence"] == []
    assert read(tmp_path) == []


def test_a_release_that_lacks_evidence_is_not_signed(tmp_path, options, call, monkeypatch):
    monkeypatch.setattr(_attachments, "LARGEST_STATEMENT", 500)

    answer = call(**options, evidence=["sbom"])

    assert answer["failed"]
    assert "is larger than 500 bytes" in answer["msg"]
    library = _store.Library(str(tmp_path / "library"))
    verdicts = _signatures.describe(library, library.find("shop:1"), trust(release=(1, key(1))))
    assert verdicts == []


@pytest.mark.parametrize("bill", [{**FOREIGN, "version": 0}, {"spdxVersion": "SPDX-2.3"}, 7])
def test_a_bill_that_is_none_is_refused_before_anything_is_sealed(tmp_path, options, call, bill):
    (tmp_path / "bom.json").write_text(json.dumps(bill))

    answer = call(**options, sbom=str(tmp_path / "bom.json"))

    assert answer["msg"].startswith(f"{tmp_path}/bom.json: ")
    assert not (tmp_path / "library").exists()


def test_a_library_that_is_missing_is_told_before_anything_is_sealed(
    tmp_path, options, call, monkeypatch
):
    monkeypatch.setitem(sys.modules, "cyclonedx", None)

    answer = call(**options, evidence=["sbom"])

    assert "(cyclonedx-python-lib) on" in answer["msg"]
    assert not (tmp_path / "library").exists()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"evidence": ["sbom"], "sign": None}, "evidence needs sign: "),
        ({"sbom": "bom.json", "sign": None}, "sbom needs sign: "),
        ({"evidence": ["provenance"], "workspace": None}, "evidence: provenance tells of a build"),
        (
            {"evidence": ["provenance"], "state": "signed", "src": None, "release": "shop:1"},
            "evidence: provenance is made where a release is sealed",
        ),
        (
            {"sbom": "x", "state": "absent", "release": "shop:1", "src": None, "sign": None},
            "sbom needs sign: ",
        ),
    ],
)
def test_what_cannot_be_made_is_refused_in_a_line(tmp_path, options, call, changes, reason):
    changed = {**options, **changes}
    given = {name: value for name, value in changed.items() if value is not None}

    answer = call(**given)

    assert answer["msg"].startswith(reason)
    assert not (tmp_path / "library").exists()


def test_each_kind_has_its_type():
    assert _attesting.KINDS == {"sbom": BILL, "provenance": PROVENANCE}
