# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe steps of plugins/plugin_utils/telemetry/, and the tests that notice their loss."""

from __future__ import annotations

from ansible_collections.itops.release.tests.mutants.matching import Mutant, check, omit

TESTS = "unit/plugin_utils/telemetry"
METRICS = "plugin_utils/telemetry/_metrics.py"
TEXTFILE = "plugin_utils/telemetry/_textfile.py"
POSTING = "plugin_utils/telemetry/_posting.py"
BODIES = "plugin_utils/telemetry/_webhook_bodies.py"
EXPORT = "plugin_utils/telemetry/_export.py"
ENDED_RUN = "plugin_utils/telemetry/_ended_run.py"

MUTANTS = (
    Mutant(
        "escaping text of people in labels of metrics",
        METRICS,
        "''.join(ESCAPES.get(char, char) for char in content)",
        "content",
        f"{TESTS}/test_metrics.py hostile",
    ),
    omit(
        "letting Prometheus see the first failure in metrics",
        METRICS,
        "metrics[name].series.setdefault(labels, 0)",
        f"{TESTS}/test_metrics.py begin_at_zero",
    ),
    check(
        "leaving metrics of others as they are",
        METRICS,
        "not name.startswith(PREFIX)",
        f"{TESTS}/test_metrics.py not_ours",
    ),
    omit(
        "bounding the number of series of metrics",
        METRICS,
        "_drop_oldest(metrics)",
        f"{TESTS}/test_metrics.py bounded",
    ),
    Mutant(
        "adding runs to metrics one after another",
        TEXTFILE,
        "fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)",
        "fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)",
        f"{TESTS}/test_textfile.py lose_nothing",
    ),
    Mutant(
        "replacing the file of metrics in one step",
        TEXTFILE,
        "os.rename(scratch, path)",
        "open(path, 'wb').write(data); os.unlink(scratch)",
        f"{TESTS}/test_textfile.py old_file_or_the_new",
    ),
    omit(
        "letting the collector read the file of metrics",
        TEXTFILE,
        "os.fchmod(descriptor, MODE)",
        f"{TESTS}/test_textfile.py collector_to_read",
    ),
    Mutant(
        "posting a webhook without following redirects",
        POSTING,
        "urllib.request.build_opener(_NoRedirects)",
        "urllib.request.build_opener()",
        f"{TESTS}/test_posting.py redirect",
    ),
    Mutant(
        "keeping secrets in the URL of a webhook out of messages",
        POSTING,
        "f'{parts.scheme}://{parts.hostname}{port}'",
        "url",
        f"{TESTS}/test_posting.py no_secrets",
    ),
    Mutant(
        "keeping text of people in a webhook from being JSON",
        BODIES,
        "return json.dumps(value)",
        "return value",
        f"{TESTS}/test_webhook_bodies.py template_prints",
    ),
    Mutant(
        "ending a run though a webhook hangs",
        EXPORT,
        "thread.join(max(0.0, deadline - time.monotonic()))",
        "thread.join(20)",
        f"{TESTS}/test_export.py hangs",
    ),
    Mutant(
        "counting success of runs only where they were to change something",
        METRICS,
        "place.changes and place.outcome == DONE",
        "place.outcome == DONE",
        f"{TESTS}/test_metrics.py no_success",
    ),
    check(
        "telling metrics of a run that has no end on record",
        ENDED_RUN,
        "None in endings",
        f"{TESTS}/test_ended_run.py without_an_end",
    ),
)
