# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be changed in a release's tree but the bytes of files, and how verification names it."""

from __future__ import annotations

import os
import shutil
import socket

NOBODY = 65534


def replace(path, make):
    """Remove the file at *path*, and have ``make(path)`` put something else there."""
    content = path.read_bytes()
    path.unlink()
    make(path, content)


def elsewhere(folder, content):
    """Return a file outside that holds *content*."""
    there = folder / "elsewhere"
    there.write_bytes(content)
    there.chmod(0o644)
    return there


def listen(path, _content):
    """Make a socket at *path*; its name is too long for one in a deep folder."""
    with socket.socket(socket.AF_UNIX) as server:
        there = os.open(path.parent, os.O_PATH)
        server.bind(f"/proc/self/fd/{there}/{path.name}")
        os.close(there)


def link_folder(tree, folder):
    shutil.copytree(tree / "lib", folder / "lib", symlinks=True)
    shutil.rmtree(tree / "lib")
    (tree / "lib").symlink_to(folder / "lib")


def link_to_copy(tree, folder):
    common = tree / "lib/common"
    replace(common, lambda path, content: path.symlink_to(elsewhere(folder, content)))


def hard_link(tree, folder, content):
    replace(tree / "lib/common", lambda path, _old: os.link(elsewhere(folder, content), path))


def relink(tree, target):
    (tree / "latest").unlink()
    (tree / "latest").symlink_to(target)


SHAPES = {
    "a file more": (lambda tree, _: (tree / "lib/more").touch(), "extra lib/more"),
    "a hidden file more": (lambda tree, _: (tree / ".more").touch(), "extra .more"),
    "a folder more": (lambda tree, _: (tree / "more/deep").mkdir(parents=True), "extra more/"),
    "a link more": (lambda tree, _: (tree / "more").symlink_to("app"), "extra more"),
    "a name that is no text": (
        lambda tree, _: os.close(os.open(os.fsencode(tree) + b"/\xff\n", os.O_CREAT)),
        "extra \\xff\\x0a",
    ),
    "a file less": (lambda tree, _: (tree / "app").unlink(), "missing app"),
    "an empty folder less": (lambda tree, _: (tree / "data").rmdir(), "missing data"),
    "a link less": (lambda tree, _: (tree / "latest").unlink(), "missing latest"),
    "a linked path less": (lambda tree, _: (tree / "log").unlink(), "missing log"),
    "a file cut": (lambda tree, _: os.truncate(tree / "app", 3), "modified app"),
    "a byte at an empty file": (lambda tree, _: (tree / "empty").write_text("x"), "modified empty"),
    "an exec bit set": (lambda tree, _: (tree / "empty").chmod(0o744), "exec empty"),
    "an exec bit cleared": (lambda tree, _: (tree / "app").chmod(0o655), "exec app"),
    "setuid": (lambda tree, _: (tree / "app").chmod(0o4755), "mode app"),
    "setgid of a folder": (lambda tree, _: (tree / "data").chmod(0o2755), "mode data"),
    "writable by others": (lambda tree, _: (tree / "empty").chmod(0o666), "mode empty"),
    "private no more": (lambda tree, _: (tree / "secret").chmod(0o644), "mode secret"),
    "a folder that others write to": (lambda tree, _: (tree / "lib").chmod(0o777), "mode lib"),
    "the tree itself, writable": (lambda tree, _: os.chmod(tree, 0o777), "mode ."),
    "a link that leads elsewhere": (lambda tree, _: relink(tree, "lib/common"), "modified latest"),
    "a link that leads out": (lambda tree, _: relink(tree, "/etc/passwd"), "modified latest"),
    "a link spelt otherwise": (lambda tree, _: relink(tree, "./app"), "modified latest"),
    "a file that is a link to the same content": (link_to_copy, "type lib/common"),
    "a hard link to another content outside": (
        lambda tree, folder: hard_link(tree, folder, b"the same in a11"),
        "modified lib/common",
    ),
    "a folder that is a link to the same files": (link_folder, "type lib"),
    "a pipe instead of a file": (
        lambda tree, _: replace(tree / "lib/common", lambda path, _content: os.mkfifo(path)),
        "type lib/common",
    ),
    "a socket instead of a file": (
        lambda tree, _: replace(tree / "lib/common", listen),
        "type lib/common",
    ),
    "a folder instead of a file": (
        lambda tree, _: replace(tree / "lib/common", lambda path, _content: path.mkdir()),
        "type lib/common",
    ),
    "a file instead of a folder": (
        lambda tree, _: ((tree / "data").rmdir(), (tree / "data").touch()),
        "type data",
    ),
}
if os.geteuid() == 0:
    SHAPES["another owner"] = (lambda tree, _: os.chown(tree / "empty", NOBODY, -1), "owner empty")
    SHAPES["another group"] = (lambda tree, _: os.chown(tree / "lib", -1, NOBODY), "owner lib")
