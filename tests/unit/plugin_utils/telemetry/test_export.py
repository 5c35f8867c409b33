# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import threading

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.telemetry import _export, _posting
from ansible_collections.itops.release.plugins.plugin_utils.telemetry._ended_run import EndedRun
from ansible_collections.itops.release.plugins.plugin_utils.telemetry._export import Export
from ansible_collections.itops.release.tests.fakes.ended_runs import BEGAN, place, run

URL = "https://ada:s3cret@hooks.example.org/s3cret"


@pytest.fixture
def posted(monkeypatch):
    """Return what is posted, instead of posting it."""
    found = []
    monkeypatch.setattr(_posting, "post", lambda *arguments: found.append(arguments))
    return found


def test_a_run_is_reported_to_both(tmp_path, posted):
    path = tmp_path / "itops.prom"

    assert Export(str(path), URL, "chat", "t0ken").report(run()) == []

    assert path.exists()
    ((url, body, token),) = posted
    assert (url, token) == (URL, "t0ken")
    assert json.loads(body.data) == {"text": "shop 1.0.0 → 2.0.0 in production: done (3 deployed)"}


def test_nothing_is_posted_where_the_template_has_nothing_to_say(posted):
    assert Export("", URL, "cdevents").report(run(place(outcome="refused"))) == []
    assert posted == []


def test_a_run_without_places_is_not_reported(tmp_path, posted):
    path = tmp_path / "itops.prom"

    assert Export(str(path), URL, "chat").report(EndedRun("a", "b", BEGAN, BEGAN, ())) == []
    assert (posted, path.exists()) == ([], False)


def test_a_template_of_ones_own_is_read(tmp_path, posted):
    template = tmp_path / "hook.j2"
    template.write_text('{"run": {{ run }}}')

    assert Export("", URL, str(template)).report(run()) == []
    assert json.loads(posted[0][1].data) == {"run": "ada@control.1"}


def test_each_failure_is_a_line_and_stops_nothing_else(tmp_path, posted):
    missing = str(tmp_path / "missing" / "itops.prom")

    first, second = Export(missing, URL, str(tmp_path / "hook.j2")).report(run())

    assert first.startswith("textfile: [Errno 2] No such file or directory")
    assert second.startswith("webhook https://hooks.example.org: [Errno 2] No such file")
    assert posted == []
    assert "s3cret" not in first + second + repr(Export(missing, URL, token="s3cret"))


def test_what_hangs_does_not_keep_the_run(monkeypatch):
    ended = threading.Event()
    monkeypatch.setattr(_posting, "post", lambda *_arguments: ended.wait(10))
    try:
        said = Export("", URL, "chat").report(run(), limit_s=0.2)
    finally:
        ended.set()

    assert said == ["webhook https://hooks.example.org: not done within 0.2 s"]


def test_a_run_that_was_stopped_is_in_the_textfile_only(tmp_path, posted):
    path = tmp_path / "itops.prom"

    assert Export(str(path), URL, "chat").report_stopped(run()) == []
    assert path.exists()
    assert posted == []
    assert Export(str(tmp_path), URL).report_stopped(run())[0].startswith("textfile: the name must")
    assert Export("", URL).report_stopped(run()) == []


def test_no_limit_is_longer_than_people_wait():
    assert _posting.TIMEOUT_S <= 5
    assert max(_export.LOCK_PATIENCE_S, _posting.TIMEOUT_S) < _export.LIMIT_S <= 10
