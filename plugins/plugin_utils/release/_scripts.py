# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scripts that were sealed with a release, and whether those here are the same."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Iterable
from typing import Any

from ...module_utils.files import _paths
from ...module_utils.release import _manifest, _scan
from ...module_utils.sources import _script_digests

Scripts = dict[str, list[dict[str, str]]]  # {use: [{"path", "sha256"}]}
USES = ("build", "hooks", "migrations")
KEYS = {"path", "sha256"}
SHOWN = 12
OPEN_ANY = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC


def sealed(manifest: _manifest.Manifest) -> Scripts:
    """Return ``{use: [{"path", "sha256"}]}`` of *manifest*; ManifestError if that is malformed."""
    return checked(dict(manifest.about).get("scripts", {}))


def checked(plain: Any) -> Scripts:
    """Return *plain* if it has the form of ``scripts`` in a manifest, or raise ManifestError."""
    try:
        for use, scripts in plain.items():
            for script in scripts:
                _manifest.check_path(script["path"])
                if not _manifest.DIGEST.match(script["sha256"]) or set(script) != KEYS:
                    raise _manifest.ManifestError("a script has no proper sha256")
            if use not in USES or not scripts:
                raise _manifest.ManifestError(f"{use!a} is no use of scripts, or has none")
    except (AttributeError, KeyError, TypeError) as error:
        raise _manifest.ManifestError(f"scripts are malformed: {error}") from None
    return plain


def problems(
    manifest: _manifest.Manifest, hooks: Iterable[str] = (), folder: str | None = None
) -> list[str]:
    """Return a line for each of the files *hooks*, and each script in *folder*, not as sealed."""
    told = unsealed_hooks(manifest, hooks)
    return told + (differences(manifest, folder) if folder else [])


def unsealed_hooks(manifest: _manifest.Manifest, paths: Iterable[str]) -> list[str]:
    """Return a line for each file in *paths* that is none of the hooks sealed with a release.

    A release without sealed hooks says nothing of any. Where a hook lies is the user's business:
    what it holds must be what was sealed.
    """
    hooks = sealed(manifest).get("hooks", [])
    digests = {hook["sha256"] for hook in hooks}
    told = []
    for path in dict.fromkeys(paths) if hooks else ():
        digest, problem = _digest(functools.partial(os.open, path, OPEN_ANY), f"hook {path}")
        if problem:
            told.append(problem)
        elif digest not in digests:
            named = [hook for hook in hooks if _name(hook["path"]) == _name(path)]
            told.append(f"hook {path} {_not_sealed(manifest, named, digest)}")
    return told


def differences(manifest: _manifest.Manifest, folder: str) -> list[str]:
    """Return a line for each script sealed with a release that *folder* has not, or otherwise.

    *folder* is that of ``release.yml``, or a copy; the paths of scripts are relative to it.
    """
    told = []
    try:
        root = os.open(folder, _paths.OPEN_DIRECTORY & ~os.O_NOFOLLOW)
    except OSError as error:
        return [f"{folder}: {error.strerror}"]
    with contextlib.closing(_scan.Files(root)) as files:
        found = {script["path"]: script for use in sealed(manifest).values() for script in use}
        for path, script in sorted(found.items()):
            digest, problem = _digest(functools.partial(files.open, path), f"script {path}")
            if problem:
                told.append(problem)
            elif digest != script["sha256"]:
                told.append(f"script {path} {_not_sealed(manifest, [script], digest)}")
    os.close(root)
    return told


def _digest(opening: Callable[[], int], what: str) -> tuple[str, str]:
    """Return (the SHA-256 of what *opening* opens, ""), or ("", why there is none)."""
    try:
        return _script_digests.digest_of(opening(), what), ""
    except OSError as error:
        return "", f"{what} cannot be read: {error.strerror}"
    except _script_digests.ScriptError as error:
        return "", str(error)


def _not_sealed(manifest: _manifest.Manifest, named: list[dict[str, str]], digest: str) -> str:
    release = f"{manifest.name} {manifest.version}"
    if not named:
        return (
            f"was not sealed with {release}: seal it with the others under scripts.hooks, or leave "
            "it out"
        )
    told = " or ".join(f"{script['sha256'][:SHOWN]}…" for script in named)
    return (
        f"is not what was sealed with {release} (sha256 {told}, here {digest[:SHOWN]}…): use the "
        "sealed file, or seal again"
    )


def _name(path: str) -> str:
    return os.path.basename(path)
