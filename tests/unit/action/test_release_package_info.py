# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``release_package_info``: what it tells of a library, one release, and two compared."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.action import release_package_info
from ansible_collections.itops.release.plugins.module_utils.options import _package_info
from ansible_collections.itops.release.plugins.plugin_utils.building import _sealing
from ansible_collections.itops.release.plugins.plugin_utils.evidence import (
    _attachments,
    _signatures,
)
from ansible_collections.itops.release.plugins.plugin_utils.library import _catalogue, _store
from ansible_collections.itops.release.plugins.plugin_utils.release import _description
from ansible_collections.itops.release.tests.fakes.estate import (
    component,
    file,
    manifest,
    sha256,
    write_tree,
)
from ansible_collections.itops.release.tests.fakes.signing import (
    LABEL,
    key,
    public_key,
    signer,
    trust_text,
)


@pytest.fixture
def look(estate):
    def look(release=None, compare_to=None, **options):
        arguments = dict.fromkeys(_package_info.options())
        arguments.update(release=release, compare_to=compare_to, **options)
        return release_package_info.look(
            {**arguments, "media_library": str(estate.folder / "library")}
        )

    return look


def test_all_releases_are_listed_by_serial(estate, look):
    for version, serial in (("2.0", 2), ("10.0", 3), ("1.0", 1)):
        estate.seal(version, {"app": version}, serial)

    told = look()

    assert [item["version"] for item in told["releases"]] == ["1.0", "2.0", "10.0"]
    assert "comparison" not in told


def test_one_release_is_described(estate, look):
    label = estate.seal("1.0", {"app": "one"})
    estate.seal("2.0", {"app": "two"})

    (told,) = look("shop:1.0")["releases"]

    assert {key: told[key] for key in label._fields} == label._asdict()
    assert (told["files"], told["bytes"]) == (1, 3)
    assert look(f"sha256:{label.digest}")["releases"] == [told]


def test_two_releases_are_compared_from_the_other_to_the_one(estate, look):
    one = estate.seal("1.0", {"app": "one", "gone": "", "same": ""})
    two = estate.seal("2.0", {"app*": "two", "new": "", "same": ""})

    told = look("shop:2.0", "shop:1.0")["comparison"]

    assert (told["from"], told["to"]) == (one.digest, two.digest)
    assert told["components"] == [
        {
            "name": "app",
            "change": "modified",
            "from_version": "1.0",
            "to_version": "2.0",
            "added": ["new"],
            "removed": ["gone"],
            "modified": ["app"],
            "exec_changed": ["app"],
        }
    ]


def test_a_release_that_is_not_there_is_told(estate, look):
    estate.seal("1.0", {"app": "one"})

    for arguments in (("shop:2.0",), ("shop:1.0", "shop:2.0")):
        with pytest.raises(_store.LibraryError, match=r"has no release shop:2\.0"):
            look(*arguments)


@pytest.mark.parametrize("part", ["document", "OCI manifest"])
def test_a_damaged_release_is_named_beside_the_others(estate, look, part):
    label, other = estate.seal("1.0", {"app": "one"}), estate.seal("2.0", {"app": "two"})
    estate.library.pin(label.digest, True)
    (entry,) = estate.library.entries_of(label.digest)
    blob = label.digest if part == "document" else entry.descriptor["digest"].partition(":")[2]
    (estate.folder / "library/blobs/sha256" / blob).write_bytes(b"{}")

    told = look()

    assert [item["digest"] for item in told["releases"]] == [other.digest]
    (damaged,) = told["damaged"]
    known = label._asdict() if part == "document" else dict.fromkeys(label._fields)
    assert damaged == {
        **known,
        "digest": label.digest,
        "called": "shop:1.0" if part == "document" else "shop-1.0",
        "pinned": True,
        "reason": f"{estate.library.path}: blob sha256:{blob} is altered",
    }


def test_a_pin_is_told(estate, look):
    labels = [estate.seal("1.0", {"app": "one"}), estate.seal("2.0", {"app": "two"})]
    estate.library.pin(labels[1].digest, True)

    assert [item["pinned"] for item in look()["releases"]] == [False, True]
    assert look()["damaged"] == []


def test_who_signed_is_told_and_with_trust_whether_that_is_enough(estate, look):
    label = estate.seal("1.0", {"app": "one"})
    _signatures.sign(estate.library, label.digest, "release", signer(1))
    text = trust_text(release=(1, key(1)), build=(1, key(2)), approval=(1, key(3)))
    (estate.folder / "trust.yml").write_text(text)

    claimed = look("shop:1.0")
    verified = look("shop:1.0", trust=str(estate.folder / "trust.yml"))

    fingerprint = public_key(1).fingerprint
    (signature,) = claimed["signatures"]
    assert (signature["role"], signature["key"]) == ("release", fingerprint)
    assert "signed_by" not in signature
    assert "roles" not in claimed
    assert verified["signatures"] == [{**signature, "signed_by": ["key1"], "problem": ""}]
    assert {role["role"]: role["met"] for role in verified["roles"]} == {
        "release": True,
        "build": False,
    }
    assert verified["roles"][0]["line"] == "role release of shop:1.0: signed by key1"
    assert look()["releases"] == claimed["releases"]


def test_evidence_is_told_with_who_attests_it(estate, look, tmp_path):
    label = estate.seal("1.0", {"app": "one"})
    for number in (1, 2):
        _attachments.attach(estate.library, label, "https://cyclonedx.org/bom", {}, signer(number))
    (tmp_path / "trust.yml").write_text(trust_text(release=(1, key(1))))

    claimed = look("shop:1.0")["evidence"]
    judged = look("shop:1.0", trust=str(tmp_path / "trust.yml"))["evidence"]

    assert [item["predicate_type"] for item in claimed] == ["https://cyclonedx.org/bom"] * 2
    assert "signed_by" not in claimed[0]
    assert [(item["signed_by"], item["problem"] == "") for item in judged] == [
        (["key1"], True),
        ([], False),
    ]


def test_what_a_release_declares_is_told(estate, look):
    estate.seal("1.0", {"app": "one"})
    assert not {"scripts", "materials"} & set(look("shop:1.0")["releases"][0])
    about = (("materials", [{"kind": "git", "place": "x"}]), ("requires", {"api": ">=1"}))
    scripts = {"hooks": [{"path": "hooks/a.yml", "sha256": "0" * 64}]}
    part = component(file("app", "x"))._replace(about=about)
    sealed = manifest(part, version="2.0", serial=9)._replace(about=(("scripts", scripts),))

    told = _description.describe(_catalogue.Stored(LABEL, sealed, {}, 0))

    assert told["scripts"] == scripts
    assert told["components"][0]["materials"] == [{"kind": "git", "place": "x"}]
    assert told["components"][0]["requires"] == {"api": ">=1"}


def test_hooks_are_held_to_what_was_sealed_where_the_library_has_it(estate, look):
    sealed = {"hooks": [{"path": "hooks/a.yml", "sha256": sha256("a")}]}
    release = estate.declare("1.0")._replace(about=(("scripts", sealed),))
    source = write_tree(estate.folder / "src", {"app": "one"})
    _sealing.seal(estate.library, release, _sealing.pack_here(str(source)))
    hooks = write_tree(estate.folder / "hooks", {"a.yml": "a", "b.yml": "b"})
    right, wrong = [str(hooks / "a.yml")], [str(hooks / "b.yml")]

    assert look("shop:1.0", hooks=right)["script_problems"] == []
    (problem,) = look("shop:1.0", hooks=wrong)["script_problems"]
    assert "b.yml was not sealed with shop 1.0" in problem
    (problem,) = look("shop:1.0", scripts_from=str(hooks))["script_problems"]
    assert problem == "script hooks/a.yml cannot be read: No such file or directory"
    assert look("sha256:" + "0" * 64, hooks=wrong) == {"releases": [], "script_problems": []}
    for options in ({"release": "shop:2", "hooks": right}, {"release": "sha256:" + "0" * 64}):
        with pytest.raises(_store.LibraryError):
            look(**{"scripts_from": str(hooks), **options})
