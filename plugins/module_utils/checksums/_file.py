# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checksum files on disk: where one lies, what belongs to it, reading, verifying and writing it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import stat
from typing import Collection, Iterator

from ..files import _durable, _globs, _paths
from . import _lines, _manifest_in, _verification
from ._delivery import LeavesOut

MOST_BYTES = 256 * 1024 * 1024  # a million files and more
ANSIBLE_SIGN = b".ansible-sign/sha256sum.txt"
MODE = 0o644
ANY_DIRECTORY = _paths.OPEN_DIRECTORY & ~os.O_NOFOLLOW


class ChecksumFile:
    """The checksum file at *path*, absolute or relative to the directory *tree* that it is about.

    To be closed. Within the tree it is reached through no link. All that it does may raise
    ChecksumError, with the path in its text, and OSError.
    """

    def __init__(self, tree: str, path: str) -> None:
        self.path = path
        top = os.path.abspath(_paths.to_os(tree))
        full = os.path.normpath(os.path.join(top, _paths.to_os(path)))
        self._folder, self._name = os.path.split(full)
        self._inside = _below(top, full)
        if self._inside is None:  # unless the tree goes by two names
            real = os.path.join(os.path.realpath(self._folder), self._name)
            self._inside = _below(os.path.realpath(top), real)
        self._is_ansible_sign = self._inside == ANSIBLE_SIGN
        self._scratch = b".%b.release_checksums" % self._name
        try:
            self._root = os.open(top, ANY_DIRECTORY)
        except OSError as error:
            raise OSError(error.errno, error.strerror, tree) from None

    def close(self) -> None:
        """Close the tree."""
        os.close(self._root)

    def verify(
        self,
        exclude: Collection[str] = (),
        pin: str | None = None,
        leaves_out: LeavesOut | None = None,
        witness: bool = False,
    ) -> tuple[_verification.Outcome, str, bool]:
        """Return (the Outcome of the tree, this file's own SHA-256, whether lines end in CR LF).

        *pin* is the SHA-256 that this file must have: it is parsed only then. *leaves_out* stands
        for the globs *exclude*. With *witness* the Outcome has each file's SHA-256, and this one's.
        """
        data = self._read()
        if data is None:
            raise self._error("it is not there")
        digest = hashlib.sha256(data).hexdigest()
        if pin is not None and digest != pin:
            raise self._error("its SHA-256 is %s, and should be %s" % (digest, pin))
        with self._telling_path():
            listed, is_crlf = _lines.parse(data)
        leaves_out = leaves_out or self._chooser(exclude, verifying=True)
        own = self._own(self._name)
        if any(name in listed and not leaves_out(name, False) for name in own):
            raise self._error("it lists itself, which can never be right")
        outcome = _verification.compare(self._root, listed, _and_these(leaves_out, own), witness)
        if witness:
            outcome.sha256.update(dict.fromkeys(own, digest))
        return outcome, digest, is_crlf

    def make(
        self, algorithm: str, exclude: Collection[str] = (), allow_links: bool = True
    ) -> tuple[bytes, bytes | None, int, list[str]]:
        """Return (what it should hold, what it holds or None, how many files, the tree's links)."""
        if self._is_ansible_sign and (exclude or algorithm != "sha256"):
            raise self._error("ansible-sign has SHA-256 only, and excludes by MANIFEST.in")
        before = self._read()
        own = self._own(self._name, self._scratch)
        leaves_out = _and_these(self._chooser(exclude, verifying=False), own)
        digests, links = _verification.digests(self._root, leaves_out, algorithm)
        if links and not allow_links:
            raise self._error("%d links: %s" % (len(links), _lines.some(links)))
        if not digests:
            raise self._error("there is no file to list")
        with self._telling_path():
            data = _lines.render(digests, escapes=not self._is_ansible_sign)
        return data, before, len(digests), links

    def write(self, data: bytes) -> None:
        """Replace the file by *data*, durably; make ansible-sign's folder where it is missing."""
        if self._is_ansible_sign:
            with contextlib.suppress(FileExistsError):
                os.mkdir(os.path.dirname(ANSIBLE_SIGN), 0o755, dir_fd=self._root)
        folder = self._open_folder()
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)  # or two would share the scratch
            name, scratch = os.fsdecode(self._name), os.fsdecode(self._scratch)
            _durable.write_file(folder, name, data, MODE, scratch)
        except BlockingIOError:
            raise self._error("another process writes it") from None
        except OSError as error:  # it knows names within the folder, if any at all
            path = os.fsdecode(os.path.join(self._folder, self._name))
            raise OSError(error.errno, error.strerror, path) from None
        finally:
            os.close(folder)

    def _error(self, reason: str) -> _lines.ChecksumError:
        return _lines.ChecksumError("%s: %s" % (_lines.spell(self.path), reason))

    @contextlib.contextmanager
    def _telling_path(self, prefix: str = "") -> Iterator[None]:
        try:
            yield
        except _lines.ChecksumError as error:
            raise self._error("%s%s" % (prefix, error)) from None

    def _own(self, *names: bytes) -> set[str]:
        """Return the paths in the tree that *names* beside this file have; none when it is not."""
        if self._inside is None:
            return set()
        folder = os.path.dirname(self._inside)
        return {os.path.join(folder, name).decode("utf-8", "surrogateescape") for name in names}

    def _open_folder(self) -> int:
        if self._inside is None:
            return os.open(self._folder, ANY_DIRECTORY)
        folder = os.dup(self._root)
        for name in self._inside.split(b"/")[:-1]:
            above = folder
            try:
                folder = os.open(name, _paths.OPEN_DIRECTORY, dir_fd=above)
            except OSError as error:
                if error.errno in (errno.ELOOP, errno.ENOTDIR):
                    raise self._error("it lies behind a link, or what is no directory") from None
                raise
            finally:
                os.close(above)
        return folder

    def _read(self) -> bytes | None:
        """Return the bytes of this file, or None when it is not there."""
        try:
            folder = self._open_folder()
        except FileNotFoundError:
            if self._is_ansible_sign:
                return None
            raise self._error("its folder is not there") from None
        try:
            with self._telling_path():
                return _read_regular(folder, self._name)
        except FileNotFoundError:
            return None
        finally:
            os.close(folder)

    def _chooser(self, exclude: Collection[str], verifying: bool) -> LeavesOut:
        """Return ``leaves_out(path, is_directory)`` by globs and, for ansible-sign, MANIFEST.in."""
        excluded = _globs.compile_globs(exclude)
        if not self._is_ansible_sign:
            return lambda path, is_directory: excluded(path)
        try:
            with self._telling_path("MANIFEST.in: "):
                text = _read_regular(self._root, b"MANIFEST.in").decode("utf-8", "surrogateescape")
                is_chosen = _manifest_in.chooser(text, verifying)
        except FileNotFoundError:
            raise self._error("there is no MANIFEST.in, which ansible-sign needs") from None
        return lambda path, is_directory: excluded(path) or not (is_directory or is_chosen(path))


def _read_regular(folder: int, name: bytes) -> bytes:
    try:
        descriptor = os.open(name, _paths.OPEN_FILE, dir_fd=folder)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _lines.ChecksumError("it is a link") from None
        raise
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise _lines.ChecksumError("it is no regular file")
        with os.fdopen(os.dup(descriptor), "rb") as stream:
            data = stream.read(MOST_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(data) > MOST_BYTES:
        raise _lines.ChecksumError("it is larger than %d bytes" % MOST_BYTES)
    return data


def _and_these(leaves_out: LeavesOut, paths: Collection[str]) -> LeavesOut:
    return lambda path, is_directory: path in paths or leaves_out(path, is_directory)


def _below(top: bytes, path: bytes) -> bytes | None:
    """Return *path* relative to the directory *top*, or None when it is not below it."""
    prefix = os.path.join(top, b"")
    return path[len(prefix) :] if path.startswith(prefix) else None
