# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is deployed in the measurements: 8,000 files of 50 MB, of which a part changes."""

from __future__ import annotations

import os
import random
import shutil

FILES, FILE_BYTES, CHANGED_PART = 8000, 6250, 0.02
MEGABYTE = 1024 * 1024


def make_two(folder):
    """Make the trees ``v1`` and ``v2`` with their ``release.yml``; return the changed paths."""
    make(folder / "v1")
    shutil.copytree(folder / "v1", folder / "v2")
    changed = change_some(folder / "v2")
    declare(folder / "v1", "v1", 1)
    declare(folder / "v2", "v2", 2)
    return changed


def make(folder):
    """Make the files of a release: words, so that they compress as sources do."""
    chance = random.Random(8000)
    words = [
        "".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 10)))
        for dummy in range(20000)
    ]
    for number in range(FILES):
        path = folder / "src" / f"d{number // 20 % 20}" / f"e{number // 400}" / f"f{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(" ".join(chance.choices(words, k=1100))[:FILE_BYTES])


def change_some(folder):
    """Change a part of the files; return their paths."""
    paths = sorted((folder / "src").rglob("*.txt"))
    step = int(1 / CHANGED_PART)
    for path in paths[::step]:
        path.write_text(path.read_text()[::-1])
    return [str(path.relative_to(folder / "src")) for path in paths[::step]]


def make_big(folder, megabytes):
    """Make a release of one large file that cannot be compressed."""
    (folder / "src").mkdir(parents=True)
    block = os.urandom(MEGABYTE)
    with open(folder / "src" / "big", "wb") as stream:
        for _number in range(megabytes):
            stream.write(block)
    declare(folder, "big", 1)


def declare(folder, version, serial):
    (folder / "release.yml").write_text(
        f'name: app\nversion: "{version}"\nserial: {serial}\n'
        "components: [{name: app, kind: files, source: src}]\n"
    )
