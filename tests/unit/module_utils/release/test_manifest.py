# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest: what is sealed is read back, and what a release may not hold is refused by name."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings

from ansible_collections.itops.release.plugins.module_utils.formats import _canonical
from ansible_collections.itops.release.plugins.module_utils.release import _manifest
from ansible_collections.itops.release.tests.fakes.estate import (
    component,
    directory,
    file,
    link,
    manifest,
    sha256,
)
from ansible_collections.itops.release.tests.fakes.manifests import manifests

A = sha256("a")


def parse(data):
    return _manifest.parse(data, _manifest.digest_of(data))


def parsed(*entries):
    """Render entries, sorted as they must be, in a manifest; read that back."""
    by_path = sorted(entries, key=lambda entry: entry.path.encode("utf-8", "surrogatepass"))
    return parse(_manifest.render(manifest(component(*by_path))))


def changed(**changes):
    """Return the bytes of a good manifest with top-level keys changed, in canonical form."""
    plain = json.loads(_manifest.render(manifest(component(file("app", "a")))))
    plain.update(changes)
    return _manifest._canonical.dumps(plain)


def with_entry(plain):
    """Return the bytes of a manifest with one entry, given as it stands there."""
    item = {"name": "app", "version": "1", "kind": "files", "path": ".", "entries": [plain]}
    return changed(components=[item])


@settings(max_examples=50)
@given(manifests())
def test_what_is_rendered_is_parsed_back(there):
    assert parse(_manifest.render(there)) == there


@settings(max_examples=50)
@given(manifests())
def test_it_is_rendered_as_any_canonical_json(there):
    data = _manifest.render(there)
    plain = [
        [_manifest.entry_to_plain(entry) for entry in component.entries]
        for component in there.components
    ]

    assert data == _manifest._canonical.dumps(json.loads(data))
    assert [item["entries"] for item in json.loads(data)["components"]] == plain


def test_a_path_that_json_has_to_escape_is_rendered_so():
    there = manifest(component(file('a "b" \\ c', "a"), link("l", '"')))

    assert parse(_manifest.render(there)) == there


@pytest.mark.parametrize("key", ["path", "type", "exec"])
def test_a_manifest_in_which_a_key_stands_twice_is_refused(key):
    entry = _manifest.entry_to_plain(file("app", "a"))
    once = '"%s":%s' % (key, json.dumps(entry[key]))
    data = changed().decode()
    at = data.index(once)

    with pytest.raises(_manifest.ManifestError, match="not in canonical form"):
        parse((data[:at] + once + "," + data[at:]).encode())


def test_the_digest_does_not_change_between_versions_of_this_collection():
    there = manifest(
        component(
            directory("bin"),
            file("bin/app", "a", exec=True),
            link("bin/latest", "app"),
            file("étc", "b", private=True, writable=True),
        )
    )

    # Every release that was ever sealed depends on it.
    assert _manifest.digest_of(_manifest.render(there)) == (
        "4d08267d7b9a8f87ef33a328339064a2149560aad1cb05ea7c45b9fae4a7ff4d"
    )


def test_other_bytes_than_the_digest_says_are_refused():
    data = _manifest.render(manifest(component(file("app", "a"))))

    with pytest.raises(_manifest.ManifestError, match="does not match its digest 0000"):
        _manifest.parse(data, "0" * 64)
    with pytest.raises(_manifest.ManifestError, match="does not match its digest"):
        _manifest.parse(data + b" ", _manifest.digest_of(data))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (
            changed(format=2),
            "manifest has format 2, and this itops.release reads up to 1: upgrade it",
        ),
        (changed(format=None), "manifest has format None"),
        (changed(format=True), "not in canonical form"),
        (changed(added="later"), "not in canonical form"),
        (changed(name="Shop"), "name or version is malformed"),
        (changed(name="shop\n"), "name or version is malformed"),
        (changed(name=["shop"]), "malformed"),
        (changed(version="1/2"), "name or version is malformed"),
        (changed(version="../1"), "name or version is malformed"),
        (changed(serial=-1), "serial -1 is not a whole number"),
        (changed(serial=True), "serial True is not a whole number"),
        (changed(serial="1"), "serial '1' is not a whole number"),
        (changed(components=None), "malformed"),
        (changed(components=[{}]), "malformed"),
        (changed(components=["app"]), "malformed"),
        (_manifest._canonical.dumps([]), "malformed"),
        (b"{}", "malformed"),
        (b"not JSON", "malformed"),
        (changed() + b"\n", "not in canonical form"),
        (changed().replace(b":", b": "), "not in canonical form"),
        (with_entry({"type": "file"}), "malformed"),
        (with_entry({"path": "a", "type": "fifo"}), "'a' is of the unknown type 'fifo'"),
        (with_entry({"path": "a", "type": "dir", "mode": 511}), "malformed"),
        (with_entry({"path": "a", "type": "dir", "size": 1}), "not in canonical form"),
        (with_entry({"path": "a", "type": "dir", "private": True}), "not in canonical form"),
        (with_entry({"path": 1, "type": "dir"}), "1 is not a path"),
        (with_entry({"path": "a", "type": "symlink"}), "link 'a' has no proper target"),
        (with_entry({"path": "a", "type": "symlink", "target": 1}), "no proper target"),
        (with_entry({"path": "a", "type": "file", "exec": 1, "size": 0, "sha256": A}), "proper"),
        (with_entry({"path": "a", "type": "file", "exec": True, "size": -1, "sha256": A}), "prop"),
        (with_entry({"path": "a", "type": "file", "exec": True, "size": 0, "sha256": ""}), "prop"),
        (
            with_entry({"path": "a", "type": "file", "exec": False, "size": 0, "sha256": "A" * 64}),
            "no proper size, exec and sha256",
        ),
        (
            with_entry(
                {"path": "a", "type": "file", "exec": False, "size": 0, "sha256": A, "private": 1}
            ),
            "not in canonical form",
        ),
    ],
)
def test_a_malformed_manifest_is_refused_in_one_line(data, reason):
    with pytest.raises(_manifest.ManifestError, match=reason) as caught:
        parse(data)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["", "Files", "\ud800", "a b", 1, None])
def test_a_kind_that_is_no_name_is_refused(kind):
    plain = json.loads(changed())
    plain["components"][0]["kind"] = kind
    data = json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()

    with pytest.raises(_manifest.ManifestError):
        parse(data)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "is not a path"),
        ("/etc/passwd", "absolute"),
        ("..", "not a plain path"),
        ("../up", "not a plain path"),
        ("a/../b", "not a plain path"),
        ("a/..", "not a plain path"),
        (".", "not a plain path"),
        ("./a", "not a plain path"),
        ("a//b", "not a plain path"),
        ("a/", "not a plain path"),
        ("a\x00b", "control character"),
        ("a\nb", "control character"),
        ("a\rb", "control character"),
        ("a\x1b[31mb", "control character"),
        ("a\x7f", "control character"),
        ("a\x85b", "control character"),
        ("a\x9bb", "control character"),
        ("a\u2028b", "control character"),
        ("a\u2029b", "control character"),
        ("a\ud800", "not UTF-8"),
        ("a" * 256, "too long"),
        ("é" * 128, "too long"),
        ("\udcffa", "not UTF-8"),
        ("/".join(["a" * 200] * 6), "too long"),
        ("/".join("a" * 129), "'(a/)*a?…? is nested deeper than 128 names"),
    ],
)
def test_a_path_that_is_no_plain_relative_one_is_refused(path, reason):
    with pytest.raises(_manifest.ManifestError, match=reason) as caught:
        _manifest.check_path(path)

    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "path", ["a", "a/b", "...", "a b", " ", "-rf", "é", "a" * 255, ".git", "/".join("a" * 128)]
)
def test_ordinary_paths_are_fine(path):
    _manifest.check_path(path)


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("/etc/passwd", "absolute"),
        ("..", "leaves its component"),
        ("../../etc", "leaves its component"),
        ("d/../../d/app", "leaves its component"),
        ("", "no proper target"),
        ("a\nb", "no proper target"),
        ("a\x1b]0;b", "no proper target"),
        ("\udcff", "not UTF-8"),
        ("a/" * 600, "too long"),
    ],
)
def test_a_link_that_leaves_the_component_is_refused(target, reason):
    with pytest.raises(_manifest.ManifestError, match=reason):
        _manifest.check_target("link", target)


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ([link("l", "l")], "'l' leads back to itself"),
        ([link("a", "b"), link("b", "a")], "leads back to itself"),
        ([link("a", "b"), link("b", "c"), link("c", "b")], "leads back to itself"),
        ([directory("d"), link("d/l", "../../x")], "'d/l' leaves its component"),
        # Leaves half-way, although it ends inside.
        ([directory("d"), link("d/l", "../../shop/d")], "'d/l' leaves its component"),
        # By the text it stays inside; really it goes wherever the link to a directory leads.
        (
            [directory("d"), directory("d/e"), link("s", "d/e"), link("t", "s/../../x")],
            "'t' leaves its component",
        ),
        (
            [directory("d"), directory("d/e"), link("s", "d/e"), link("t", "s/app")],
            "'t' goes through the link 's'",
        ),
        ([directory("d"), link("s", "d"), link("t", "s/..")], "'t' goes through the link 's'"),
    ],
)
def test_a_link_that_cannot_be_followed_inside_is_refused(entries, reason):
    with pytest.raises(_manifest.ManifestError, match=reason):
        parsed(*entries)


def test_links_inside_are_fine():
    entries = [
        directory("d"),
        file("d/app", "a"),
        link("a", "b"),
        link("b", "c"),
        link("c", "d/app"),
        link("dangling", "nowhere"),
        link("d/self", "."),
        link("d/up", "../d/app"),
        link("e", "d"),
    ]

    assert {entry.path for entry in parsed(*entries).components[0].entries} == {
        entry.path for entry in entries
    }


@pytest.mark.parametrize(
    "entries",
    [
        [file("b"), file("a")],
        [file("a"), file("a")],
        # By UTF-16, as some sort, the second would be first.
        [file("\U0001f600"), file("\uff01")],
    ],
)
def test_entries_that_are_not_sorted_by_utf8_are_refused(entries):
    with pytest.raises(_manifest.ManifestError, match="not sorted by distinct paths"):
        parse(_manifest.render(manifest(component(*entries))))


def test_components_that_are_not_sorted_by_distinct_names_are_refused():
    one, other = component(file("a"), name="one"), component(file("b"), name="other")

    for components in ([other, one], [one, one]):
        with pytest.raises(_manifest.ManifestError, match="not sorted by distinct names"):
            parse(_manifest.render(manifest(*components)))


GOOD = manifest(component(file("app", "a")))
ONE, OTHER = component(file("a"), name="one"), component(file("b"), name="other")


@pytest.mark.parametrize(
    ("there", "reason"),
    [
        (GOOD._replace(name="Shop"), "name or version is malformed"),
        (GOOD._replace(name=1), "malformed"),
        (GOOD._replace(name="\ud800"), "malformed"),
        (GOOD._replace(serial=True), "serial True is not a whole number"),
        (manifest(OTHER, ONE), "not sorted by distinct names"),
        (manifest(component(file("b"), file("a"))), "not sorted by distinct paths"),
        (manifest(ONE._replace(kind="Files")), "malformed kind"),
        (manifest(component(file("a"), path="../up")), "not a plain path"),
        (manifest(component(link("a", "a"))), "leads back to itself"),
        (manifest(component(file("d/a"))), "does not lie in a directory"),
    ],
)
def test_what_is_put_together_may_hold_no_more_than_what_is_parsed(there, reason):
    try:
        digest = _manifest.digest_of(_manifest.render(there))
    except (TypeError, UnicodeEncodeError):
        digest = "0" * 64  # never reached

    with pytest.raises(_manifest.ManifestError, match=reason):
        _manifest.verified(there, digest)


def test_what_is_put_together_must_have_the_digest():
    data = _manifest.render(GOOD)

    assert _manifest.verified(GOOD, _manifest.digest_of(data)) == data
    with pytest.raises(_manifest.ManifestError, match="does not match its digest 0000"):
        _manifest.verified(GOOD, "0" * 64)


def test_the_tree_holds_all_components_where_they_go():
    there = manifest(
        component(file("app", "a"), name="api", path="opt/api"),
        component(directory("static"), file("static/app", "b"), name="web"),
    )

    tree = _manifest.tree(there)

    assert {path: entry.type for path, entry in tree.items()} == {
        "opt": "dir",
        "opt/api": "dir",
        "opt/api/app": "file",
        "static": "dir",
        "static/app": "file",
    }
    assert all(path == entry.path for path, entry in tree.items())


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (component(file("app")), component(file("app"), name="b"), "two components bring 'app'"),
        (
            component(directory("d"), file("d/x")),
            component(file("x"), name="b", path="d"),
            "two components bring 'd/x'",
        ),
        (component(file("d")), component(file("x"), name="b", path="d"), "bring 'd'"),
        (component(link("d", "e")), component(file("x"), name="b", path="d"), "bring 'd'"),
        (component(link("d", "e")), component(directory("d"), name="b"), "bring 'd'"),
    ],
)
def test_components_that_want_the_same_place_are_refused(first, second, reason):
    with pytest.raises(_manifest.ManifestError, match=reason):
        parse(_manifest.render(manifest(first, second)))


@pytest.mark.parametrize("entries", [[file("d/app")], [file("d"), file("d/app")]])
def test_an_entry_outside_every_directory_is_refused(entries):
    with pytest.raises(_manifest.ManifestError, match="does not lie in a directory"):
        parsed(*entries)


def test_a_link_through_another_components_link_is_refused():
    there = manifest(
        component(link("out", "b/x/y/../../..")),
        component(directory("x"), link("x/y", "../z"), directory("z"), name="b", path="b"),
    )

    # By the text it ends at the tree's top; really b/x/y leads to b/z, and so it ends above.
    with pytest.raises(_manifest.ManifestError, match="'out' goes through the link 'b/x/y'"):
        parse(_manifest.render(there))


@pytest.mark.parametrize("path", ["..", "/srv", "a/../b", "a\nb", "", "a/"])
def test_a_component_goes_nowhere_else_than_below_the_release(path):
    with pytest.raises(_manifest.ManifestError):
        parse(_manifest.render(manifest(component(file("app"), path=path))))


@pytest.mark.parametrize(
    "change", [{"format": "\x1b[31m\n"}, {"components": [{"\x1b[31m\n": 1}]}, {"format": "9" * 999}]
)
def test_what_a_refused_manifest_says_is_a_printable_line(change):
    data = _canonical.dumps({**json.loads(_manifest.render(manifest())), **change})

    with pytest.raises(_manifest.ManifestError) as caught:
        _manifest.parse(data, _manifest.digest_of(data))

    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300
