# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pathlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from ansible_collections.itops.release.plugins.plugin_utils.telemetry import _metrics
from ansible_collections.itops.release.tests.fakes.ended_runs import BEGAN, place, run

PAGE = pathlib.Path(__file__).resolve().parents[4] / "docs/metrics.md"
LINE = '{application="shop",environment="production"}'
HOSTILE = [
    'a"b',
    "a\\",
    "a\nb",
    '\\" } 1\nitops_release_runs_total{x="',
    "#",
    "ü→",
    "",
    "a,b=",
    "\u2028\x85\r",
]


def after(*runs, text=""):
    """Return the text of a file to which *runs* were added."""
    for each in runs:
        metrics = _metrics.parse(text)
        _metrics.add(metrics, each)
        text = _metrics.text(metrics)
    return text


def read(text):
    """Return {(name, application, environment, outcome): value} as Prometheus' own parser reads.

    Counters that are zero are left out.
    """
    return {
        (sample.name.removeprefix(_metrics.PREFIX), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.value or family.type != "counter"
    }


def test_counters_add_up_and_gauges_have_the_last_run():
    second = run(
        place(hosts={"put back": 1, "deployed": 1}, outcome="failed", seconds={"switch": 3}),
        ended=BEGAN + 100,
    )

    assert read(after(run(), second)) == {
        ("runs_total", "shop", "production", "done"): 1,
        ("runs_total", "shop", "production", "failed"): 1,
        ("hosts_total", "shop", "production", "deployed"): 4,
        ("hosts_total", "shop", "production", "put_back"): 1,
        ("run_seconds", "shop", "production"): 100,
        ("stage_seconds", "shop", "production"): 1.25,
        ("switch_seconds", "shop", "production"): 3,
        ("last_success_timestamp_seconds", "shop", "production"): BEGAN + 42,
        ("last_run_timestamp_seconds", "shop", "production"): BEGAN + 100,
    }


def test_counters_begin_at_zero():
    """Else Prometheus would not see that the first run that fails increases one."""
    text = after(run())

    for line in ("runs_total", "hosts_total"):
        where = LINE.replace("}", ',outcome="failed"}')
        assert f"itops_release_{line}{where} 0\n" in text


def test_other_applications_and_environments_keep_their_series():
    first = read(after(run(), run(place(environment="staging"))))

    both = read(after(run(), run(place(environment="staging")), run(place("db"))))

    assert first.items() <= both.items()
    assert both["runs_total", "db", "production", "done"] == 1


def test_a_run_that_only_looked_is_no_success():
    found = read(after(run(place(changes=False))))

    assert ("last_run_timestamp_seconds", "shop", "production") in found
    assert ("last_success_timestamp_seconds", "shop", "production") not in found


def test_every_metric_has_help_and_type_and_no_other_labels():
    families = list(text_string_to_metric_families(after(run())))

    assert {family.type for family in families} == {"counter", "gauge"}
    assert all(family.documentation for family in families)
    labels = {frozenset(sample.labels) for family in families for sample in family.samples}
    assert labels == {
        frozenset({"application", "environment"}),
        frozenset({"application", "environment", "outcome"}),
    }


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_values_of_labels(name):
    text = after(run(place(name)), run(place(name, name)))

    found = read(text)

    assert found["runs_total", name, "production", "done"] == 1
    assert found["runs_total", name, name, "done"] == 1
    assert {key[0] for key in found} == {key[0] for key in read(after(run()))}
    assert after(run(place(name)), text=text) != text


@given(st.text(max_size=30), st.text(max_size=30), st.integers(1, 10**9), st.floats(0, 1e9))
def test_what_was_written_is_read_again(application, environment, count, seconds):
    first = run(
        place(application, environment, hosts={"failed": count}, seconds={"stage": seconds})
    )
    text = after(first)

    assert _metrics.text(_metrics.parse(text)) == text
    again = read(after(first, text=text))
    assert again["hosts_total", application, environment, "failed"] == 2 * count


def test_metrics_of_a_later_version_are_kept():
    later = "# HELP itops_release_soak_seconds Later.\n# TYPE itops_release_soak_seconds gauge\n"
    later += f"itops_release_soak_seconds{LINE} 7\n"

    assert after(run(), text=later).endswith(later)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("node_load1 0.5", "is not a metric of itops.release"),
        ("# some text", "is not a metric of itops.release"),
        (f"itops_release_runs_total{LINE} NaN", "is not a metric of itops.release"),
        (f"itops_release_runs_total{LINE} -1", "has a value that is not valid"),
        (f"itops_release_runs_total{LINE} 1e999", "has a value that is not valid"),
        ('itops_release_runs_total{host="web1"} 1', "has labels that are not valid"),
        ('itops_release_runs_total{application="} 1', "has labels that are not valid"),
        ('itops_release_runs_total{outcome="a",outcome="b"} 1', "has a label twice"),
        ("itops_release_runs_total{applicati", "is not a metric of itops.release"),
    ],
)
def test_a_file_that_is_not_ours_is_refused(line, said):
    with pytest.raises(_metrics.MetricsError, match=f"line 2 {said}"):
        _metrics.parse("\n" + line + "\n")


def test_the_number_of_series_is_bounded():
    many = _metrics.MOST_PLACES + 3
    runs = [run(place(f"app{number}"), ended=BEGAN + number) for number in range(many)]

    found = read(after(*runs))

    kept = {key[1] for key in found}
    assert kept == {f"app{number}" for number in range(3, many)}
    assert len(found) == 6 * _metrics.MOST_PLACES


@pytest.mark.parametrize("name", _metrics.FAMILIES)
def test_the_page_names_each_metric(name):
    page = PAGE.read_text("utf-8")

    assert f"`{name}`" in page or f"`…_{name.removeprefix(_metrics.PREFIX)}`" in page
