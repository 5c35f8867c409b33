# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The credentials for a registry: from the environment, or from the files of Podman and Docker.

The files are those of containers-auth.json(5), in its order. No text that is told has anything of
what they hold.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ._place import Place, RegistryError

USERNAME = "ITOPS_RELEASE_REGISTRY_USERNAME"
PASSWORD = "ITOPS_RELEASE_REGISTRY_PASSWORD"
ONLY_FOR = "ITOPS_RELEASE_REGISTRY"
LARGEST_FILE = 1024 * 1024
DOCKER_HUB_KEYS = ("https://index.docker.io/v1/", "index.docker.io", "docker.io")


class Credentials(NamedTuple):
    """A user and a password, and *source*, in words, where they are from."""

    username: str
    password: str
    source: str

    def __repr__(self) -> str:
        return f"Credentials(from {self.source})"

    def basic(self) -> str:
        """Return the value of a header for HTTP's Basic scheme (RFC 7617)."""
        pair = f"{self.username}:{self.password}".encode()
        return "Basic " + base64.b64encode(pair).decode("ascii")


def find(place: Place, environ: Mapping[str, str]) -> Credentials | None:
    """Return the Credentials for a Place, or None; RegistryError when they cannot be used."""
    if environ.get(USERNAME) and environ.get(ONLY_FOR, place.host) == place.host:
        if not environ.get(PASSWORD):
            raise RegistryError(f"{place}: {USERNAME} is set, and {PASSWORD} is not")
        return Credentials(environ[USERNAME], environ[PASSWORD], USERNAME)
    for path, must_be_there in _files(environ):
        found = _in_file(path, place, must_be_there)
        if found:
            return found
    return None


def _files(environ: Mapping[str, str]) -> Iterator[tuple[str, bool]]:
    """Yield the paths of files with credentials, and whether each must be there."""
    if environ.get("REGISTRY_AUTH_FILE"):
        yield environ["REGISTRY_AUTH_FILE"], True
        return
    home = os.path.expanduser("~")
    if environ.get("XDG_RUNTIME_DIR"):
        yield os.path.join(environ["XDG_RUNTIME_DIR"], "containers/auth.json"), False
    config = environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    yield os.path.join(config, "containers/auth.json"), False
    docker = environ.get("DOCKER_CONFIG") or os.path.join(home, ".docker")
    yield os.path.join(docker, "config.json"), False


def _in_file(path: str, place: Place, must_be_there: bool) -> Credentials | None:
    """Return the Credentials for a Place in the file at *path*, or None."""
    plain = _read(path, must_be_there)
    auths = plain.get("auths") or {}
    for key in _keys(place):
        entry = auths.get(key)
        if isinstance(entry, dict) and entry.get("identitytoken"):
            raise RegistryError(
                f"{place}: {path} has an identity token for it, which is not supported: use a user "
                "and a password or access token"
            )
        if isinstance(entry, dict) and entry.get("auth"):
            return _decode(entry["auth"], path, place)
    helper = (plain.get("credHelpers") or {}).get(place.host) or plain.get("credsStore")
    if helper and (
        place.host in (plain.get("credHelpers") or {}) or set(_keys(place)) & set(auths)
    ):
        raise RegistryError(
            f"{place}: {path} leaves its credentials to a helper program, and none is run: set "
            f"{USERNAME} and {PASSWORD}, or name a file that holds them by REGISTRY_AUTH_FILE"
        )
    return None


def _keys(place: Place) -> list[str]:
    """Return the keys that stand for a Place, the one that says most first."""
    parts = place.name.split("/")
    paths = ["/".join([place.host, *parts[:count]]) for count in range(len(parts), -1, -1)]
    hub = DOCKER_HUB_KEYS if place.host in DOCKER_HUB_KEYS else ()
    return [*paths, f"https://{place.host}", f"https://{place.host}/v2/", *hub]


def _read(path: str, must_be_there: bool) -> dict[str, Any]:
    try:
        with open(path, "rb") as stream:
            plain = json.loads(stream.read(LARGEST_FILE))
    except FileNotFoundError:
        if must_be_there:
            raise RegistryError(f"{path}, which REGISTRY_AUTH_FILE names, is not there") from None
        return {}
    except OSError as error:
        raise RegistryError(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError):  # what it says is not told: it may be a secret
        raise RegistryError(f"{path} is not a JSON file with credentials") from None
    parts = plain if isinstance(plain, dict) else {"auths": "none"}
    if not all(isinstance(parts.get(key) or {}, dict) for key in ("auths", "credHelpers")):
        raise RegistryError(f"{path} is not a JSON file with credentials")
    return parts


def _decode(text: str, path: str, place: Place) -> Credentials:
    try:
        pair = base64.b64decode(text, validate=True).decode("utf-8")
        username, colon, password = pair.rstrip("\0").partition(":")
    except (TypeError, ValueError, binascii.Error):
        colon = ""
    if not colon:
        raise RegistryError(f"{path}: the credentials for {place.host} are not user:password")
    return Credentials(username, password, path)
