# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sending: side by side, within a time, and without a word of what is secret."""

from __future__ import annotations

import email
import email.policy
import http.server
import json
import logging
import sys
import threading
import time

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.notices import _sending
from ansible_collections.itops.release.plugins.plugin_utils.notices._notice import Notice
from ansible_collections.itops.release.tests.fakes import receivers

SECRET = "s3cret"


def notice(number=1, channel="chat", text="done: shop-1.5"):
    id_ = f"111111111111-{number}-done-{channel}"
    return Notice(id_, "shop-1.5", number, "done", "users", channel, "shop-1.5: done", text)


class Receiver(http.server.BaseHTTPRequestHandler):
    """Answers as its server is told, and keeps what it took."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(body["message"])
        self.server.may_answer.wait(60)
        status = self.server.statuses.pop(0) if self.server.statuses else 200
        self.send_response(status)
        self.end_headers()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def receiver():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        server.asked, server.statuses, server.may_answer = [], [], threading.Event()
        server.may_answer.set()
        server.url = f"json://ada:{SECRET}@127.0.0.1:{server.server_port}/{SECRET}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.may_answer.set()
        server.shutdown()
        thread.join()


def test_a_channel_takes_its_notices_in_their_order(receiver):
    both = [notice(1, text="one"), notice(2, text="two")]
    outcome = _sending.send(both, {"chat": receiver.url})

    assert outcome == _sending.Outcome(tuple(both), {})
    assert receiver.asked == ["one", "two"]


def test_none_is_sent_after_one_that_was_not_taken(receiver):
    receiver.statuses = [200, 503]
    all_ = [notice(number) for number in (1, 2, 3)]
    outcome = _sending.send(all_, {"chat": receiver.url})

    assert outcome == _sending.Outcome((all_[0],), {"chat": "not delivered (HTTP 503)"})
    assert len(receiver.asked) == 2


def test_a_channel_that_hangs_keeps_neither_the_others_nor_the_run(receiver):
    receiver.may_answer.clear()
    urls = {"chat": receiver.url, "dead": "json://127.0.0.1:1/", "odd": f"nonsense://{SECRET}"}
    began = time.monotonic()
    outcome = _sending.send([notice(channel=name) for name in urls], urls, limit_s=0.5)

    assert time.monotonic() - began < 30
    assert outcome.delivered == ()
    assert outcome.failed == {
        "chat": "not delivered within 0.5 s",
        "dead": "not delivered",
        "odd": "apprise cannot send to its URL",
    }


def test_what_apprise_logs_goes_nowhere(receiver, caplog, capfd):
    receiver.statuses = [500]
    caplog.set_level(logging.DEBUG)
    urls = {"chat": receiver.url, "odd": f"nonsense://{SECRET}", "half": f"slack://{SECRET}"}
    outcome = _sending.send([notice(channel=name) for name in urls], urls)

    said = capfd.readouterr()
    named = [record for record in caplog.records if record.name.startswith("apprise")]
    assert named == []
    assert SECRET not in said.out + said.err + repr(outcome)


def test_a_service_that_raises_is_one_that_did_not_take_it(receiver, monkeypatch):
    import apprise

    def fails(self, *arguments, **options):
        raise RuntimeError(f"bug with {SECRET}")

    monkeypatch.setattr(apprise.NotifyBase, "notify", fails)
    outcome = _sending.send([notice()], {"chat": receiver.url})

    assert outcome.failed == {"chat": "not delivered"}


def test_text_is_no_html_to_a_channel_that_takes_html(monkeypatch):
    mails = []
    monkeypatch.setattr(receivers, "_mail", mails.append)
    with receivers.running(receivers.Smtp) as server:
        server.up()
        url = f"mailto://127.0.0.1:{server.port}?from=a@example.org&to=b@example.org"
        outcome = _sending.send([notice(text="<b>one</b> &amp;\ntwo")], {"chat": url})
    mail = email.message_from_bytes(mails[0], policy=email.policy.default)

    assert outcome.failed == {}
    assert mail.get_body(("plain",)).get_content().split() == ["<b>one</b>", "&amp;", "two"]
    html = mail.get_body(("html",)).get_content()
    assert "&lt;b&gt;one&lt;/b&gt;" in html
    assert "<br" in html


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(_sending.SendingError, match=r"apprise is not installed .*notices\.txt"):
        _sending.send([notice()], {"chat": "json://127.0.0.1:1/"})


def test_one_run_sends_a_channel_no_more_than_so_many(receiver):
    many = [notice(number) for number in range(_sending.MOST + 1)]

    assert len(_sending.send(many, {"chat": receiver.url}).delivered) == _sending.MOST
