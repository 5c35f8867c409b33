# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scanning: the same entries however the tree came about, and by name what may not be sealed."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys

import pytest

from ansible_collections.itops.release.plugins.module_utils.release import _scan
from ansible_collections.itops.release.tests.fakes.estate import write_tree

EVERYTHING = _scan.Rules()
FILES = {
    "bin/run*": "#!/bin/sh\n",
    "etc/app.conf": "a = 1\n",
    "etc/über/ß": "",
    "empty/": "",
    "latest@": "etc/app.conf",
    ".hidden": "",
    "A b": "",
}


def paths(root, **rules):
    return [entry.path for entry in _scan.scan(str(root), _scan.Rules(**rules))]


def test_entries_are_what_is_there_sorted_by_utf8(tmp_path):
    entries = _scan.scan(str(write_tree(tmp_path / "src", FILES)), EVERYTHING)

    assert [
        (entry.path, entry.type, entry.exec, entry.size, entry.target) for entry in entries
    ] == [
        (".hidden", "file", False, 0, ""),
        ("A b", "file", False, 0, ""),
        ("bin", "dir", False, 0, ""),
        ("bin/run", "file", True, 10, ""),
        ("empty", "dir", False, 0, ""),
        ("etc", "dir", False, 0, ""),
        ("etc/app.conf", "file", False, 6, ""),
        ("etc/über", "dir", False, 0, ""),
        ("etc/über/ß", "file", False, 0, ""),
        ("latest", "symlink", False, 0, "etc/app.conf"),
    ]


def test_order_umask_and_clock_change_nothing(tmp_path):
    one = write_tree(tmp_path / "one", FILES)
    names = list(FILES)
    random.Random(1).shuffle(names)
    before = os.umask(0o002)
    try:
        other = write_tree(tmp_path / "other", {name: FILES[name] for name in names})
    finally:
        os.umask(before)
    for path in other.rglob("*"):
        os.utime(path, (1, 1), follow_symlinks=False)
    (other / "A b").chmod(0o666)
    (other / "bin/run").chmod(0o775)
    (other / "empty").chmod(0o700)

    assert _scan.scan(str(other), EVERYTHING) == _scan.scan(str(one), EVERYTHING)


@pytest.mark.parametrize("locale", ["C", "POSIX", "C.UTF-8", "tr_TR.UTF-8", "not UTF-8"])
def test_the_locale_changes_nothing(tmp_path, locale):
    root = write_tree(tmp_path / "src", {**FILES, "ä@": "etc/über/ß"})
    code = (
        "import os, sys\n"
        "from ansible_collections.itops.release.plugins.module_utils.release import _scan\n"
        "entries = _scan.scan(sys.argv[1], _scan.Rules())\n"
        "files = _scan.Files(os.open(sys.argv[1], _scan.OPEN_DIRECTORY))\n"
        "for entry in entries:\n"
        "    if entry.type == 'file':\n"
        "        os.close(files.open(entry.path))\n"
        "print(ascii([tuple(entry) for entry in entries]))"
    )
    environment = {**os.environ, "LC_ALL": locale, "PYTHONPATH": os.pathsep.join(sys.path)}
    if locale == "not UTF-8":  # as Pythons before 3.7 have it, and those in a Latin-1 locale
        environment.update(LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    run = subprocess.run(
        [sys.executable, "-c", code, root], env=environment, capture_output=True, check=True
    )

    here = ascii([tuple(entry) for entry in _scan.scan(str(root), EVERYTHING)])
    assert run.stdout.decode("ascii").strip() == here


TREE = {
    "app.py": "",
    "lib/a.py": "",
    "lib/a.pyc": "",
    "lib/deep/b.py": "",
    "lib/deep/none/": "",
    ".git/config": "",
    "vendor/.git/config": "",
    "vendor/x.txt": "",
    "link.py@": "app.py",
}
ALL = [
    ".git",
    ".git/config",
    "app.py",
    "lib",
    "lib/a.py",
    "lib/a.pyc",
    "lib/deep",
    "lib/deep/b.py",
    "lib/deep/none",
    "link.py",
    "vendor",
    "vendor/.git",
    "vendor/.git/config",
    "vendor/x.txt",
]


@pytest.mark.parametrize(
    ("rules", "taken"),
    [
        ({}, ALL),
        ({"exclude": ["**"]}, []),
        ({"exclude": ["**/.git"]}, [path for path in ALL if ".git" not in path]),
        ({"exclude": [".git"]}, [path for path in ALL if not path.startswith(".git")]),
        ({"exclude": ["lib/**", "vendor", ".git"]}, ["app.py", "lib", "link.py"]),
        # Directories that nothing included lies in are left out.
        (
            {"include": ["**/*.py"]},
            ["app.py", "lib", "lib/a.py", "lib/deep", "lib/deep/b.py", "link.py"],
        ),
        ({"include": ["*.py"], "exclude": ["link*"]}, ["app.py"]),
        ({"include": ["lib/"]}, [path for path in ALL if path.startswith("lib")]),
        ({"exclude": ["lib/", "vendor/", ".git/"]}, ["app.py", "link.py"]),
        ({"include": ["lib/*"]}, ["lib", "lib/a.py", "lib/a.pyc", "lib/deep"]),
        # An empty directory can be asked for by name.
        ({"include": ["lib/deep/none"]}, ["lib", "lib/deep", "lib/deep/none"]),
        ({"include": ["lib/**"], "exclude": ["lib/deep"]}, ["lib", "lib/a.py", "lib/a.pyc"]),
        # Excluding wins, and what lies in an excluded directory is not even looked at.
        ({"include": ["lib/deep/b.py"], "exclude": ["lib"]}, []),
        ({"include": ["none"]}, []),
        ({"include": []}, []),
    ],
)
def test_globs_choose_what_is_taken(tmp_path, rules, taken):
    assert paths(write_tree(tmp_path / "src", TREE), **rules) == taken


def test_private_and_writable_are_noted_by_glob(tmp_path):
    root = write_tree(tmp_path / "src", {"key.pem": "", "db.sqlite": "", "app": "", "d/": ""})
    (root / "key.pem").chmod(0o600)

    entries = _scan.scan(str(root), _scan.Rules(private=["*.pem"], writable=["*.sqlite", "d"]))

    assert {entry.path: (entry.private, entry.writable) for entry in entries} == {
        "app": (False, False),
        "d": (False, False),
        "db.sqlite": (False, True),
        "key.pem": (True, False),
    }


def make_fifo(root):
    os.mkfifo(root / "bad")


def make_socket(root):
    here = os.getcwd()
    os.chdir(root)  # a socket's path may be no longer than 108 bytes
    try:
        socket.socket(socket.AF_UNIX).bind("bad")
    finally:
        os.chdir(here)


def make_unreadable(root):
    (root / "bad").write_text("")
    (root / "bad").chmod(0o640)


def make_named(name):
    def make(root):
        with open(os.path.join(os.fsencode(root), name), "wb"):
            pass

    return make


def make_link(target):
    def make(root):
        os.symlink(target, os.path.join(os.fsencode(root), b"bad"))

    return make


BAD = {
    "fifo": (make_fifo, "'bad' is neither a file, a directory nor a link"),
    "socket": (make_socket, "'bad' is neither a file, a directory nor a link"),
    "unreadable": (make_unreadable, r"'bad' cannot be read by others \(mode 0640\): list it"),
    "newline": (make_named(b"ba\nd"), r"'ba\\nd' has a control character"),
    "escape": (make_named(b"ba\x1b[2Jd"), r"'ba\\x1b\[2Jd' has a control character"),
    "not UTF-8": (make_named(b"bad\xff"), r"'bad\\udcff' is not UTF-8"),
    "absolute link": (make_link("/etc/passwd"), "link 'bad' points to the absolute path"),
    "link out": (make_link("../secret"), "link 'bad' leaves its component"),
    "link target not UTF-8": (make_link(b"\xff"), "link 'bad' has a target that is not UTF-8"),
    "link to itself": (make_link("bad"), "link 'bad' leads back to itself"),
}


@pytest.mark.parametrize(("make", "reason"), BAD.values(), ids=BAD)
def test_what_may_not_be_sealed_is_refused_by_name(tmp_path, make, reason):
    root = write_tree(tmp_path / "src", {"app": "a"})
    make(root)

    with pytest.raises(_scan.ScanError, match=reason) as caught:
        _scan.scan(str(root), EVERYTHING)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(("make", "reason"), BAD.values(), ids=BAD)
def test_what_is_not_taken_stands_in_nobodys_way(tmp_path, make, reason):
    del reason
    root = write_tree(tmp_path / "src", {"app": "a"})
    make(root)

    assert paths(root, include=["app"]) == ["app"]
    assert paths(root, exclude=["ba*"]) == ["app"]


def test_all_offenders_are_named_at_once(tmp_path):
    root = write_tree(tmp_path / "src", {"a/app": "a"})
    for name in ("a/one", "two", "three"):
        os.mkfifo(root / name)
    make_unreadable(root)

    with pytest.raises(_scan.ScanError) as caught:
        _scan.scan(str(root), EVERYTHING)

    assert [
        name for name in ("a/one", "two", "three", "bad") if repr(name) in str(caught.value)
    ] == [
        "a/one",
        "two",
        "three",
        "bad",
    ]


def test_of_very_many_offenders_twenty_are_named_and_the_rest_counted(tmp_path):
    for number in range(23):
        os.mkfifo(tmp_path / str(number))

    with pytest.raises(_scan.ScanError, match=r"; and 3 more$"):
        _scan.scan(str(tmp_path), EVERYTHING)


def test_a_private_file_may_be_unreadable_by_others(tmp_path):
    make_unreadable(tmp_path)

    assert paths(tmp_path, private=["bad"]) == ["bad"]


@pytest.mark.parametrize("swapped", ["d", "d/app"])
def test_a_file_is_never_opened_through_a_link(tmp_path, swapped):
    root = write_tree(tmp_path / "src", {"d/app": "ours"})
    write_tree(tmp_path / "secret", {"app": "theirs"})
    there = root / swapped
    there.rename(tmp_path / "aside")
    there.symlink_to(tmp_path / "secret" / swapped[2:])
    descriptor = os.open(root, _scan.OPEN_DIRECTORY)
    try:
        with pytest.raises(OSError, match=r"'d/app'$"):  # ELOOP or ENOTDIR, by kernel and step
            _scan.Files(descriptor).open("d/app")
    finally:
        os.close(descriptor)


def test_files_are_opened_wherever_they_lie(tmp_path):
    contents = {name: name for name in ("a", "d/a", "d/b", "d/e/f/a", "d/e/f/b", "d/z", "é/é", "z")}
    descriptor = os.open(write_tree(tmp_path / "src", contents), _scan.OPEN_DIRECTORY)
    before = len(os.listdir("/proc/self/fd"))
    files = _scan.Files(descriptor)
    for name in (*contents, *reversed(contents)):
        with os.fdopen(files.open(name)) as stream:
            assert stream.read() == name
    for name in ("d/missing", "missing/a", "d/a/b"):
        with pytest.raises(OSError, match=f"'{name}'$"):
            files.open(name)
    with os.fdopen(files.open("d/b")) as stream:
        assert stream.read() == "d/b"
    files.close()

    assert len(os.listdir("/proc/self/fd")) == before
    os.close(descriptor)
