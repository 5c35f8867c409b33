# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is lacking in a release, by the media library: its signatures, and its fitness."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.building import _sealing
from ansible_collections.itops.release.plugins.plugin_utils.environment._state import ADOPTED
from ansible_collections.itops.release.plugins.plugin_utils.evidence import _signatures
from ansible_collections.itops.release.plugins.plugin_utils.gates import _release_facts
from ansible_collections.itops.release.tests.fakes.estate import write_tree
from ansible_collections.itops.release.tests.fakes.signing import NOW, key, signer, trust_text

MISSING = "ab" * 32


@pytest.fixture
def signed(estate):
    """Return a function that gives the problems of a release that *numbers* signed."""

    def judge(trust, *numbers, now=NOW):
        label = estate.seal("1.0", {"app": "1"}, serial=1)
        for number in numbers:
            _signatures.sign(estate.library, label.digest, "release", signer(number))
        path = estate.folder / "trust.yml"
        if trust is not None:
            path.write_text(trust)
        return _release_facts.signature_problems(estate.library, label, str(path), now)

    return judge


TWO_ROLES = trust_text(("release", "build"), release=(1, key(1)), build=(1, key(2)))


def test_a_release_that_is_signed_as_demanded_has_no_problem(signed):
    assert signed(trust_text(release=(2, key(1), key(2), key(3))), 1, 3) == []


def test_each_role_that_is_not_met_is_a_problem(signed):
    assert [line.partition(":")[0] for line in signed(TWO_ROLES)] == [
        "role release of shop",
        "role build of shop",
    ]
    (line,) = signed(TWO_ROLES, 1)
    assert line.startswith("role build of shop:1.0: 0 of 1 keys signed")


def test_a_key_that_expired_is_a_problem(signed):
    trust = trust_text(release=(1, key(1, not_after="2026-05-31")))

    (line,) = signed(trust, 1)
    assert "expired on 2026-05-31" in line
    assert signed(trust, 1, now=NOW - timedelta(days=1)) == []


@pytest.mark.parametrize(
    ("trust", "said"),
    [
        (None, "trust.yml: No such file or directory"),
        ("", "the file is empty"),
        ("roles: {}", "trust.yml:1: "),
        ("a: [", "not YAML"),
    ],
)
def test_a_trust_file_that_cannot_be_read_is_a_problem(signed, trust, said):
    (line,) = signed(trust, 1)

    assert said in line
    assert line.isprintable()


def test_a_release_that_is_not_in_the_library_is_a_problem(estate, tmp_path):
    label = estate.seal("1.0", {"app": "1"})
    estate.library.remove(label.digest)
    path = tmp_path / "trust.yml"
    path.write_text(trust_text(release=(1, key(1))))

    assert _release_facts.signature_problems(estate.library, label, str(path), NOW)


def test_without_a_trust_file_nothing_is_demanded(estate):
    label = estate.seal("1.0", {"app": "1"})

    assert _release_facts.signature_problems(estate.library, label, "", NOW) == []


class Applications:
    """Releases of applications of one component each, in one media library."""

    def __init__(self, estate):
        self.estate = estate
        self.serials = itertools.count(1)

    def seal(self, name, version, **about):
        """Seal a release of ``shop-<name>`` with the component *name*; return its Label."""
        folder = write_tree(self.estate.folder / "files" / name / version, {"f": name + version})
        declared = self.estate.declare(version, next(self.serials))
        part = declared.components[0]._replace(name=name, about=tuple(sorted(about.items())))
        declared = declared._replace(name=f"shop-{name}", components=(part,))
        pack = _sealing.pack_here(str(folder))
        return _sealing.seal(self.estate.library, declared, pack)[0].label

    def problems(self, label, *rows):
        return _release_facts.compatibility_problems(self.estate.library, label, rows)


@pytest.fixture
def shop(estate):
    return Applications(estate)


def row(label, host="h1", root="/srv/x", phase="live", **changes):
    return {
        "host": host,
        "root": root,
        "application": label.name,
        "environment": "production",
        "version": label.version,
        "digest": label.digest,
        "phase": phase,
        **changes,
    }


def test_what_is_live_beside_must_be_in_the_range_that_is_required(shop):
    web = shop.seal("web", "2.4.0", requires=["api >=3.1,<4"])
    old, new = shop.seal("api", "3.0.2"), shop.seal("api", "3.1.0")

    assert shop.problems(web, row(new)) == []
    assert shop.problems(web, row(old, "api1"), row(old, "api2"), row(old, "api2", "/srv/y")) == [
        "web 2.4.0 requires api >=3.1,<4; production has api 3.0.2 on api1, api2"
    ]
    # One host that is in the range does not make up for one that is not.
    assert len(shop.problems(web, row(new, "api1"), row(old, "api2"))) == 1


def test_a_release_on_trial_counts_as_live(shop):
    web = shop.seal("web", "2", conflicts=["api <4"])

    assert shop.problems(web, row(shop.seal("api", "3"), phase="on trial")) == [
        "web 2 conflicts with api <4; production has api 3 on h1"
    ]


def test_what_others_declare_of_this_release_counts(shop):
    web = shop.seal("web", "2")
    picky = shop.seal("picky", "1", conflicts=["web >=2"])
    reader = shop.seal("reader", "1", requires=["web <2"])

    assert shop.problems(web, row(picky)) == [
        "picky 1, live in production on h1, conflicts with web >=2; this release has web 2"
    ]
    assert shop.problems(web, row(reader)) == [
        "reader 1, live in production on h1, requires web <2; this release has web 2"
    ]


def test_what_is_provided_counts(shop):
    web = shop.seal("web", "2", requires=["search >=2"])

    assert shop.problems(web, row(shop.seal("solr", "9", provides={"search": "2.1"}))) == []
    assert shop.problems(web, row(shop.seal("grep", "1", provides={"search": "1"}))) == [
        "web 2 requires search >=2; production has search 1 (by grep 1) on h1"
    ]


def test_what_is_required_and_live_nowhere_is_a_problem(shop):
    web = shop.seal("web", "2", requires=["api"])

    assert shop.problems(web, row(shop.seal("db", "1"))) == [
        "web 2 requires api; production has no api"
    ]
    assert shop.problems(web) == ["web 2 requires api; the environment has no api"]
    assert shop.problems(shop.seal("db", "2")) == []


def test_the_live_release_of_the_same_application_is_replaced(shop):
    old = shop.seal("web", "1", conflicts=["api"], provides={"search": "1"})
    web, api = shop.seal("web", "2", conflicts=["web <2"]), shop.seal("api", "1")
    reader = shop.seal("reader", "1", requires=["search"])

    assert shop.problems(web, row(old), row(api)) == []
    assert shop.problems(web, row(old), row(reader)) == [
        "reader 1, live in production on h1, requires search; this release has no search, and web "
        "1 had"
    ]


@pytest.mark.parametrize("about", [{"requires": ["api"]}, {"conflicts": ["api"]}], ids=str)
def test_an_unknown_release_is_a_problem_for_one_that_depends_on_others(shop, about):
    web, api = shop.seal("web", "2", **about), shop.seal("api", "1")
    gone = row(api, digest=MISSING)
    hosts = [row(api, f"h{n}", digest=MISSING) for n in range(7)]

    (line,) = shop.problems(web, gone)
    assert line.startswith("what shop-api 1 on h1 declares is not known: ")
    assert f"has no release sha256:{MISSING}" in line
    (line,) = shop.problems(web, *hosts)
    assert line.startswith("what shop-api 1 on h0, h1, h2, h3, h4 and 2 more declares is not")
    (line,) = shop.problems(web, row(api, digest="", version=""))
    assert line == f"what shop-api on h1 declares is not known: {ADOPTED}"


def test_an_unknown_release_is_no_problem_for_one_that_depends_on_no_other(shop):
    gone = row(shop.seal("api", "1"), digest=MISSING)

    assert shop.problems(shop.seal("web", "1"), gone) == []
    own = shop.seal("web", "2", provides={"search": "1"}, requires=["search"])
    assert shop.problems(own, gone) == []


def test_an_unknown_release_does_not_hide_what_is_wrong_with_another(shop):
    web, api = shop.seal("web", "2", conflicts=["api <4"]), shop.seal("api", "3")

    first, second = shop.problems(web, row(api), row(api, "h2", digest=MISSING))
    assert first == "web 2 conflicts with api <4; production has api 3 on h1"
    assert second.startswith("what shop-api 3 on h2 declares is not known")


@pytest.mark.parametrize("digest", ["", MISSING])
def test_an_unknown_release_of_the_same_application_is_no_problem(shop, digest):
    web, api = shop.seal("web", "2", requires=["api"]), shop.seal("api", "1")

    assert shop.problems(web, row(web, digest=digest), row(api)) == []


def test_a_release_that_cannot_be_read_is_a_problem(shop):
    web = shop.seal("web", "2")
    shop.estate.library.remove(web.digest)

    (line,) = shop.problems(web)
    assert line.startswith("what shop-web:2 declares is not known: ")


def test_each_live_release_is_read_once(shop, monkeypatch):
    web, api = shop.seal("web", "2"), shop.seal("api", "1")
    read, asked = _release_facts._declarations.read, []

    def counting(library, digest):
        asked.append(digest)
        return read(library, digest)

    monkeypatch.setattr(_release_facts._declarations, "read", counting)
    assert shop.problems(web, *(row(api, f"h{n}") for n in range(20))) == []
    assert asked == [web.digest, api.digest]
