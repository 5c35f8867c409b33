# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

from ansible_collections.itops.release.plugins.plugin_utils.report import _records


def lines(run, *, host="web1"):
    begin = {"event": "begin", "host": host, "task": "Stage the release"}
    answer = {"event": "deployment", "host": host, "status": "ok", "state": "staged", "root": "/x"}
    return [
        {"run": run, "time": "2026-12-01T10:00:00.000+00:00", **begin},
        {"run": run, "time": "2026-12-01T10:00:07.500+00:00", **answer},
    ]


def written(path, *runs, rest=b""):
    text = "".join(json.dumps(line) + "\n" for run in runs for line in lines(run))
    path.write_bytes(text.encode() + rest)
    return str(path)


def test_each_run_of_a_record_has_its_time(tmp_path):
    found = _records.read(written(tmp_path / "record", "run-1", "run-2", rest=b'{"cut'))

    assert list(found) == ["run-1", "run-2"]
    (step,) = found["run-1"].path
    assert (step.held_up_by, step.seconds) == ("web1", 7.5)


def test_without_a_record_nothing_is_known(tmp_path):
    assert _records.read("") == _records.read(str(tmp_path / "missing")) == {}


def test_the_last_runs_of_a_long_record_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(_records, "MOST_BYTES", 700)
    runs = [f"run-{number}" for number in range(50)]

    found = _records.read(written(tmp_path / "record", *runs))

    assert set(found) < set(runs)
    assert "run-49" in found
