# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile archives: each is refused in a line that names what is wrong, and writes nothing."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import select
import signal
import stat
import struct
import tarfile
import zlib

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.itops.release.plugins.module_utils.files import _confined
from ansible_collections.itops.release.plugins.module_utils.release import _scan
from ansible_collections.itops.release.plugins.module_utils.sources import _archive
from ansible_collections.itops.release.tests.fakes.archives import (
    LIMITS,
    Zip,
    header,
    pack,
    resummed,
    tar,
    zipped,
)
from ansible_collections.itops.release.tests.fakes.estate import snapshot

PLAIN = header("a", b"content")
SPARSE_1_0 = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "a"}
LATIN_1 = b"caf\xe9"


def pax(kind=b"x", **records):
    """Return a PAX header with *records*, and nothing behind it."""
    data = b""
    for key, value in records.items():
        record = b" %s=%s\n" % (key.replace("__", ".").encode(), value)
        length = len(record)
        while len(str(length)) + len(record) != length:
            length = len(str(length)) + len(record)
        data += str(length).encode() + record
    return resummed(header("pax", data, form=tarfile.USTAR_FORMAT), _156=kind)


def entry_of_type(kind, content=b""):
    return resummed(header("odd", content, form=tarfile.USTAR_FORMAT), _156=kind)


def without_read_right(name):
    return header(name, b"", 0o640)


TARS = {
    "absolute": (tar(header("/etc/passwd")), "'/etc/passwd' is an absolute path"),
    "dot dot": (tar(header("../out")), r"'\.\./out' is not a plain path"),
    "dot dot within (CVE-2007-4559)": (tar(header("a/../../out")), "is not a plain path"),
    "no name": (tar(header("")), "'' is not a path"),
    "stripped": (tar(header("/etc/passwd")), "'/etc/passwd' is an absolute path", {"strip": 1}),
    "stripped dots": (tar(header("a/../b")), "'a/../b' is not a plain path", {"strip": 2}),
    "control": (tar(header("a\nb")), r"'a\\nb' has a control character"),
    "not UTF-8": (tar(header("caf\udce9")), r"'caf\\udce9' is not UTF-8"),
    "not UTF-8 in PAX": (tar(pax(path=LATIN_1), PLAIN), r"'caf\\udce9' is not UTF-8"),
    "NUL in PAX": (tar(pax(path=b"a\0b"), PLAIN), "has a control character"),
    "long name": (tar(header("n" * 256)), "is too long"),
    "long path": (tar(header("/".join(["n" * 200] * 6))), "is too long"),
    "deep": (tar(header("/".join("n" * 129))), "nested deeper than 128"),
    "link out": (tar(header("a@", "../b")), r"link 'a' leaves its component: '\.\./b'"),
    "absolute link": (tar(header("a@", "/etc")), "link 'a' points to the absolute path '/etc'"),
    "link loop": (tar(header("a@", "b"), header("b@", "a")), "leads back to itself"),
    "link chain": (
        tar(*(header(f"l{n}@", f"l{n + 1}") for n in range(50))),
        "leads over more than 40 links",
    ),
    "through a link": (
        tar(header("d/"), header("l@", "d"), header("l/x", b"x")),
        "'l/x' goes through 'l', which is no directory",
    ),
    "through a later link": (
        tar(header("d/"), header("l/x", b"x"), header("l@", "d")),
        "'l/x' goes through 'l', which is no directory",
    ),
    "through a file": (tar(header("a"), header("a/x")), "'a/x' goes through 'a'"),
    "a link's way through a link": (
        tar(header("d/"), header("l@", "d"), header("m@", "l/x")),
        "link 'm' goes through the link 'l'",
    ),
    "hard link to nothing": (
        tar(header("a=", "b"), header("b")),
        "'a' is a hard link to 'b', which is not in the archive before it",
    ),
    "hard link out": (tar(header("a=", "../../etc/passwd")), "which is not in the archive"),
    "hard link with content": (
        tar(resummed(header("odd", b"x"), _156=b"1")),
        "'odd' has content, and is no file",
    ),
    "FIFO": (tar(header("a|")), "'a' is neither a file, a directory nor a link"),
    "device": (tar(header("a#")), "'a' is neither a file, a directory nor a link"),
    "block device": (tar(header("a%")), "'a' is neither a file, a directory nor a link"),
    "unreadable": (tar(without_read_right("a")), r"'a' cannot be read by others \(mode 0640\)"),
    "twice": (tar(PLAIN, header("a", b"CONTENT")), "'a' stands twice in it, and not alike"),
    "twice, executable": (tar(PLAIN, header("a", b"content", 0o755)), "'a' stands twice"),
    "file and directory": (tar(header("a"), header("a/")), "'a' stands twice in it"),
    "sparse": (tar(entry_of_type(b"S")), "'odd' is stored as a sparse file"),
    "sparse by PAX": (
        tar(pax(GNU__sparse__major=b"1", GNU__sparse__realsize=b"9" * 15), PLAIN),
        "'a' is stored as a sparse file",
    ),
    "volume label": (tar(entry_of_type(b"V")), "'odd' is of the unknown type 'V'"),
    "continued": (tar(entry_of_type(b"M")), "'odd' is of the unknown type 'M'"),
    "directory with content": (tar(entry_of_type(b"5", b"x")), "'odd' has content"),
    "link with content": (tar(entry_of_type(b"2", b"x")), "'odd' has content"),
    "file that ends with a slash": (
        tar(resummed(header("a/", form=tarfile.USTAR_FORMAT), _156=b"0")),
        "'a/' is not a plain path",
    ),
    "two sizes (as CVE-2025-62518)": (
        tar(pax(size=b"1024"), header("a", b"x" * 512) + PLAIN),
        "'a' has two sizes",
    ),
    "two names": (tar(pax(path=b"x"), pax(path=b"y"), PLAIN), "gives an entry two of path"),
    "two names in one": (
        tar(resummed(header("pax", b"9 path=x\n9 path=y\n"), _156=b"x"), PLAIN),
        "gives an entry two of path",
    ),
    "a name for all": (tar(pax(b"g", path=b"x"), PLAIN), "all its entries the same path"),
    "odd PAX": (tar(resummed(header("p", b"7 x\n"), _156=b"x"), PLAIN), "PAX header is malformed"),
    "PAX of length 0": (tar(resummed(header("p", b"0 a=\n"), _156=b"x"), PLAIN), "malformed"),
    "negative size": (tar(resummed(PLAIN[:512], _124=b"\xff" * 12)), "no octal number"),
    "odd size": (tar(resummed(PLAIN[:512], _124=b"00000009999\0")), "no octal number"),
    "odd PAX size": (tar(pax(size=b"-1"), PLAIN), "is no size"),
    "large header": (tar(resummed(header("x" * 600_000), _124=b"00010000000\0")), "takes 2097152"),
    "checksum": (tar(PLAIN, b"x" + PLAIN[1:]), "a header is not one"),
    "cut in a header": (tar(PLAIN)[:-1100] + b"x", "the tar is cut short"),
    "cut in content": (PLAIN[:515], "the tar is cut short"),
    "cut at content": (PLAIN[:512], "the tar is cut short"),
    "no end": (PLAIN, "the tar is cut short"),
    "half an end": (PLAIN + bytes(512), "the tar is cut short"),
    "one empty block": (PLAIN + bytes(512) + PLAIN, "only one of two empty blocks"),
    "ends with a name": (tar(pax(path=b"x")), "ends where an entry should follow"),
    "garbage behind": (tar(PLAIN) + b"x", "the tar goes on behind its end"),
    "two in one": (tar(PLAIN) + tar(header("b")), "the tar goes on behind its end"),
    "zip behind": (tar(PLAIN) + zipped({"b": b""}), "the tar goes on behind its end"),
    "gzip in gzip": (gzip.compress(gzip.compress(tar(PLAIN))), "what its gzip holds is no tar"),
    "gzip cut": (gzip.compress(tar(PLAIN))[:-9], "the compressed stream is cut short"),
    "gzip behind": (gzip.compress(tar(PLAIN)) + b"more", "the compressed stream is damaged"),
    "gzip damaged": (b"\x1f\x8b\x08" + bytes(100), "the compressed stream is damaged"),
    "two in one by gzip": (
        gzip.compress(tar(PLAIN)) + gzip.compress(tar(PLAIN)),
        "the tar goes on behind its end",
    ),
    "empty": (b"", "it is no archive"),
    "text": (b"hello" * 1000, "it is no archive: neither tar, plain or compressed, nor zip"),
}


def refused(folder, data, reason, **rules):
    archive = folder / "in"
    archive.mkdir(exist_ok=True)
    before = snapshot(folder)
    with pytest.raises(_scan.ScanError, match=reason) as caught:
        pack(archive, data, **rules)
    line = str(caught.value)
    assert line.startswith("vendor.bin: ")
    assert line.isprintable()
    assert len(line) < 20_000
    assert set(snapshot(folder)) - set(before) <= {"in/vendor.bin"}


@pytest.mark.parametrize("name", TARS)
def test_a_hostile_tar_is_refused_by_name(tmp_path, name):
    data, reason, *rules = TARS[name]
    refused(tmp_path, data, reason, **dict(*rules))


def deflated(content):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush()


def overlapping():
    """Return a zip of many entries that all lie in the same bytes (Fifield, 2019)."""
    kernel = deflated(bytes(10**5))
    archive = Zip().add("0", bytes(10**5), stored=kernel, method=8)
    for number in range(1, 50):
        archive.list(str(number), 0, bytes(10**5), stored=kernel, method=8)
    return archive.bytes()


def quoting():
    """Return a zip whose first entry's content is the second entry with its header."""
    inner = Zip.local("b", b"content")
    archive = Zip().add("a", inner)
    return archive.list("b", len(archive.data) - len(inner), b"content").bytes()


def prefixed():
    archive = Zip().add("a")
    hidden = Zip.local("hidden", b"x")
    archive.data += hidden
    return archive.add("b").bytes()


def with_descriptor(crc, *sizes):
    behind = struct.pack("<4sL2L", b"PK\7\x08", crc, *sizes)
    fields = {"local_crc": 0, "local_size": 0, "local_packed": 0}
    return Zip().add("a", b"abc", flags=1 << 3, behind=behind, **fields).bytes()


ABC = deflated(b"abc")
ZIPS = {
    "absolute": (Zip().add("/a").bytes(), "'/a' is an absolute path"),
    "dot dot": (Zip().add("../a").bytes(), "is not a plain path"),
    "backslash": (Zip().add("..\\a").bytes(), "has a backslash in its name"),
    "drive": (Zip().add("C:\\a").bytes(), "has a backslash in its name"),
    "NUL": (Zip().add("a\0.txt").bytes(), "has a control character"),
    "not marked": (Zip().add("é", flags=0).bytes(), "a name that is not marked as UTF-8"),
    "not UTF-8": (Zip().add("", raw=LATIN_1).bytes(), "is not UTF-8"),
    "encrypted": (Zip().add("a", flags=1).bytes(), "'a' is encrypted"),
    "masked": (Zip().add("a", flags=1 << 13).bytes(), r"not known here \(flags 2000\)"),
    "bzip2": (Zip().add("a", method=12).bytes(), "'a' is compressed by method 12, not deflate"),
    "FIFO": (Zip().add("a", mode=stat.S_IFIFO | 0o644).bytes(), "'a' is neither a file"),
    "unreadable": (Zip().add("a", mode=stat.S_IFREG | 0o600).bytes(), "cannot be read by others"),
    "directory by mode": (Zip().add("a", mode=stat.S_IFDIR | 0o755).bytes(), "not by both"),
    "directory by name": (Zip().add("a/").bytes(), "by its name or its mode, not by both"),
    "directory with content": (
        Zip().add("a/", b"x", mode=stat.S_IFDIR | 0o755).bytes(),
        "'a/' has content, and is no file",
    ),
    "link out": (zipped({"a@": b"../b"}), "link 'a' leaves its component"),
    "long link": (zipped({"a@": b"b" * 5000}), "link 'a' has a target that is too long"),
    "through a link": (zipped({"d/": b"", "l@": b"d", "l/x": b""}), "'l/x' goes through 'l'"),
    "twice": (Zip().add("a", b"1").add("a", b"2").bytes(), "'a' stands twice in it"),
    "other name": (Zip().add("a", local_raw=b"b").bytes(), "directory says other things of 'a'"),
    "other size": (Zip().add("a", b"abc", local_size=2).bytes(), "says other things of 'a'"),
    "other checksum": (Zip().add("a", b"abc", local_crc=1).bytes(), "says other things of 'a'"),
    "other method": (Zip().add("a", local_method=8).bytes(), "says other things of 'a'"),
    "wrong checksum": (Zip().add("a", b"abc", crc=1).bytes(), "is not as its checksum and size"),
    "longer": (
        Zip().add("a", b"abc", stored=ABC, method=8, size=2).bytes(),
        "'a' is not as its checksum",
    ),
    "shorter": (
        Zip().add("a", b"abc", stored=ABC, method=8, size=4).bytes(),
        "'a' is not as its checksum",
    ),
    "more behind": (
        Zip().add("a", b"abc", stored=ABC + b"more", method=8).bytes(),
        "'a' has bytes behind its end",
    ),
    "deflate cut": (
        Zip().add("a", b"abc", stored=ABC[:-1], method=8).bytes(),
        "'a' is cut short",
    ),
    "deflate damaged": (
        Zip().add("a", b"abc", stored=b"\xff" * 9, method=8).bytes(),
        "'a' is damaged",
    ),
    "sizes behind": (with_descriptor(zlib.crc32(b"abc"), 3, 4), "sizes behind 'a' are not those"),
    "overlapping": (overlapping(), "'1' does not lie behind the entry before it"),
    "quoting": (quoting(), "'b' does not lie behind the entry before it"),
    "hidden entry": (prefixed(), "'b' does not lie behind the entry before it"),
    "prefix": (b"PK\3\4" + Zip().add("a").bytes(), "does not end where its end begins"),
    "behind": (Zip().add("a").bytes() + b"x", "the zip has no end: it is cut short, or goes on"),
    "two in one": (
        Zip().add("a").bytes() + Zip().add("b").bytes(),
        "directory does not end where its end begins",
    ),
    "two ends": (
        Zip().add("a").bytes(comment=Zip().bytes()),
        "the zip has two ends",
    ),
    "cut": (Zip().add("a", b"abc").bytes()[:-30], "the zip has no end"),
    "fewer listed": (Zip().add("a").add("b").bytes(count=1), "is not as long as it says"),
    "more listed": (Zip().add("a").bytes(count=2), "the zip"),
    "many claimed": (Zip().add("a").bytes(count=2000), "more than limits.entries"),
    "large claimed": (
        Zip().add("a", packed=1, size=10**9).bytes(),
        "more than limits.size, 67108864 bytes, come out of it",
    ),
    "large numbers missing": (
        Zip().add("a", size=0xFFFFFFFF).bytes(),
        "'a' lacks its larger numbers",
    ),
    "parts": (Zip().add("a").bytes()[:-18] + b"\1\0" + Zip().add("a").bytes()[-16:], "one part"),
}


@pytest.mark.parametrize("name", ZIPS)
def test_a_hostile_zip_is_refused_by_name(tmp_path, name):
    refused(tmp_path, *ZIPS[name])


def test_every_offender_is_named_up_to_twenty(tmp_path):
    data = tar(*(header(f"d{number}|") for number in range(50)))

    with pytest.raises(_scan.ScanError) as caught:
        pack(tmp_path, data)
    assert [f"'d{number}' is" in str(caught.value) for number in (0, 19, 20)] == [True, True, False]
    assert str(caught.value).endswith("; and more")


def test_no_file_is_made_through_a_link_of_the_realpath_kind(tmp_path):
    """As CVE-2025-4517: so many long links that a resolver gives up, and ``..`` at the end."""
    long, entries, path = "d" * 40, [], ""
    for letter in "abcdefghijklmnop":
        entries += [header(path + long + "/"), header(path + letter + "@", long)]
        path += long + "/"
    shortcut = "/".join("abcdefghijklmnop")
    entries += [
        header(shortcut + "/" + "l" * 254 + "@", "../" * 16),
        header("escape@", shortcut + "/" + "l" * 254 + "/../../../etc"),
        header("escape/newfile=", "escape"),
    ]

    refused(tmp_path, tar(*entries), "goes through 'a', which is no directory")


BOMB = bytes(_archive.FREE_BYTES + 1)  # xz and bzip2 take long to make a larger one
BOMBS = {
    "gzip": lambda: gzip.compress(BOMB),
    "xz": lambda: lzma.compress(BOMB),
    "bzip2": lambda: bz2.compress(BOMB),
    "zstd": lambda: zstandard.compress(BOMB),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_is_refused_before_it_is_large(tmp_path, kind):
    refused(tmp_path, BOMBS[kind](), "more than limits.ratio, 200 times its own size")


def test_a_small_limit_of_size_holds_for_all_that_comes_out(tmp_path):
    limits = {**LIMITS, "size": 20_000}

    refused(
        tmp_path, tar(header("a", bytes(30_000))), "more than limits.size, 20000", limits=limits
    )
    refused(tmp_path, zipped({"a": bytes(30_000)}), "more than limits.size", limits=limits)
    refused(tmp_path, gzip.compress(bytes(30_000)), "more than limits.size", limits=limits)


def test_hard_links_count_as_what_they_lead_to(tmp_path):
    links = [header(f"l{number}=", "a") for number in range(500)]

    refused(tmp_path, tar(header("a", bytes(10**6)), *links), "more than limits.size")


def test_many_tiny_entries_are_counted(tmp_path):
    refused(tmp_path, tar(*[PLAIN] * 1001), "it has more than limits.entries, 1000 entries")
    refused(tmp_path, zipped({f"{n}": b"" for n in range(1001)}), "more than limits.entries")


def test_all_names_together_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(_archive, "MOST_NAME_BYTES", 20_000)
    data = tar(*(header(f"{number}/" + "n" * 200 + "/" + "n" * 200) for number in range(60)))

    refused(tmp_path, data, "the names in it take more than 20000 bytes")


PLENTY = _confined.Limits(memory_bytes=1024**3, cpu_seconds=60, file_bytes=1024**2)


@pytest.mark.parametrize(
    ("limits", "act", "reason"),
    [
        ({"memory_bytes": 64 * 1024**2}, lambda: bytearray(10**9), "more than 67108864 bytes of"),
        ({"cpu_seconds": 1}, lambda: any(iter(int, 1)), "takes more than 1 s of CPU"),
        ({}, lambda: os.kill(os.getpid(), signal.SIGKILL), "ended by signal 9"),
        ({}, lambda: os._exit(3), "ended without an answer"),
        ({}, lambda: {}["x"], "it cannot be read: KeyError: 'x'"),
        ({}, [].pop, "it cannot be read: IndexError"),
    ],
)
def test_a_child_that_a_limit_ends_is_told_in_a_line(limits, act, reason):
    with pytest.raises(_confined.ConfinedError, match=reason):
        _confined.run(act, PLENTY._replace(**limits), ())


def test_a_child_writes_no_larger_file_than_it_may(tmp_path):
    def write():
        (tmp_path / "large").write_bytes(bytes(2 * 1024**2))

    with pytest.raises(OSError, match="File too large"):
        _confined.run(write, PLENTY, ())


def test_a_child_that_says_too_much_is_ended(monkeypatch):
    monkeypatch.setattr(_confined, "ANSWER_BYTES", 1000)

    with pytest.raises(_confined.ConfinedError, match="more than 1000 bytes to say what"):
        _confined.run(lambda: "x" * 10**7, PLENTY, ())


def test_a_child_ends_with_its_parent():
    def work_on():
        os.kill(os.getppid(), signal.SIGKILL)
        while True:
            pass

    reading, writing = os.pipe()
    parent = os.fork()
    if not parent:
        os.close(reading)
        _confined.run(work_on, PLENTY._replace(cpu_seconds=20), ())
    os.close(writing)
    os.waitpid(parent, 0)
    # The pipe ends when the child does, too, which has it open.
    assert select.select([reading], [], [], 10)[0]
    os.close(reading)


SEEDS = [
    tar(PLAIN, header("d/"), header("d/l@", "../a"), header("h=", "a"), header("é" * 90, b"x")),
    zipped({"a": b"content" * 9, "d/": b"", "d/l@": b"../a", "é": b""}),
    gzip.compress(tar(PLAIN)),
    zstandard.compress(tar(PLAIN)),
    lzma.compress(tar(PLAIN)),
    bz2.compress(tar(PLAIN)),
]


@settings(max_examples=150)
@given(st.data())
def test_whatever_the_bytes_are_they_are_read_or_refused_in_a_line(tmp_path_factory, data):
    seed = bytearray(data.draw(st.sampled_from(SEEDS)))
    for _change in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(seed)))
        noise = data.draw(st.binary(max_size=12))
        seed[at : at + data.draw(st.integers(0, 600))] = noise
    if data.draw(st.booleans()):  # so that damage behind a header's checksum is reached
        for at in range(0, len(seed) - 511, 512):
            if seed[at + 257 : at + 262] == b"ustar":
                seed[at : at + 512] = resummed(seed[at : at + 512])
    folder = tmp_path_factory.mktemp("fuzz")

    try:
        entries, contents = pack(folder, bytes(seed))
    except _scan.ScanError as error:
        line = str(error)
        assert line.startswith("vendor.bin: ")
        assert line.isprintable()
        assert "cannot be read: " not in line
    else:
        assert set(contents) == {entry.path for entry in entries if entry.type == "file"}
