# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small HTTP service: answers with what its release said when the service was started."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ANSWER = Path(__file__).resolve().with_name("answer").read_text()


class Greeter(BaseHTTPRequestHandler):
    """Answers every request alike: well when the answer, like "1.0.0 healthy", says so."""

    def do_GET(self):
        self.send_response(200 if "healthy" in ANSWER else 503)
        self.end_headers()
        self.wfile.write(ANSWER.encode())


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", 8080), Greeter).serve_forever()
