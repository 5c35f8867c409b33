# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What would do instead fits everything else that is live, changes little, and is the newest."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.module_utils.formats import _canonical
from ansible_collections.itops.release.plugins.module_utils.release import _manifest
from ansible_collections.itops.release.plugins.plugin_utils.compatibility import (
    _alternatives,
    _components,
)
from ansible_collections.itops.release.plugins.plugin_utils.library import _catalogue
from ansible_collections.itops.release.plugins.plugin_utils.oci._layout import LibraryError
from ansible_collections.itops.release.tests.fakes.estate import component, file


def release(name, version, serial=1, **about):
    """Return the Manifest of a release with one component of its own name."""
    part = component(file("f", name + version), name=name, version=version)
    part = part._replace(about=tuple(sorted(about.items())))
    return _manifest.Manifest(f"shop-{name}", version, serial, (part,))


class Library:
    """The releases given, as a media library has them; some are *damaged*."""

    path = "/srv/media"

    def __init__(self, *manifests, damaged=()):
        self._documents, self._labels = {}, []
        self._damaged = damaged
        for manifest in manifests:
            data = _manifest.render(manifest)
            digest = _canonical.sha256_hex(data)
            self._documents[digest] = data
            self._labels.append(_catalogue.Label(digest, *manifest[:3]))

    def labels(self):
        return sorted(self._labels, key=lambda label: (label.name, label.serial))

    def document(self, digest):
        label = next(label for label in self._labels if label.digest == digest)
        if label.version in self._damaged:
            raise LibraryError("damaged")
        return self._documents[digest]


def live(*manifests):
    return [part for each in manifests for part in _components.parts(each, ["h"], "production")]


def found(library, new, *there, former=()):
    labels = _alternatives.find(library, _components.parts(new), live(*there), live(*former))
    return labels and [f"{label.name}:{label.version}" for label in labels]


WEB = release("web", "2.4.0", requires=["api >=3.1,<4"])
OLD_API = release("api", "3.0.2")
APIS = [OLD_API, release("api", "3.1.0", 2), release("api", "3.2.0", 3), release("api", "4.0", 4)]


def test_the_newest_that_fits_is_named():
    assert found(Library(*APIS), WEB, OLD_API) == ["shop-api:3.2.0"]
    assert _alternatives.explain(Library(*APIS), _components.parts(WEB), live(OLD_API)) == (
        "the media library has shop-api:3.2.0, which would do"
    )


def test_what_is_not_live_yet_is_named_too():
    assert found(Library(*APIS), WEB) == ["shop-api:3.2.0"]


def test_it_fits_everything_else_that_is_live():
    reports = release("reports", "7", requires=["api <3.2"])

    assert found(Library(*APIS), WEB, OLD_API, reports) == ["shop-api:3.1.0"]


def test_what_it_needs_in_turn_is_named_with_it():
    newer = release("api", "3.9", 9, requires=["db >=14"])
    databases = [release("db", "13"), release("db", "14.1", 2), release("db", "15", 3)]
    reports = release("reports", "7", requires=["db <15"])
    library = Library(*APIS[:1], newer, *databases)

    assert found(library, WEB, OLD_API, databases[0], reports) == ["shop-api:3.9", "shop-db:14.1"]
    assert _alternatives.explain(
        library, _components.parts(WEB), live(OLD_API, databases[0], reports)
    ).endswith("has shop-api:3.9 and shop-db:14.1, which would do together")


def test_what_it_needs_and_is_live_nowhere_is_named_with_it():
    newer = release("api", "3.9", 9, requires=["cache >=2"])
    library = Library(newer, release("cache", "2.1"))

    assert found(library, WEB, OLD_API) == ["shop-api:3.9", "shop-cache:2.1"]
    assert found(Library(newer), WEB, OLD_API) is None


def test_a_newer_one_that_leads_nowhere_is_passed_over():
    stuck = release("api", "3.9", 9, requires=["db >=14"])

    assert found(Library(*APIS, stuck), WEB, OLD_API) == ["shop-api:3.2.0"]
    assert found(Library(*APIS, damaged=["3.2.0"]), WEB, OLD_API) == ["shop-api:3.1.0"]


@pytest.mark.parametrize("library", [Library(), Library(OLD_API), Library(APIS[3])])
def test_where_none_would_do_that_is_said(library):
    assert found(library, WEB, OLD_API) is None
    explained = _alternatives.explain(library, _components.parts(WEB), live(OLD_API))
    assert explained == "no release in the media library would do"


def test_who_requires_less_of_what_comes_is_named():
    webs = [release("web", "2.4.0", 1, requires=["api <4"]), release("web", "2.5.0", 2)]

    assert found(Library(*webs, *APIS), APIS[3], webs[0], OLD_API) == ["shop-web:2.5.0"]


def test_who_offers_the_same_under_another_name_will_do():
    gate = release("gate", "1", provides={"api": "3.5"})

    assert found(Library(gate), WEB) == ["shop-gate:1"]


def test_what_is_live_keeps_what_is_taken_from_it():
    reader = release("reader", "1", requires=["search"])
    had = release("web", "2.3", provides={"search": "1"})
    library = Library(release("search", "8"), release("reader", "2", 2))

    assert found(library, release("web", "3"), reader, former=[had]) == ["shop-search:8"]


def test_what_was_wrong_before_stays_as_it_is():
    lame = release("lame", "1", requires=["nothing", "db >=9"])
    library = Library(*APIS, release("lame", "2", 2))

    assert found(library, WEB, OLD_API, lame, release("db", "8")) == ["shop-api:3.2.0"]


def test_what_conflicts_is_replaced():
    new = release("web", "3", conflicts=["api <3.1"])

    assert found(Library(*APIS), new, OLD_API) == ["shop-api:4.0"]
