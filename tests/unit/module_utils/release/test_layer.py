# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers: the same bytes for the same entries, readable by any tar, and not one byte else taken."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile

import pytest

from ansible_collections.itops.release.plugins.module_utils.release import _layer, _scan
from ansible_collections.itops.release.tests.fakes.estate import write_tree

FILES = {
    "bin/run*": "#!/bin/sh\n",
    "etc/app.conf": "a" * 700,
    "key.pem": "secret",
    "latest@": "etc/app.conf",
    "lang/": "",
    "x" * 150 + "/" + "é" * 100: "long names too",
}


def pack(root):
    entries = _scan.scan(str(root), _scan.Rules(private=["key.pem"]))
    out = io.BytesIO()
    sealed = _layer.write(entries, str(root), out.write)
    return sealed, out.getvalue()


def read(entries, data):
    found = {}

    def sink(entry):
        found[entry.path] = b""

        def write(chunk):
            found[entry.path] += chunk

        return write

    _layer.read(entries, io.BytesIO(data).read, sink)
    return found


@pytest.fixture
def layer(tmp_path):
    return pack(write_tree(tmp_path / "src", FILES))


def test_what_is_written_is_read_back(layer):
    entries, data = layer

    assert read(entries, data) == {
        name.rstrip("*"): content.encode()
        for name, content in FILES.items()
        if name[-1] not in "@/"
    }


def test_entries_get_their_digests(layer):
    by_path = {entry.path: entry for entry in layer[0]}

    assert by_path["key.pem"].sha256 == hashlib.sha256(b"secret").hexdigest()
    assert by_path["lang"].sha256 == by_path["latest"].sha256 == ""


def test_any_tar_reads_a_layer(layer):
    with tarfile.open(fileobj=io.BytesIO(layer[1])) as archive:
        members = {member.name: member for member in archive.getmembers()}
        content = archive.extractfile("etc/app.conf").read()

    assert content == b"a" * 700
    assert members["bin/run"].mode == 0o755
    assert members["etc/app.conf"].mode == 0o644
    assert members["key.pem"].mode == 0o600
    assert members["latest"].linkname == "etc/app.conf"
    assert "x" * 150 + "/" + "é" * 100 in members


def test_the_bytes_do_not_change_between_versions_of_this_collection(layer):
    # Blobs in libraries are named by them, and controllers compare layers with them.
    assert hashlib.sha256(layer[1]).hexdigest() == (
        "e747872cb736ced83a92d481d924c095f8a840fcb96b1fc9a341b71657bfb3a4"
    )


def test_headers_have_no_device_fields_whatever_python_writes_them():
    # Python 3.8 writes device numbers into every header, later ones leave them empty.
    entry = _scan._manifest.Entry("a", "dir")
    header = _layer._header(entry)
    with_zeros = header[:329] + b"0000000\0" * 2 + header[345:]
    number = sum(with_zeros[:148]) + sum(with_zeros[156:]) + 8 * ord(" ")
    as_python_38 = with_zeros[:148] + b"%06o\0" % number + with_zeros[155:]

    assert tarfile.TarInfo.frombuf(as_python_38, "utf-8", "strict").name == "a"
    assert _layer._without_device_fields(as_python_38) == header
    assert _layer._without_device_fields(header) == header


@pytest.mark.parametrize("name", ["a", "a b/c", "é", "x" * 99, "x" * 100, "x" * 101])
@pytest.mark.parametrize("size", [0, 1, 8**11 - 1, 8**11])
def test_headers_are_those_that_tarfile_writes(name, size):
    entries = [
        _scan._manifest.Entry(name, "dir"),
        _scan._manifest.Entry("link", "symlink", target=name),
        *(
            _scan._manifest.Entry(name, "file", exec=bit, size=size, private=private)
            for bit in (False, True)
            for private in (False, True)
        ),
    ]

    for entry in entries:
        header = _layer._header(entry)
        read = tarfile.TarInfo.frombuf(header[-512:], "utf-8", "strict")
        assert header == _layer._long_header(entry, read.mode)


def test_a_layer_cut_anywhere_is_refused(layer):
    entries, data = layer

    for end in range(0, len(data), 61):
        with pytest.raises(_layer.LayerError, match="the layer ends within"):
            read(entries, data[:end])


def test_a_layer_altered_anywhere_is_refused(layer):
    entries, data = layer

    for at in range(0, len(data), 17):
        altered = bytearray(data)
        altered[at] ^= 1
        with pytest.raises(_layer.LayerError, match=r"in the layer does not match|something else"):
            read(entries, bytes(altered))


def test_a_layer_that_goes_on_is_refused(layer):
    entries, data = layer

    for more in (b"\0", bytes(512), data):
        with pytest.raises(_layer.LayerError, match="goes on behind its end"):
            read(entries, data + more)


@pytest.mark.parametrize("content", ["short", "a" * 5000])
def test_a_file_that_changes_its_size_while_it_is_sealed_is_refused(tmp_path, content):
    root = write_tree(tmp_path / "src", {"app": "a" * 700})
    entries = _scan.scan(str(root), _scan.Rules())
    (root / "app").write_text(content)

    with pytest.raises(_layer.LayerError, match="'app' changed while it was sealed; seal again"):
        _layer.write(entries, str(root), lambda data: None)


def test_a_file_that_became_a_link_while_it_is_sealed_is_not_followed(tmp_path):
    root = write_tree(tmp_path / "src", {"app": "ours!!"})
    entries = _scan.scan(str(root), _scan.Rules())
    write_tree(tmp_path, {"secret": "theirs"})
    os.unlink(root / "app")
    os.symlink("../secret", root / "app")

    with pytest.raises(OSError, match="symbolic links"):
        _layer.write(entries, str(root), lambda data: None)
