# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small HTTP service: answers with the version that was there when it was started."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HERE = Path(__file__).resolve().parent
VERSION = (HERE / "VERSION").read_text().strip()
HEALTH = (HERE / "health").read_text().strip()


class Greeter(BaseHTTPRequestHandler):
    """Answers every request alike; a release whose health file says otherwise is broken."""

    def do_GET(self):
        self.send_response(200 if HEALTH == "healthy" else 503)
        self.end_headers()
        self.wfile.write(f"{VERSION} {HEALTH}\n".encode())


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", 8080), Greeter).serve_forever()
