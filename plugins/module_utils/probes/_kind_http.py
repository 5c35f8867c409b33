# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes of a URL: status and body of what HTTP or HTTPS answers.

User, password and query of the URL, and the values of headers, are in no message.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
import ssl
import time
import urllib.error
import urllib.request
from typing import Any, Dict, List, Mapping, Optional, Tuple
from urllib.parse import unquote, urlsplit, urlunsplit

from . import _bounded

Probe = Mapping[str, Any]
BODY_BYTES = 1024 * 1024
SHOWN = 100  # characters of a value in JSON
UNSENDABLE = re.compile(r"[\x00-\x20\x7f]")  # in a URL, to http.client
HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.1
HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")
HOST = re.compile(r"(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")


def wrong_with(probe: Probe) -> Optional[str]:
    """Return a line about a *probe* that cannot be measured, else None."""
    if not _can_be_asked(probe["url"]):
        return (
            "url (not told, as it may be secret) is not http:// or https:// with a host, or "
            "its port is no number, or it has a blank (%20) or an @ behind the host (%40)"
        )
    for name, value in (probe.get("headers") or {}).items():
        if not HEADER.fullmatch(name):
            return "headers: a name has a character that HTTP does not allow in it"
        if not isinstance(value, (str, int, float)) or not HEADER_VALUE.fullmatch(str(value)):
            return "headers: the value of %s is not one line of ASCII text" % name
    if probe.get("host") and not HOST.fullmatch(probe["host"]):
        return "host: %r is not a host name, with or without a port" % probe["host"]
    if probe.get("ca") and not probe["ca"].startswith("/"):
        return "ca: '%s' is not an absolute path on the host" % probe["ca"]
    try:
        re.compile(probe.get("matches") or "")
    except re.error as error:
        return "matches: '%s' is not a regular expression: %s" % (probe["matches"], error)
    return None


def measure(probe: Probe) -> Tuple[bool, str]:
    """Return whether the URL answers as wanted, and in words what it did."""
    told, seen = without_secrets(probe["url"]), _Seen()
    in_time = _bounded.call(lambda: _get(probe, seen), probe["timeout"])
    status, body = seen.status, seen.body
    if status is None or (status in _wanted(probe) and body is None):
        return False, "%s: %s" % (told, seen.trouble if in_time else "timed out")
    answered = "%s answered %s" % (told, status)
    if status not in _wanted(probe):
        return False, answered
    found, problem = _look_into(body or b"", probe)
    return (False, "%s %s" % (told, problem)) if problem else (True, answered + found)


def without_secrets(url: str) -> str:
    """Return *url* as it may be told: with ``…`` for the user and password, and for the query."""
    parts = urlsplit(url)
    _userinfo, at, place = parts.netloc.rpartition("@")
    told = "%s://%s%s%s" % (parts.scheme, "…@" if at else "", place, parts.path)
    return told + "?…" if parts.query else told


def _can_be_asked(url: str) -> bool:
    """Tell whether *url* is whole, so that no part of a password in it is taken for another part.

    What the library says of one that is not could repeat it.
    """
    try:
        parts = urlsplit(url)
        has_place = parts.hostname and parts.port != 0
    except ValueError:
        return False
    is_known = url.startswith(("http://", "https://"))
    is_clear = "@" not in "".join(parts[2:]) and not UNSENDABLE.search(url)
    return bool(is_known and has_place and is_clear)


def _wanted(probe: Probe) -> List[int]:
    return probe.get("status") or [200]


class _Seen:
    """What is known of an answer so far: its status, its whole body, or what is wrong."""

    status: Optional[int] = None
    body: Optional[bytes] = None
    trouble = "timed out"


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to HTTP and HTTPS, but none whose status is *wanted* itself."""

    def __init__(self, wanted: List[int]) -> None:
        self._wanted = wanted

    def redirect_request(self, *about: Any) -> Optional[urllib.request.Request]:
        _request, _stream, code, _message, _headers, url = about
        if code in self._wanted or not url.startswith(("http://", "https://")):
            return None
        return super().redirect_request(*about)


class _Context(ssl.SSLContext):
    """Verifies certificates, for a host in ``names`` by the name there."""

    names: Dict[str, str]

    def wrap_socket(self, *args: Any, **options: Any) -> ssl.SSLSocket:
        host = options.get("server_hostname") or ""
        options["server_hostname"] = self.names.get(host.lower(), host)
        return super().wrap_socket(*args, **options)


def _get(probe: Probe, seen: _Seen) -> None:
    """Ask for the URL, and note in *seen* what comes."""
    deadline = time.monotonic() + probe["timeout"]
    # No proxy: a probe asks this very host.
    handlers = [urllib.request.ProxyHandler({}), _Redirects(_wanted(probe))]
    try:
        if probe["url"].startswith("https:") or probe.get("ca"):
            handlers.append(urllib.request.HTTPSHandler(context=_context(probe)))
        try:
            opener = urllib.request.build_opener(*handlers)
            answer: Any = opener.open(_request(probe), timeout=probe["timeout"])
        except urllib.error.HTTPError as error:
            answer = error  # it hands on what the response has
        with answer:
            seen.status = answer.code
            seen.body = _read_body(answer, deadline)
    except Exception as error:  # refused, reset, timed out, not HTTP: all the same to a probe
        seen.trouble = _why(error)


def _why(error: Exception) -> str:
    if isinstance(error, http.client.InvalidURL):  # it repeats the URL, perhaps with a query
        return "it redirects to a URL that is not valid"
    return str(getattr(error, "reason", None) or error or type(error).__name__)


def _context(probe: Probe) -> ssl.SSLContext:
    context = _Context(ssl.PROTOCOL_TLS_CLIENT)
    context.names = {}
    host, named = urlsplit(probe["url"]).hostname, probe.get("host")
    if host and named:
        context.names[host] = urlsplit("//" + named).hostname or host
    if not probe.get("ca"):
        context.load_default_certs()
        return context
    try:
        context.load_verify_locations(cafile=probe["ca"])
    except OSError as error:
        raise OSError("ca: %s: %s" % (probe["ca"], error.strerror or error)) from None
    return context


def _request(probe: Probe) -> urllib.request.Request:
    """Return what asks for the URL; what may be secret is sent nowhere by redirection."""
    parts = urlsplit(probe["url"])
    userinfo, at, place = parts.netloc.rpartition("@")
    url = urlunsplit(parts._replace(netloc=place))
    request = urllib.request.Request(url, method=probe.get("method") or "GET")
    headers = {}
    if at:
        user, _colon, password = userinfo.partition(":")
        pair = "%s:%s" % (unquote(user), unquote(password))
        encoded = base64.b64encode(pair.encode("utf-8")).decode("ascii")
        headers["Authorization"] = "Basic " + encoded
    if probe.get("host"):
        headers["Host"] = probe["host"]
    headers.update(probe.get("headers") or {})
    for name, value in headers.items():
        request.add_unredirected_header(name, str(value))
    return request


def _read_body(answer: http.client.HTTPResponse, deadline: float) -> bytes:
    """Return the body of an answer, as much of it as is looked at.

    Raises TimeoutError for one that goes on after *deadline*: the socket's timeout begins anew
    with each byte that comes.
    """
    # Old Pythons ask for more behind a body's end, which need not be the connection's.
    size = BODY_BYTES if answer.length is None else min(answer.length, BODY_BYTES)
    body = b""
    while len(body) < size:
        chunk = answer.read1(size - len(body))
        if not chunk:
            break
        body += chunk
        if time.monotonic() > deadline:
            raise TimeoutError("timed out")
    return body


def _look_into(body: bytes, probe: Probe) -> Tuple[str, Optional[str]]:
    """Return what was found in *body*, in words, and what it lacks, if anything."""
    contains, matches, wanted = (probe.get(key) for key in ("contains", "matches", "json"))
    if contains and contains.encode("utf-8") not in body:
        return "", "answered without %r" % contains
    if matches:
        found = _bounded.found(matches, body.decode("utf-8", "replace"), probe["timeout"])
        if not found:
            took_long = "answered, and a search for %r took too long" % matches
            without = "answered without a match of %r" % matches
            return "", took_long if found is None else without
    return _look_at(body, wanted["path"], wanted["equals"]) if wanted else ("", None)


def _look_at(body: bytes, path: str, equals: Any) -> Tuple[str, Optional[str]]:
    """Return the value at *path* in the JSON of *body*, and what is wrong with it, if anything."""
    try:
        value = json.loads(body.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return "", "answered what is not JSON"
    way: List[str] = []
    for step in path.split("."):
        if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict) and step in value:
            value = value[step]
        else:
            where = "'%s'" % ".".join(way) if way else "the top"
            return "", "answered without '%s': no '%s' at %s" % (path, step, where)
        way.append(step)
    shown = "%s is %s" % (path, _brief(value))
    # To Python, true is 1.
    if value == equals and isinstance(value, bool) == isinstance(equals, bool):
        return ", " + shown, None
    return "", "answered: %s, not %s" % (shown, _brief(equals))


def _brief(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
