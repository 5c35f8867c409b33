# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains on a real ledger with jobs in memory: killed at each moment, alone, lost, going back."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.ledger import _recording, _trains
from ansible_collections.itops.release.plugins.plugin_utils.ledger._event import LedgerError
from ansible_collections.itops.release.plugins.plugin_utils.ledger._ledger import Ledger
from ansible_collections.itops.release.plugins.plugin_utils.train._conducting import Conductor
from ansible_collections.itops.release.plugins.plugin_utils.train._record import (
    Process,
    Record,
    TrainError,
)
from ansible_collections.itops.release.plugins.plugin_utils.train._train import (
    BACK_OUT,
    BACKED_OUT,
    DEPLOY,
    DONE,
    FAILED,
    HELD,
    LIVE,
    LOST,
    REFUSED,
    SETTLED,
    STAGED,
    Domain,
    Order,
)
from ansible_collections.itops.release.tests.fakes import plans
from ansible_collections.itops.release.tests.fakes.jobs import ACTOR, FakeJobs, Hosts

WHOLE = plans.resolved_train()
ORDER = Order(
    tuple(Domain(each.name, each.needs, each.back_out_with) for each in WHOLE.plan.domains)
)
WEB_FAILS = {("web", LIVE): BACKED_OUT}
MOST_MOMENTS = 120


class Killed(BaseException):
    """The process of the train is gone."""


class Control:
    """A control machine: its processes are over once they were killed."""

    def __init__(self, tmp_path, verdicts=None, order=ORDER):
        self.ledger = Ledger(str(tmp_path / "ledger.db"))
        self.hosts = Hosts(WHOLE, "production", self.ledger, verdicts)
        self.order, self.over, self.alive = order, set(), set()
        self.numbers = itertools.count(1)
        self.said, self.started, self.jobs = [], [], None

    def record(self):
        return Record(self.ledger, ACTOR, WHOLE, "production", 1)

    def process(self, **more):
        return Process(
            f"process-{next(self.numbers)}",
            more.pop("is_over", self.over.__contains__),
            self.alive.__contains__,
            sleep=lambda seconds: None,
            **more,
        )

    def launch(self, way=DEPLOY, killed_after=None, killed_in=None, record=None, **more):
        """Run a train to its end; it may be killed after so many moments.

        A moment is an event of its own, or half of a job; *killed_in* is the job that it is in.
        """
        record, process = record or self.record(), self.process(**more)
        self.jobs = FakeJobs(self.hosts, process.is_over)
        try:
            state = record.begin(process, way)
            if killed_after is not None:
                killing(record, self.jobs, killed_after)
            if killed_in is not None:
                self.jobs.moment = lambda: killing_in(self.jobs, *killed_in)
            silence = dict.fromkeys(self.order.names, 1800.0)
            conductor = Conductor(
                self.order, record, self.jobs, self.said.append, silence, itertools.count().__next__
            )
            return conductor.run(state, way)
        except Killed:
            self.over |= {process.run, *(job.run for job in self.jobs.going)}
            return None
        finally:
            self.started += self.jobs.started

    def trains(self):
        return _trains.of_ledger(self.ledger)


def killing(record, jobs, count):
    """Kill the process of *record* and *jobs* once *count* moments are over."""
    left = itertools.count(count, -1)

    def moment():
        if next(left) <= 0:
            raise Killed

    jobs.moment = moment
    for name in ("note", "end"):
        method = getattr(record, name)

        def counted(*arguments, method=method):
            moment()
            return method(*arguments)

        setattr(record, name, counted)


def killing_in(jobs, domain, job):
    """Kill the process while a job goes on, once its run is known."""
    for each in jobs.going:
        if (each.start.domain, each.start.job) == (domain, job) and each.phase == 2:
            raise Killed


def test_a_train_deploys_each_domain_once_in_its_order(tmp_path):
    control = Control(tmp_path)

    assert control.launch() == (DONE, "")
    assert control.hosts.there() == {"db", "api", "web"}
    assert [job for job in control.started if job[1] == LIVE] == [
        ("db", LIVE),
        ("api", LIVE),
        ("web", LIVE),
    ]
    count = len(control.started)
    assert control.launch() == (DONE, "")
    assert len(control.started) == count
    assert [train.verdict for train in control.trains()] == [DONE, DONE]
    assert control.trains()[-1].done == ("db", "api", "web")


@pytest.mark.parametrize(
    ("verdicts", "expected", "there"),
    [
        ({}, DONE, {"db", "api", "web"}),
        (WEB_FAILS, BACKED_OUT, {"db"}),
        ({("web", LIVE): LOST}, BACKED_OUT, {"db"}),
        ({("api", STAGED): REFUSED}, REFUSED, set()),
        ({("api", LIVE): HELD}, HELD, {"db", "api"}),
        ({**WEB_FAILS, ("api", BACKED_OUT): FAILED}, FAILED, {"db", "api"}),
    ],
)
def test_killed_at_each_moment_and_launched_again_it_ends_the_same(
    tmp_path, verdicts, expected, there
):
    for number in range(MOST_MOMENTS):
        folder = tmp_path / str(number)
        folder.mkdir()
        control = Control(folder, verdicts)
        end = control.launch(killed_after=number)
        was_killed = end is None
        while end is None:
            end = control.launch()

        assert (end[0], control.hosts.there()) == (expected, there), f"killed after {number}"
        assert len(control.trains()) == 1
        if not was_killed:
            assert number > 5
            return
    pytest.fail("it never came to its end")


def test_it_may_be_killed_again_and_again(tmp_path):
    control = Control(tmp_path, WEB_FAILS)
    for number in range(MOST_MOMENTS):
        end = control.launch(killed_after=number)
        if end:
            break

    assert end[0] == BACKED_OUT
    assert control.hosts.there() == {"db"}


def test_a_job_that_was_killed_is_run_again(tmp_path):
    control = Control(tmp_path)
    assert control.launch(killed_in=("db", LIVE)) is None
    control.started.clear()

    assert control.launch()[0] == DONE
    assert control.started == [("db", LIVE), ("api", LIVE), ("web", LIVE)]
    assert {row["verdict"] for row in control.ledger.rows("runs")} == {"failed", "done"}


def test_a_job_that_goes_on_is_waited_for_and_then_refused(tmp_path):
    control = Control(tmp_path)
    control.launch(killed_in=("db", LIVE))
    (row,) = control.ledger.rows("runs", ended=None)
    control.over.discard(row["run"])
    control.alive.add(row["run"])

    with pytest.raises(TrainError, match=rf"the job of db is in progress \({row['run']}\)"):
        control.launch()


def test_only_one_of_two_trains_goes_on(tmp_path):
    control = Control(tmp_path)
    first, second = control.record(), control.record()
    process = control.process()
    control.alive.add(process.run)
    first.begin(process, DEPLOY)
    with pytest.raises(TrainError, match=r"a train is in progress, by ada@control \(process-1"):
        second.begin(control.process(), DEPLOY)


def test_of_two_trains_that_begin_at_the_same_moment_one_goes_on(tmp_path):
    control = Control(tmp_path)
    first, second = control.record(), control.record()
    second._last = lambda: None  # both look before one of them begins
    first.begin(control.process(), DEPLOY)

    with pytest.raises(TrainError, match="another train began at this moment"):
        second.begin(control.process(), DEPLOY)
    assert [train.run for train in control.trains()] == ["process-1"]


def test_from_another_machine_a_train_is_taken_over_by_its_name(tmp_path):
    control = Control(tmp_path)
    control.launch(killed_in=("db", LIVE))
    with pytest.raises(TrainError, match="-e release_takeover=process-1"):
        control.launch(is_over=lambda run: False)

    (row,) = control.ledger.rows("runs", ended=None)
    assert control.launch(is_over=lambda run: False, takeover="process-1")[0] == DONE
    taken = {start.domain: start.takeover for start in control.jobs.starts}
    assert taken == {"db": row["run"], "api": "", "web": ""}


def test_a_train_that_was_taken_over_stops(tmp_path):
    control = Control(tmp_path)
    record = control.record()
    note = record.note

    def taken_over(change):
        sequence = note(change)
        if (change.domain, change.job, change.change) == ("db", LIVE, "ended"):
            other = control.record()
            other.begin(control.process(is_over=lambda run: True), DEPLOY)
        return sequence

    record.note = taken_over
    with pytest.raises(TrainError, match="taken over by process-"):
        control.launch(record=record)
    assert ("api", LIVE) not in control.started


def test_a_silent_job_is_ended_and_its_hosts_are_asked(tmp_path):
    control = Control(tmp_path, {("api", LIVE): LOST})

    verdict, reason = control.launch()
    assert verdict == BACKED_OUT
    assert reason.startswith("api: lost: no sign of life for 30 m; backed out: api")
    assert control.started[-2:] == [("api", SETTLED), ("api", BACKED_OUT)]
    assert control.hosts.there() == {"db"}
    assert any("no sign of life for 30 m: ending the job" in line for line in control.said)


def test_a_job_that_does_not_end_is_given_up(tmp_path):
    control = Control(tmp_path, {("api", STAGED): LOST})
    control.hosts.verdicts["api", STAGED] = LOST
    stop = FakeJobs.start

    def stubborn(self, start):
        job = stop(self, start)
        if (start.domain, start.job) == ("api", STAGED):
            job.stop = lambda: None
        return job

    FakeJobs.start = stubborn
    try:
        assert control.launch()[0] == REFUSED
    finally:
        FakeJobs.start = stop


def test_the_way_back_needs_no_ledger(tmp_path):
    control = Control(tmp_path, WEB_FAILS)
    record = control.record()
    note, check, runs = record.note, record.check, record.runs
    is_away = []

    def away(method):
        def call(*arguments):
            if is_away:
                is_away.append(True)
                assert len(is_away) < MOST_MOMENTS
                raise LedgerError("the ledger is away")
            return method(*arguments)

        return call

    def noted(change):
        sequence = away(note)(change)
        if (change.domain, change.job, change.change) == ("web", LIVE, "ended"):
            is_away.append(True)
        return sequence

    record.note, record.check, record.runs = noted, away(check), away(runs)
    record.left, record.end = away(record.left), away(record.end)
    assert control.launch(record=record)[0] == BACKED_OUT
    assert control.hosts.there() == {"db"}
    assert "not recorded: the ledger is away" in control.said


def test_nothing_is_deployed_that_cannot_be_recorded(tmp_path):
    control = Control(tmp_path)
    record = control.record()
    note = record.note

    def away(change):
        if (change.domain, change.job) == ("api", LIVE):
            raise LedgerError("the ledger is away")
        return note(change)

    record.note = away
    assert control.launch(record=record) == (HELD, "the ledger is away")
    assert ("api", LIVE) not in control.started
    assert control.hosts.there() == {"db"}


def test_a_requested_back_out_undoes_what_the_plan_did_and_no_more(tmp_path):
    control = Control(tmp_path)
    for host in control.hosts.of("db"):  # it was there before, by a run without a plan
        control.hosts.live[host] = "run-0"
    intent = replace(control.hosts.intent("db", "deploy", "run-0"), plan={})
    control.ledger.append([_recording.began(intent)], ACTOR)
    control.hosts.record("db", "deploy", "run-0", DONE)
    assert control.launch()[0] == DONE
    assert ("db", LIVE) not in control.started

    assert control.launch(BACK_OUT)[0] == DONE
    assert control.hosts.there() == {"db"}
    assert control.started[-2:] == [("web", BACKED_OUT), ("api", BACKED_OUT)]


def test_a_back_out_that_left_something_failed(tmp_path):
    control = Control(tmp_path)
    control.launch()
    control.hosts.of = lambda domain: WHOLE.of_domain(domain).place("production").hosts
    pop = control.hosts.live
    control.hosts.live = type("Kept", (dict,), {"pop": lambda self, *key: None})(pop)

    verdict, reason = control.launch(BACK_OUT)
    assert verdict == FAILED
    assert "web: back-out failed: still deployed on web-production1" in reason


def test_status_has_a_line_for_a_train_without_an_end(tmp_path):
    control = Control(tmp_path)
    control.launch(killed_in=("api", LIVE))

    (train,) = control.trains()
    assert train.line() == (
        "checkout-2 → production  train 1: db: deployed, api: deploying, web: staged; "
        "by ada@control (process-1)"
    )
