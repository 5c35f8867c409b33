# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives: each format is read for what it holds, by the same rules as a tree of files."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import random
import shutil
import stat
import subprocess
import tarfile
import zipfile

import pytest
import zstandard

from ansible_collections.itops.release.plugins.module_utils.formats import _codec
from ansible_collections.itops.release.plugins.module_utils.release import _scan
from ansible_collections.itops.release.plugins.plugin_utils.building import _sealing
from ansible_collections.itops.release.plugins.plugin_utils.definition import _release_file
from ansible_collections.itops.release.tests.fakes import estate as estates
from ansible_collections.itops.release.tests.fakes.archives import (
    LIMITS,
    RULES,
    header,
    pack,
    tar,
    zipped,
)

DEEP = "a folder/" + "x" * 90 + "/" + "y" * 90
FILES = {
    "bin/run*": "#!/bin/sh\n",
    "lib/app.py": "print()\n" * 50_000,
    "lib/über/ß": "",
    DEEP: "deep",
    "empty/": "",
    "latest@": "lib/app.py",
    ".hidden": "h",
}
COMPRESSIONS = {
    "tar": lambda data: data,
    "gzip": gzip.compress,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
    "zstd": zstandard.compress,
}


def tree(folder, files=None):
    return estates.write_tree(folder, FILES if files is None else files)


def as_tar(folder, form=tarfile.PAX_FORMAT, seed=None):
    """Return a tar of what is below *folder*, in an order of its own and with times of its own."""
    stream = io.BytesIO()
    paths = sorted(folder.rglob("*"))
    if seed is not None:
        random.Random(seed).shuffle(paths)
    with tarfile.open(fileobj=stream, mode="w", format=form) as archive:
        for path in paths:
            information = archive.gettarinfo(path, str(path.relative_to(folder)))
            information.uid, information.uname, information.mtime = 77, "vendor", 1.5 + (seed or 0)
            if path.is_file() and not path.is_symlink():
                with open(path, "rb") as content:
                    archive.addfile(information, content)
            else:
                archive.addfile(information)
    return stream.getvalue()


def as_zip(files, method=zipfile.ZIP_DEFLATED):
    return zipped({name: content.encode() for name, content in files.items()}, method)


def seal(estate, folder, kind, source, **rules):
    source = _release_file.ComponentSource(
        "app", "1.0", kind, source, ".", **{**RULES, "case_sensitive": False, **rules}
    )
    release = _release_file.ReleaseFile("shop", "1.0", 1, (source,))
    return _sealing.seal(estate.library, release, _sealing.pack_here(str(folder)))[0].label


@pytest.fixture
def expected(estate):
    """Return the Label of the release that the tree itself makes."""
    folder = tree(estate.folder / "src/tree")
    return seal(estate, folder.parent, "files", "tree")


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_tar_makes_the_same_release_as_the_tree_that_it_holds(estate, expected, compression):
    folder = estate.folder / "src"
    for seed in (None, 1):
        data = COMPRESSIONS[compression](as_tar(folder / "tree", seed=seed))
        (folder / "vendor.bin").write_bytes(data)

        assert seal(estate, folder, "archive", "vendor.bin") == expected


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_each_form_of_tar_is_read(estate, expected, form):
    folder = estate.folder / "src"
    (folder / "vendor.bin").write_bytes(as_tar(folder / "tree", form))

    assert seal(estate, folder, "archive", "vendor.bin") == expected


@pytest.mark.parametrize("form", ["gnu", "oldgnu", "pax", "ustar"])
def test_what_tar_itself_writes_is_read(estate, expected, form):
    folder = estate.folder / "src"
    argv = ["tar", "--create", f"--format={form}", "--file=vendor.bin", "--directory=tree", "."]
    subprocess.run(argv, cwd=folder, check=True)

    assert seal(estate, folder, "archive", "vendor.bin") == expected


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_makes_the_same_release_too(estate, expected, method):
    folder = estate.folder / "src"
    (folder / "vendor.bin").write_bytes(as_zip(FILES, method))

    assert seal(estate, folder, "archive", "vendor.bin") == expected


def test_a_zip_that_was_written_to_a_pipe_is_read(tmp_path):
    class Pipe(io.RawIOBase):
        def __init__(self):
            super().__init__()
            self.data = b""

        def writable(self):
            return True

        def write(self, data):
            self.data += bytes(data)
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("a", "b"):
            information = zipfile.ZipInfo(name)
            information.external_attr = (stat.S_IFREG | 0o644) << 16
            with archive.open(information, "w", force_zip64=name == "b") as entry:
                entry.write(b"content")

    assert pack(tmp_path, pipe.data)[1] == {"a": b"content", "b": b"content"}


def test_zstd_is_read_by_the_program_where_no_module_is(estate, expected, monkeypatch):
    if not shutil.which("zstd"):
        pytest.skip("no zstd program here")
    folder = estate.folder / "src"
    (folder / "vendor.bin").write_bytes(zstandard.compress(as_tar(folder / "tree")))
    monkeypatch.setattr(_codec, "zstd_module", lambda: None)

    assert seal(estate, folder, "archive", "vendor.bin") == expected


def test_zstd_that_nothing_reads_is_told_in_a_line(tmp_path, monkeypatch):
    monkeypatch.setattr(_codec, "zstd_module", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(_scan.ScanError, match=r"^vendor\.bin: nothing here reads zstd: install"):
        pack(tmp_path, zstandard.compress(tar(header("a"))))


@pytest.mark.parametrize("compression", ["gzip", "xz", "bzip2", "zstd"])
def test_members_of_parallel_compressors_are_one_stream(tmp_path, compression):
    data = tar(header("a", b"a" * 3000), header("b", os.urandom(200_000)))
    pieces = [data[at : at + 1000] for at in range(0, len(data), 1000)]
    data = b"".join(COMPRESSIONS[compression](piece) for piece in pieces)

    assert list(pack(tmp_path, data)[1]) == ["a", "b"]


def test_globs_choose_what_is_taken_as_in_a_tree(estate):
    folder = estate.folder / "src"
    files = {**FILES, ".git/config": "", "lib/a.pyc": ""}
    tree(folder / "tree", files)
    (folder / "vendor.bin").write_bytes(as_tar(folder / "tree", seed=3))
    (folder / "vendor.zip").write_bytes(as_zip(files))  # which lists only empty directories
    for rules in (
        {"exclude": ("**/.git", "*.pyc")},
        {"include": ("lib/**",), "exclude": ("lib/über",)},
        {"include": ("**/*.py", "empty"), "writable": ("lib/*",)},
        {"private": ("bin/*",)},
        {"include": ("*",), "exclude": (".git", "lib/über/*")},
    ):
        wanted = seal(estate, folder, "files", "tree", **rules)
        for source in ("vendor.bin", "vendor.zip"):
            assert seal(estate, folder, "archive", source, **rules) == wanted
        estate.library.remove(wanted.digest)


@pytest.mark.parametrize("dot", ["", "./"])
def test_leading_folders_are_stripped_as_tar_does(tmp_path, dot):
    data = tar(header(dot + "v-2.1/bin/x", b"x"), header("README", b""), header(dot + "v-2.1/y"))

    for count, paths in ((1, ["bin", "bin/x", "y"]), (2, ["x"])):
        assert [entry.path for entry in pack(tmp_path, data, strip=count)[0]] == paths


def test_hard_links_become_entries_with_the_same_content(tmp_path):
    data = tar(
        header("v/a", b"content", 0o755),
        header("v/left", b"left out"),
        header("v/l@", "a"),
        header("v/b=", "v/a"),
        header("./v/c=", "./v/left"),
        header("v/d=", "v/l"),
    )

    entries, contents = pack(tmp_path, data, strip=1, exclude=("left",))

    assert contents == {"a": b"content", "b": b"content", "c": b"left out"}
    assert [(e.path, e.exec) for e in entries if e.exec] == [("a", True), ("b", True)]
    assert [(e.path, e.target) for e in entries if e.type == "symlink"] == [("d", "a"), ("l", "a")]


def test_entries_that_stand_twice_alike_are_one(tmp_path):
    data = tar(
        header("a/"), header("a/f", b"x" * 600_000), header("a/"), header("./a/f", b"x" * 600_000)
    )

    assert list(pack(tmp_path, data)[1]) == ["a/f"]


def test_owner_time_and_setuid_are_dropped(tmp_path):
    plain = pack(tmp_path, tar(header("a", b"a", 0o755)))[0]
    odd = header("a", b"a", 0o6755, uid=0, gid=0, uname="root", mtime=1)

    assert pack(tmp_path, tar(odd))[0] == plain


def test_what_was_not_zipped_on_unix_is_readable_by_all(tmp_path):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in ("a", "d/"):
            information = zipfile.ZipInfo(name)
            information.create_system = 0
            archive.writestr(information, "" if name == "d/" else "a")

    entries = pack(tmp_path, stream.getvalue())[0]

    assert [(e.path, e.type, e.exec) for e in entries] == [
        ("a", "file", False),
        ("d", "dir", False),
    ]


def test_the_digest_that_is_demanded_is_compared(tmp_path):
    data = tar(header("a"))
    digest = hashlib.sha256(data).hexdigest()

    assert pack(tmp_path, data, sha256=digest.upper())[0]
    with pytest.raises(_scan.ScanError, match=f"^vendor.bin: its SHA-256 is {digest}, not 000"):
        pack(tmp_path, data, sha256="0" * 64)


def test_an_archive_that_changes_meanwhile_is_noticed(tmp_path, monkeypatch):
    check = _scan.finish

    def changing(*arguments):
        with open(tmp_path / "vendor.bin", "ab") as stream:
            stream.write(b"more")
        return check(*arguments)

    monkeypatch.setattr(_scan, "finish", changing)
    with pytest.raises(_scan.ScanError, match="it changed while it was sealed; seal again"):
        pack(tmp_path, tar(header("a")))


def test_a_source_that_is_no_file_is_told(estate):
    folder = tree(estate.folder / "src")

    with pytest.raises(
        _sealing.SealingError, match=r"component app: .*/lib is not an archive file"
    ):
        seal(estate, folder, "archive", "lib")


def test_case_collisions_are_refused_as_in_a_tree(estate):
    (estate.folder / "vendor.bin").write_bytes(tar(header("README"), header("readme")))

    with pytest.raises(_sealing.SealingError, match="'README' and 'readme'"):
        seal(estate, estate.folder, "archive", "vendor.bin")
    assert seal(estate, estate.folder, "archive", "vendor.bin", case_sensitive=True)


def test_limits_can_be_raised(tmp_path):
    data = gzip.compress(tar(header("a", bytes(20_000_000))))

    with pytest.raises(_scan.ScanError, match=r"^vendor\.bin: more than limits\.ratio, 200 times"):
        pack(tmp_path, data)
    assert len(pack(tmp_path, data, limits={**LIMITS, "ratio": 2000})[1]["a"]) == 20_000_000
