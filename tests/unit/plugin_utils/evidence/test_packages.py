# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages in a tree: told by what installers left; what is odd tells nothing, and is no error."""

from __future__ import annotations

import io
import json
import tracemalloc
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.itops.release.plugins.plugin_utils.evidence import (
    _package_files,
    _packages,
)
from ansible_collections.itops.release.tests.fakes.layers import entries_of, stream_of

METADATA = "Metadata-Version: 2.4\nName: Flask\nVersion: 3.0.0\nLicense-Expression: BSD-3-Clause\n"
STATUS = """\
Package: nginx
Status: install ok installed
Architecture: amd64
Version: 1:1.22.1-9+deb12u1
Description: small
 Package: not me

Package: gone
Status: deinstall ok config-files
Version: 1

Package: half
Status: install ok unpacked
Version: 2
"""
COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
License: BSD-2-clause

License: BSD-2-clause
 Redistribution and use

License: Expat
"""
MIT = "License :: OSI Approved :: MIT License"
ZLIB = "License :: OSI Approved :: zlib/libpng License"
WHEEL = "six-1.17.0-py2.py3-none-any.whl"


def find(files):
    return _packages.find(entries_of(files), stream_of(files))


def told(files):
    """Return what is found, without where."""
    return [
        (one.system, one.name, one.version, one.architecture, *one.licences)
        for one in find(files).packages
    ]


def wheel(*files, **options):
    """Return a wheel with the *files*, pairs of a path and its text."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", options.get("method", zipfile.ZIP_DEFLATED)) as archive:
        for path, text in files:
            archive.writestr(path, text)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("path", "text", "package"),
    [
        (
            "lib/flask-3.0.0.dist-info/METADATA",
            METADATA,
            ("pypi", "Flask", "3.0.0", "", "BSD-3-Clause"),
        ),
        (
            "a.dist-info/METADATA",
            "\r\nName: a\r\nVersion: 1\r\nLicense: MIT\r\n\r\nName: not me\r\n",
            ("pypi", "a", "1", "", "MIT"),
        ),
        (
            "a.dist-info/METADATA",
            f"Name: a\nVersion: 1\nLicense: {'long ' * 90}\nClassifier: {MIT}\nClassifier: {ZLIB}",
            ("pypi", "a", "1", "", "MIT", "zlib/libpng License"),
        ),
        (
            "a.dist-info/METADATA",
            f"Name: a\nVersion: 1\nLicense: Copyright\n  in many\n  lines\nClassifier: {MIT}\n",
            ("pypi", "a", "1", "", "MIT"),
        ),
        ("a.dist-info/METADATA", "Name: a\nVersion: 1\nLicense: UNKNOWN\n", ("pypi", "a", "1", "")),
        ("x/a.egg-info/PKG-INFO", "Name: a\nVersion: 1\n", ("pypi", "a", "1", "")),
        ("x/a-1-py3.11.egg-info", "Name: a\nVersion: 1\n", ("pypi", "a", "1", "")),
        ("a-1.egg/EGG-INFO/PKG-INFO", "Name: a\nVersion: 1\n", ("pypi", "a", "1", "")),
        (
            "setuptools/_vendor/packaging-24.0.dist-info/METADATA",
            "Name: packaging\nVersion: 24.0\n",
            ("pypi", "packaging", "24.0", ""),
        ),
        (
            "ui/node_modules/left-pad/package.json",
            '{"name": "left-pad", "version": "1.3.0", "license": "WTFPL"}',
            ("npm", "left-pad", "1.3.0", "", "WTFPL"),
        ),
        (
            "node_modules/@vue/core/package.json",
            '{"name": "@vue/core", "version": "3.0.0", "license": {"type": "MIT", "url": "x"}}',
            ("npm", "@vue/core", "3.0.0", "", "MIT"),
        ),
        (
            "node_modules/old/package.json",
            '{"name": "old", "version": "1", "licenses": [{"type": "MIT"}, {"type": "ISC"}, 7]}',
            ("npm", "old", "1", "", "ISC", "MIT"),
        ),
        (
            "node_modules/a/node_modules/b/package.json",
            '{"name": "b", "version": "1"}',
            ("npm", "b", "1", ""),
        ),
        (
            "node_modules/.pnpm/b@1/node_modules/b/package.json",
            '{"name": "b", "version": "1"}',
            ("npm", "b", "1", ""),
        ),
        ("node_modules/alias/package.json", '{"name": "b", "version": "1"}', ("npm", "b", "1", "")),
        ("node_modules/a/package.json", '{"version": "1"}', ("npm", "a", "1", "")),
        ("node_modules/@s/a/package.json", "[" * 100_000, ("npm", "@s/a", "", "")),
        ("node_modules/a/package.json", '["name"]', ("npm", "a", "", "")),
        ("node_modules/a/package.json", b"", ("npm", "a", "", "")),
        (
            "var/lib/dpkg/status.d/base",
            "Package: base-files\nVersion: 12\n",
            ("deb", "base-files", "12", ""),
        ),
        ("pool/nginx_1%3a1.22-9+b1_amd64.deb", b"", ("deb", "nginx", "1:1.22-9+b1", "amd64")),
        (f"wheels/{WHEEL}", b"", ("pypi", "six", "1.17.0", "")),
        ("ruamel_yaml-0.18-1-py3-none-any.whl", b"PK", ("pypi", "ruamel-yaml", "0.18", "")),
        (
            WHEEL,
            wheel(("six.py", "x"), ("six-1.17.0.dist-info/METADATA", METADATA)),
            ("pypi", "Flask", "3.0.0", "", "BSD-3-Clause"),
        ),
    ],
)
def test_a_package_is_recognised_by_what_its_installer_left(path, text, package):
    assert told({path: text}) == [package]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("METADATA", METADATA),
        ("docs/var/lib/dpkg/status", STATUS),
        ("node_modules/a/lib/package.json", '{"name": "b", "version": "1"}'),
        ("node_modules/.cache/package.json", '{"name": "b", "version": "1"}'),
        ("node_modules/.package-lock.json", '{"packages": {"node_modules/b": {"version": "1"}}}'),
        ("package.json", '{"name": "b", "version": "1"}'),
        ("a.dist-info/METADATA", "Version: 1\n"),
        ("a.dist-info/METADATA", ""),
        ("x.whl", b""),
        ("x.deb", b""),
    ],
)
def test_what_is_no_package_is_none(path, text):
    assert told({path: text}) == []


def test_debian_packages_are_those_whose_files_are_there():
    assert told({"var/lib/dpkg/status": STATUS}) == [
        ("deb", "half", "2", ""),
        ("deb", "nginx", "1:1.22.1-9+deb12u1", "amd64"),
    ]


def test_debian_packages_are_of_the_system_around_them_with_the_licences_that_lie_apart():
    files = {
        "var/lib/dpkg/status": STATUS,
        "usr/lib/os-release": 'NAME="Ubuntu"\nID=ubuntu\n',
        "usr/share/doc/nginx/copyright": COPYRIGHT,
        "usr/share/doc/half/copyright": "License: told in no form of machines\n",
    }

    half, nginx = find(files).packages

    assert (half.distribution, half.licences) == ("ubuntu", ())
    assert (nginx.distribution, nginx.licences) == ("ubuntu", ("BSD-2-clause", "Expat"))


def test_a_package_that_is_linked_into_node_modules_is_there_once():
    text = '{"name": "@shop/ui", "version": "2.0.0"}'
    files = {
        "node_modules/@shop/ui@": "../../packages/ui",
        "node_modules/outside@": "../../../elsewhere",
        "packages/ui/package.json": text,
        "packages/other/package.json": text,
    }

    (package,) = find(files).packages

    assert (package.name, package.path) == ("@shop/ui", "packages/ui/package.json")


def test_links_are_not_followed_to_files():
    assert told({"a.dist-info/METADATA@": "elsewhere"}) == []


def test_a_tree_without_such_files_is_not_read():
    def stream(sink):
        raise AssertionError("read")

    assert _packages.find(entries_of({"app/main.py": "x"}), stream) == ((), True)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_wheel_that_is_odd_is_known_by_its_name(method):
    metadata = ("six-1.17.0.dist-info/METADATA", METADATA)
    good = wheel(metadata)
    for data in (wheel(metadata, method=method), good[:-30], good[:20] + b"x" * 60 + good[80:]):
        assert told({WHEEL: data}) == [("pypi", "six", "1.17.0", "")]


def test_a_wheel_with_more_files_than_fit_in_memory_is_not_opened(monkeypatch):
    monkeypatch.setattr(_package_files, "MOST_ZIPPED", 2)
    metadata = ("six-1.17.0.dist-info/METADATA", METADATA)

    assert told({WHEEL: wheel(metadata, ("a", ""), ("b", ""))})[0][1] == "six"
    assert told({WHEEL: wheel(metadata, ("a", ""))})[0][1] == "Flask"


def test_what_files_say_is_cut_to_a_line_without_what_deceives():
    name = "a\\u001b[31m\\ud800\\u202e"
    (package,) = find(
        {"node_modules/a/package.json": f'{{"name": "{name}", "version": 1}}'}
    ).packages

    assert package.name == "a\ufffd[31m?\ufffd"
    assert package.version == ""
    json.dumps(package, ensure_ascii=False).encode("utf-8")
    assert told({"a.dist-info/METADATA": f"Name: {'x' * 201}\n"}) == []


def test_however_large_files_are_little_of_them_is_held():
    size = 24 * 1024 * 1024
    long_licence = f"Name: a\nVersion: 1\nLicense: {'x' * size}\n"
    files = {
        "a.dist-info/METADATA": long_licence,
        "node_modules/a/package.json": '{"name": "b", "x": "' + "x" * size + '"}',
        "var/lib/dpkg/status": STATUS + "x" * size,
        WHEEL: b"x" * size,
    }
    entries, stream = entries_of(files), stream_of(files)

    tracemalloc.start()
    found = _packages.find(entries, stream).packages
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    # stream_of makes bytes of one text after another; finding adds next to nothing
    assert held < 1.2 * size
    assert [(one.system, one.name) for one in found] == [
        ("npm", "a"),
        ("pypi", "a"),
        ("pypi", "six"),
    ]


def test_more_packages_than_anybody_has_are_cut_and_that_is_told(monkeypatch):
    monkeypatch.setattr(_packages, "MOST_PACKAGES", 2)
    files = {f"node_modules/{name}/package.json": "{}" for name in "abc"}

    found = find(files)

    assert [package.name for package in found.packages] == ["a", "b"]
    assert not found.is_complete
    del files["node_modules/a/package.json"]
    assert find(files).is_complete


@given(
    st.sampled_from(
        [
            "a.dist-info/METADATA",
            "node_modules/a/package.json",
            "usr/share/doc/a/copyright",
            "var/lib/dpkg/status",
            WHEEL,
        ]
    ),
    st.one_of(
        st.binary(),
        st.text().map(lambda text: f"Name: {text}\nPackage: {text}\nVersion: {text}\n".encode()),
        st.dictionaries(
            st.sampled_from(["name", "version", "license", "licenses"]),
            st.recursive(st.text() | st.none(), st.lists),
        ).map(lambda plain: json.dumps(plain).encode()),
    ),
)
def test_no_file_is_an_error(path, data):
    for package in find({"var/lib/dpkg/status": "", path: data}).packages:
        for text in (*package[:4], *package.licences):
            assert "\n" not in text
            assert "\x1b" not in text
            assert len(text) <= 200
