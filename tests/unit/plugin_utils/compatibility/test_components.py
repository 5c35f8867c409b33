# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Components that do not belong together are named, with what there is instead, and where."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.compatibility import _components
from ansible_collections.itops.release.tests.fakes.estate import component, file, manifest


def release(name, *components, hosts=()):
    """Return the parts of a release; each of *components* is (name, version, what it declares)."""
    sealed = manifest(
        *(
            component(file("f", part), name=part, version=version)._replace(
                path=part, about=tuple(sorted(about.items()))
            )
            for part, version, about in components
        )
    )
    return _components.parts(sealed._replace(name=name), hosts, "production" if hosts else "")


def web(version="2.4.0", hosts=(), **about):
    return release("web", ("web", version, about), hosts=hosts)


def api(version="3.0.2", hosts=("api1", "api2"), **about):
    return release("api", ("api", version, about), hosts=hosts)


NEEDS_API = {"requires": ["api >=3.1,<4"]}


def problems(new, live=None, former=()):
    return _components.find_problems(new, live, ["production"], former)


def test_what_is_live_elsewhere_is_named_with_its_hosts():
    assert problems(web(**NEEDS_API), api()) == [
        "web 2.4.0 requires api >=3.1,<4; production has api 3.0.2 on api1, api2"
    ]
    assert problems(web(**NEEDS_API), api("3.1")) == []


def test_each_version_that_is_live_must_do():
    live = api("3.2", ["api1"]) + api("4.0", ["api2"])

    assert problems(web(**NEEDS_API), live) == [
        "web 2.4.0 requires api >=3.1,<4; production has api 4.0 on api2"
    ]


def test_what_is_missing_is_named_unless_nobody_looked():
    assert problems(web(**NEEDS_API), []) == [
        "web 2.4.0 requires api >=3.1,<4; production has no api"
    ]
    assert problems(web(**NEEDS_API)) == []


def test_components_of_one_release_are_held_to_each_other_when_nobody_looked():
    both = release("shop", ("web", "2", NEEDS_API), ("api", "3.0", {}))

    assert problems(both) == ["web 2 requires api >=3.1,<4; this release has api 3.0"]


def test_what_a_release_brings_itself_is_not_looked_for_elsewhere():
    shared = ("settings", "3", {})
    new = release("web", ("web", "2", {"requires": ["settings >=3"]}), shared)
    older = release("api", ("settings", "1", {}), hosts=["api1"])
    other = release(
        "db", ("db", "1", {"requires": ["settings <2"]}), ("settings", "1.5", {}), hosts=["db1"]
    )

    assert problems(new, [*older, *other]) == []
    assert problems(web(requires=["settings >=3"]), older) == [
        "web 2.4.0 requires settings >=3; production has settings 1 on api1"
    ]


def test_what_is_replaced_does_not_count():
    old = release("web", ("web", "1", {"conflicts": ["api"]}), hosts=["web1"])

    assert problems(web(**NEEDS_API), [*old, *api("3.5")]) == []


def test_what_is_live_has_a_say_in_what_comes():
    live = api("3.5", requires=["web <2"], conflicts=["web ==2.4"])

    assert problems(web(**NEEDS_API), live) == [
        "api 3.5, live in production on api1, api2, requires web <2; this release has web 2.4.0",
        "api 3.5, live in production on api1, api2, conflicts with web ==2.4; this release has web "
        "2.4.0",
    ]


def test_what_was_wrong_before_is_no_reason():
    live = [*api("3.5", requires=["db >=9"]), *release("db", ("db", "8", {}), hosts=["db1"])]

    assert problems(web(), live) == []


def test_what_is_provided_counts_by_its_own_version():
    live = release("gate", ("gate", "1", {"provides": {"api": "3.0"}}), hosts=["g1"])

    assert problems(web(**NEEDS_API), live) == [
        "web 2.4.0 requires api >=3.1,<4; production has api 3.0 (by gate 1) on g1"
    ]


def test_a_conflict_is_told_from_the_side_that_declares_it_and_never_with_itself():
    assert problems(web(conflicts=["legacy", "web <3"]), []) == []
    assert problems(web(conflicts=["api <3.1"]), api()) == [
        "web 2.4.0 conflicts with api <3.1; production has api 3.0.2 on api1, api2"
    ]


@pytest.mark.parametrize("verb", ["requires", "conflicts"])
def test_of_a_version_that_is_none_of_the_scheme_nobody_can_tell(verb):
    declared = {verb: ["api ^3.0"], "versions": "semver"}

    (line,) = problems(web(**declared), api("3.1"))
    assert line.endswith("production has api 3.1 on api1, api2, no version by SemVer")


def test_what_is_live_keeps_what_it_requires_and_had():
    live = [*api("3.5", requires=["search >=1"])]

    assert problems(web(), live) == []
    for had in ({"live": [*live, *web("2.3", ["web1"], provides={"search": "1.2"})]}, {}):
        former = [] if had else web("2.3", provides={"search": "1.2"})
        assert problems(web(), had.get("live", live), former) == [
            "api 3.5, live in production on api1, api2, requires search >=1; this release has no "
            "search, and web 2.3 had"
        ]


def test_where_nobody_looked_for_what_is_required_the_way_to_name_it_is_told():
    (line,) = _components.find_problems(web(**NEEDS_API), [])

    assert line.startswith("web 2.4.0 requires api >=3.1,<4; of api nothing is known: name the")
    assert "deploy_beside" in line


@pytest.mark.parametrize(
    ("count", "told"), [(5, "h4"), (6, "h4 and 1 more"), (90, "h4 and 85 more")]
)
def test_a_line_stays_a_line_in_a_large_estate(count, told):
    hosts = [f"h{number}" for number in range(count)]

    (line,) = problems(web(**NEEDS_API), api(hosts=hosts))
    assert line.endswith(f"on h0, h1, h2, h3, {told}")
