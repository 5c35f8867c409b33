# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolved plans: one digest over all domains, and what differs between two of them."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.module_utils.errors._release_error import (
    ReleaseError,
)
from ansible_collections.itops.release.plugins.plugin_utils.plan import _resolved
from ansible_collections.itops.release.plugins.plugin_utils.plan._resolved import Resolved
from ansible_collections.itops.release.tests.fakes import plans
from ansible_collections.itops.release.tests.fakes.plans import TRAIN, changed


def with_options(whole, name, **options):
    """Return a *whole* plan with other options of one of its domains."""
    parts = dict(whole.parts)
    places = tuple(
        _resolved.Place(each.environment, each.hosts, each.roots, options)
        for each in parts[name].places
    )
    parts[name] = Resolved(parts[name].plan, parts[name].release, places)
    return Resolved.of_parts(whole.plan, parts)


def test_a_plan_without_domains_keeps_the_digest_that_was_approved():
    known = plans.resolved()

    assert known.digest == "730fc45400220772c5c48482de8500b2b866afea204dc7f4145a38777016f24f"
    assert known.each() == (known,)
    assert known.applications == ("shop",)
    assert known.needed() == ()


def test_a_domain_looks_like_a_plan_and_keeps_the_digest_of_the_whole():
    whole = plans.resolved_train()
    db = whole.of_domain("db")

    assert db.release == {"name": "shop-db", "version": "7.1.0", "digest": "0" * 64}
    assert db.place("production").hosts == ("db-production1", "db-production2")
    assert db.plan.step("production").hosts == "db:&production"
    assert {part.digest for part in whole.each()} == {whole.digest}
    assert [part.domain for part in whole.each()] == ["db", "api", "web"]
    assert [part.domain for part in db.all_domains()] == ["db", "api", "web"]


def test_the_digest_covers_the_hosts_and_the_release_of_each_domain():
    whole = plans.resolved_train()
    places = [
        with_options(whole, name, deploy_root="other").digest for name in ("db", "api", "web")
    ]
    releases = []
    for name in whole.parts:
        parts = dict(whole.parts)
        release = {**parts[name].release, "digest": "f" * 64}
        parts[name] = Resolved(parts[name].plan, release, parts[name].places)
        releases.append(Resolved.of_parts(whole.plan, parts))

    assert len({whole.digest, *places, *(each.digest for each in releases)}) == 7
    assert len({whole.release["digest"], *(each.release["digest"] for each in releases)}) == 4


def test_plan_json_is_read_back_with_its_domains():
    whole = plans.resolved_train(options={"deploy_root": "a" * 64})
    again = Resolved.from_plain(whole.to_plain())

    assert again.digest == whole.digest
    assert again.of_domain("web").places == whole.of_domain("web").places
    assert again.place("production").hosts == (
        "api-production1",
        "db-production1",
        "db-production2",
        "web-production1",
    )


@pytest.mark.parametrize(
    ("known", "name", "expected"),
    [
        (plans.resolved_train(), "app", "'app' is not a domain of the plan; valid: db, api, web"),
        (plans.resolved_train(), "", "required with this plan; valid: db, api, web"),
        (plans.resolved(), "db", "valid: none, the plan has no domains"),
    ],
)
def test_another_domain_is_refused_with_those_that_there_are(known, name, expected):
    with pytest.raises(ReleaseError, match="release_domain") as caught:
        known.of_domain(name)

    assert expected in str(caught.value)


def test_what_a_domain_needs_has_all_that_these_need():
    whole = plans.resolved_train()

    assert [part.domain for part in whole.of_domain("web").needed()] == ["db", "api"]
    assert whole.of_domain("db").needed() == ()


def test_differences_name_the_domain_wherever_it_is_compared_from():
    whole = plans.resolved_train()
    now = with_options(whole, "db", deploy_root="other")

    assert _resolved.differences(whole, whole) == []
    assert _resolved.differences(whole, now, "production") == ["db: production: deploy_root is new"]
    assert _resolved.differences(whole, now.of_domain("web"), "production") == [
        "db: production: deploy_root is new"
    ]
    more = plans.resolved_train(
        changed(TRAIN, "domains", x={"release": "shop-x:1.0.0", "hosts": "x"})
    )
    assert _resolved.differences(whole, more) == ["domains of the plan changed"]
