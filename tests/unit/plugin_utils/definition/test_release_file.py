# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``release.yml``: what it may say, and one line with file, line, key and expectation if not."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.itops.release.plugins.plugin_utils.definition import (
    _release_file,
    _schema_file,
)

GOOD = """\
name: shop
version: "1.0.0"
serial: 1
components:
  - name: web
    kind: files
  - name: app
    kind: files
    version: "2"
    source: src
    path: opt/app
    include: ["**/*.py"]
    exclude: []
    private: [key.pem]
    writable: [db]
    case_sensitive: true
"""
CAPS = {"size": 8 * 1024**3, "entries": 200_000, "ratio": 200}


def parse(text, **changes):
    return _release_file.parse(text, "release.yml", **changes)


def test_a_release_is_read_with_its_defaults_components_sorted():
    release = parse(GOOD)

    assert release[:3] == ("shop", "1.0.0", 1)
    assert release.components == (
        _release_file.ComponentSource(
            "app",
            "2",
            "files",
            "src",
            "opt/app",
            ("**/*.py",),
            (),
            ("key.pem",),
            ("db",),
            True,
            None,
            0,
            None,
            CAPS,
        ),
        _release_file.ComponentSource(
            "web",
            "1.0.0",
            "files",
            ".",
            ".",
            ("**",),
            ("**/.git", "**/__pycache__"),
            (),
            (),
            False,
            limits=CAPS,
        ),
    )


def test_version_and_serial_given_stand_over_the_file():
    release = parse(GOOD, version="9", serial=99)

    assert (release.version, release.serial) == ("9", 99)
    assert [component.version for component in release.components] == ["2", "9"]


def test_a_version_given_is_enough():
    text = GOOD.replace('version: "1.0.0"\n', "").replace("serial: 1\n", "")

    assert parse(text, version="1", serial=0)[1:3] == ("1", 0)


@pytest.mark.parametrize("source", [".", "./", "src/", "./a/b"])
def test_a_source_is_a_directory_below_the_file(source):
    text = changed("source: src", f"source: {source}")

    assert parse(text).components[0].source == source


def test_a_checksum_file_may_be_demanded_of_a_source():
    text = changed("source: src", "source: src\n    checksums: sums/SHA256SUMS")

    assert [c.checksums for c in parse(text).components] == ["sums/SHA256SUMS", None]


def test_an_archive_has_keys_of_its_own():
    digest = "4f" * 32
    text = f"source: src\n    strip: 1\n    sha256: {digest}\n    limits: {{ratio: 9}}"
    archive = changed("- name: web\n    kind: files", f"- name: web\n    kind: archive\n    {text}")

    component = parse(archive).components[1]
    assert component[11:14] == (1, digest, {**CAPS, "ratio": 9})


def changed(old, new):
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "release.yml:1: the file is empty; expected a release"),
        ("# nothing\n", "release.yml:1: the file is empty; expected a release"),
        ("null\n", "release.yml:1: the file: null does not fit; expected a value of type object"),
        ("[]\n", "release.yml:1: the file: [] does not fit; expected a value of type object"),
        ("shop\n", 'release.yml:1: the file: "shop" does not fit; expected a value of type object'),
        (
            changed("name: shop", "name: [shop"),
            "release.yml:2: not YAML: expected ',' or ']', but got ':'",
        ),
        (
            changed("serial: 1", "serial:\t1\n\tx: 1"),
            "release.yml:3: not YAML: found character '\\t' that cannot start any token",
        ),
        (changed("serial: 1", "serial: 1\n---"), "release.yml:4: not YAML: but found another"),
        (changed("serial: 1", "serial: *none"), "release.yml:3: not YAML: found undefined alias"),
        (
            changed("serial: 1", "serial: !!python/object/apply:os.getcwd []"),
            "release.yml:3: not YAML: could not determine a constructor for the tag",
        ),
        (
            changed("name: shop", "name: Shop"),
            'release.yml:1: name: "Shop" does not fit; expected The application\'s name: lower',
        ),
        (changed("name: shop", 'name: "shop\\n"'), 'release.yml:1: name: "shop\\n" does not fit'),
        (changed("name: shop", 'name: ""'), 'release.yml:1: name: "" does not fit'),
        (
            changed("name: shop", "name:"),
            "release.yml:1: name: null does not fit; expected a value",
        ),
        (
            changed("name: shop", "name: {2026-01-01: x}"),
            "release.yml:1: name: ",
        ),
        (
            changed('"1.0.0"', "1.10"),
            "release.yml:2: version: 1.1 does not fit; expected a value of type string, in quotes",
        ),
        (changed('"1.0.0"', '"1/0"'), 'release.yml:2: version: "1/0" does not fit'),
        (changed('"1.0.0"', '"1.0\\n"'), 'release.yml:2: version: "1.0\\n" does not fit'),
        (
            changed("serial: 1", "serial: -1"),
            "release.yml:3: serial: -1 does not fit; expected a number of minimum 0",
        ),
        (changed("serial: 1", "serial: 1.0"), "release.yml:3: serial: 1.0 does not fit"),
        (changed("serial: 1", "serial: 1.5"), "release.yml:3: serial: 1.5 does not fit"),
        (changed("serial: 1", "serial: .inf"), "release.yml:3: serial: Infinity does not fit"),
        (changed("serial: 1", "serial: true"), "release.yml:3: serial: true does not fit"),
        (
            changed("serial: 1", 'serial: "1"'),
            'release.yml:3: serial: "1" does not fit; expected a value of type integer',
        ),
        (changed("serial: 1", f"serial: {2**53}"), "release.yml:3: serial: 9007199254740992 does"),
        (changed("serial: 1", "serial: " + "9" * 5000), "release.yml:"),
        (changed("serial: 1", "serial: 0x" + "f" * 9000), "release.yml:"),
        (
            changed("serial: 1\n", ""),
            "release.yml:1: the file: serial is missing; expected serial: A whole number that",
        ),
        (
            changed("serial: 1", "serial: 1\nserail: 2"),
            "release.yml:4: serail: no such key; expected one of name, version, serial, components",
        ),
        (
            changed("serial: 1", 'serial: 1\n"a\\nb": 2'),
            r"release.yml:4: a\nb: no such key; expected",
        ),
        (changed("serial: 1", "serial: 1\n7: x"), "release.yml:4: 7: no such key; expected one of"),
        (
            changed("serial: 1", "serial: 1\n? [a]\n: b"),
            "release.yml:4: not YAML: found unhashable",
        ),
        (
            changed("serial: 1", "serial: 1\nname: twice"),
            "release.yml:4: name: stands twice; expected each key once",
        ),
        (
            GOOD.partition("components")[0] + "components: []\n",
            "release.yml:4: components: [] does not fit; expected at least one item",
        ),
        (
            changed('    version: "2"\n', '    verison: "2"\n'),
            "release.yml:9: components[1].verison: no such key; expected one of name, kind",
        ),
        (
            changed('    version: "2"\n', "    kind: files\n"),
            "release.yml:9: components[1].kind: stands twice; expected each key once",
        ),
        (
            changed("- name: web\n    kind: files", "- name: web\n    kind: deb"),
            'release.yml:6: components[0].kind: "deb" does not fit; expected one of archive, files',
        ),
        (
            changed("- name: web\n    kind: files", "- name: web"),
            "release.yml:5: components[0]: kind is missing; expected kind: How the component is",
        ),
        (
            changed("- name: web\n    kind: files", "- name: web\n    kin: files"),
            "release.yml:6: components[0].kin: no such key; expected one of ",
        ),
        (
            changed("- name: web\n    kind: files", "- web"),
            'release.yml:5: components[0]: "web" does',
        ),
        (
            changed("name: web", "name: app"),
            "release.yml:7: components[1].name: 'app' stands twice; expected a name of its own",
        ),
        (
            changed('include: ["**/*.py"]', 'include: "**/*.py"'),
            'release.yml:12: components[1].include: "**/*.py" does not fit; expected a value of',
        ),
        (
            changed("private: [key.pem]", "private: [key.pem, 7]"),
            "release.yml:14: components[1].private[1]: 7 does not fit; expected a value of type",
        ),
        (
            changed("private: [key.pem]", 'private: [""]'),
            'release.yml:14: components[1].private[0]: "" does not fit; expected a text that is',
        ),
        (
            changed("case_sensitive: true", "case_sensitive: maybe"),
            'release.yml:16: components[1].case_sensitive: "maybe" does not fit; expected a value',
        ),
        (
            changed("path: opt/app", "path: ../app"),
            "release.yml:11: components[1].path: '../app' is not a plain path below its component",
        ),
        (
            changed("path: opt/app", "path: /opt/app"),
            "release.yml:11: components[1].path: '/opt/app' is an absolute path",
        ),
        (
            changed("source: src", "source: /etc"),
            "release.yml:10: components[1].source: '/etc' is an absolute path; expected The "
            "directory that holds the files, or the archive, relative to the folder of release.yml "
            "and below it.",
        ),
        (
            changed("source: src", "checksums: ../SHA256SUMS"),
            "release.yml:10: components[1].checksums: '../SHA256SUMS' is not a plain path below",
        ),
        (
            changed("source: src", 'checksums: ""'),
            'release.yml:10: components[1].checksums: "" does not fit; expected a text that is',
        ),
        (
            changed("source: src", "strip: 1"),
            "release.yml:10: components[1].strip: not for components of kind files; expected it "
            "with kind archive only",
        ),
        (
            changed("web\n    kind: files", "web\n    kind: archive\n    checksums: SUMS"),
            "release.yml:7: components[0].checksums: not for components of kind archive",
        ),
        (
            changed("web\n    kind: files", "web\n    kind: archive\n    limits: {size: 0}"),
            "release.yml:7: components[0].limits.size: 0 does not fit; expected a number of",
        ),
        (
            changed("web\n    kind: files", "web\n    kind: archive\n    sha256: abc"),
            'release.yml:7: components[0].sha256: "abc" does not fit; expected The SHA-256 that',
        ),
        (
            changed("source: src", "source: lib/../../etc/"),
            "release.yml:10: components[1].source: 'lib/../../etc' is not a plain path",
        ),
        (
            changed("- name: web", "- <<: {path: /opt}\n    name: web"),
            "release.yml:5: components[0].path: '/opt' is an absolute path",
        ),
    ],
)
def test_what_is_wrong_is_said_in_a_line_with_place_and_expectation(text, line):
    with pytest.raises(_release_file.ReleaseFileError) as caught:
        parse(text)

    assert str(caught.value).startswith(line)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


def test_the_first_of_several_problems_is_told():
    text = changed("serial: 1", "serial: -1").replace("kind: files", "kind: x")

    with pytest.raises(_release_file.ReleaseFileError, match=r"^release\.yml:3: serial"):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x, x, x, x, x, x, x, x, x]\n"
        + "".join(
            f"{new}: &{new} [{', '.join(['*' + old] * 9)}]\n"
            for old, new in zip("abcdefgh", "bcdefghi", strict=True)
        ),
        "&a [*a]",
        "&a {x: *a}",
        "[" * 5000,
        "{a: " * 5000,
        "- " * 5000,
        "a" * 1_000_000,
        "- a\n" * 20_000,
    ],
    ids=["bomb", "loop", "loop of keys", "lists", "keys", "dashes", "long", "many"],
)
def test_a_file_that_would_never_end_is_refused(text):
    with pytest.raises(_release_file.ReleaseFileError) as caught:
        parse(text)

    assert str(caught.value).startswith("release.yml:")
    assert len(str(caught.value)) < 500


YAMLISH = st.text(alphabet="name:shopverialcmt-[]{}&*!|>'\"#%@,?~ \n\t0.1é\x00\x85\ufeff")


@settings(max_examples=150)
@given(st.integers(0, len(GOOD)), st.integers(0, 20), YAMLISH)
def test_whatever_stands_there_it_is_a_release_or_an_error_in_a_line(at, length, noise):
    text = GOOD[:at] + noise + GOOD[at + length :]

    try:
        parse(text)
    except _release_file.ReleaseFileError as error:
        reason = str(error)
        assert reason.startswith("release.yml:")
        assert "\n" not in reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"version": "1 0"}, 'the option version: "1 0" does not fit; expected The release'),
        ({"version": ""}, 'the option version: "" does not fit'),
        ({"serial": -1}, "the option serial: -1 does not fit; expected a number of minimum 0"),
    ],
)
def test_an_option_in_place_of_the_file_is_blamed_itself(changes, reason):
    with pytest.raises(_release_file.ReleaseFileError, match=f"^{reason}"):
        parse(GOOD, **changes)


def test_a_date_is_a_version_like_any_other_text():
    assert parse(changed('"1.0.0"', "2026-01-01")).version == "2026-01-01"


def test_a_library_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "jsonschema", None)

    with pytest.raises(_schema_file.MissingLibrary, match=r"^jsonschema$"):
        parse(GOOD)
