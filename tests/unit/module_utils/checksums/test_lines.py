# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checksum files: coreutils reads ours, we read theirs, and what is not plain is refused."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.itops.release.plugins.module_utils.checksums import _lines, _manifest_in

HOSTILE = [
    b"plain",
    b"new\nline",
    b"ends in a new line\n",
    b"cr\rx",
    b"ends in a cr\r",
    b"back\\slash",
    b"\\leading",
    b"\\n",
    b" leading blank",
    b"trailing blank ",
    b"two  blanks",
    b"*star",
    b"#hash",
    b"-c",
    b"\xff\xfe not UTF-8",
    b"tab\t",
    "Größe".encode(),
    b"\x1b[31mred",
    b"(parentheses) = 0",
    b"SHA256 (x) = " + b"0" * 64,
    b"\xc2\x85\xe2\x80\xa8",
    b"deep/er/\\\n/x",
]
MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None
SHA = "0" * 64
OTHER = "1" * 64


@pytest.fixture
def hostile(tmp_path):
    """Return a folder with files of hostile names; each holds its name."""
    for name in HOSTILE:
        path = os.path.join(os.fsencode(tmp_path / "tree"), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as stream:
            stream.write(name)
    return tmp_path / "tree"


def expected(algorithm):
    return {
        name.decode("utf-8", "surrogateescape"): hashlib.new(algorithm, name).hexdigest()
        for name in HOSTILE
    }


def coreutils(program, *arguments, cwd):
    return subprocess.run(
        [program, *arguments],
        cwd=cwd,
        capture_output=True,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_we_write_what_coreutils_writes_and_it_accepts_ours(hostile, algorithm):
    program = f"{algorithm}sum"
    ours = _lines.render(expected(algorithm))

    assert ours == coreutils(program, "--", *sorted(HOSTILE), cwd=hostile).stdout
    (hostile / "SUMS").write_bytes(ours)
    done = coreutils(program, "--check", "--strict", "SUMS", cwd=hostile)
    assert done.returncode == 0, done
    assert done.stdout.count(b": OK\n") == len(HOSTILE)


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("form", ["--text", "--binary", "--tag"])
def test_we_read_what_coreutils_writes(hostile, algorithm, form):
    theirs = coreutils(f"{algorithm}sum", form, "--", *HOSTILE, cwd=hostile).stdout

    assert _lines.parse(theirs) == (expected(algorithm), False)


def test_lines_that_end_in_cr_lf_are_read_and_told(hostile):
    theirs = coreutils("sha256sum", "plain", "#hash", cwd=hostile).stdout.replace(b"\n", b"\r\n")

    listed, is_crlf = _lines.parse(theirs)

    assert is_crlf
    assert listed == {name: expected("sha256")[name] for name in ("plain", "#hash")}


NAMES = st.binary(min_size=1, max_size=40).filter(
    lambda name: b"\0" not in name and not {b"", b".", b".."} & set(name.split(b"/"))
)
DIGESTS = st.sampled_from([SHA, OTHER, "ab" * 64])


@settings(max_examples=100)
@given(
    st.dictionaries(
        NAMES.map(lambda name: name.decode("utf-8", "surrogateescape")), DIGESTS, min_size=1
    )
)
def test_any_name_survives_being_written_and_read(digests):
    # A name may end in CR in every line; written, none does.
    assert _lines.parse(_lines.render(digests)) == (digests, False)


@settings(max_examples=100)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=30),
            st.binary(max_size=12).map(lambda name: SHA.encode() + b"  " + name),
            st.binary(max_size=12).map(lambda name: b"\\" + SHA.encode() + b" *" + name),
        )
    )
)
def test_whatever_stands_there_it_is_read_or_refused_in_a_line(lines):
    try:
        reason, listed = "", _lines.parse(b"\n".join(lines))[0]
    except _lines.ChecksumError as error:
        reason, listed = str(error), {}

    assert bool(listed) != bool(reason)
    assert reason.isprintable()
    assert len(reason) < 200


@settings(max_examples=20)
@given(
    st.sets(
        st.binary(min_size=1, max_size=20).filter(
            lambda n: not set(n) & set(b"\0/") and n not in (b".", b"..")
        ),
        min_size=1,
        max_size=5,
    )
)
def test_coreutils_and_we_agree_on_any_name(names):
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        for name in names:
            with open(os.path.join(os.fsencode(folder), name), "wb"):
                pass
        theirs = coreutils("sha256sum", "--", *sorted(names), cwd=folder).stdout

    listed, _is_crlf = _lines.parse(theirs)
    assert {os.fsencode(name) for name in listed} == names
    assert _lines.render(listed) == theirs


@pytest.mark.parametrize("line", ["./a", ".//a", "a", "./././a"])
def test_names_are_taken_without_their_dots(line):
    assert _lines.parse(f"{SHA}  {line}\n".encode()) == ({"a": SHA}, False)


def test_comments_blank_lines_capitals_and_a_missing_last_newline_do_no_harm():
    data = f"# by the vendor\n\n{'AB' * 32}  a\n  \n{SHA} *b".encode()

    assert _lines.parse(data) == ({"a": "ab" * 32, "b": SHA}, False)


def test_a_line_that_stands_twice_is_one():
    assert _lines.parse(f"{SHA}  a\n{SHA} *./a\n".encode()) == ({"a": SHA}, False)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is empty"),
        (b"\n", "it lists nothing"),
        (b"# nothing\n\n \n", "it lists nothing"),
        (b"\r\n", "it lists nothing"),
        (f"{SHA}  a\nrubbish\n", "line 2 is not a checksum and a name"),
        (f"# comment\n\n{SHA} a\n", "line 3 is not a checksum and a name"),
        (f"{SHA}\n", "line 1 is not a checksum and a name"),
        (f"{SHA}  ", "line 1 is not a checksum and a name"),
        (f"{SHA}  a\n{SHA[:20]}", "line 2 is not a checksum and a name"),
        (f" {SHA}  a\n", "line 1 is not a checksum and a name"),
        (f"{'x' * 64}  a\n", "line 1 is not a checksum and a name"),
        (
            f"{SHA[:63]}  a\n",
            "line 1 has a digest of 63 hex digits; SHA-256 has 64, SHA-512 has 128",
        ),
        (f"{SHA}0  a\n", "line 1 has a digest of 65 hex digits; SHA-256"),
        (f"{'0' * 32}  a\n", "line 1 has a digest of 32 hex digits; SHA-256"),
        (f"{'0' * 40} *a\n", "line 1 has a digest of 40 hex digits; SHA-256"),
        (f"SHA512 (a) = {SHA}\n", "line 1 has a digest of 64 hex digits; SHA-256"),
        (f"SHA256 (a) = {SHA}{SHA}\n", "line 1 has a digest of 128 hex digits; SHA-256"),
        (f"MD5 (a) = {'0' * 32}\n", "line 1 is of MD5, which is neither SHA256 nor SHA512"),
        (f"SHA256 () = {SHA}\n", "line 1 is not a checksum and a name"),
        (f"{SHA}  a\n{OTHER}  a\n", "line 2 lists 'a' again, otherwise"),
        (f"{SHA}  a\n{SHA}{SHA}  a\n", "line 2 lists 'a' again, otherwise"),
        (f"{SHA}  a\n{OTHER} *./a\n", "line 2 lists 'a' again, otherwise"),
        (f"{SHA}  /etc/passwd\n", "line 1 has the absolute name '/etc/passwd'"),
        (f"{SHA}  ../a\n", "line 1 has '../a', which may leave the tree"),
        (f"{SHA}  a/../b\n", "line 1 has 'a/../b', which may leave the tree"),
        (f"{SHA}  ..\n", "line 1 has '..', which may leave the tree"),
        (f"{SHA}  .\n", "line 1 has '.', which names no file"),
        (f"{SHA}  a/\n", "line 1 has 'a/', which names no file"),
        (f"{SHA}  a\0b\n", "line 1 has a name with a zero byte in it"),
        (f"\\{SHA}  a\\tb\n", "line 1 has an escape in its name that is none"),
        (f"\\{SHA}  a\\\n", "line 1 has an escape in its name that is none"),
        (f"{SHA}  a\r\n{SHA}  b\n", "line 1 ends in CR LF, and others do not"),
        (f"{SHA}  a\n{SHA}  b\r\n", "line 2 ends in CR LF, and others do not"),
        (f"{SHA}  \x1b[2J/..\n", r"line 1 has '\x1b[2J/..', which may leave the tree"),
        (f"{SHA}  /{'a' * 5000}\n", "line 1 has the absolute name '/aaa"),
    ],
)
def test_what_is_not_plain_is_refused_with_the_number_of_its_line(data, reason):
    data = data if isinstance(data, bytes) else data.encode()

    with pytest.raises(_lines.ChecksumError) as caught:
        _lines.parse(data)

    assert str(caught.value).startswith(reason)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("name", ["a\nb", "a\n", "a\rb", "a\x85b", "a\u2028", "\udcff"])
def test_a_reader_without_escapes_is_not_given_what_it_would_misread(name):
    with pytest.raises(_lines.ChecksumError, match="cannot be written without escapes"):
        _lines.render({name: SHA}, escapes=False)


def test_a_backslash_is_written_as_it_is_for_a_reader_without_escapes():
    data = _lines.render({"a\\b": SHA}, escapes=False)

    assert data == f"{SHA}  a\\b\n".encode()
    assert _lines.parse(data) == ({"a\\b": SHA}, False)


PATHS = [
    "MANIFEST.in",
    "a.yml",
    "ba.yml",
    "docs/a.md",
    "docs/a.yml",
    "docs/deep/a.yml",
    ".git/config",
    ".ansible-sign/sha256sum.txt",
    "roles/.ansible-sign/x",
]
ALL = [path for path in PATHS if ".ansible-sign" not in path]


@pytest.mark.parametrize(
    ("text", "signed", "verified"),
    [
        ("", ["MANIFEST.in"], ALL),
        ("# include *\n\n  # more", ["MANIFEST.in"], ALL),
        ("include *.yml", ["MANIFEST.in", "a.yml", "ba.yml"], ALL),
        ("a.yml", ["MANIFEST.in", "a.yml"], ALL),
        ("global-include *", ALL, ALL),
        (
            "include *.yml\nexclude a.yml",
            ["MANIFEST.in", "ba.yml"],
            [p for p in ALL if p != "a.yml"],
        ),
        ("exclude a.yml\ninclude *.yml", ["MANIFEST.in", "a.yml", "ba.yml"], ALL),
        # As distlib has it, a name that only ends so matches too.
        ("global-exclude a.yml", ["MANIFEST.in"], ["MANIFEST.in", "docs/a.md", ".git/config"]),
        ("recursive-include docs *.yml", ["MANIFEST.in", "docs/a.yml", "docs/deep/a.yml"], ALL),
        ("graft docs", ["MANIFEST.in", "docs/a.md", "docs/a.yml", "docs/deep/a.yml"], ALL),
        (
            "graft docs\nprune docs/deep",
            ["MANIFEST.in", "docs/a.md", "docs/a.yml"],
            [p for p in ALL if "deep" not in p],
        ),
        (
            "recursive-exclude .git *\nprune docs",
            ["MANIFEST.in"],
            ["MANIFEST.in", "a.yml", "ba.yml"],
        ),
        ("include docs/**", ["MANIFEST.in", "docs/a.md", "docs/a.yml"], ALL),
        ("include docs/ [ab].yml ?a.yml", ["MANIFEST.in", "a.yml", "ba.yml"], ALL),
        ("exclude MANIFEST.in", ["MANIFEST.in"], ALL),
    ],
)
def test_manifest_in_says_what_belongs_to_a_project(text, signed, verified):
    for verifying, wanted in ((False, signed), (True, verified)):
        is_chosen = _manifest_in.chooser(text, verifying)
        assert [path for path in PATHS if is_chosen(path)] == wanted


@pytest.mark.parametrize(
    "line", ["include", "graft", "graft a b", "recursive-include docs", "take all of it", "prune"]
)
def test_a_line_that_is_no_directive_is_named(line):
    with pytest.raises(_lines.ChecksumError, match=f"^line 2 is no directive: '{line}'$"):
        _manifest_in.chooser(f"include *\n{line}\n", True)
