# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the shop's git history, kept as text in history.fi, becomes a repository and text again.

    python history.py load DIRECTORY    make a repository of history.fi
    python history.py save DIRECTORY    write the repository's history to history.fi

A repository cannot hold another one, so the shop's history lies here as a `git fast-import` stream.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

STREAM = Path(__file__).resolve().parent / "history.fi"
AUTHOR = ("The itops.release authors", "authors@example.org")


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("load", "save"):
        sys.exit(__doc__)
    try:
        {"load": load, "save": save}[sys.argv[1]](Path(sys.argv[2]))
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(str(error))


def load(directory, stream=STREAM):
    """Make a repository of *stream* in the new folder *directory*, with main checked out."""
    directory.mkdir(parents=True)
    git(directory, "init", "--quiet")
    git(directory, "symbolic-ref", "HEAD", "refs/heads/main")
    # Whoever commits here commits as these authors, whatever the machine's own settings say.
    git(directory, "config", "user.name", AUTHOR[0])
    git(directory, "config", "user.email", AUTHOR[1])
    git(directory, "fast-import", "--quiet", stdin=stream.read_bytes())
    git(directory, "reset", "--quiet", "--hard")


def save(directory, stream=STREAM):
    """Write the whole history of the repository *directory* to *stream*."""
    stream.write_bytes(git(directory, "fast-export", "--all", "--signed-tags=strip"))


def export(directory, revision, target):
    """Check out *revision* of the repository *directory* into the new folder *target*."""
    git(directory, "worktree", "add", "--quiet", "--detach", str(target), revision)


def git(directory, *arguments, stdin=b""):
    """Return what git prints for *arguments*, free of the caller's git settings."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment.update(GIT_CONFIG_GLOBAL=os.devnull, GIT_CONFIG_NOSYSTEM="1")
    return subprocess.run(
        ["git", *arguments],
        cwd=directory,
        env=environment,
        input=stdin,
        stdout=subprocess.PIPE,
        check=True,
    ).stdout


if __name__ == "__main__":
    main()
