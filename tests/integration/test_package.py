# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sealing by playbook: on the controller and on build hosts, good input and bad."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess

import pytest

from ansible_collections.itops.release.tests.integration.applications import (
    current_tree,
    deploying,
    is_one_line,
    looking,
    play,
    read_tree,
    sealing,
    task,
    write_application,
)

FILES = {
    "bin/serve": "#!/bin/sh\nexec true\n",
    "lib/catalogue.py": "ITEMS = 3\n",
    "docs/Grüße aus Köln.txt": "hello\n",
}


def removing(title, release, library, **keywords):
    options = {"release": release, "media_library": str(library), "state": "absent"}
    return task(title, "release_package", options, **keywords)


def describing(title, library, **options):
    options = {"media_library": str(library), **options}
    return task(title, "release_package_info", options)


def blobs(library):
    return {path.name: path.read_bytes() for path in (library / "blobs/sha256").iterdir()}


def test_build_host_and_controller_seal_the_same_release(
    targets, inventory, run_playbook, tmp_path
):
    (host,) = targets(1)
    application = write_application(tmp_path / "shop", FILES, private=["lib/*"])
    shutil.copytree(application, host.seen / "build dir")
    library, other = tmp_path / "media", tmp_path / "other media"

    run = run_playbook(
        play(
            sealing("Here", application, library),
            sealing("There", "{{ srv }}/build dir", other, remote_src=True),
            sealing("There again", "{{ srv }}/build dir", library, remote_src=True),
            deploying("Deploy", "shop:1.0.0", other),
        ),
        inventory([host]),
    )

    assert run.rc == 0, run.output
    here, there = run.result("Here")["release"], run.result("There")["release"]
    assert re.fullmatch("[0-9a-f]{64}", here["digest"])
    assert {**there, "stored_bytes": None} == {**here, "stored_bytes": None}
    assert here["files"] == 3
    assert here["bytes"] == sum(len(text.encode()) for text in FILES.values())
    assert run.result("There")["changed"]
    assert not run.result("There again")["changed"]
    assert current_tree(host) == read_tree(application / "src")


def test_a_home_is_that_of_the_build_host(local_hosts, inventory, run_playbook, tmp_path):
    (host,) = local_hosts(1)
    application = write_application(tmp_path / "shop", FILES)
    shutil.copytree(application, host.seen / "build dir")
    library, at_home = tmp_path / "media", {"environment": {"HOME": "{{ srv }}"}}

    run = run_playbook(
        play(
            sealing("Here", application, library),
            sealing("There", "~/build dir", library, at_home, remote_src=True),
            sealing("By variable", "$HOME/build dir", library, at_home, remote_src=True),
        ),
        inventory([host]),
    )

    assert run.rc == 0, run.output
    for title in ("There", "By variable"):
        assert run.result(title)["release"] == run.result("Here")["release"]


def test_check_mode_predicts_and_adds_nothing(local_hosts, inventory, run_playbook, tmp_path):
    hosts = inventory(local_hosts(1))
    application = write_application(tmp_path / "shop", FILES)
    library = tmp_path / "media"
    seal = play(sealing("Seal", application, library))

    predicted = run_playbook(seal, hosts, check=True).result("Seal")
    assert not library.exists()
    sealed = run_playbook(seal, hosts).result("Seal")
    before = read_tree(library)
    again = run_playbook(seal, hosts).result("Seal")
    check_again = run_playbook(seal, hosts, check=True).result("Seal")

    assert predicted["changed"]
    assert sealed["changed"]
    assert predicted["release"] == sealed["release"]
    assert not again["changed"]
    assert not check_again["changed"]
    assert again["release"] == sealed["release"]
    assert read_tree(library) == before


def test_version_and_serial_come_as_text_from_extra_vars(
    local_hosts, inventory, run_playbook, tmp_path
):
    application = write_application(tmp_path / "shop", FILES, version="0.1", serial=1)

    run = run_playbook(
        play(
            sealing("Given", application, tmp_path / "a", version="{{ v }}", serial="{{ s }}"),
            sealing("Left empty", application, tmp_path / "b", version="", serial=""),
            sealing("Off by text", application, tmp_path / "b", remote_src="no"),
            sealing(
                "Not a number", application, tmp_path / "b", {"ignore_errors": True}, serial="soon"
            ),
        ),
        inventory(local_hosts(1)),
        args=["-e", "v=2.0 s=5"],
    )

    assert run.rc == 0, run.output
    given, empty = run.result("Given")["release"], run.result("Left empty")["release"]
    assert (given["version"], given["serial"]) == ("2.0", 5)
    assert (empty["version"], empty["serial"]) == ("0.1", 1)
    assert not run.result("Off by text")["changed"]
    assert "serial" in run.result("Not a number")["msg"]


def test_a_sealed_version_never_changes(local_hosts, inventory, run_playbook, tmp_path):
    library = tmp_path / "media"
    first = write_application(tmp_path / "first", FILES)
    other = write_application(tmp_path / "other", {**FILES, "extra": "x"})

    run = run_playbook(
        play(
            sealing("Seal", first, library),
            sealing("Same version", other, library, {"ignore_errors": True}, serial=2),
            sealing("Same serial", other, library, {"ignore_errors": True}, version="1.0.1"),
            describing("List", library),
        ),
        inventory(local_hosts(1)),
    )

    for title, key in (("Same version", "version"), ("Same serial", "serial")):
        message = run.result(title)["msg"]
        assert is_one_line(message)
        assert f"give this release a new {key}" in message
    assert run.result("List")["releases"] == [run.result("Seal")["release"]]


def test_absent_removes_one_release_and_what_only_it_needed(
    local_hosts, inventory, run_playbook, tmp_path
):
    hosts = local_hosts(1)
    library, alone = tmp_path / "media", tmp_path / "alone"
    first = write_application(tmp_path / "first", FILES)
    second = write_application(tmp_path / "second", {**FILES, "new": "x"}, "1.1.0", 2)

    run = run_playbook(
        play(
            sealing("First alone", first, alone),
            sealing("First", first, library),
            sealing("Second", second, library),
            removing("Predict", "shop:1.1.0", library, check_mode=True),
            describing("Still there", library),
            removing("Remove", "shop:1.1.0", library),
            removing("Again", "shop:1.1.0", library),
            describing("Left", library),
            deploying("Deploy", "shop:1.0.0", library),
        ),
        inventory(hosts),
    )

    assert run.rc == 0, run.output
    assert run.result("Predict")["changed"]
    assert len(run.result("Still there")["releases"]) == 2
    assert run.result("Remove")["changed"]
    assert not run.result("Again")["changed"]
    assert [item["version"] for item in run.result("Left")["releases"]] == ["1.0.0"]
    assert blobs(library) == blobs(alone)


def test_info_lists_describes_and_compares(local_hosts, inventory, run_playbook, tmp_path):
    library = tmp_path / "media"
    old = write_application(tmp_path / "old", {**FILES, "gone": "", "run": "same", "both": "1"})
    new = write_application(
        tmp_path / "new",
        {**FILES, "lib/catalogue.py": "ITEMS = 4\n", "more/new": "", "run": "same", "both": "2"},
    )
    for name in ("run", "both"):
        (new / "src" / name).chmod(0o755)
    for directory, version, serial, others in ((old, "1.0.0", 1, "tools"), (new, "2.0", 2, "db")):
        release = {
            "name": "shop",
            "version": version,
            "serial": serial,
            "components": [
                {"name": "app", "kind": "files", "source": "src"},
                {
                    "name": "docs",
                    "kind": "files",
                    "source": "src/docs",
                    "path": "d",
                    "version": "1",
                },
                {"name": others, "kind": "files", "source": "src/bin", "path": others},
            ],
        }
        (directory / "release.yml").write_text(repr(release), encoding="utf-8")

    run = run_playbook(
        play(
            sealing("New", new, library),
            sealing("Old", old, library),
            describing("List", library),
            describing("One", library, release="shop:2.0"),
            describing("Compare", library, release="shop:2.0", compare_to="shop:1.0.0"),
        ),
        inventory(local_hosts(1)),
    )

    assert run.rc == 0, run.output
    sealed = [run.result(title)["release"] for title in ("Old", "New")]
    assert run.result("List")["releases"] == sealed
    assert run.result("One")["releases"] == sealed[1:]
    assert [item["name"] for item in sealed[1]["components"]] == ["app", "db", "docs"]
    comparison = run.result("Compare")["comparison"]
    assert (comparison["from"], comparison["to"]) == (sealed[0]["digest"], sealed[1]["digest"])
    app, db, docs, tools = comparison["components"]
    assert app == {
        "name": "app",
        "change": "modified",
        "from_version": "1.0.0",
        "to_version": "2.0",
        "added": ["more", "more/new"],
        "removed": ["gone"],
        "modified": ["both", "lib/catalogue.py"],
        "exec_changed": ["both", "run"],
    }
    assert (db["change"], db["from_version"], db["added"]) == ("added", None, ["serve"])
    assert (docs["change"], docs["modified"]) == ("unchanged", [])
    assert (tools["change"], tools["to_version"], tools["removed"]) == ("removed", None, ["serve"])


MALFORMED = {
    "not YAML": ("name: shop\n  version: [", "release.yml:2: not YAML: "),
    "empty": ("", "release.yml:1: the file is empty; expected a release"),
    "a list": ("- name: shop\n", "release.yml:1: the file: .*expected a value of type object"),
    "a number for a version": (
        "name: shop\nserial: 1\nversion: 1.0\ncomponents: [{name: a, kind: files}]\n",
        'release.yml:3: version: 1.0 does not fit; expected a value of type string, in quotes: "1',
    ),
    "no components": (
        'name: shop\nversion: "1"\nserial: 1\n',
        "release.yml:1: the file: components is missing; expected components: ",
    ),
    "an unknown key": (
        'name: shop\nversion: "1"\nserial: 1\ncomponents:\n  - name: a\n    kind: files\n'
        "    inclde: [x]\n",
        r"release.yml:7: components\[0\].inclde: no such key; expected one of .*include",
    ),
    "an unknown kind": (
        'name: shop\nversion: "1"\nserial: 1\ncomponents:\n  - name: a\n    kind: magic\n',
        r'release.yml:6: components\[0\].kind: "magic" does not fit; expected one of archive, f',
    ),
    "a key twice": (
        'name: shop\nversion: "1"\nname: shop\n',
        "release.yml:3: name: stands twice; expected each key once",
    ),
    "a name twice": (
        'name: shop\nversion: "1"\nserial: 1\ncomponents:\n  - {name: a, kind: files}\n'
        "  - {name: a, kind: files}\n",
        r"release.yml:6: components\[1\].name: 'a' stands twice; expected a name of its own",
    ),
    "an escape in a name": (
        'name: "shop\\e[31m"\nversion: "1"\nserial: 1\ncomponents: [{name: a, kind: files}]\n',
        "release.yml:1: name: .* does not fit; expected The application's name",
    ),
    "not UTF-8": (b'name: shop\nversion: "\xff"\n', "release.yml:2: not UTF-8; expected YAML"),
    "Python objects": (
        "name: !!python/object/apply:os.getpid []\n",
        "release.yml:1: not YAML: ",
    ),
}


def test_a_malformed_release_file_is_told_in_one_line(
    local_hosts, inventory, run_playbook, tmp_path
):
    for title, (text, _expected) in MALFORMED.items():
        file = tmp_path / title / "release.yml"
        file.parent.mkdir()
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    library = tmp_path / "media"
    ignored = {"ignore_errors": True}
    last = list(MALFORMED)[-1]

    run = run_playbook(
        play(
            *(
                sealing(title, tmp_path / title, library, {} if title == last else ignored)
                for title in MALFORMED
            )
        ),
        inventory(local_hosts(1)),
    )

    assert run.rc == 2
    assert "Traceback" not in run.output
    for title, (_text, expected) in MALFORMED.items():
        message = run.result(title)["msg"]
        assert is_one_line(message), title
        assert message.startswith(f"{tmp_path / title}/release.yml:"), title
        assert re.search(expected, message), f"{title}: {message}"
        assert "\x1b" not in message
    assert not library.exists()


def _link(target):
    return lambda source: (source / "link").symlink_to(target)


def _through_a_linked_folder(source):
    (source / "real").mkdir()
    (source / "real/file").write_text("")
    (source / "folder").symlink_to("real")
    (source / "link").symlink_to("folder/file")


def _names(*names):
    return lambda source: [(source / name).write_text("") for name in names]


def _not_utf8(source):
    with open(os.fsencode(source) + b"/caf\xe9", "wb"):
        pass


def _unreadable(source):
    (source / "secret").write_text("")
    (source / "secret").chmod(0o600)


BAD_TREES = {
    "link out": (_link("../../etc/passwd"), "'link'"),
    "link out and back": (_link("../src/file"), "'link'"),
    "absolute link": (_link("/etc/passwd"), "'/etc/passwd'"),
    "link to itself": (_link("link"), "'link'"),
    "through a linked folder": (_through_a_linked_folder, "'link' goes through the link 'folder'"),
    "fifo": (lambda source: os.mkfifo(source / "pipe"), "'pipe' is neither a file"),
    "case": (_names("Readme", "README"), "'README' and 'Readme'"),
    "Unicode form": (_names("caf\u00e9", "cafe\u0301"), "'cafe\u0301' and 'caf\u00e9'"),
    "newline": (_names("two\nlines"), r"'two\\nlines' has a control character"),
    "escape": (_names("red\x1b[31m"), r"'red\\x1b\[31m' has a control character"),
    "not UTF-8": (_not_utf8, r"'caf\\udce9' is not UTF-8"),
    "unreadable": (_unreadable, r"'secret' cannot be read by others \(mode 0600\)"),
}
BAD_ON_BUILD_HOSTS = ("link out", "case", "newline")  # refused by the scan, the controller, both


def test_what_could_not_be_laid_out_is_refused_by_name(
    local_hosts, inventory, run_playbook, tmp_path
):
    library = tmp_path / "media"
    for title, (spoil, _named) in BAD_TREES.items():
        application = write_application(tmp_path / title, FILES)
        spoil(application / "src")
    good = write_application(tmp_path / "good", FILES)
    ignored = {"ignore_errors": True}

    run = run_playbook(
        play(
            *(sealing(title, tmp_path / title, library, ignored) for title in BAD_TREES),
            *(
                sealing(f"{title} there", tmp_path / title, library, ignored, remote_src=True)
                for title in BAD_ON_BUILD_HOSTS
            ),
            sealing("Good", good, library, {"check_mode": True}),
        ),
        inventory(local_hosts(1)),
    )

    assert run.rc == 0, run.output
    assert "Traceback" not in run.output
    named = {title: named for title, (_spoil, named) in BAD_TREES.items()}
    named.update({f"{title} there": named[title] for title in BAD_ON_BUILD_HOSTS})
    for title, pattern in named.items():
        message = run.result(title).get("msg", "was sealed")
        assert is_one_line(message), title
        assert re.search(pattern, message), f"{title}: {message}"
    assert run.result("Good")["changed"]
    assert not list(library.rglob("blobs/sha256/*"))


def test_names_that_differ_by_case_are_kept_where_that_is_wanted(
    local_hosts, inventory, run_playbook, tmp_path
):
    (host,) = local_hosts(1)
    application = write_application(
        tmp_path / "shop", {"Readme": "1", "README": "2"}, case_sensitive=True
    )

    run = run_playbook(
        play(
            sealing("Seal", application, tmp_path / "media"),
            deploying("Deploy", "shop:1.0.0", tmp_path / "media"),
        ),
        inventory([host]),
    )

    assert run.rc == 0, run.output
    assert current_tree(host) == read_tree(application / "src")


def test_debian_s_skopeo_copies_a_media_library_byte_for_byte(
    local_hosts, inventory, run_playbook, tmp_path
):
    if not shutil.which("skopeo"):
        reason = "skopeo is not installed"
        if os.environ.get("ITOPS_RELEASE_REQUIRE_HOSTS") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    (host,) = local_hosts(1)
    application = write_application(tmp_path / "shop", FILES)
    library, copy, back = tmp_path / "media", tmp_path / "copy", tmp_path / "back"
    pin = {"release": "shop:1.0.0", "media_library": str(library), "mark": "pinned"}
    run = run_playbook(
        play(sealing("Seal", application, library), task("Pin", "release_package", pin)),
        inventory([host]),
    )
    sealed = run.result("Seal")["release"]
    tag = f"sha256-{sealed['digest']}"

    for source, destination in ((library, copy), (copy, back)):
        subprocess.run(
            ["skopeo", "copy", "--quiet", f"oci:{source}:{tag}", f"oci:{destination}:{tag}"],
            check=True,
            env={**os.environ, "HOME": str(tmp_path)},
            stdin=subprocess.DEVNULL,
        )

    assert blobs(copy) == blobs(library)
    assert blobs(back) == blobs(library)
    run = run_playbook(
        play(
            describing("Describe", back),
            deploying("Deploy", "shop:1.0.0", back),
            looking("Look", release="shop:1.0.0", media_library=str(back)),
        ),
        inventory([host]),
    )
    assert run.rc == 0, run.output
    assert run.result("Describe")["releases"] == [sealed]
    assert run.result("Look")["ok"]
    assert current_tree(host) == read_tree(application / "src")


def test_a_damaged_library_is_refused_in_one_line(local_hosts, inventory, run_playbook, tmp_path):
    (host,) = local_hosts(1)
    library = tmp_path / "media"
    application = write_application(tmp_path / "shop", FILES)
    run = run_playbook(play(sealing("Seal", application, library)), inventory([host]))
    digest = run.result("Seal")["release"]["digest"]
    layer = next(
        path.name
        for path in (library / "blobs/sha256").iterdir()
        if path.read_bytes()[:2] in (b"\x1f\x8b", b"\x28\xb5")  # gzip, zstd
    )
    (document, _same) = json.loads((library / "index.json").read_bytes())["manifests"]
    oci_manifest = document["digest"].partition(":")[2]
    cases = {}
    for part in (*(f"blobs/sha256/{blob}" for blob in (layer, digest, oci_manifest)), "index.json"):
        for harm in ("truncated", "altered", "missing"):
            case = tmp_path / f"media{len(cases)}"
            shutil.copytree(library, case)
            damage(case / part, harm)
            cases[f"{harm} {part}"] = case

    run = run_playbook(
        play(
            *(
                deploying(title, "shop:1.0.0", case, {"ignore_errors": True})
                for title, case in cases.items()
            )
        ),
        inventory([host]),
    )

    assert "Traceback" not in run.output
    for title, case in cases.items():
        message = run.result(title).get("msg", "was deployed")
        assert is_one_line(message), title
        assert str(case) in message, title
    assert not (host.seen / "shop/current").exists()


def damage(path, harm):
    data = path.read_bytes()
    if harm == "missing":
        path.unlink()
    elif harm == "truncated":
        path.write_bytes(data[: len(data) // 2])
    else:
        middle = len(data) // 2
        path.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
