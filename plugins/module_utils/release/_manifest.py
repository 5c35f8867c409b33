# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest: everything in a release package, down to each file's digest."""

from __future__ import annotations

import re
from json.encoder import encode_basestring as quote
from typing import AbstractSet, Any, Collection, Mapping, NamedTuple, Tuple

from ..errors._release_error import ReleaseError
from ..formats import _canonical

FORMAT = 1
# What is declared beside the files. It is sealed with them; the controller alone reads it.
ABOUT_COMPONENT = frozenset(("conflicts", "materials", "provides", "requires", "versions"))
ABOUT_RELEASE = frozenset(("requires_hosts", "scripts"))
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z")
VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~-]{0,63}\Z")
DIGEST = re.compile(r"[0-9a-f]{64}\Z")
# C0, DEL, C1, and the two separators that some readers take for a line's end.
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
LONGEST_PATH = 1024
LONGEST_NAME = 255
MOST_NAMES = 128  # trees are walked by recursion
MOST_LINKS = 40  # Linux follows no more, and to follow them all would take for ever
# Most paths are as plain as this: to accept them at once halves the time for reading a manifest.
PLAIN = re.compile(r"[ -\-0-~][ -.0-~]{0,63}(?:/[ -\-0-~][ -.0-~]{0,63}){0,14}\Z")

# Declarations as sorted (key, plain value). Whoever reads one checks its form first.
About = Tuple[Tuple[str, Any], ...]


class ManifestError(ReleaseError):
    """A manifest cannot be read, or asks for what a release may not hold."""

    code = "invalid_manifest"


class UnknownFormat(ManifestError):
    """A manifest is whole, but another version of this collection wrote it."""

    code = "unknown_format"


class Entry(NamedTuple):
    """One file, directory or symbolic link; *path* is relative and parted by slashes."""

    path: str
    type: str
    exec: bool = False
    size: int = 0
    sha256: str = ""
    target: str = ""
    private: bool = False
    writable: bool = False


class Component(NamedTuple):
    """One related asset of a release; its entries are sorted by their UTF-8 paths.

    *about* holds the declarations of ABOUT_COMPONENT that are there, as sorted (key, plain value).
    """

    name: str
    version: str
    kind: str
    path: str
    entries: Tuple[Entry, ...]
    about: About = ()


class Manifest(NamedTuple):
    """What a release package is made of; components are sorted by name.

    *about* holds the declarations of ABOUT_RELEASE that are there, as sorted (key, plain value).
    """

    name: str
    version: str
    serial: int
    components: Tuple[Component, ...]
    about: About = ()


def render(manifest: Manifest) -> bytes:
    """Return *manifest* as the canonical bytes whose SHA-256 is the release digest.

    This is ``_canonical.dumps`` of what ``entry_to_plain`` and the records' fields say, written
    down directly: a manifest has thousands of entries, and every host renders it.
    """
    components = [
        _render_object(
            component.about,
            entries="[%s]" % ",".join(map(_render_entry, component.entries)),
            kind=quote(component.kind),
            name=quote(component.name),
            path=quote(component.path),
            version=quote(component.version),
        )
        for component in manifest.components
    ]
    text = _render_object(
        manifest.about,
        components="[%s]" % ",".join(components),
        format=str(FORMAT),
        name=quote(manifest.name),
        serial="%d" % manifest.serial,
        version=quote(manifest.version),
    )
    return text.encode("utf-8")


def digest_of(data: bytes) -> str:
    """Return the release digest of a manifest's bytes."""
    return _canonical.sha256_hex(data)


def parse(data: bytes, digest: str) -> Manifest:
    """Return the Manifest in the bytes *data*, which must hash to *digest*.

    Raises ManifestError for any other bytes, a newer format, and anything that
    a release may not hold: nothing of *data* is believed before it is checked.
    """
    _check_digest(data, digest)
    try:
        # A key that stands twice does not survive being rendered again, below.
        manifest = _from_plain(_canonical.loads(data, unique_keys=False))
        _check(manifest)
    except (KeyError, TypeError, AttributeError, _canonical.CanonicalError) as error:
        raise _malformed(digest, error) from None
    if render(manifest) != data:
        raise ManifestError("manifest %s is not in canonical form" % digest[:12])
    return manifest


def verified(manifest: Manifest, digest: str) -> bytes:
    """Return the bytes of *manifest*, put together from entries of which each was checked.

    They must hash to *digest*; raises ManifestError where ``parse`` would. To render a manifest is
    a third of the work of parsing it.
    """
    try:
        data = render(manifest)
        _check_digest(data, digest)
        _check(manifest)
    except (TypeError, UnicodeEncodeError) as error:
        raise _malformed(digest, error) from None
    return data


def entry_to_plain(entry: Entry) -> dict[str, Any]:
    """Return *entry* as the mapping that stands in the manifest."""
    if entry.type == "dir":
        return {"path": entry.path, "type": "dir"}
    if entry.type == "symlink":
        return {"path": entry.path, "type": "symlink", "target": entry.target}
    plain: dict[str, Any] = {
        "path": entry.path,
        "type": "file",
        "exec": entry.exec,
        "size": entry.size,
        "sha256": entry.sha256,
    }
    for flag in ("private", "writable"):
        if getattr(entry, flag):
            plain[flag] = True
    return plain


def entry_from_plain(plain: Mapping[str, Any]) -> Entry:
    """Return the Entry in *plain*, or raise ManifestError."""
    entry = Entry(**plain)
    check_path(entry.path)
    if entry.type == "file":
        # pylint: disable=unidiomatic-typecheck # True is an int, and must not pass for one
        sized = type(entry.size) is int and entry.size >= 0
        if not (sized and type(entry.exec) is bool and DIGEST.match(entry.sha256)):
            raise ManifestError("%r has no proper size, exec and sha256" % entry.path)
    elif entry.type == "symlink":
        check_target(entry.path, entry.target)
    elif entry.type != "dir":
        raise ManifestError("%r is of the unknown type %r" % (entry.path, entry.type))
    return entry


def about_from_plain(plain: Mapping[str, Any], keys: AbstractSet[str]) -> About:
    """Return those of *keys* that the mapping *plain* has, as an ``about``."""
    return tuple((key, plain[key]) for key in sorted(keys & plain.keys()))


def check_path(path: object) -> None:
    """Raise ManifestError, naming *path*, unless it is a plain relative path."""
    if not isinstance(path, str) or not path:
        raise ManifestError("%r is not a path" % (path,))
    if PLAIN.match(path):
        return
    if CONTROL.search(path):
        raise ManifestError("%r has a control character in its name" % path)
    if path.startswith("/"):
        raise ManifestError("%r is an absolute path" % path)
    try:
        names = [name.encode("utf-8") for name in path.split("/")]
    except UnicodeEncodeError:
        raise ManifestError("%r is not UTF-8" % path) from None
    if any(name in (b"", b".", b"..") for name in names):
        raise ManifestError("%r is not a plain path below its component" % path)
    if len(path) > LONGEST_PATH or max(map(len, names)) > LONGEST_NAME:
        raise ManifestError("%.40r… is too long" % path)
    if len(names) > MOST_NAMES:
        raise ManifestError("%.40r… is nested deeper than %d names" % (path, MOST_NAMES))


def check_target(path: str, target: object) -> None:
    """Raise ManifestError unless the link *path* → *target* is relative and stays inside.

    Only the text is looked at here; ``check_links`` follows it.
    """
    if not isinstance(target, str) or not target or CONTROL.search(target):
        raise ManifestError("link %r has no proper target" % path)
    if not _is_utf8(target):
        raise ManifestError("link %r has a target that is not UTF-8" % path)
    if target.startswith("/"):
        raise ManifestError("link %r points to the absolute path %r" % (path, target))
    if len(target) > LONGEST_PATH:
        raise ManifestError("link %r has a target that is too long" % path)
    _resolve(path, target)


def check_links(entries: Collection[Entry]) -> None:
    """Raise ManifestError for a link whose way leaves *entries* or goes through a linked directory.

    Chains of file links inside are fine; chains that never end are not.
    """
    links = [entry for entry in entries if entry.type == "symlink"]
    by_path = {entry.path: entry for entry in entries} if links else {}
    for entry in links:
        seen: set[str] = set()
        step: Entry | None = entry
        while step is not None and step.type == "symlink":
            if step.path in seen:
                raise ManifestError("link %r leads back to itself" % entry.path)
            if len(seen) == MOST_LINKS:
                raise ManifestError(
                    "link %r leads over more than %d links" % (entry.path, MOST_LINKS)
                )
            seen.add(step.path)
            step = by_path.get(_resolve(step.path, step.target, by_path))


def tree(manifest: Manifest) -> dict[str, Entry]:
    """Return ``{path in the release tree: Entry}`` of all components that are laid out as files.

    Directories come before what they hold. Raises ManifestError when components collide.
    """
    entries: dict[str, Entry] = {}
    for component in manifest.components:
        prefix = "" if component.path == "." else component.path + "/"
        for directory in _parents(prefix):
            _place(entries, Entry(directory, "dir"))
        for entry in component.entries:
            _place(entries, entry._replace(path=prefix + entry.path) if prefix else entry)
    directories = {path for path, entry in entries.items() if entry.type == "dir"} | {""}
    for path in entries:
        if path.rpartition("/")[0] not in directories:
            raise ManifestError("%r does not lie in a directory of the release" % path)
    check_links(entries.values())  # one component's link could lead through another's
    return entries


def contents(manifest: Manifest) -> dict[str, int]:
    """Return ``{sha256: size}`` of every file content in *manifest*, in order of appearance."""
    found: dict[str, int] = {}
    for component in manifest.components:
        for entry in component.entries:
            if entry.type == "file":
                found.setdefault(entry.sha256, entry.size)
    return found


def tree_name(version: str, digest: str) -> str:
    """Return the name of a release's directory on a host."""
    return "%s-%s" % (version, digest[:12])


def _render_object(about: About, **rendered: str) -> str:
    """Return the canonical JSON of an object from its *about* and its other *rendered* values."""
    for key, value in about:
        rendered[key] = _canonical.dumps(value).decode("utf-8")
    return "{%s}" % ",".join('"%s":%s' % item for item in sorted(rendered.items()))


def _render_entry(entry: Entry) -> str:
    """Return the canonical JSON of ``entry_to_plain(entry)``."""
    path, type_, executable, size, sha256, target, private, writable = entry
    if type_ == "dir":
        return '{"path":%s,"type":"dir"}' % quote(path)
    if type_ == "symlink":
        return '{"path":%s,"target":%s,"type":"symlink"}' % (quote(path), quote(target))
    return '{"exec":%s,"path":%s%s,"sha256":"%s","size":%d,"type":"file"%s}' % (
        "true" if executable else "false",
        quote(path),
        ',"private":true' if private else "",
        sha256,
        size,
        ',"writable":true' if writable else "",
    )


def _from_plain(plain: Mapping[str, Any]) -> Manifest:
    if plain["format"] != FORMAT:
        raise UnknownFormat(
            "manifest has format %s, and this itops.release reads up to %d: upgrade it"
            % (_canonical.one_line(plain["format"]), FORMAT)
        )
    components = tuple(_component(item) for item in plain["components"])
    about = about_from_plain(plain, ABOUT_RELEASE)
    return Manifest(plain["name"], plain["version"], plain["serial"], components, about)


def _component(plain: Mapping[str, Any]) -> Component:
    entries = tuple(entry_from_plain(item) for item in plain["entries"])
    about = about_from_plain(plain, ABOUT_COMPONENT)
    return Component(plain["name"], plain["version"], plain["kind"], plain["path"], entries, about)


def _malformed(digest: str, error: BaseException) -> ManifestError:
    said = _canonical.one_line(error)
    return ManifestError("manifest %s is malformed: %s" % (digest[:12], said))


def _check_digest(data: bytes, digest: str) -> None:
    if digest_of(data) != digest:
        raise ManifestError("manifest does not match its digest %s" % digest[:12])


def _check(manifest: Manifest) -> None:
    """Raise ManifestError for what a release may not hold; each entry by itself is good."""
    if not NAME.match(manifest.name) or not VERSION.match(manifest.version):
        raise ManifestError("name or version is malformed")
    # pylint: disable-next=unidiomatic-typecheck # True is an int
    if type(manifest.serial) is not int or manifest.serial < 0:
        raise ManifestError("serial %r is not a whole number" % (manifest.serial,))
    for component in manifest.components:
        _check_component(component)
    names = [component.name for component in manifest.components]
    if names != sorted(set(names)):
        raise ManifestError("components are not sorted by distinct names")
    tree(manifest)


def _check_component(component: Component) -> None:
    if not NAME.match(component.name) or not VERSION.match(component.version):
        raise ManifestError("component name or version is malformed")
    if not NAME.match(component.kind):
        raise ManifestError(
            "component %s is of the malformed kind %a" % (component.name, component.kind)
        )
    if component.path != ".":
        check_path(component.path)
    paths = [entry.path for entry in component.entries]  # text sorts as its UTF-8 does
    if any(a >= b for a, b in zip(paths, paths[1:])):
        raise ManifestError("entries of %s are not sorted by distinct paths" % component.name)
    check_links(component.entries)


def _place(entries: dict[str, Entry], entry: Entry) -> None:
    there = entries.setdefault(entry.path, entry)
    if there is not entry and not there.type == entry.type == "dir":
        raise ManifestError("two components bring %r" % entry.path)


def _parents(prefix: str) -> list[str]:
    names = prefix.split("/")[:-1]
    return ["/".join(names[: depth + 1]) for depth in range(len(names))]


def _is_utf8(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _resolve(path: str, target: str, by_path: dict[str, Entry] | None = None) -> str:
    """Return where *target* leads from the link at *path*; "" is the component itself."""
    steps = path.split("/")[:-1]
    names = target.split("/")
    for number, name in enumerate(names):
        if name == "..":
            if not steps:
                raise ManifestError("link %r leaves its component: %r" % (path, target))
            steps.pop()
        elif name not in ("", "."):
            steps.append(name)
            there = by_path.get("/".join(steps)) if by_path else None
            if there and there.type == "symlink" and any(names[number + 1 :]):
                raise ManifestError("link %r goes through the link %r" % (path, there.path))
    return "/".join(steps)
