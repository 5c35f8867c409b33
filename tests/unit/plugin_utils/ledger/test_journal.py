# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.itops.release.plugins.plugin_utils.events import _facts
from ansible_collections.itops.release.plugins.plugin_utils.ledger._journal import (
    Ending,
    Journal,
    Part,
)

WELL, BAD = Ending("done", digest="a" * 64), Ending("refused", "web1: not signed")


def fact(host):
    return _facts.Deployment(host=host, root="/srv", status="ok", before=_facts.NOTHING)


def test_facts_are_those_since_the_last_end(tmp_path):
    journal, other = Journal(str(tmp_path)), Journal(str(tmp_path))  # of two processes
    journal.note([fact("web1")])
    journal.close(WELL)
    start = journal.position()
    other.note([fact("web2"), fact("web3")])

    assert journal.facts() == journal.facts(start) == [fact("web2"), fact("web3")]
    assert journal.facts(0) == [fact("web1"), fact("web2"), fact("web3")]


def test_a_run_of_which_a_part_failed_has_failed(tmp_path):
    journal = Journal(str(tmp_path))
    assert journal.ending() is None

    assert journal.close(WELL) == WELL
    assert journal.close(Ending("held")) == Ending("held", "", "a" * 64)
    assert journal.close(BAD).verdict == "failed"
    assert journal.ending() == Ending("failed", BAD.reason, "a" * 64)


def test_each_part_of_a_run_has_its_own_end(tmp_path):
    journal = Journal(str(tmp_path))
    journal.close(WELL)
    start = journal.position()
    first, second, last = ({"act": "deploy", "hosts": [host]} for host in ("web1", "web2", "web3"))
    journal.open(first)
    journal.note([fact("web1")])
    journal.open(second)
    journal.close(WELL)
    journal.close(BAD)
    journal.open(last)

    parts = [Part((first, second), WELL), Part((), BAD), Part((last,), None)]
    assert journal.parts(start) == parts
    assert journal.parts() == [Part((), WELL), *parts]


def test_a_journal_that_cannot_be_written_stops_nothing(tmp_path):
    journal = Journal(str(tmp_path / "gone"))
    journal.note([fact("web1")])

    assert journal.facts() == []
    assert journal.close(BAD) == BAD
