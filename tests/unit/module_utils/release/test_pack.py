# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packs: exactly the contents that are missing, and no altered, cut or foreign one taken."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings

from ansible_collections.itops.release.plugins.module_utils.formats import _codec
from ansible_collections.itops.release.plugins.module_utils.release import _manifest, _pack
from ansible_collections.itops.release.plugins.plugin_utils.release import _delta
from ansible_collections.itops.release.tests.fakes.estate import component, file, manifest, sha256
from ansible_collections.itops.release.tests.fakes.manifests import manifests

BASE = manifest(component(file("app", "one"), file("lib", "same")))
WANTED = manifest(component(file("app", "two"), file("lib", "same"), file("new", "")), version="2")
CONTENTS = {sha256(text): text.encode() for text in ("one", "two", "same", "")}


def render(wanted, base, contents):
    """Return the Header of a pack and what its stream holds."""
    data = _delta.make(base, wanted) if base else _manifest.render(wanted)
    digest = _manifest.digest_of(_manifest.render(wanted))
    held = _manifest.digest_of(_manifest.render(base)) if base else None
    missing = _pack.travelling(wanted, base)
    body = data + b"".join(contents[key] for key in missing)
    return _pack.Header(digest, held, "gzip", len(data)), body


def read(header, body, base, digest=None, step=_codec.CHUNK_BYTES):
    """Read a pack; return (manifest, its bytes, the contents that were handed over)."""
    stream, taken = io.BytesIO(body), {}

    def take(key, size, chunks):
        taken[key] = b"".join(chunks)
        assert len(taken[key]) == size

    there, data = _pack.read(
        lambda count: stream.read(min(count, step)),
        header,
        digest or header.release,
        base,
        lambda manifest: take,
    )
    return there, data, taken


def contents_of(*found):
    """Return made-up contents: those of the strategy are written there as text."""
    return {
        entry.sha256: text
        for one in found
        for item in one.components
        for entry in item.entries
        if entry.type == "file"
        for text in [POOL[entry.sha256]]
    }


POOL = {sha256(text): text.encode() for text in ("", "a", "b", "ab", "ba", "a\n", "\n" * 30)}


@settings(max_examples=60)
@given(manifests(contents=[text.decode() for text in POOL.values()]), manifests(contents=["ab"]))
def test_a_pack_brings_what_is_missing_and_nothing_else(wanted, base):
    for held in (None, base):
        header, body = render(wanted, held, contents_of(wanted, base))

        there, data, taken = read(header, body, held, step=3)

        assert there == wanted
        assert data == _manifest.render(wanted)
        assert taken == {key: POOL[key] for key in _pack.travelling(wanted, held)}


def test_a_header_is_read_back():
    header = _pack.Header("a" * 64, None, "zstd", 17)

    assert _pack.read_header(io.BytesIO(_pack.render_header(header) + b"more")) == header


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "does not begin with its header"),
        (b"\n", "does not begin with its header"),
        (b"\x1f\x8b\x08\x00", "does not begin with its header"),
        (b"[]\n", "does not begin with its header"),
        (b'"format"\n', "does not begin with its header"),
        (b"{}\n", "does not begin with its header"),
        (b'{"format":2}\n', "the pack has format 2; this host's code reads 1"),
        (b'{"format":1}\n', "does not begin with its header"),
        (b'{"format":1,"more":1}\n', "does not begin with its header"),
        (b" " * 5000 + b"{}\n", "does not begin with its header"),
    ],
)
def test_a_header_that_is_none_is_refused(line, reason):
    with pytest.raises(_pack.PackError, match=reason):
        _pack.read_header(io.BytesIO(line))


@pytest.mark.parametrize(
    "changes",
    [
        {"release": None},
        {"release": "../" * 20},
        {"base": "../../../etc/passwd"},
        {"base": "a\0b"},
        {"base": 5},
        {"base": {}},
        {"codec": 1},
        {"codec": None},
        {"manifest_bytes": "5"},
        {"manifest_bytes": None},
        {"manifest_bytes": True},
        {"manifest_bytes": 0},
        {"manifest_bytes": -1},
        {"manifest_bytes": 2**40},
    ],
)
def test_a_header_with_another_kind_of_value_is_refused(changes):
    header, _body = render(WANTED, BASE, CONTENTS)
    line = _pack.render_header(header._replace(**changes))

    with pytest.raises(_pack.PackError, match=r"header of the pack|begin with its header"):
        _pack.read_header(io.BytesIO(line))


@pytest.mark.parametrize("base", [None, BASE])
def test_a_pack_of_another_release_is_refused(base):
    header, body = render(WANTED, base, CONTENTS)

    with pytest.raises(_manifest.ManifestError, match="does not match its digest"):
        read(header, body, base, digest="0" * 64)


def test_a_pack_upon_another_base_is_refused():
    header, body = render(WANTED, BASE, CONTENTS)
    other = manifest(component(file("app", "one"), file("lib", "other")))

    with pytest.raises(_manifest.ManifestError):
        read(header, body, other)


@pytest.mark.parametrize("base", [None, BASE])
def test_a_pack_cut_anywhere_is_refused(base):
    header, body = render(WANTED, base, CONTENTS)

    for end in range(len(body)):
        with pytest.raises(_pack.PackError, match="the pack ends within"):
            read(header, body[:end], base)


@pytest.mark.parametrize("base", [None, BASE])
def test_a_pack_altered_anywhere_is_refused(base):
    header, body = render(WANTED, base, CONTENTS)

    for at in range(len(body)):
        altered = bytearray(body)
        altered[at] ^= 0x20
        with pytest.raises((_pack.PackError, _manifest.ManifestError)):
            read(header, bytes(altered), base)


def test_a_pack_that_goes_on_is_refused():
    header, body = render(WANTED, BASE, CONTENTS)

    with pytest.raises(_pack.PackError, match="goes on behind its end"):
        read(header, body + b"\0", BASE)


def test_of_an_altered_content_the_last_piece_is_never_handed_over():
    text = "x" * (3 * _codec.CHUNK_BYTES)
    wanted = manifest(component(file("big", text)))
    header, body = render(wanted, None, {sha256(text): text.encode()})
    altered = bytearray(body)
    altered[header.manifest_bytes] ^= 1
    taken = []

    def take(key, size, chunks):
        del key, size
        taken.extend(map(len, chunks))

    with pytest.raises(_pack.PackError, match="is altered"):
        _pack.read(io.BytesIO(altered).read, header, header.release, None, lambda manifest: take)
    assert sum(taken) < len(text)


def test_contents_that_the_other_lacks_travel_once_and_in_order():
    wanted = manifest(component(file("a", "1"), file("b", "22"), file("c", "333"), file("d", "1")))
    held = manifest(component(file("elsewhere", "22", exec=True)))

    assert list(_pack.travelling(wanted, held).items()) == [
        (sha256("1"), 1),
        (sha256("333"), 3),
    ]
    assert list(_pack.travelling(wanted, None)) == list(map(sha256, ("1", "22", "333")))
    assert _pack.travelling(wanted, wanted) == {}


def test_contents_that_were_asked_for_again_travel_too():
    wanted = manifest(component(file("a", "1"), file("b", "22"), file("c", "333")))

    assert list(_pack.travelling(wanted, wanted, [sha256("22"), sha256("no more")])) == [
        sha256("22")
    ]


def test_a_pack_that_brings_something_else_again_is_refused():
    header, body = render(WANTED, WANTED, CONTENTS)
    digest = _pack.digest_of_again([sha256("same")])
    asked = header._replace(again=digest)
    body += CONTENTS[sha256("same")]

    def bring(header, again):
        stream, taken = io.BytesIO(body), []
        _pack.read(
            stream.read,
            header,
            header.release,
            WANTED,
            lambda manifest: lambda key, size, chunks: taken.append((key, b"".join(chunks))),
            again,
        )
        return taken

    assert bring(asked, [sha256("same")]) == [(sha256("same"), b"same")]
    for wrong in ((asked, [sha256("two")]), (asked, []), (header, [sha256("same")])):
        with pytest.raises(_pack.PackError, match="asked for again"):
            bring(*wrong)
