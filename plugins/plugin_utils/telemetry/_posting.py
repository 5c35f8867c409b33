# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One POST to a URL that may hold secrets: no message has more of it than scheme and host."""

from __future__ import annotations

import base64
import http.client
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from ...module_utils.errors._release_error import ReleaseError
from ._webhook_bodies import Body

TIMEOUT_S = 5.0
SCHEMES = ("http", "https")


class PostingError(ReleaseError):
    """A body was not taken; the text does not have the URL."""

    code = "not_posted"


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Leaves an answer that redirects as it is: the other host must get no secrets."""

    def redirect_request(self, *_arguments: Any) -> None:
        return None


def shown(url: str) -> str:
    """Return what may be printed of *url*: scheme, host and port."""
    try:
        parts = urllib.parse.urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{parts.hostname}{port}" if parts.hostname else "the URL"
    except ValueError:
        return "the URL"


def post(url: str, body: Body, token: str = "", timeout_s: float = TIMEOUT_S) -> None:
    """Post *body* to *url* once; raises PostingError.

    *token* is sent as a bearer token, and user and password in the URL as basic authentication.
    """
    request = _request(url, body, token)
    opener = urllib.request.build_opener(_NoRedirects)
    try:
        with opener.open(request, timeout=timeout_s):
            pass
    except urllib.error.HTTPError as error:
        error.close()
        is_redirect = 300 <= error.code < 400
        more = ", which redirects; set the URL that it redirects to" if is_redirect else ""
        raise PostingError(f"HTTP {error.code}{more}") from None
    except TimeoutError:
        raise PostingError(f"no answer within {timeout_s:g} s") from None
    except urllib.error.URLError as error:
        reason = error.reason
        if isinstance(reason, TimeoutError):
            raise PostingError(f"no answer within {timeout_s:g} s") from None
        said = getattr(reason, "strerror", None) or type(reason).__name__
        raise PostingError(str(said)) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        # What these say may have the URL.
        raise PostingError(getattr(error, "strerror", None) or type(error).__name__) from None


def _request(url: str, body: Body, token: str) -> urllib.request.Request:
    try:
        parts = urllib.parse.urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        if parts.scheme not in SCHEMES or not parts.hostname or (parts.port or 1) < 1:
            raise ValueError
        address = urllib.parse.urlunsplit((parts.scheme, host, parts.path, parts.query, ""))
        headers = {"Content-Type": body.type, "User-Agent": "itops.release"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        elif parts.username is not None:
            user, password = (
                urllib.parse.unquote(part or "") for part in (parts.username, parts.password)
            )
            coded = base64.b64encode(f"{user}:{password}".encode()).decode("ascii")
            headers["Authorization"] = f"Basic {coded}"
        return urllib.request.Request(address, body.data, headers, method="POST")
    except ValueError:
        raise PostingError("not a valid http or https URL") from None
