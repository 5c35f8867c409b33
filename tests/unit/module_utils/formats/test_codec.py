# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Codecs: each way to read and write them, damage told as such, and memory flat whatever comes."""

from __future__ import annotations

import io
import os
import random
import resource
import shutil
import sys

import pytest

from ansible_collections.itops.release.plugins.module_utils.formats import _codec, _compressor
from ansible_collections.itops.release.tests.fakes.processes import in_child

CONTENT = random.Random(1).randbytes(300_000) + bytes(700_000) + b"end"
MEGABYTE = 1024 * 1024


@pytest.fixture(params=["gzip", "zstd by package", "zstd by program"])
def codec(request, monkeypatch):
    name, _by, how = request.param.partition(" by ")
    if how == "program":
        if not shutil.which("zstd"):
            pytest.skip("no zstd program here")
        monkeypatch.setattr(_codec, "zstd_module", lambda: None)
    return name


def compress(path, codec, *pieces):
    with open(path, "wb") as stream, _compressor.writer(codec, stream) as write:
        for piece in pieces:
            write(piece)
    return path


def expand(path, codec, count=70_000):
    out = io.BytesIO()
    with open(path, "rb") as stream, _codec.reader(codec, stream) as read:
        while True:
            chunk = read(count)
            if not chunk:
                return out.getvalue()
            assert len(chunk) <= count
            out.write(chunk)


def test_what_is_written_is_read_back(tmp_path, codec):
    path = compress(tmp_path / "pack", codec, CONTENT[:1000], CONTENT[1000:], b"")

    assert expand(path, codec) == CONTENT
    assert path.stat().st_size < len(CONTENT) / 2


def test_nothing_is_read_back_as_nothing(tmp_path, codec):
    assert expand(compress(tmp_path / "pack", codec), codec) == b""


def test_a_stream_may_begin_behind_a_header(tmp_path, codec):
    path = tmp_path / "pack"
    with open(path, "wb") as stream:
        stream.write(b"header\n")
        with _compressor.writer(codec, stream) as write:
            write(CONTENT)

    with open(path, "rb") as stream:
        assert stream.readline() == b"header\n"
        with _codec.reader(codec, stream) as read:
            first = read(1000)
            rest = b"".join(iter(lambda: read(100_000), b""))
    assert 0 < len(first) <= 1000
    assert first + rest == CONTENT


def test_what_one_way_writes_another_reads(tmp_path, monkeypatch):
    path = compress(tmp_path / "pack", "zstd", CONTENT)
    if not shutil.which("zstd"):
        pytest.skip("no zstd program here")
    monkeypatch.setattr(_codec, "zstd_module", lambda: None)

    assert expand(path, "zstd") == CONTENT


def test_a_stream_cut_anywhere_is_refused(tmp_path, codec):
    path = compress(tmp_path / "pack", codec, CONTENT)
    whole = path.read_bytes()

    for end in [0, 1, 5, len(whole) // 2, len(whole) - 5, len(whole) - 1]:
        path.write_bytes(whole[:end])
        with pytest.raises(_codec.CodecError, match=r"cut short|damaged"):
            expand(path, codec)


@pytest.mark.parametrize("more", [b"\0", b"garbage" * 100, bytes(MEGABYTE)])
def test_bytes_behind_the_end_are_refused(tmp_path, codec, more):
    path = compress(tmp_path / "pack", codec, CONTENT)
    path.write_bytes(path.read_bytes() + more)

    with pytest.raises(_codec.CodecError, match=r"behind the end|damaged"):
        expand(path, codec)


def test_garbage_is_refused(tmp_path, codec):
    path = tmp_path / "pack"
    path.write_bytes(b"this was never compressed")

    with pytest.raises(_codec.CodecError, match="damaged"):
        expand(path, codec)


def test_a_bomb_does_not_fill_the_memory(tmp_path, codec):
    zeros = bytes(MEGABYTE)
    path = compress(tmp_path / "bomb", codec, *[zeros] * 100)

    def most_memory():
        size = 0
        with open(path, "rb") as stream, _codec.reader(codec, stream) as read:
            for chunk in iter(lambda: read(MEGABYTE), b""):
                size += len(chunk)
        assert size == 100 * MEGABYTE
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    idle = in_child(lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)

    assert path.stat().st_size < MEGABYTE
    assert in_child(most_memory) - idle < 60 * MEGABYTE


def test_an_unknown_codec_is_refused(tmp_path):
    path = compress(tmp_path / "pack", "gzip", b"")

    for codec in ("lzma", None, ["gzip"]):
        with pytest.raises(_codec.CodecError, match="not known here"):
            expand(path, codec)


def test_without_module_and_program_there_is_gzip_only(tmp_path, monkeypatch):
    path = compress(tmp_path / "pack", "zstd", CONTENT)
    monkeypatch.setattr(_codec, "zstd_module", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert _codec.readable() == ["gzip"]
    with pytest.raises(_codec.CodecError, match="install the zstd program"):
        expand(path, "zstd")


def test_a_reader_left_early_leaves_no_process(tmp_path, monkeypatch):
    path = compress(tmp_path / "pack", "zstd", CONTENT)
    if not shutil.which("zstd"):
        pytest.skip("no zstd program here")
    monkeypatch.setattr(_codec, "zstd_module", lambda: None)

    def leave_early():
        with open(path, "rb") as stream, _codec.reader("zstd", stream) as read:
            read(1)
            raise KeyError

    with pytest.raises(KeyError):
        leave_early()
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


if sys.version_info >= (3, 14):

    def test_the_standard_librarys_zstd_comes_first():
        assert _codec.zstd_module().__name__ == "compression.zstd"
