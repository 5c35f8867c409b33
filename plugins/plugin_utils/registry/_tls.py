# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""By which authorities a registry is known: the system's, and those named for it."""

from __future__ import annotations

import os
import ssl
from typing import Any

from ...module_utils.errors._release_error import ReleaseError
from ._place import Reach

try:
    from requests.adapters import HTTPAdapter
except ImportError:
    HTTPAdapter = object  # type: ignore[assignment,misc]  # no session begins without requests


class Unreadable(ReleaseError):
    """A file with certificates cannot be used; the text names it."""

    code = "unreadable"


class Adapter(HTTPAdapter):
    """Has requests speak TLS by the SSLContext *tls*."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls  # before the rest, which asks for it
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._tls, **options)

    def proxy_manager_for(self, *args: Any, **options: Any) -> Any:
        return super().proxy_manager_for(*args, ssl_context=self._tls, **options)


def context(reach: Reach, host: str) -> ssl.SSLContext:
    """Return an SSLContext for *host*: the system's authorities, and those that a Reach names.

    A folder for a host has ``*.crt``, and ``*.cert`` beside ``*.key`` for this side's own
    (containers-certs.d(5)).
    """
    made = ssl.create_default_context()
    path = ""
    try:
        for path in reach.authorities:
            made.load_verify_locations(**{"capath" if os.path.isdir(path) else "cafile": path})
        for folder in reach.folders(host):
            for name in sorted(os.listdir(folder)):
                path = os.path.join(folder, name)
                if name.endswith(".crt"):
                    made.load_verify_locations(cafile=path)
                elif name.endswith(".cert"):
                    made.load_cert_chain(path, path[: -len("cert")] + "key")
    except OSError as error:  # of which ssl.SSLError is one
        raise Unreadable(f"{path}: {error.strerror or error}") from None
    return made
