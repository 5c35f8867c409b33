# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP session with a registry: TLS, who is told the credentials, redirects, limits of time."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from . import _credentials, _place, _tls, _trouble
from ._credentials import Credentials
from ._place import Place, Reach, RegistryError
from ._trouble import Broken, TooLarge

try:
    import requests
except ImportError:
    requests = None  # type: ignore[assignment]  # told of where a session begins

Headers = Mapping[str, str]
Body = Callable[[], Any]  # gives bytes, or a stream at its beginning, for each attempt
MOST_REDIRECTS = 5
LARGEST_TOKEN = 64 * 1024
LARGEST_REASON = 16 * 1024
BLOCK_BYTES = 64 * 1024
MOST_WAIT_S = 30  # for a connection, and for the next bytes
WINDOW_S = 30  # over which a transfer is watched
LEAST_BYTES_PER_S = 512
REDIRECTS = (301, 302, 303, 307, 308)
PASSING = (408, 425, 429, 500, 502, 503, 504)
CHALLENGE = re.compile(r'([A-Za-z]+)="([^"]*)"')
ERROR_CODE = re.compile(rb'"code"\s*:\s*"([A-Z_]{1,40})"')


class Session:
    """Requests to the registry of a Place, as a Reach says; *environ* may have credentials."""

    def __init__(self, place: Place, reach: Reach, environ: Mapping[str, str]) -> None:
        if requests is None:
            raise RegistryError(f"{place}: the controller needs the Python library requests")
        self.place = place
        self._reach = reach
        self._environ = environ
        self._host = _place.api_host(place.host)
        self._root = f"{reach.scheme(place.host)}://{self._host}/v2/"
        self._authorization: str | None = None
        self._timeout = min(MOST_WAIT_S, reach.patience_s)
        self._http = requests.Session()
        self._http.auth = _unchanged  # else requests would look for credentials in ~/.netrc
        self._http.headers.update({"Accept-Encoding": "identity", "User-Agent": "itops.release"})
        # It logs addresses, and where Ansible's log is on, those would be in it.
        logging.getLogger("urllib3").setLevel(logging.WARNING)

    def url(self, *parts: str) -> str:
        """Return the address of something in the repository."""
        return self._root + "/".join((self.place.name, *parts))

    def within(self, location: str | None, base: str) -> str:
        """Return *location*, which a registry named beside *base*, if it is the registry's own."""
        url = self._joined(base, location or "")
        if not location or not self._is_own(url):
            raise RegistryError(
                f"{self.place}: the registry sends us on to {_trouble.host(url)}: refused"
            )
        return url

    @contextlib.contextmanager
    def open(
        self,
        method: str,
        url: str,
        headers: Headers | None = None,
        body: Body | None = None,
        expected: tuple[int, ...] = (200,),
    ) -> Iterator[requests.Response]:
        """Give the response to a request, once it has one of the statuses *expected*.

        *body* gives a new stream, or bytes, each time that it is called. Raises Broken for what may
        pass, RegistryError for what will not.
        """
        response = self._authorized(method, url, headers or {}, body)
        with self._closing(response):
            if response.status_code not in expected:
                raise self._refusal(method, response)
            yield response

    def content(self, response: requests.Response, limit: int) -> Iterator[bytes]:
        """Yield the bytes of a response, at most *limit*; RegistryError when they only trickle."""
        size = seen = 0
        began = time.monotonic()
        with self._told():
            # As much as there is: to wait for a whole block would hide that next to nothing comes.
            while chunk := response.raw.read1(BLOCK_BYTES):
                size += len(chunk)
                if size > limit:
                    raise TooLarge(
                        f"{self.place}: the registry sends more than the {limit:,} bytes expected"
                    )
                yield chunk
                seen += len(chunk)
                passed = time.monotonic() - began
                if passed > min(WINDOW_S, self._reach.patience_s):
                    if seen < passed * LEAST_BYTES_PER_S:
                        raise RegistryError(f"{self.place}: the registry sends next to nothing")
                    began, seen = time.monotonic(), 0
        if size < int(_trouble.number(response.headers.get("Content-Length", ""))):
            raise Broken("the connection broke")

    @contextlib.contextmanager
    def _closing(self, response: requests.Response) -> Iterator[None]:
        """Close a response; where little is left to read of it, its connection is used again."""
        with contextlib.closing(response):
            yield
            left = response.headers.get("Content-Length", str(BLOCK_BYTES + 1))
            if response.request.method == "HEAD" or _trouble.number(left) <= BLOCK_BYTES:
                with contextlib.suppress(Broken, RegistryError):
                    for _rest in self.content(response, BLOCK_BYTES):
                        pass

    def _authorized(
        self, method: str, url: str, headers: Headers, body: Body | None
    ) -> requests.Response:
        """Return the response to a request, for which credentials are given if it wants some."""
        response = self._followed(method, url, headers, body)
        if response.status_code == 401:
            with self._closing(response):
                pass
            challenge = response.headers.get("WWW-Authenticate", "")
            self._authorization = self._answer(challenge)
            response = self._followed(method, url, headers, body)
        return response

    def _followed(
        self, method: str, url: str, headers: Headers, body: Body | None
    ) -> requests.Response:
        """Return the response, at the end of redirects. Only the registry sees credentials."""
        for _count in range(MOST_REDIRECTS + 1):
            own = {"Authorization": self._authorization} if self._authorization else {}
            extra = own if self._is_own(url) else {}
            response = self._once(method, url, {**headers, **extra}, body)
            if response.status_code not in REDIRECTS or method not in ("GET", "HEAD"):
                return response
            response.close()
            url = self._joined(url, response.headers.get("Location", ""))
            self._refuse_without_tls(url)
        raise RegistryError(f"{self.place}: the registry sends on and on")

    def _once(
        self,
        method: str,
        url: str,
        headers: Headers,
        body: Body | None,
        limit_s: float | None = None,
    ) -> requests.Response:
        self._mount(url)
        with self._told():
            return self._http.request(
                method,
                url,
                headers=headers,
                data=body() if body else None,
                timeout=limit_s or self._timeout,
                stream=True,
                allow_redirects=False,
            )

    def _answer(self, challenge: str) -> str:
        """Return what a header has to say so that the *challenge* of a registry is met."""
        scheme, _blank, rest = challenge.partition(" ")
        known = _credentials.find(self.place, self._environ)
        if scheme.lower() == "bearer":
            return "Bearer " + self._token(dict(CHALLENGE.findall(rest)), known)
        if known is None:
            raise RegistryError(f"{self.place}: the registry wants credentials, and none are given")
        if scheme.lower() != "basic":
            raise RegistryError(f"{self.place}: the registry wants credentials of an unknown kind")
        return known.basic()

    def _token(self, challenge: Mapping[str, str], known: Credentials | None) -> str:
        """Return a token of the service that a registry names (the token specification of Docker).

        That is where the credentials go, and the one place besides the registry.
        """
        realm = self._joined("", challenge.get("realm", ""))
        self._refuse_without_tls(realm)
        query = {key: challenge[key] for key in ("service", "scope") if key in challenge}
        url = requests.Request("GET", realm, params=query).prepare().url or realm
        headers = {"Authorization": known.basic()} if known else {}
        with contextlib.closing(self._once("GET", url, headers, None)) as response:
            if response.status_code in PASSING:
                raise self._refusal("GET", response)
            if response.status_code != 200:
                raise self._rejected(known, response.status_code)
            data = b"".join(self.content(response, LARGEST_TOKEN))
        try:
            plain = json.loads(data)
            token = plain.get("token") or plain.get("access_token")
        except (ValueError, AttributeError, RecursionError):
            token = None
        if not isinstance(token, str) or not re.fullmatch(r"[\x21-\x7e]+", token):
            raise RegistryError(f"{self.place}: the service for tokens gives none")
        return token

    def _rejected(self, known: Credentials | None, status: int) -> RegistryError:
        if known is None:
            return RegistryError(
                f"{self.place}: the registry wants credentials, and none are given ({status})"
            )
        return RegistryError(
            f"{self.place}: the registry does not accept the credentials from {known.source} "
            f"({status})"
        )

    def _refusal(self, method: str, response: requests.Response) -> RegistryError | Broken:
        """Return the error that a status stands for."""
        status = response.status_code
        if status == 401:
            known = _credentials.find(self.place, self._environ)
            return self._rejected(known, status)
        said = f"answers {status}"
        with contextlib.suppress(Broken, RegistryError):
            code = ERROR_CODE.search(b"".join(self.content(response, LARGEST_REASON)))
            said += f" {code.group(1).decode('ascii')}" if code else ""
        if status in PASSING:
            return Broken(said, _trouble.wait_s(response.headers.get("Retry-After", "")))
        return RegistryError(f"{self.place}: the registry {said} to {method}")

    def _told(self) -> contextlib.AbstractContextManager[None]:
        return _trouble.told(self.place, self._timeout)

    def _mount(self, url: str) -> None:
        """Have the certificates for the host in *url* used, the first time that it is spoken to."""
        parts = urlsplit(url)
        prefix = f"https://{parts.netloc}/"
        if parts.scheme == "https" and prefix not in self._http.adapters:
            self._http.mount(prefix, self._adapter(parts.netloc))

    def _adapter(self, host: str) -> _tls.Adapter:
        try:
            return _tls.Adapter(_tls.context(self._reach, host))
        except _tls.Unreadable as error:
            raise RegistryError(f"{self.place}: {error}") from None

    def _is_own(self, url: str) -> bool:
        root, parts = urlsplit(self._root), urlsplit(url)
        return (root.scheme, root.netloc) == (parts.scheme, parts.netloc)

    def _joined(self, base: str, location: str) -> str:
        try:
            url = urljoin(base, location)
            urlsplit(url)
        except ValueError:
            raise RegistryError(f"{self.place}: the registry names no address") from None
        return url

    def _refuse_without_tls(self, url: str) -> None:
        """Refuse to go on without TLS, unless the registry itself is spoken to like that."""
        parts, plain = urlsplit(url), self._root.startswith("http:")
        if parts.scheme == "https" and parts.hostname:
            return
        if parts.scheme == "http" and plain and self._reach.allows_plain_http(parts.netloc):
            return
        where = _trouble.host(url)
        raise RegistryError(f"{self.place}: the registry sends on to {where} without TLS: refused")


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
