# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Receivers on this machine: HTTP, webhook and SMTP, each down until it is told to be up."""

from __future__ import annotations

import contextlib
import email
import email.policy
import http.server
import json
import socketserver
import threading


class Http(http.server.BaseHTTPRequestHandler):
    """Takes JSON by POST."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.took.append((body["title"], body["message"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments):
        pass


class Webhook(http.server.BaseHTTPRequestHandler):
    """Takes any POST, with its path and headers; answers with the server's *status*."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.took.append((self.path, dict(self.headers), body))
        self.send_response(self.server.status)
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.end_headers()

    def log_message(self, *arguments):
        pass


class Smtp(socketserver.StreamRequestHandler):
    """Takes mail as RFC 5321 has it, as far as a sender without extensions needs."""

    def handle(self):
        self._say(220, "ready")
        for line in self.rfile:
            verb = line.strip().upper()
            if verb == b"DATA":
                self._say(354, "go on")
                self.server.took.append(_mail(self._data()))
            elif verb == b"QUIT":
                self._say(221, "bye")
                return
            self._say(250, "ok")

    def _say(self, code, text):
        self.wfile.write(f"{code} {text}\r\n".encode())

    def _data(self):
        lines = []
        for line in self.rfile:
            if line == b".\r\n":
                break
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)


def _mail(data):
    """Return subject and text of a mail."""
    message = email.message_from_bytes(data, policy=email.policy.default)
    text = message.get_body(("plain",)).get_content()
    return str(message["subject"]), text.strip()


class Server(socketserver.ThreadingTCPServer):
    """A server that has its port from the start, and refuses connections until it is *up*."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, handler):
        super().__init__(("127.0.0.1", 0), handler, bind_and_activate=False)
        self.server_bind()
        self.port = self.server_address[1]
        self.took = []
        self.status, self.location = 200, ""  # what a webhook answers
        self._thread = None

    def up(self):
        """Take connections from now on."""
        self.server_activate()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self):
        """End the server."""
        if self._thread is not None:
            self.shutdown()
            self._thread.join()
        self.server_close()


@contextlib.contextmanager
def running(handler):
    """Give a Server that is down at first."""
    server = Server(handler)
    try:
        yield server
    finally:
        server.close()
