# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/plugin_utils/ledger/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant, check, omit

AUDIT = "plugin_utils/ledger/_audit.py"
BODIES = "plugin_utils/ledger/_bodies.py"
EVENT = "plugin_utils/ledger/_event.py"
EXPORT = "plugin_utils/ledger/_export.py"
FINDING = "plugin_utils/ledger/_finding.py"
HOSTS = "plugin_utils/ledger/_hosts.py"
KINDS = "plugin_utils/ledger/_kinds.py"
LEDGER = "plugin_utils/ledger/_ledger.py"
OUTCOME = "plugin_utils/ledger/_outcome.py"
PLACE = "plugin_utils/ledger/_place.py"
RECORDER = "plugin_utils/ledger/_recorder.py"
ROWS = "plugin_utils/ledger/_rows.py"
RUN_ENDED = "plugin_utils/ledger/_kind_run_ended.py"
SETTLING = "plugin_utils/ledger/_settling.py"
STATUS = "plugin_utils/ledger/_status.py"
UNRECORDED = "plugin_utils/ledger/_unrecorded.py"
TESTS = "unit/plugin_utils/ledger/test_{}.py"
AUDIT_TESTS, EXPORT_TESTS = TESTS.format("audit"), TESTS.format("export")
FINDING_TESTS, LEDGER_TESTS = TESTS.format("finding"), TESTS.format("ledger")
HOSTS_TESTS = TESTS.format("hosts")
OUTCOME_TESTS, PLACE_TESTS = TESTS.format("outcome"), TESTS.format("place")
RECORDER_TESTS, RECORDING_TESTS = TESTS.format("recorder"), TESTS.format("recording")
SETTLING_TESTS, STATUS_TESTS = TESTS.format("settling"), TESTS.format("status")

MUTANTS = (
    omit(
        "hashing all of an event but its hash",
        EVENT,
        'del plain["hash"]',
        f"{AUDIT_TESTS} nobody_touched and sqlite",
    ),
    check(
        "recording the same once",
        LEDGER,
        "event is None",
        f"{LEDGER_TESTS} same_is_recorded_once and sqlite",
        within="append",
    ),
    Mutant(
        "locking before the head is read, in PostgreSQL",
        LEDGER,
        "wanted.with_for_update() if locked else wanted",
        "wanted",
        f"{LEDGER_TESTS} at_once_lose_nothing and postgresql",
    ),
    Mutant(
        "locking before the head is read, in SQLite",
        PLACE,
        'engine.execution_options(begin="BEGIN IMMEDIATE")',
        "engine",
        f"{LEDGER_TESTS} at_once_lose_nothing and sqlite",
    ),
    Mutant(
        "time that never goes back",
        LEDGER,
        "max(utc(self._clock()), head.time)",
        "utc(self._clock())",
        f"{LEDGER_TESTS} never_goes_back and sqlite",
    ),
    check(
        "refusing a key that stands for something else",
        LEDGER,
        """
        (event.kind, event.subject, dict(event.body)) != (
            draft.kind, draft.subject, json.loads(_canonical.dumps(draft.body)))
        """,
        f"{LEDGER_TESTS} never_stands_for_two and sqlite",
    ),
    check(
        "refusing text that PostgreSQL cannot keep",
        KINDS,
        "NUL.search(written)",
        f"{LEDGER_TESTS} not_as_it_must_be and sqlite",
    ),
    check(
        "refusing a network file system",
        PLACE,
        "kind in NETWORK_FILE_SYSTEMS",
        f"{PLACE_TESTS} network",
    ),
    check(
        "refusing the disk of a container",
        PLACE,
        'kind == "overlay" and point == "/"',
        f"{PLACE_TESTS} container",
    ),
    Mutant(
        "hiding the password of a URL",
        PLACE,
        "name, colon, _password = user.partition(':')",
        "name, colon, _password = user, '', ''",
        f"{PLACE_TESTS} password",
    ),
    omit(
        "keeping reasons from other users",
        PLACE,
        "_make_private(str(engine.url.database))",
        f"{RECORDER_TESTS} recorded_with_the_head",
    ),
    Mutant(
        "leaving SQLite's locks alone",
        PLACE,
        "os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC",
        "os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC",
        f"{PLACE_TESTS} sqlite_alone",
    ),
    check(
        "making nothing by looking",
        LEDGER,
        "not _place.is_there(self.place)",
        f"{RECORDER_TESTS} dry_run",
        within="head",
    ),
    check(
        "finding an event that was changed",
        AUDIT,
        "not genuine",
        f"{AUDIT_TESTS} whatever_is_changed and sqlite",
    ),
    check(
        "finding a missing event",
        AUDIT,
        "number != expected",
        f"{AUDIT_TESTS} missing_or_moved and sqlite",
    ),
    check(
        "finding a tail that was cut",
        AUDIT,
        "(row.sequence, row.hash) != (last, hashes.get(last))",
        f"{AUDIT_TESTS} missing_or_moved and sqlite",
    ),
    check(
        "finding a projection that does not follow",
        AUDIT,
        "stored != replayed.content(table.name)",
        f"{AUDIT_TESTS} missing_or_moved and sqlite",
    ),
    check(
        "finding a chain that was rebuilt",
        AUDIT,
        "hashes.get(head.sequence) != head.hash",
        f"{AUDIT_TESTS} rebuilt and sqlite",
    ),
    check(
        "finding an older copy by the heads of hosts",
        AUDIT,
        "head.sequence > last",
        f"{AUDIT_TESTS} older_copy and sqlite",
    ),
    check(
        "finding a second ledger by the heads of hosts",
        AUDIT,
        "head.ledger != ledger",
        f"{AUDIT_TESTS} older_copy and sqlite",
    ),
    omit(
        "refusing a deployment that cannot be recorded",
        RECORDER,
        "raise",
        f"{RECORDER_TESTS} must_be_recorded",
    ),
    Mutant(
        "going back without a ledger",
        RECORDER,
        """
        if required:
            self.journal.close(Ending("refused", str(error)))
            raise
        """,
        "raise",
        f"{RECORDER_TESTS} way_back",
    ),
    Mutant(
        "settling runs that were stopped before the first wave",
        RECORDER,
        "ledger.append(self._settled(ledger, known, intent.run), self.actor)",
        "pass",
        f"{RECORDER_TESTS} before_a_wave",
    ),
    Mutant(
        "recording staged hosts of a run that stops",
        RECORDER,
        "each.answered and not each.touched",
        "False",
        f"{RECORDER_TESTS} stops_between",
    ),
    Mutant(
        "not settling a run that goes on",
        RECORDER,
        'not self.is_alive(row["run"])',
        "True",
        f"{RECORDER_TESTS} going_on",
    ),
    check(
        "not settling a run of which a host is not known",
        SETTLING,
        'len(found) < len(outcomes) or all(each.result != "ok" for each in found)',
        f"{SETTLING_TESTS} stays_open",
    ),
    Mutant(
        "not settling a run by another application",
        SETTLING,
        "roots if self.part == part else empty if self.part is None else {}",
        "roots",
        f"{SETTLING_TESTS} another_application",
    ),
    check(
        "not settling oneself",
        SETTLING,
        'row["run"] == settled_by or not intents',
        f"{SETTLING_TESTS} settle_itself",
    ),
    Mutant(
        "telling what goes on from what is unrecorded",
        UNRECORDED,
        'entry["run"] not in going_on',
        "True",
        f"{FINDING_TESTS} let_be",
    ),
    check(
        "comparing what is live, too",
        FINDING,
        'recorded != (release.digest or "", release.phase)',
        f"{FINDING_TESTS} without_a_history",
    ),
    Mutant(
        "not forgetting a batch that failed",
        RUN_ENDED,
        '_bodies.combined(before["verdict"], body["verdict"])',
        'body["verdict"]',
        f"{RECORDING_TESTS} not_forgotten and sqlite",
    ),
    Mutant(
        "believing a run more than who settled it",
        RUN_ENDED,
        'before["verdict"] and not before["settled_by"] and not body.get("whole")',
        'before["verdict"] and not body.get("whole")',
        f"{RECORDING_TESTS} replaces_what_another and sqlite",
    ),
    Mutant(
        "knowing a host that was restored as failed",
        OUTCOME,
        'failure or (act != "back_out" and any(each.state == "reverted" for each in deployments))',
        "failure",
        f"{OUTCOME_TESTS} verdict_is",
    ),
    Mutant(
        "counting a lost host as perhaps changed",
        OUTCOME,
        "_differs(outcome) or outcome.may_differ",
        "_differs(outcome)",
        f"{OUTCOME_TESTS} verdict_is",
    ),
    Mutant(
        "no formula in a spreadsheet",
        EXPORT,
        "text.startswith(FORMULA)",
        "False",
        f"{EXPORT_TESTS} formula and sqlite",
    ),
    check(
        "believing no answer of a host that is malformed",
        FINDING,
        "not _answer_form.is_well_formed(there, history)",
        f"{FINDING_TESTS} malformed",
    ),
    check(
        "not recording half of a batch while hosts go on",
        HOSTS,
        "len(failed) >= len(batch) or any_is_fatal",
        f"{HOSTS_TESTS} go_on",
    ),
    check(
        "finding events that no projection can follow",
        AUDIT,
        "stored != replayed.content(table.name)",
        f"{AUDIT_TESTS} no_projection and sqlite",
    ),
)
