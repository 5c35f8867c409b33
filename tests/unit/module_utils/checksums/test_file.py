# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trees against their checksum files: each difference is named, and nothing passes for nothing."""

from __future__ import annotations

import ast
import contextlib
import fcntl
import hashlib
import os
import resource
import socket
import subprocess
import sys

import pytest

from ansible_collections.itops.release.plugins.module_utils.checksums import (
    _delivery,
    _file,
    _lines,
)
from ansible_collections.itops.release.plugins.modules import release_checksums
from ansible_collections.itops.release.tests.fakes.estate import sha256, snapshot, write_tree
from ansible_collections.itops.release.tests.fakes.processes import in_child

FILES = {"app*": "one", "lib/a": "a", "lib/b": "b", "docs/c": "c", "empty/": ""}
LISTED = ["app", "docs/c", "lib/a", "lib/b"]
# What ansible-sign 0.1.6 wrote, for the files below.
SIGNED = """\
780af98dd12df60b957903bfd8de369519edcd0c342fe28ea0d90e567e25a5cf  MANIFEST.in
2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881  back\\slash.yml
8d74beec1be996322ad76813bafb92d40839895d6dd7ee808b17ca201eac98be  docs/x.md
91ee5e9f42ba3d34e414443b36a27b797a56a47aad6bb1e4c1769e69c77ce0ca  inventory/hosts
fd6641673e7f3bf6e80e4bc5401fcb2821a1e117206c8e1c65cef23a58dc37ff  play.yml
87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7  roles/a/tasks/main.yml
"""
PROJECT = {
    "MANIFEST.in": """\
# comment

include *.yml
play.yml
recursive-include roles *
graft inventory
recursive-include docs *.md
exclude docs/xx.md
recursive-exclude .git *
prune secret
global-exclude *.tmp
""",
    "back\\slash.yml": "x",
    "docs/x.md": "d\n",
    "docs/xx.md": "d\n",
    "inventory/hosts": "h\n",
    "play.yml": "p\n",
    "roles/a/tasks/main.yml": "a\n",
    ".git/config": "g\n",
    "secret/k": "s\n",
    "foo.tmp": "",
    "link.yml@": "play.yml",
    "r2@": "roles",
}


@pytest.fixture
def tree(tmp_path):
    """Return a tree with its checksum file SHA256SUMS, as coreutils make it."""
    folder = write_tree(tmp_path / "tree", FILES)
    listing(folder, LISTED)
    return folder


def listing(folder, names, to="SHA256SUMS"):
    done = subprocess.run(["sha256sum", *names], cwd=folder, capture_output=True, check=True)
    (folder / to).write_bytes(done.stdout)


def run(folder, check_mode=False, **params):
    defaults = {key: option.get("default") for key, option in release_checksums.options().items()}
    before = snapshot(folder)
    result = release_checksums.run({**defaults, "path": str(folder), **params}, check_mode)
    if check_mode or not result["changed"]:
        assert snapshot(folder) == before
    return result


def differences(result):
    return {key: result[key] for key in ("added", "removed", "modified") if result[key]}


def refusal(folder, **params):
    with pytest.raises((_lines.ChecksumError, OSError)) as caught:
        run(folder, **params)
    assert str(caught.value).isprintable()
    return str(caught.value)


def test_a_tree_that_is_as_listed_is_whole(tree):
    result = run(tree)

    assert result["is_whole"]
    assert result["checked"] == 4
    assert differences(result) == {}
    assert result["msg"] == "4 files are as listed"
    assert result["checksum_file_sha256"] == sha256((tree / "SHA256SUMS").read_text())


def test_check_mode_verifies_too(tree):
    assert run(tree, check_mode=True)["is_whole"]
    (tree / "app").write_text("two")
    assert not run(tree, check_mode=True)["is_whole"]


def test_every_difference_is_named(tree):
    (tree / "app").write_text("two")
    (tree / "lib/a").unlink()
    (tree / "lib/more").write_text("")
    (tree / "docs/c").unlink()
    (tree / "docs/c").mkdir()
    (tree / "docs/c/d").write_text("")

    result = run(tree)

    assert not result["is_whole"]
    assert differences(result) == {
        "added": ["docs/c/d", "lib/more"],
        "removed": ["docs/c", "lib/a"],
        "modified": ["app"],
    }
    assert result["checked"] == 2
    assert result["msg"] == (
        "SHA256SUMS: 1 modified: 'app'; 2 removed: 'docs/c', 'lib/a'; "
        "2 added: 'docs/c/d', 'lib/more'"
    )


@pytest.mark.parametrize("of", ["app", "lib/a", "docs/c"])
@pytest.mark.parametrize("damage", ["flipped", "longer", "shorter"])
def test_any_other_content_is_noticed(tree, of, damage):
    data = (tree / of).read_bytes()
    changed = {"flipped": bytes([data[0] ^ 1]) + data[1:], "longer": data + b"x", "shorter": b""}
    (tree / of).write_bytes(changed[damage])

    assert differences(run(tree)) == {"modified": [of]}


def test_of_many_differences_a_few_are_told_and_all_returned(tree):
    for number in range(1000):
        (tree / ("x" * 200 + "\n\udcff" + str(number))).write_text("")

    result = run(tree)

    assert len(result["added"]) == 1000
    assert "and 995 more" in result["msg"]
    assert len(result["msg"]) < 1000
    assert result["msg"].isprintable()
    assert result["added"][0] == "x" * 200 + "\n\\xff0"


def test_files_that_are_not_listed_may_be_allowed(tree):
    (tree / "more").write_text("")

    result = run(tree, allow_added=True)

    assert result["is_whole"]
    assert result["added"] == ["more"]


def test_a_checksum_file_that_was_cut_short_is_no_success(tree):
    whole = (tree / "SHA256SUMS").read_bytes()
    for end in range(len(whole) - 1):
        (tree / "SHA256SUMS").write_bytes(whole[:end])
        with contextlib.suppress(_lines.ChecksumError):
            assert not run(tree)["is_whole"], whole[:end]


@pytest.mark.parametrize("data", ["", "\n", "# none\n"])
@pytest.mark.parametrize("allow_added", [True, False])
def test_a_file_that_lists_nothing_is_no_success(tmp_path, data, allow_added):
    tree = write_tree(tmp_path / "tree", {"SHA256SUMS": data})

    assert refusal(tree, allow_added=allow_added).startswith("SHA256SUMS: it ")


def test_a_missing_checksum_file_is_no_success(tmp_path):
    tree = write_tree(tmp_path / "tree", {"app": ""})

    assert refusal(tree) == "SHA256SUMS: it is not there"
    assert refusal(tree, checksum_file="none/SUMS") == "none/SUMS: its folder is not there"
    assert "its folder" in refusal(tree, checksum_file="none/SUMS", state="written")
    assert "No such file" in refusal(tmp_path, path=str(tmp_path / "none"))


def test_what_is_excluded_is_neither_looked_at_nor_missed(tree):
    os.mkfifo(tree / "lib/fifo")
    (tree / "lib/a").unlink()
    (tree / "docs/c").write_text("changed")
    (tree / "out").symlink_to("/etc")

    result = run(tree, exclude=["lib/", "**/c", "out"])

    assert result["is_whole"]
    assert result["checked"] == 1


def test_excluding_all_is_no_success(tree):
    result = run(tree, exclude=["**"])

    assert not result["is_whole"]
    assert result["msg"] == "SHA256SUMS: nothing was checked: all that it lists is excluded"


def test_sha512_is_told_by_the_length_of_a_digest(tree):
    done = subprocess.run(["sha512sum", *LISTED], cwd=tree, capture_output=True, check=True)
    (tree / "SHA256SUMS").write_bytes(done.stdout)
    assert run(tree)["is_whole"]
    (tree / "SHA256SUMS").rename(tree / "SHA512SUMS")
    assert run(tree, algorithm="sha512")["is_whole"]
    (tree / "app").write_text("two")
    assert differences(run(tree, algorithm="sha512")) == {"modified": ["app"]}


# --- the checksum file itself


def test_the_checksum_file_may_be_pinned(tree):
    pin = sha256((tree / "SHA256SUMS").read_text())

    assert run(tree, checksum_file_sha256=pin.upper())["is_whole"]
    (tree / "SHA256SUMS").write_text("rubbish")  # it is not even parsed
    assert refusal(tree, checksum_file_sha256=pin) == (
        f"SHA256SUMS: its SHA-256 is {sha256('rubbish')}, and should be {pin}"
    )


@pytest.mark.parametrize("pin", ["", " ", "0" * 63, "0" * 64 + "\n", "sha256:" + "0" * 64])
def test_a_pin_that_is_none_does_not_mean_that_there_is_none(tree, pin):
    assert refusal(tree, checksum_file_sha256=pin).startswith("checksum_file_sha256 is not 64 hex")


def test_a_checksum_file_that_lists_itself_is_refused(tree):
    with open(tree / "SHA256SUMS", "a", encoding="utf-8") as stream:
        stream.write(f"{sha256('')}  SHA256SUMS\n")

    assert refusal(tree) == "SHA256SUMS: it lists itself, which can never be right"
    assert run(tree, exclude=["SHA256SUMS"])["is_whole"]


def test_a_checksum_file_may_lie_beside_the_tree(tree):
    (tree / "SHA256SUMS").rename(tree.parent / "sums")

    assert run(tree, checksum_file="../sums")["is_whole"]
    assert run(tree, checksum_file=str(tree.parent / "sums"))["is_whole"]


def test_a_tree_may_go_by_two_names(tree):
    (tree.parent / "alias").symlink_to(tree)

    assert run(tree, path=str(tree.parent / "alias"))["is_whole"]
    for file in (tree / "SHA256SUMS", tree.parent / "alias/SHA256SUMS"):
        assert run(tree, path=str(tree.parent / "alias"), checksum_file=str(file))["is_whole"]
        assert run(tree, checksum_file=str(file))["is_whole"]


def make_link(tree):
    (tree / "SHA256SUMS").rename(tree / "real")
    (tree / "SHA256SUMS").symlink_to("real")


def make_fifo(tree):
    (tree / "SHA256SUMS").unlink()
    os.mkfifo(tree / "SHA256SUMS")


def make_directory(tree):
    (tree / "SHA256SUMS").unlink()
    (tree / "SHA256SUMS").mkdir()


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (make_link, "SHA256SUMS: it is a link"),
        (make_fifo, "SHA256SUMS: it is no regular file"),
        (make_directory, "SHA256SUMS: it is no regular file"),
    ],
)
@pytest.mark.parametrize("state", ["verified", "written"])
def test_a_checksum_file_is_a_regular_file(tree, make, reason, state):
    make(tree)

    assert refusal(tree, state=state) == reason


@pytest.mark.parametrize("state", ["verified", "written"])
def test_a_checksum_file_in_the_tree_is_reached_through_no_link(tree, state):
    outside = tree.parent / "outside"
    outside.mkdir()
    (tree / "sums").symlink_to(outside)
    (outside / "SUMS").write_bytes((tree / "SHA256SUMS").read_bytes())

    assert refusal(tree, state=state, checksum_file="sums/SUMS") == (
        "sums/SUMS: it lies behind a link, or what is no directory"
    )
    assert sorted(os.listdir(outside)) == ["SUMS"]


def test_a_checksum_file_has_bounds(tree, monkeypatch):
    monkeypatch.setattr(_file, "MOST_BYTES", 10)

    assert refusal(tree) == "SHA256SUMS: it is larger than 10 bytes"


# --- what is no honest difference


def make_socket(path):
    here = os.getcwd()
    os.chdir(path.parent)  # a socket's path may be no longer than 108 bytes
    try:
        socket.socket(socket.AF_UNIX).bind(path.name)
    finally:
        os.chdir(here)


def make_link_to(target):
    return lambda path: path.symlink_to(target)


BAD = {
    "fifo": (os.mkfifo, "is neither a file, a directory nor a link"),
    "socket": (make_socket, "is neither a file, a directory nor a link"),
    "absolute": (make_link_to("/etc/passwd"), "is a link out of the tree"),
    "out": (make_link_to("../../x"), "is a link out of the tree"),
    "out and in": (make_link_to("../../tree/app"), "is a link out of the tree"),
    "nowhere": (make_link_to("none"), "is a link to 'lib/none', which is not there or left out"),
    "to itself": (make_link_to("bad"), "is a link that never ends"),
    "through a link": (make_link_to("back/../../x"), "is a link out of the tree"),
}


@pytest.mark.parametrize(("make", "reason"), BAD.values(), ids=BAD)
@pytest.mark.parametrize("state", ["verified", "written"])
@pytest.mark.parametrize("is_listed", [True, False])
def test_what_a_delivery_may_not_hold_is_refused_by_name(tree, make, reason, state, is_listed):
    (tree / "lib/back").symlink_to("..")
    make(tree / "lib/bad")
    if is_listed:
        with open(tree / "SHA256SUMS", "a", encoding="utf-8") as stream:
            stream.write(f"{sha256('')}  lib/bad\n")

    assert refusal(tree, state=state, allow_added=True) == f"'lib/bad' {reason}"


def test_a_link_that_leads_out_by_another_link_is_refused(tree):
    (tree / "a").symlink_to("lib/b2/x")
    (tree / "lib/b2").symlink_to("/etc")

    assert refusal(tree) in ("'a' is a link out of the tree", "'lib/b2' is a link out of the tree")


def test_a_link_to_what_is_left_out_is_refused(tree):
    (tree / "bad").symlink_to("docs/c")

    assert refusal(tree, exclude=["docs"]).startswith("'bad' is a link to 'docs/c', which is not")


def test_links_within_the_tree_are_told_and_may_be_forbidden(tree):
    for name, target in {"file": "lib/a", "lib/top": "..", "lib/up": "../docs/./c"}.items():
        (tree / name).symlink_to(target)

    result = run(tree)
    strict = run(tree, allow_links=False)

    assert result["is_whole"]
    assert result["links"] == ["file", "lib/top", "lib/up"]
    assert strict["msg"] == "SHA256SUMS: 3 added: 'file', 'lib/top', 'lib/up'"
    assert not strict["is_whole"]
    assert run(tree, allow_links=False, allow_added=True)["is_whole"]
    assert refusal(tree, allow_links=False, state="written").startswith("SHA256SUMS: 3 links: 'fil")


def test_a_link_that_is_listed_stands_for_the_file_it_leads_to(tree):
    (tree / "link").symlink_to("lib/../lib/again")
    (tree / "lib/again").symlink_to("a")
    listing(tree, [*LISTED, "link"])

    result = run(tree)
    assert result["is_whole"]
    assert result["checked"] == 5
    assert result["links"] == ["lib/again"]
    (tree / "lib/again").unlink()
    (tree / "lib/again").symlink_to("b")
    assert differences(run(tree)) == {"modified": ["link"]}


def test_names_through_links_and_of_linked_directories_are_refused(tree):
    (tree / "linked").symlink_to("lib")
    listing(tree, [*LISTED, "linked/a"])
    assert refusal(tree) == "'linked/a' is listed through the link 'linked'"
    (tree / "SHA256SUMS").write_text(f"{sha256('')}  linked\n")
    assert refusal(tree) == "'linked' is listed as a file, and is a link to a directory"


def test_a_tree_that_is_too_deep_is_refused(tree):
    deep = tree
    for _number in range(200):
        deep = deep / "d"
        deep.mkdir()

    assert "is nested deeper than 128 names" in refusal(tree)
    assert run(tree, exclude=["d"])["is_whole"]


def test_a_file_that_changes_while_it_is_read_is_noticed(tree, monkeypatch):
    reading = os.read

    def read(descriptor, length):
        data = reading(descriptor, length)
        status = os.fstat(descriptor)
        if status.st_ino == (tree / "app").stat().st_ino:
            with open(tree / "app", "r+b") as stream:  # as long as before, and as old
                stream.write(b"two")
            os.utime(tree / "app", ns=(status.st_atime_ns, status.st_mtime_ns))
        return data

    monkeypatch.setattr(os, "read", read)
    for state in ("verified", "written"):
        with pytest.raises(_lines.ChecksumError, match=r"^'app' changed while it was read$"):
            run(tree, state=state)


@pytest.mark.parametrize("by", [-1, 1])
def test_a_file_that_grows_or_shrinks_while_it_is_read_is_noticed(tree, monkeypatch, by):
    (tree / "app").write_bytes(bytes(3 * _delivery.CHUNK_BYTES))
    reading = os.read

    def read(descriptor, length):
        data = reading(descriptor, length)
        if os.fstat(descriptor).st_size > 100:
            os.truncate(tree / "app", 3 * _delivery.CHUNK_BYTES + by)
        return data

    monkeypatch.setattr(os, "read", read)
    with pytest.raises(_lines.ChecksumError, match=r"^'app' changed while it was read$"):
        run(tree)


def test_a_file_that_is_swapped_for_a_link_is_not_followed(tree, monkeypatch):
    looking = _delivery.look

    def look(*arguments):
        found = looking(*arguments)
        (tree / "lib").rename(tree.parent / "aside")
        (tree / "lib").symlink_to(tree.parent / "aside")
        return found

    monkeypatch.setattr(_delivery, "look", look)
    with pytest.raises(OSError, match=r"'lib/a'$"):
        release_checksums.run(
            {
                **{k: o.get("default") for k, o in release_checksums.options().items()},
                "path": str(tree),
            },
            True,
        )


def test_a_file_that_cannot_be_written_is_told_with_its_path(tree):
    (tree / "SHA256SUMS").unlink()
    (tree / ".SHA256SUMS.release_checksums").mkdir()  # where it is written first

    with pytest.raises(IsADirectoryError, match=f"'{tree}/SHA256SUMS'$"):
        run(tree, state="written")


def test_no_descriptor_is_left_open(tree):
    (tree / "linked").symlink_to("lib")
    before = len(os.listdir("/proc/self/fd"))
    run(tree)
    run(tree, state="written")
    (tree / "out").symlink_to("/")
    refusal(tree)
    refusal(tree, checksum_file="linked/x")
    refusal(tree, checksum_file="linked/x", state="written")

    assert len(os.listdir("/proc/self/fd")) == before


# --- writing


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_what_is_written_lists_the_tree_and_coreutils_accept_it(tree, algorithm):
    (tree / "SHA256SUMS").unlink()
    name = f"{algorithm.upper()}SUMS"
    predicted = run(tree, check_mode=True, state="written", algorithm=algorithm)
    umask = os.umask(0o077)
    try:
        written = run(tree, state="written", algorithm=algorithm)
    finally:
        os.umask(umask)
    again = run(tree, state="written", algorithm=algorithm)

    assert predicted == written
    assert written["changed"]
    assert not again["changed"]
    assert again["diff"]["before"] == again["diff"]["after"] == ""
    assert written["diff"]["after"] == (tree / name).read_text()
    done = subprocess.run(
        [f"{algorithm}sum", "--check", "--strict", name], cwd=tree, capture_output=True, check=True
    )
    assert done.stdout.decode() == "".join(f"{path}: OK\n" for path in LISTED)
    assert (tree / name).stat().st_mode & 0o7777 == 0o644
    assert run(tree, algorithm=algorithm)["is_whole"]
    digest = hashlib.sha256((tree / name).read_bytes()).hexdigest()
    assert written["checksum_file_sha256"] == digest


def test_the_diff_has_the_lines_that_come_and_go(tree):
    (tree / "app").write_text("two")
    (tree / "docs/c").unlink()

    result = run(tree, state="written", check_mode=True)

    assert result["diff"]["before"] == f"{sha256('one')}  app\n{sha256('c')}  docs/c\n"
    assert result["diff"]["after"] == f"{sha256('two')}  app\n"


def test_links_are_not_listed(tree):
    (tree / "link").symlink_to("app")

    assert run(tree, state="written")["links"] == ["link"]
    assert "link" not in (tree / "SHA256SUMS").read_text()
    assert run(tree)["is_whole"]


def test_nothing_to_list_is_an_error(tmp_path):
    tree = write_tree(tmp_path / "tree", {"empty/": "", "SHA256SUMS": ""})

    assert refusal(tree, state="written") == "SHA256SUMS: there is no file to list"


def test_what_a_killed_run_left_is_not_listed_and_goes(tree):
    (tree / ".SHA256SUMS.release_checksums").write_text("half")
    assert differences(run(tree)) == {"added": [".SHA256SUMS.release_checksums"]}
    (tree / "app").write_text("two")

    run(tree, state="written")

    assert "release_checksums" not in (tree / "SHA256SUMS").read_text()
    assert run(tree)["is_whole"]


def test_two_do_not_write_one_file_at_once(tree):
    (tree / "app").write_text("two")
    descriptor = os.open(tree, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        assert refusal(tree, state="written") == "SHA256SUMS: another process writes it"
    finally:
        os.close(descriptor)
    assert run(tree, state="written")["changed"]


def test_a_pin_has_no_meaning_for_what_is_written(tree):
    reason = refusal(tree, state="written", checksum_file_sha256="0" * 64)

    assert reason == "checksum_file_sha256 goes with state: verified only"


# --- projects of ansible-sign


@pytest.fixture
def project(tmp_path):
    folder = write_tree(tmp_path / "project", PROJECT)
    write_tree(folder / ".ansible-sign", {"sha256sum.txt": SIGNED, "sha256sum.txt.sig": "PGP"})
    return folder


SIGN = {"checksum_file": ".ansible-sign/sha256sum.txt"}


def test_a_project_is_verified_as_ansible_sign_does(project):
    result = run(project, **SIGN)

    assert result["is_whole"], result
    assert result["checked"] == 6
    (project / "foo.tmp").write_text("changed, and none of its business")
    (project / ".git/more").write_text("")
    (project / ".ansible-sign/more").write_text("")
    assert run(project, **SIGN)["is_whole"]
    (project / "more").write_text("")
    (project / "secret").rename(project / "open")
    (project / "play.yml").write_text("changed")
    (project / "MANIFEST.in").write_text(PROJECT["MANIFEST.in"] + "\n")
    assert differences(run(project, **SIGN)) == {
        "added": ["more", "open/k"],
        "modified": ["MANIFEST.in", "play.yml"],
    }


def test_the_file_of_a_project_is_what_ansible_sign_writes(project):
    assert not run(project, state="written", **SIGN)["changed"]
    for name in ("sha256sum.txt", "sha256sum.txt.sig"):
        (project / ".ansible-sign" / name).unlink()
    (project / ".ansible-sign").rmdir()

    assert run(project, state="written", check_mode=True, **SIGN)["changed"]
    assert run(project, state="written", **SIGN)["changed"]
    assert (project / ".ansible-sign/sha256sum.txt").read_text() == SIGNED


def test_what_ansible_sign_does_not_know_is_refused(project):
    name = SIGN["checksum_file"]
    for extra in ({"algorithm": "sha512"}, {"exclude": ["docs/"]}):
        assert refusal(project, state="written", **SIGN, **extra) == (
            f"{name}: ansible-sign has SHA-256 only, and excludes by MANIFEST.in"
        )
    (project / "MANIFEST.in").write_text("take it all")
    assert refusal(project, **SIGN) == f"{name}: MANIFEST.in: line 1 is no directive: 'take it all'"
    (project / "MANIFEST.in").unlink()
    (project / "MANIFEST.in").symlink_to("play.yml")
    assert refusal(project, **SIGN) == f"{name}: MANIFEST.in: it is a link"
    (project / "MANIFEST.in").unlink()
    assert refusal(project, **SIGN) == f"{name}: there is no MANIFEST.in, which ansible-sign needs"


# --- everywhere

IN_ANY_LOCALE = """
import os, sys
from ansible_collections.itops.release.plugins.modules import release_checksums

defaults = {key: option.get("default") for key, option in release_checksums.options().items()}
for state in ("written", "verified"):
    result = release_checksums.run({**defaults, "path": sys.argv[1], "state": state}, False)
    print(ascii((result["is_whole"], result["checked"], result["links"])))
"""


@pytest.mark.parametrize("utf8", ["1", "0"])
def test_the_locale_changes_nothing(tmp_path, utf8):
    tree = write_tree(tmp_path / "bäume", {"größe/ß": "ß", "lïnk@": "größe/ß"})
    with open(os.fsencode(tree) + b"/\xff", "wb"):
        pass
    environment = {
        **os.environ,
        "LC_ALL": "C",
        "PYTHONUTF8": utf8,
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }

    done = subprocess.run(
        [sys.executable, "-c", IN_ANY_LOCALE, str(tree)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    lines = [ast.literal_eval(line) for line in done.stdout.splitlines()]
    assert lines == [(True, 2, ["lïnk"]), (True, 2, ["lïnk"])]
    assert (tree / "SHA256SUMS").read_bytes().count(b"\n") == 2


def test_memory_is_flat_in_the_size_of_a_file(tmp_path):
    tree = write_tree(tmp_path / "tree", {"big": ""})
    os.truncate(tree / "big", 100_000_000)

    def grown():
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        run_plain = {k: o.get("default") for k, o in release_checksums.options().items()}
        for state in ("written", "verified"):
            release_checksums.run({**run_plain, "path": str(tree), "state": state}, False)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before

    assert in_child(grown) < 20_000  # KiB
