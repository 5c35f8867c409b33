# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registries for tests: a small one with the whole interface, and a gate that misbehaves on demand.

MemoryRegistry implements the OCI distribution specification 1.1 as far as clients see it, with the
list of referrers. A Gate stands before another registry and passes everything on. Both record what
is asked, and do what a Fault says instead of what they should.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import http.server
import json
import re
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import Callable
from urllib.parse import parse_qs, urlsplit

BLOCK = 64 * 1024
DRIPPED = 1500  # so many bytes come slowly, and the rest at once: a client must not wait for that
TOKEN = "a-token-that-is-never-told"


@dataclass
class Clock:
    """Seconds that pass only where a client waits: attempts that fail are given up at once."""

    _now: float = 0.0

    def now(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += seconds


@dataclass
class Fault:
    """What to do instead, for so many *times*, when a request is of *method* and *path*, a regex.

    ``act(handler)`` does it; what it returns false for, is done as it should be.
    """

    method: str
    path: str
    act: Callable
    times: int = 1

    def is_for(self, handler):
        return (
            self.times > 0 and self.method == handler.command and re.search(self.path, handler.path)
        )


@dataclass
class Server:
    """An HTTP server on loopback: *requests* are (method, path without query), *faults* those to
    come, and *bodies* the bytes of bodies that came in, by method.
    """

    handler: type
    requests: list = field(default_factory=list)
    faults: list = field(default_factory=list)
    received: dict = field(default_factory=dict)
    authorizations: list = field(default_factory=list)
    connections: int = 0
    tls: object = None  # an ssl.SSLContext

    def __enter__(self):
        self.lock = threading.Lock()
        self._http = _Quiet(("127.0.0.1", 0), self.handler)
        if self.tls:
            self._http.socket = self.tls.wrap_socket(self._http.socket, server_side=True)
        self._http.daemon_threads = True
        self._http.owner = self
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exception):
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def host(self):
        return "127.0.0.1:{}".format(self._http.server_address[1])

    def fail(self, method, path, act, times=1):
        """Have ``act(handler)`` done for the next requests that match."""
        self.faults.append(Fault(method, path, act, times))

    def asked(self, method=None, path=""):
        """Return the requests so far that match."""
        return [
            each for each in self.requests if method in (None, each[0]) and re.search(path, each[1])
        ]


class _Quiet(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """Say nothing of clients that are gone."""


class Handler(http.server.BaseHTTPRequestHandler):
    """What both servers do with a request before and after they answer it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        with self.owner.lock:
            self.owner.connections += 1

    def log_message(self, *args):
        pass

    @property
    def owner(self):
        return self.server.owner

    def serve(self):
        self.body = None
        with self.owner.lock:
            self.owner.requests.append((self.command, urlsplit(self.path).path))
            self.owner.authorizations.append(self.headers.get("Authorization"))
            fault = next((each for each in self.owner.faults if each.is_for(self)), None)
            if fault:
                fault.times -= 1
        try:
            if not (fault and fault.act(self)):
                self.answer()
        except (ConnectionError, TimeoutError, http.client.HTTPException):
            self.close_connection = True

    # The names are those of the standard library.
    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = serve  # noqa: N815

    def length(self):
        return int(self.headers.get("Content-Length") or 0)

    def blocks(self, most=None):
        """Yield the body of the request, or only its first *most* bytes."""
        left = self.length() if most is None else min(most, self.length())
        while left > 0:
            data = self.rfile.read1(min(left, BLOCK))
            if not data:
                raise ConnectionResetError
            left -= len(data)
            with self.owner.lock:
                received = self.owner.received
                received[self.command] = received.get(self.command, 0) + len(data)
            yield data

    def reply(self, status, data=b"", **headers):
        for _block in self.blocks() if self.body is None else ():
            pass
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
        return True

    def cut(self):
        """End the connection at once."""
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)
        return True


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class _Memory(Handler):
    def answer(self):
        url = urlsplit(self.path)
        if self.owner.password and not self._is_authorized(url):
            return None
        name, _slash, rest = url.path[len("/v2/") :].partition(f"{self.owner.name}/")
        kind, _slash, rest = rest.partition("/")
        answers = {
            "tags": self._tags,
            "manifests": self._manifests,
            "blobs": self._uploads if rest.startswith("uploads/") else self._blobs,
            "referrers": self._referrers,
        }
        if name or kind not in answers:
            return self.reply(404)
        return answers[kind](rest, parse_qs(url.query))

    def _is_authorized(self, url):
        """As the token specification of Docker has it, or HTTP's Basic."""
        owner, said = self.owner, self.headers.get("Authorization")
        basic = "Basic " + base64.b64encode(f"ci:{owner.password}".encode()).decode()
        if url.path == "/token":
            good = said == basic
            self.reply(200 if good else 401, json.dumps({"token": TOKEN}).encode() * good)
        elif said == (f"Bearer {TOKEN}" if owner.tokens else basic):
            return True
        else:
            realm = f'Bearer realm="http://{self.headers["Host"]}/token",service="memory"'
            scope = f',scope="repository:{owner.name}:pull,push"'
            self.reply(401, WWW_Authenticate=realm + scope if owner.tokens else 'Basic realm="x"')
        return False

    def _tags(self, _rest, _query):
        tags = [each for each in self.owner.manifests if not each.startswith("sha256:")]
        if not tags:
            return self.reply(404)
        data = json.dumps({"name": self.owner.name, "tags": sorted(tags)}).encode()
        return self.reply(200, data, Content_Type="application/json")

    def _manifests(self, reference, _query):
        known = self.owner.manifests
        if self.command == "PUT":
            return self._put_manifest(reference)
        if reference not in known:
            return self.reply(404)
        kind, data = known[reference]
        if self.command == "DELETE" and not self.owner.deletes:
            return self.reply(405, b'{"errors":[{"code":"UNSUPPORTED"}]}')
        if self.command == "DELETE":
            for each in [each for each, value in known.items() if value[1] == data]:
                del known[each]
            return self.reply(202)
        return self.reply(200, data, Content_Type=kind, Docker_Content_Digest=digest_of(data))

    def _put_manifest(self, reference):
        data = self.body = b"".join(self.blocks())
        plain = json.loads(data)
        for blob in [plain["config"], *plain["layers"]] if "config" in plain else []:
            if blob["digest"] not in self.owner.blobs:
                return self.reply(400, b'{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN"}]}')
        stored = (self.headers["Content-Type"], data)
        self.owner.manifests.update({reference: stored, digest_of(data): stored})
        subject = self.owner.lists and plain.get("subject")
        return self.reply(201, **({"OCI_Subject": subject["digest"]} if subject else {}))

    def _referrers(self, digest, _query):
        found = []
        if not self.owner.lists:
            return self.reply(404)
        for reference, (kind, data) in self.owner.manifests.items():
            plain = json.loads(data)
            if reference.startswith("sha256:") and plain.get("subject", {}).get("digest") == digest:
                found.append(
                    {
                        "mediaType": kind,
                        "digest": reference,
                        "size": len(data),
                        "artifactType": plain["artifactType"],
                    }
                )
        data = json.dumps({"schemaVersion": 2, "manifests": found}).encode()
        return self.reply(200, data, Content_Type="application/vnd.oci.image.index.v1+json")

    def _blobs(self, digest, _query):
        data = self.owner.blobs.get(digest)
        if data is None:
            return self.reply(404)
        start = re.match(r"bytes=(\d+)-\Z", self.headers.get("Range", ""))
        if start:
            first = int(start.group(1))
            said = f"bytes {first}-{len(data) - 1}/{len(data)}"
            return self.reply(206, data[first:], Content_Range=said)
        return self.reply(200, data)

    def _uploads(self, rest, query):
        """Keep what came of a chunk that broke off, as not all registries do."""
        uploads, number = self.owner.uploads, rest.partition("/")[2]
        if self.command == "POST":
            number = str(len(uploads))
            uploads[number] = bytearray()
        elif number not in uploads:
            return self.reply(404)
        data = uploads[number]
        if self.command == "PATCH":
            if not self.headers["Content-Range"].startswith(f"{len(data)}-"):
                return self.reply(416)
            for block in self.blocks():
                data += block
            self.body = b""
        if self.command == "PUT":
            digest = query["digest"][0]
            if digest_of(data) != digest:
                return self.reply(400, b'{"errors":[{"code":"DIGEST_INVALID"}]}')
            self.owner.blobs[digest] = bytes(uploads.pop(number))
            return self.reply(201)
        location = f"/v2/{self.owner.name}/blobs/uploads/{number}?state=secret"
        status = 204 if self.command == "GET" else 202
        return self.reply(status, Location=location, Range=f"0-{max(0, len(data) - 1)}")


class MemoryRegistry(Server):
    """A registry in memory with one repository. With a *password*, that is for the user ci; with
    *tokens*, it is a service for tokens that takes it. It *lists* referrers, and *deletes*.
    """

    def __init__(
        self, name="shop", password=None, tokens=False, lists=True, deletes=True, tls=None
    ):
        super().__init__(_Memory, tls=tls)
        self.name, self.password, self.tokens = name, password, tokens
        self.lists, self.deletes = lists, deletes
        self.blobs, self.manifests, self.uploads = {}, {}, {}


class _Passing(Handler):
    def answer(self):
        self.pass_on()

    def pass_on(self, most=None, change=None, pause_s=0.0, headers=None, lose=False):
        """Pass on the request, or the first *most* bytes of its body, and the response, unless it
        is to *lose* that.

        ``change(data, offset)`` gives the bytes to pass on for those that come; it may cut().
        """
        host, port = self.owner.behind.split(":")
        there = http.client.HTTPConnection(host, int(port), timeout=30)
        try:
            there.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                there.putheader(name, value)
            there.endheaders()
            for block in self.blocks(most):
                there.send(block)
            if most is not None and most < self.length():
                return self.cut()
            if lose:
                there.getresponse().read()
                return self.cut()
            return self._pass_back(there.getresponse(), change, pause_s, headers or {})
        finally:
            there.close()

    def _pass_back(self, response, change, pause_s, headers):
        self.send_response(response.status)
        for name, value in {**dict(response.getheaders()), **headers}.items():
            if name.lower() not in ("connection", "transfer-encoding", "date", "server"):
                self.send_header(name, value)
        self.end_headers()
        offset = 0
        while True:
            data = response.read1(64 if pause_s else BLOCK)
            if not data:
                return True
            changed = change(data, offset) if change else data
            if changed is None:
                return self.cut()
            self.wfile.write(changed)
            offset += len(data)
            time.sleep(pause_s)
            pause_s = pause_s if offset < DRIPPED else 0


class Gate(Server):
    """It stands before the registry at *behind*, ``host:port``."""

    def __init__(self, behind):
        super().__init__(_Passing)
        self.behind = behind
