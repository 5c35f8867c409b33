# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a media library lies in an OCI registry, and how the environment says to reach it."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from typing import NamedTuple

from ..oci import _layout

HOST = re.compile(r"(?P<name>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?P<port>:[0-9]{1,5})?\Z")
# distribution-spec 1.1, "Pulling manifests"
NAME = re.compile(
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*\Z"
)
CERTIFICATES = ("/etc/containers/certs.d", "/etc/docker/certs.d")
AUTHORITIES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
PLAIN_HTTP = "ITOPS_RELEASE_REGISTRY_PLAIN_HTTP"
PATIENCE = "ITOPS_RELEASE_REGISTRY_PATIENCE"
PATIENCE_S = 60
MOST_PATIENCE_S = 3600
DOCKER_HUB = {"docker.io": "registry-1.docker.io", "index.docker.io": "registry-1.docker.io"}


class RegistryError(_layout.LibraryError):
    """A registry cannot be asked, refuses, or does not answer what it should."""

    code = "registry_failed"


class Place(NamedTuple):
    """The repository *name* in the registry at *host*, which may have a port."""

    host: str
    name: str

    def __str__(self) -> str:
        return f"{_layout.REGISTRY}{self.host}/{self.name}"


class Reach(NamedTuple):
    """How registries are reached: the folders with certificates, by host, and files of authorities;
    the hosts that may be spoken to without TLS; how many seconds without getting further are borne.
    """

    certificates: tuple[str, ...]
    authorities: tuple[str, ...]
    plain_http: frozenset[str]
    patience_s: float

    def folders(self, host: str) -> list[str]:
        """Return the folders with certificates for *host*, as containers-certs.d(5) has them."""
        found = [os.path.join(folder, host) for folder in self.certificates]
        return [folder for folder in found if os.path.isdir(folder)]

    def allows_plain_http(self, host: str) -> bool:
        """Tell whether *host* may be spoken to without TLS: itself, or because somebody says so."""
        return host in self.plain_http or _is_loopback(host)

    def scheme(self, host: str) -> str:
        """Return the scheme for *host*. This machine needs TLS only where it has certificates."""
        plain = host in self.plain_http or (_is_loopback(host) and not self.folders(host))
        return "http" if plain else "https"


def parse(text: str) -> Place:
    """Return the Place that ``oci://host[:port]/name`` names."""
    host, _slash, name = text[len(_layout.REGISTRY) :].partition("/")
    if "@" in host:  # whatever it is, it may be secret: it is not repeated
        raise RegistryError(
            "media_library: no credentials belong in the address of a registry; they come from "
            "a file or the environment"
        )
    if not HOST.match(host) or not NAME.match(name):
        raise RegistryError(
            f"media_library: {text!r} is not oci://host[:port]/name, where the name has lower-case "
            "letters, digits, and dots, dashes and slashes between them"
        )
    return Place(host.lower(), name)


def reach(environ: Mapping[str, str]) -> Reach:
    """Return the Reach that the mapping *environ* describes."""
    home = environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    named = (
        environ.get(name) for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
    )
    return Reach(
        certificates=(os.path.join(home, "containers/certs.d"), *CERTIFICATES),
        authorities=tuple(filter(None, named)),
        plain_http=frozenset(re.split(r"[,\s]+", environ.get(PLAIN_HTTP, "").lower())) - {""},
        patience_s=_patience(environ.get(PATIENCE, "")),
    )


def api_host(host: str) -> str:
    """Return the host that answers for *host*."""
    return DOCKER_HUB.get(host, host)


def _patience(text: str) -> float:
    if not text:
        return PATIENCE_S
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds <= MOST_PATIENCE_S:
        raise RegistryError(f"{PATIENCE} is {text!r}, not seconds from 1 to {MOST_PATIENCE_S}")
    return seconds


def _is_loopback(host: str) -> bool:
    parts = HOST.match(host)
    name = parts["name"] if parts else host
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False
