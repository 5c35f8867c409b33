# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``release_package``: its half on the controller, and what it says in a line when it fails."""

from __future__ import annotations

import json
import os
import pathlib
import re
import resource
import subprocess
import sys

import pytest

from ansible_collections.itops.release.tests.fakes.estate import write_tree
from ansible_collections.itops.release.tests.fakes.signing import public_key, write_private_key

CHECKOUT = pathlib.Path(__file__).resolve().parents[3]


def by_ansible(options):
    """Return the result of a task with these options on localhost, in a run of Ansible."""
    program = [sys.executable, "-m", "ansible", "adhoc", "localhost", "-m"]
    run = subprocess.run(
        [*program, "itops.release.release_package", "-a", json.dumps(options)],
        cwd=CHECKOUT,
        env={**os.environ, "ANSIBLE_CALLBACK_RESULT_FORMAT": "json"},
        capture_output=True,
        text=True,
        check=False,
    )
    return json.loads(run.stdout.partition("=> ")[2])


def release_yml(**component):
    component = {"name": "app", "kind": "files", **component}
    return json.dumps({"name": "shop", "version": "1", "serial": 1, "components": [component]})


@pytest.fixture
def sealed(tmp_path, call):
    """Return the digests of shop 1, 2 and 3 in the library, by version."""
    write_tree(tmp_path / "src", {"release.yml": release_yml(), "a": "same"})
    options = {"src": str(tmp_path / "src")}
    answers = {n: call(**options, version=n, serial=n) for n in ("1", "2", "3")}
    return {version: answer["release"]["digest"] for version, answer in answers.items()}


def test_a_source_is_relative_to_the_folder_of_the_definition(tmp_path, call):
    write_tree(
        tmp_path / "src",
        {"sub/release.yml": release_yml(source="app"), "sub/app/a": "", "app/b": "", "app/c": ""},
    )

    options = {"src": str(tmp_path / "src"), "definition": "sub/release.yml"}

    answer = call(**options)

    assert answer["release"]["files"] == 1
    options.update(remote_src=True, media_library=str(tmp_path / "library"))
    assert by_ansible(options) == {**answer, "changed": False}


def test_a_definition_that_is_missing_on_a_build_host_is_told_with_its_path(tmp_path):
    options = {"src": str(tmp_path), "remote_src": True, "media_library": str(tmp_path / "library")}

    answer = by_ansible(options)

    assert answer["msg"].endswith(f"No such file or directory: '{tmp_path}/release.yml'")


def test_a_definition_that_is_missing_here_is_told_with_the_options_that_name_it(tmp_path, call):
    answer = call(src=str(tmp_path))

    assert answer["msg"] == (
        f"{tmp_path}/release.yml: No such file or directory; src is the folder with the file that "
        "says what is released, and definition its path there"
    )


@pytest.mark.parametrize(
    ("options", "reason"),
    [({"version": "1 0"}, 'the option version: "1 0" does'), ({"serial": -1}, "the option serial")],
)
def test_an_option_that_is_bad_is_blamed_itself(tmp_path, call, options, reason):
    write_tree(tmp_path / "src", {"release.yml": release_yml()})

    answer = call(src=str(tmp_path / "src"), **options)

    assert answer["failed"]
    assert answer["msg"].startswith(reason)


def test_a_library_of_python_that_is_missing_is_told_in_a_line(tmp_path, call, monkeypatch):
    write_tree(tmp_path / "src", {"release.yml": release_yml()})
    monkeypatch.setitem(sys.modules, "jsonschema", None)

    answer = call(src=str(tmp_path / "src"))

    assert answer["failed"]
    assert re.match(r"Failed to import the required Python library \(jsonschema\)", answer["msg"])
    assert "\n" not in answer["msg"]


@pytest.mark.parametrize("release", ["shop", "shop:", ":1", "shop:1:2", "sha256:", "sha256:abc"])
def test_what_names_no_release_cannot_be_absent(call, release):
    answer = call(state="absent", release=release)

    assert answer["failed"]
    assert answer["msg"] == (
        f"release {release!r} is neither name:version nor sha256:<release digest>"
    )


@pytest.mark.parametrize("release", ["shop:1", "sha256:" + "0" * 64])
def test_what_is_not_there_is_absent_already(tmp_path, call, release):
    assert call(state="absent", release=release) == {"changed": False}
    assert not (tmp_path / "library").exists()


def test_a_damaged_release_can_be_removed_by_its_digest(tmp_path, call):
    write_tree(tmp_path / "src", {"release.yml": release_yml()})
    digest = call(src=str(tmp_path / "src"))["release"]["digest"]
    index = json.loads((tmp_path / "library/index.json").read_bytes())
    damaged = index["manifests"][0]["digest"].replace("sha256:", "library/blobs/sha256/")
    (tmp_path / damaged).write_bytes(b"{}")

    assert call(state="absent", release=f"sha256:{digest}") == {"changed": True}
    assert call(state="absent", release=f"sha256:{digest}") == {"changed": False}


@pytest.mark.parametrize("full", ["layer", "library"])
def test_a_full_disk_is_told_with_its_path(tmp_path, call, full):
    # Small files, or none, are what a process may write: to it that is as a disk that is full.
    content = os.urandom(10_000).hex() if full == "layer" else ""
    write_tree(tmp_path / "src", {"release.yml": release_yml(), "a": content})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096 if full == "layer" else 0, before[1]))
    try:
        answer = call(src=str(tmp_path / "src"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert answer["failed"]
    assert str(tmp_path / "library") in answer["msg"]
    assert "File too large" in answer["msg"]
    assert "\n" not in answer["msg"]


def label(version, digest):
    return {"name": "shop", "version": version, "serial": int(version), "digest": digest}


def line(version, digest):
    return f"shop:{version} serial {version} sha256:{digest}\n"


@pytest.mark.parametrize("in_use", ["shop:1", ["shop:1"], "sha256:" + "0" * 64 + ",shop:1"])
def test_pruning_tells_what_goes_and_why_the_rest_stays(tmp_path, call, sealed, in_use):
    options = {"state": "pruned", "keep": "1", "in_use": in_use, "diff": True}

    predicted = call(**options, check_mode=True)
    pruned = call(**options)
    again = call(**options)

    assert {**predicted, "msg": ""} == {**pruned, "msg": ""}
    freed = pruned["freed_bytes"]
    assert pruned["msg"] == f"shop:2 removed, {freed:,} bytes freed; 2 stay"
    assert predicted["msg"] == f"shop:2 would be removed, {freed:,} bytes would be freed; 2 stay"
    assert pruned["changed"]
    assert pruned["removed"] == [label("2", sealed["2"])]
    assert pruned["kept"] == [
        {**label("1", sealed["1"]), "reasons": ["in use"]},
        {**label("3", sealed["3"]), "reasons": ["newest"]},
    ]
    assert pruned["freed_bytes"] > 0
    assert pruned["damaged"] == []
    assert "warnings" not in pruned
    assert pruned["diff"] == {
        "before_header": str(tmp_path / "library"),
        "after_header": str(tmp_path / "library"),
        "before": line("2", sealed["2"]),
        "after": "",
    }
    assert (again["changed"], again["removed"], again["freed_bytes"]) == (False, [], 0)
    assert again["diff"]["before"] == again["diff"]["after"] == ""


def test_pruning_warns_of_a_damaged_release(tmp_path, call, sealed):
    damage(tmp_path, sealed["1"])

    pruned = call(state="pruned", keep=1)

    assert pruned["removed"] == [label("2", sealed["2"])]
    assert [item["digest"] for item in pruned["damaged"]] == [sealed["1"]]
    (warning,) = pruned["warnings"]
    assert warning.startswith("shop-1 is damaged.")
    assert pruned["damaged"][0]["reason"] in warning
    assert pruned["freed_bytes"] == 0


def damage(tmp_path, digest):
    """Empty the OCI manifest of a release."""
    index = json.loads((tmp_path / "library/index.json").read_bytes())
    (blob,) = (
        item["digest"].replace("sha256:", "library/blobs/sha256/")
        for item in index["manifests"]
        if item["annotations"]["org.opencontainers.image.ref.name"] == f"sha256-{digest}"
    )
    (tmp_path / blob).write_bytes(b"{}")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"state": "pruned"}, "state is pruned but all of the following are missing: keep"),
        ({"state": "pruned", "keep": 0}, "keep (prune_keep of the playbook) is 0, but at least 1"),
        (
            {"state": "pruned", "keep": -1},
            "keep (prune_keep of the playbook) is -1, but at least 1",
        ),
        (
            {"state": "pruned", "keep": 1, "min_age_days": -1},
            "min_age_days is -1, but days are not",
        ),
        ({"state": "pruned", "keep": 1, "release": "shop:1"}, "so it takes no release"),
        ({"state": "pruned", "keep": 1, "src": "."}, "so it takes no src"),
        ({"state": "pruned", "keep": 1, "in_use": "shop"}, "'shop' is neither name:version nor"),
        ({"state": "pruned", "keep": 1, "in_use": "shop:7"}, "has no release shop:7"),
        ({"state": "absent", "release": "shop:1", "mark": "pinned"}, "exclude each other"),
        ({"mark": "pinned"}, "missing parameter(s) required by 'mark': release"),
        ({"mark": "pinned", "release": "shop:1", "src": "."}, "mutually exclusive: src|mark"),
        ({"mark": "pinned", "release": "shop:7"}, "has no release shop:7"),
        ({}, "state is present but any of the following are missing: src, mark"),
    ],
)
def test_what_could_mean_more_than_was_meant_is_refused(tmp_path, call, sealed, options, reason):
    answer = call(**options)

    assert answer["failed"]
    assert reason in answer["msg"]
    assert "\n" not in answer["msg"]
    assert len(json.loads((tmp_path / "library/index.json").read_bytes())["manifests"]) == 6


@pytest.mark.parametrize("by", ["shop:1", "digest"])
def test_a_release_is_pinned_and_unpinned(call, sealed, by):
    release = by.replace("digest", f"sha256:{sealed['1']}")
    options = {"release": release, "mark": "pinned", "diff": True}

    predicted = call(**options, check_mode=True)
    pinned = call(**options)

    assert predicted == pinned
    assert pinned["changed"]
    assert pinned["diff"]["before"] == f"{release} not pinned\n"
    assert pinned["diff"]["after"] == f"{release} pinned\n"
    assert not call(**options)["changed"]
    assert call(state="pruned", keep=1)["removed"] == [label("2", sealed["2"])]
    for check_mode in (True, False):
        refused = call(state="absent", release=release, check_mode=check_mode)
        assert refused["failed"]
        assert refused["msg"].endswith("shop:1 is pinned: unpin it first")
    assert call(release=release, mark="unpinned")["changed"]
    assert not call(release=release, mark="unpinned")["changed"]
    assert call(state="absent", release=release, diff=True)["diff"]["before"] == line(
        "1", sealed["1"]
    )


def test_removing_a_damaged_release_is_predicted(tmp_path, call, sealed):
    damage(tmp_path, sealed["1"])
    options = {"state": "absent", "release": f"sha256:{sealed['1']}"}

    assert call(**options, check_mode=True) == {"changed": True}
    assert call(**options) == {"changed": True}
    assert call(**options, check_mode=True) == {"changed": False}


def test_sealing_has_a_diff(tmp_path, call, sealed):
    options = {"src": str(tmp_path / "src"), "diff": True}

    new = call(**options, version="4", serial="4")

    assert (new["diff"]["before"], new["diff"]["after"]) == (
        "",
        line("4", new["release"]["digest"]),
    )
    assert call(**options, version="4", serial="4")["diff"]["after"] == ""


@pytest.fixture
def signing(tmp_path):
    """Return the options that sign as the build, with a key in a file."""
    return {"role": "build", "private_key": str(write_private_key(tmp_path / "key", 1))}


def test_a_release_is_signed_while_it_is_sealed_and_later_once(tmp_path, call, signing):
    source = str(write_tree(tmp_path / "src", {"release.yml": release_yml()}))
    later = {"state": "signed", "release": "shop:1", "sign": {**signing, "role": "release"}}

    foreseen = call(src=source, sign=signing, check_mode=True, diff=True)
    assert not (tmp_path / "library").exists()
    sealed = call(src=source, sign=signing, diff=True)

    key = public_key(1).fingerprint
    assert sealed == foreseen
    assert sealed["changed"]
    assert sealed["signature"] == {"role": "build", "key": key}
    assert sealed["diff"]["after"].endswith(f"shop:1 signed as build by {key}\n")
    assert not call(src=source, sign=signing)["changed"]
    assert call(**later, check_mode=True)["changed"]
    signed = call(**later)
    assert signed["changed"]
    assert signed["release"] == sealed["release"]
    assert not call(**later)["changed"]
    assert not call(**later, check_mode=True)["changed"]


def test_what_was_sealed_before_is_signed_when_that_is_asked_for(tmp_path, call, signing):
    source = str(write_tree(tmp_path / "src", {"release.yml": release_yml()}))
    call(src=source)

    signed = call(src=source, sign=signing, diff=True)

    assert signed["changed"]
    assert signed["diff"]["after"].startswith("shop:1 signed as build by SHA256:")


def test_a_key_that_cannot_be_used_is_told_before_anything_is_sealed(tmp_path, call, signing):
    source = str(write_tree(tmp_path / "src", {"release.yml": release_yml()}))

    gone = call(src=source, sign={**signing, "private_key": str(tmp_path / "none")})
    wrong = call(src=source, sign={**signing, "private_key": source + "/release.yml"})

    assert "No such file" in gone["msg"]
    assert "is not a private key in OpenSSH form" in wrong["msg"]
    assert not (tmp_path / "library").exists()


@pytest.mark.parametrize(
    "options",
    [
        {"state": "signed", "release": "shop:1"},
        {"state": "signed", "sign": {"role": "build", "private_key": "k"}},
        {"src": "x", "sign": {"private_key": "k"}},
        {"src": "x", "sign": {"role": "approval", "private_key": "k"}},
        {"src": "x", "sign": {"role": "build"}},
        {"src": "x", "sign": {"role": "build", "private_key": "k", "public_key": "p"}},
        {"src": "x", "sign": {"role": "build", "private_key": "k", "command": ["c"]}},
        {"src": "x", "sign": {"role": "build", "public_key": "k", "passphrase_env": "X"}},
    ],
)
def test_who_signs_is_said_in_one_way(call, options):
    result = call(**options)
    assert (result["failed"], result["code"]) == (True, "invalid_option")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"state": "absent", "release": "shop:1"}, "sign goes with sealing"),
        ({"state": "pruned", "keep": 1}, "sign goes with sealing"),
        ({"mark": "pinned", "release": "shop:1"}, "sign goes with sealing"),
        ({"state": "signed", "release": "shop:1", "src": "x"}, "state: signed is about a release"),
        ({"state": "signed", "release": "shop:1"}, "library does not exist"),
    ],
)
def test_signing_is_refused_where_something_else_was_meant(call, signing, options, reason):
    answer = call(sign=signing, **options)

    assert answer["failed"]
    assert reason in answer["msg"]
